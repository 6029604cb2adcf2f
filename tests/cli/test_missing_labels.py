"""Labels that mark rows without one: reported, and left out if they are named."""

import shlex
from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.rows import english, write_csv


def marked(folder: Path, marker: str, negative: str, positive: str) -> Path:
    rows = [(text, positive if label == "positive" else negative) for text, label in english(60)]
    rows = [(text, marker if row % 4 == 3 else label) for row, (text, label) in enumerate(rows)]
    return write_csv(folder / "marked.csv", rows)


@pytest.mark.parametrize(("marker", "labels"), [("-1", ("0", "1")), ("?", ("neg", "pos")), ("未标注", ("好", "差"))])
def test_a_marker_is_asked_about_and_left_out_if_it_is_named(
    cli: Cli, tmp_path: Path, marker: str, labels: tuple[str, str]
) -> None:
    data = marked(tmp_path, marker, *labels)
    train = ("train", data, "--family", "ngram", "--no-report", "--out", tmp_path / "model")
    asked = cli(*train)
    assert asked.code == 0
    assert f"15 rows have the label '{marker}', taken for a class." in asked.err
    assert f"Leave out with --missing-label {shlex.quote(marker)}." in asked.err
    result = cli("check", data).out
    assert f"15 rows have a label that looks like a missing one: '{marker}'." in result
    answered = cli(*train, "--missing-label", marker, "--overwrite")
    assert answered.code == 0, answered.err
    assert f"labels: {labels[0]}, {labels[1]}." in answered.err
    assert "15 of 60 rows have no label or no text and are left out." in answered.err
    checked = cli("check", data, "--missing-label", marker, "--fail-on", "warning")
    assert "looks like a missing one" not in checked.out
    evaluated = cli("evaluate", tmp_path / "model", data)
    assert evaluated.code == 0, evaluated.err  # the model remembers the marker
    assert "15 of 60 rows have no label or no text and are left out." in evaluated.err


def test_labels_that_list_others_are_asked_about(cli: Cli, tmp_path: Path) -> None:
    rows = [(text, "long, " * (row % 5 == 0) + label) for row, (text, label) in enumerate(english(60))]
    data = write_csv(tmp_path / "lists.csv", rows)
    train = ("train", data, "--family", "ngram", "--no-report", "--out", tmp_path / "model")
    assert "12 rows have a label that looks like several: 'long, negative', taken for one class." in cli(*train).err
    assert "Split them with --label-separator ,." in cli("check", data).out
    split = cli(*train, "--label-separator", ",", "--overwrite").err
    assert "labels: long, negative, positive (any number per text)" in split


def test_lists_as_python_prints_them_are_sets(cli: Cli, tmp_path: Path) -> None:
    rows = [(text, str([label, "long"] if len(text) > 60 else [label])) for text, label in english(60)]
    data = write_csv(tmp_path / "lists.csv", rows)
    ended = cli("train", data, "--family", "ngram", "--no-report", "--out", tmp_path / "model")
    assert "labels: long, negative, positive (any number per text)" in ended.err
    assert "are read as lists (--task multiclass: as names)." in ended.err
