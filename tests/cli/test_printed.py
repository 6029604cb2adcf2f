"""Whatever stands in labels, columns, names and texts: people see it escaped, programs get it exactly."""

import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.families import QUICK
from helpers.rows import english, write_csv
from tenor.config.run_config import RunConfig
from tenor.explanation import page, templates
from tenor.training import pipeline

EVIL = "\x1b]0;owned\x07\x9b31m\u202egood\u2066[bold red]\nerror: all is lost\r<script>alert(1)</script> | `x`"
GOOD = "好评 👩‍💻 ممتاز"
COLUMN = "grp\x1b[2J\u202e"
_HARMFUL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(printed: str) -> bool:
    """Whether nothing moves a cursor or reorders letters, and no line was forged."""
    return not _HARMFUL.search(printed.replace("\t", " ")) and not re.search(r"^error: all is lost", printed, re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of evil names and content, and a model of it."""
    folder = tmp_path_factory.mktemp("evil")
    names = {"positive": EVIL, "negative": GOOD}
    rows = [
        (f"{text} \x1b[5m\u202e{number}", names[label], "ab"[number % 2])
        for number, (text, label) in enumerate(english(80))
    ]
    write_csv(folder / "in\x1b[7m\u202e.csv", rows, ("text", "label", COLUMN))
    pipeline.train(
        RunConfig(str(data(folder)), family="ngram", out=str(folder / "model"), settings=QUICK, label="label")
    )
    return folder


def data(folder: Path) -> Path:
    return folder / "in\x1b[7m\u202e.csv"


def test_commands_show_nothing_raw(cli: Cli, folder: Path, tmp_path: Path) -> None:
    source, model, settings = (
        data(folder),
        folder / "model",
        [f"--set={key}={json.dumps(value)}" for key, value in QUICK.items()],
    )
    text = english(1)[0][0] + "\x1b[2J\u202e"
    out = tmp_path / "out\x9b.csv"
    for arguments in (
        ("train", source, "--label", "label", "--family", "ngram", "--out", tmp_path / "m\x1b[1m", *settings),
        ("evaluate", model, source, "--slice", COLUMN),
        ("compare", model, model, "--data", source, "--slice", COLUMN),
        ("predict", model, text, "--coverage", "0.9"),
        ("predict", model, source, "-o", out),
        ("explain", model, text, "--data", source, "--nearest", source),
        ("check", source, "--label", "label"),
    ):
        ended = cli(*arguments)
        assert ended.code in (0, 1) and (ended.code == 0 or arguments[0] == "check"), ended.err
        assert harmless(ended.out) and harmless(ended.err), (arguments, ended)
    ended = cli("predict", model, source, "-o", out)
    assert ended.code == 1 and r"out\x9b.csv: this exists already" in ended.err and harmless(ended.err)
    ended = cli("train", source, "--label", "la\x1bbel")
    assert ended.code == 1 and r"la\x1bbel" in ended.err and harmless(ended.err)
    ended = cli("predict", "--\x1b[31m", model)
    assert ended.code == 2 and harmless(ended.err)


def test_a_label_is_shown_escaped_and_readable(cli: Cli, folder: Path) -> None:
    printed = cli("evaluate", folder / "model", data(folder)).out
    assert r"\x1b]0;owned\x07\x9b31m\u202egood\u2066[bold red]\nerror: all is lost\r" in printed
    assert GOOD in printed


def test_what_programs_read_is_exact(cli: Cli, folder: Path, tmp_path: Path) -> None:
    text = next(text for text, label in english(80) if label == "positive")
    assert json.loads(cli("predict", folder / "model", text, "--json").out)["label"] == EVIL
    out = tmp_path / "out.csv"
    assert cli("predict", folder / "model", data(folder), "-o", out).code == 0
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["label"] for row in rows} == {row["predicted_label"] for row in rows} == {EVIL, GOOD}
    assert COLUMN in rows[0]
    metrics = json.loads(cli("evaluate", folder / "model", data(folder), "--json").out)
    assert set(metrics["per_class"]) == {EVIL, GOOD}


def test_the_card_and_the_report_show_nothing_raw(folder: Path) -> None:
    card = (folder / "model" / "README.md").read_text(encoding="utf-8")
    assert harmless(card)
    assert "<script>" not in card and "&lt;script&gt;" in card
    assert GOOD in card
    report = (folder / "model" / "report.html").read_text(encoding="utf-8")
    assert not _HARMFUL.search(report)
    assert "<script>alert" not in report and r"\x1b]0;owned" in report


def test_a_run_file_in_the_card_cannot_end_its_block(folder: Path, tmp_path: Path) -> None:
    name = tmp_path / "```\n# head.csv"
    name.write_bytes(data(folder).read_bytes())
    asked = RunConfig(
        str(name), family="ngram", out=str(tmp_path / "model"), settings=QUICK, label="label", test_size=0.0
    )
    pipeline.train(asked)
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "\n````toml\n" in card and not re.search(r"^# head", card, re.M)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names of files that are no text")
def test_a_name_that_is_no_text_is_told_and_saved(cli: Cli, folder: Path, tmp_path: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/in\xff.csv"))
    name.write_bytes(data(folder).read_bytes())
    settings = [f"--set={key}={json.dumps(value)}" for key, value in QUICK.items()]
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/model\xff"))
    ended = cli("train", name, "--label", "label", "--family", "ngram", "--out", out, *settings)
    assert ended.code == 0 and r"model\udcff" in ended.out, ended.err
    assert json.loads((out / "tenor.json").read_text(encoding="utf-8"))["data"]["name"] == r"in\udcff.csv"
    assert r"in\udcff.csv" in (out / "README.md").read_text(encoding="utf-8")
    assert cli("predict", out, name, "-o", tmp_path / "out.csv").code == 0


def test_a_page_of_an_explanation_shows_nothing_raw() -> None:
    template = templates.environment("tenor.explanation").get_template("highlight.html.jinja")
    painted = template.module.highlighted(page.segments("a\x1b[31m\u202e\n<b>", (), ()))
    assert painted == '<div class="text" dir="auto">a\\x1b[31m\\u202e\n&lt;b&gt;</div>'
