"""Several labels a text, and numbers, from a file to a file by the command line."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from helpers.command import Cli
from helpers.rows import write_csv
from tenor.cli import options
from tenor.config.run_config import RunConfig
from tenor.data.io import table
from tenor.training import pipeline

WORDS = {"joy": "happy", "love": "dear", "恨": "讨厌"}
SETS = [("joy",), ("love",), ("joy", "love"), ("恨",), ()]
POSTS = [(" ".join(["post", str(row), *(WORDS[name] for name in SETS[row % 5])]), SETS[row % 5]) for row in range(150)]
RATINGS = [(f"{['awful', 'poor', 'fine', 'great'][row % 4]} thing {row}", f"{row % 4 + 0.5}") for row in range(120)]


def columns(path: Path) -> dict[str, list[Any]]:
    opened = table.open_table(path)
    chunks = list(opened.chunks)
    return {name: [value for chunk in chunks for value in chunk.columns[name]] for name in opened.columns}


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("posts") / "posts.csv"
    return write_csv(path, [(text, json.dumps(names, ensure_ascii=False)) for text, names in POSTS])


@pytest.fixture(scope="module")
def several(posts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of several labels a text. Tests read it and change nothing in it."""
    out = str(tmp_path_factory.mktemp("models") / "several")
    return pipeline.train(RunConfig(str(posts), family="ngram", out=out)).folder


@pytest.fixture
def numbers(cli: Cli, tmp_path: Path) -> Path:
    """The folder of a model of numbers."""
    data = write_csv(tmp_path / "ratings.csv", RATINGS)
    ended = cli("train", "--family", "ngram", data, "--out", tmp_path / "numbers")
    assert ended.code == 0, ended.err
    assert "their values are learned (--task multiclass: as classes)" in ended.err
    assert "R2" in ended.out and "mean absolute error" in ended.out
    return tmp_path / "numbers"


def test_several_labels_a_text(cli: Cli, several: Path, posts: Path, tmp_path: Path) -> None:
    ended = cli("evaluate", several, posts)
    assert "micro-F1           1.0000" in ended.out and "Hamming loss       0.0000" in ended.out
    result = json.loads(cli("predict", several, "post 7 happy dear", "--json").out)
    assert {row["label"] for row in result} == {"joy", "love"}
    assert [row["score"] for row in result] == sorted((row["score"] for row in result), reverse=True)
    assert cli("predict", several, "nothing").out == "no label\n"
    for kind in ("csv", "jsonl", "parquet"):
        out = tmp_path / f"out.{kind}"
        assert cli("predict", several, posts, "-o", out).code == 0
        made = columns(out)
        labels = made["predicted_label" if "predicted_label" in made else "label"]
        parsed = [json.loads(value) if kind == "csv" else value for value in labels]
        assert [set(row) for row in parsed] == [set(names) for _, names in POSTS]
    ended = cli("predict", several, "-", stdin=b"happy\nnothing\n")
    rows = list(csv.reader(ended.out.splitlines(), delimiter="\t"))
    assert [json.loads(label) for label, _ in rows] == [["joy"], []]


def test_labels_parted_by_a_separator(cli: Cli, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "posts.csv", [(text, "; ".join(names) or "none") for text, names in POSTS])
    ended = cli(
        "train",
        "--family",
        "ngram",
        data,
        "--label-separator",
        ";",
        "--out",
        tmp_path / "model",
        *("--json", "--no-report"),
    )
    metrics = json.loads(ended.out)["test"]
    assert metrics["task"] == "multilabel" and metrics["micro_f1"] > 0.9
    assert set(metrics["per_class"]) == {"joy", "love", "恨", "none"}
    assert cli("evaluate", tmp_path / "model", data).code == 0  # the separator is that of training


def test_numbers(cli: Cli, numbers: Path, tmp_path: Path) -> None:
    assert 3 < float(cli("predict", numbers, "a great thing").out) < 4
    assert json.loads(cli("predict", numbers, "awful thing", "--json").out)["value"] < 1.2
    out = tmp_path / "out.csv"
    assert cli("predict", numbers, tmp_path / "ratings.csv", "-o", out).code == 0
    made = columns(out)
    assert list(made) == ["text", "label", "value"]
    errors = [abs(float(value) - float(label)) for value, label in zip(made["value"], made["label"], strict=True)]
    assert max(errors) < 0.5
    assert cli("predict", numbers, "-", stdin=b"great\n").out.count("\t") == 0
    ended = cli("evaluate", numbers, write_csv(tmp_path / "words.csv", [("great", "high"), ("poor", "low")]))
    assert ended.code == 1
    assert "row 1, column 'label': the label 'high' is not a number below 1e+30 (2 such rows: 1, 2)" in ended.err


def test_an_unknown_label_of_a_set_is_refused(cli: Cli, several: Path, tmp_path: Path) -> None:
    ended = cli("evaluate", several, write_csv(tmp_path / "new.csv", [("a", '["joy", "fear"]'), ("b", "[]")]))
    assert ended.code == 1
    assert "the label 'fear' was not in the training data (1 such row: 1)" in ended.err
    ended = cli("evaluate", several, tmp_path / "new.csv", "--unknown-labels", "wrong", "--json")
    metrics = json.loads(ended.out)
    assert (metrics["rows"], metrics["per_class"]["fear"]["rows"], metrics["per_class"]["fear"]["recall"]) == (2, 1, 0)
    assert metrics["exact_match"] < 1
    assert (
        json.loads(cli("evaluate", several, tmp_path / "new.csv", "--unknown-labels", "drop", "--json").out)["rows"]
        == 1
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--task", "multi"), "train: task is 'multi'.\nDid you mean 'multilabel'"),
        (("--class-weight", "joy"), "--class-weight: 'joy' is not of the form class=number"),
        (("--class-weight", "joy=2"), "setting 'class_weight' is for tasks with one label per text"),
    ],
)
def test_wrong_options(cli: Cli, posts: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    ended = cli("train", "--family", "ngram", posts, "--out", tmp_path / "never", *arguments)
    assert ended.code == 1
    assert message in ended.err
    assert not (tmp_path / "never").exists()


def test_a_class_may_have_an_equals_sign_in_its_name() -> None:
    assert options.class_weight("a=b=2, c=1.5") == {"a=b": 2.0, "c": 1.5}
    assert options.class_weight('"a, b"=2, c=3') == {"a, b": 2.0, "c": 3.0}


def test_class_weights_from_the_command_line(cli: Cli, english_csv: Path, tmp_path: Path) -> None:
    for number, weight in enumerate(("balanced", "positive=2,negative=1.5")):
        given = ("--out", tmp_path / str(number), "--class-weight", weight, "--no-report")
        assert cli("train", "--family", "ngram", english_csv, *given).code == 0
