"""Texts that are given on the command line."""

from pathlib import Path

import pytest
from tests.helpers.command import Cli

TEXTS = [
    "https://example.org/a?b=1",
    "see https://example.org/reviews.csv",
    "5* hotel, superb",
    "[deleted]",
    "Was it superb? yes/no",
    "--- superb ---",
    "-5 stars",
    "C:\\temp",
    "",
]
LIKE_PATHS = ["and/or", "<br/>superb", "room 12.txt", "a.b", "好不好？/还行", "nowhere/data", "and/or?"]


@pytest.mark.parametrize("text", [*TEXTS, *LIKE_PATHS])
def test_a_text_needs_no_file(cli: Cli, model_folder: Path, text: str) -> None:
    ended = cli("predict", model_folder, text)
    assert ended.code == 0
    assert ended.out.split("\t")[0] in ("negative", "positive")
    assert (f"there is no file '{text}', so it is read as a text." in ended.err) == (text in LIKE_PATHS)


def test_a_text_with_a_dash_goes_with_options_before_and_after_it(cli: Cli, model_folder: Path, tmp_path: Path) -> None:
    assert cli("predict", "--json", model_folder, "- superb -", "--coverage", "0.9").out.startswith("{")
    out = tmp_path / "- out.csv"
    assert cli("predict", model_folder, "superb", "--out", out).code == 0
    assert out.exists()
    assert cli("predict", model_folder, "--text-column").code == 2


def test_a_file_or_a_pattern_with_such_a_name_is_read(
    cli: Cli, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("room 12.txt").write_text("superb\nsuperb\n", encoding="utf-8")
    assert len(cli("predict", model_folder, "room 12.txt").out.splitlines()) == 2
    assert len(cli("predict", model_folder, "room*.txt").out.splitlines()) == 2


@pytest.mark.parametrize("name", ["missing.csv", "missing.xlsx", "nowhere/data.jsonl"])
def test_the_name_of_a_table_that_does_not_exist_is_refused(cli: Cli, model_folder: Path, name: str) -> None:
    ended = cli("predict", model_folder, name)
    assert ended.code == 1
    assert f"{name}: there is no such file." in ended.err
