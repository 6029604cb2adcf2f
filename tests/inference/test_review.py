"""Review files of `tenor predict --review`: which rows, in which order, and the way back through `--also`."""

import csv
import json
from pathlib import Path

import openpyxl
import pytest
from tests.helpers.command import Cli

from tenor.data.review_file import COLUMNS


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    texts = ["superb", "the", "=1+2 the story", "boring", "", "a superb boring story", "-the film"]
    return write(tmp_path / "new.csv", [{"nr": f"N{row}", "text": text} for row, text in enumerate(texts)])


def test_the_most_doubtful_rows_come_first_with_all_columns(
    cli: Cli, model_folder: Path, rows: Path, tmp_path: Path
) -> None:
    out = tmp_path / "review.csv"
    ended = cli("predict", model_folder, rows, "--review", out, "--review-rows", "4", "--coverage", "0.9")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.endswith(f"4 of 7 rows to look at: {out}\n")
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    reviewed = read(out)
    assert list(reviewed[0]) == ["nr", "text", *(column for column in COLUMNS if column != "source_line")]
    scores = [float(row["predicted_score"]) for row in reviewed]
    assert scores == sorted(scores)
    lines = cli("predict", model_folder, rows, "--json", "--coverage", "0.9").out.splitlines()
    printed = {row["nr"]: row for row in map(json.loads, lines) if row["text"]}
    for row in reviewed:
        expected = printed[row["nr"]]
        assert (row["predicted_label"], float(row["predicted_score"])) == (expected["label"], expected["score"])
        assert (json.loads(row["predicted_set"]), row["right_label"]) == (expected["set"], "")
        assert row["source_row"] == str(int(row["nr"][1:]) + 1)
    assert sorted(row["score"] for row in printed.values())[:4] == scores


def test_without_a_number_the_rows_without_a_clear_label_are_written(
    cli: Cli, model_folder: Path, rows: Path, tmp_path: Path
) -> None:
    review, out = tmp_path / "review.jsonl", tmp_path / "out.csv"
    ended = cli("predict", model_folder, rows, "--review", review, "-o", out, "--abstain", "--coverage", "0.99")
    assert ended.code == 0
    labelled = read(out)
    unclear = {row["nr"] for row in labelled if len(json.loads(row["set"])) != 1 and row["text"]}
    reviewed = [json.loads(line) for line in review.read_text(encoding="utf-8").splitlines()]
    assert unclear
    abstained = sum(len(json.loads(row["set"])) != 1 for row in labelled)
    assert f"{abstained} of them without a label, for a person to decide" in ended.err
    assert {row["nr"] for row in reviewed} == unclear
    assert all(row["predicted_label"] in ("positive", "negative") for row in reviewed)
    assert all(not row["label"] and row["score"] for row in labelled if row["nr"] in unclear)


def test_formulas_are_guarded_and_come_back_as_they_were(
    cli: Cli, model_folder: Path, rows: Path, tmp_path: Path
) -> None:
    review = tmp_path / "review.csv"
    assert cli("predict", model_folder, rows, "--review", review, "--review-rows", "9").code == 0
    reviewed = read(review)
    assert {"'=1+2 the story", "'-the film"} <= {row["text"] for row in reviewed}
    filled = [row | {"right_label": "negative" if row["text"].startswith("'") else ""} for row in reviewed]
    write(review, filled)
    labelled = [{"text": text, "label": "positive"} for text in ("=1+2 the story", "-the film", "a fine film")]
    labelled += [{"text": f"boring story {row} {row * 7}", "label": "negative"} for row in range(12)]
    data = write(tmp_path / "data.csv", labelled)
    ended = cli("train", data, "--also", review, "--family", "ngram", "--no-report", "--out", tmp_path / "model")
    assert "review.csv: 2 texts stand in both; the later label is used for 2 that differ. 0 new rows.\n" in ended.err
    assert f"review.csv: {len(reviewed) - 2} of {len(reviewed)} rows have no label or no text" in ended.err


def test_a_workbook_is_filled_and_comes_back(cli: Cli, model_folder: Path, rows: Path, tmp_path: Path) -> None:
    review = tmp_path / "review.xlsx"
    assert cli("predict", model_folder, rows, "--review", review, "--review-rows", "9").code == 0
    workbook = openpyxl.load_workbook(review)
    sheet = workbook.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    assert names[:2] == ["nr", "text"]
    assert names[-1] == "right_label"
    texts = [cell.value for cell in sheet["B"][1:]]
    assert {"=1+2 the story", "-the film"} <= set(texts)
    for row, text in enumerate(texts, 2):
        if text in ("=1+2 the story", "-the film"):
            sheet.cell(row, len(names)).value = "negative"
    workbook.save(review)
    labelled = [{"text": text, "label": "positive"} for text in ("=1+2 the story", "-the film", "a fine film")]
    labelled += [{"text": f"boring story {row} {row * 7}", "label": "negative"} for row in range(12)]
    data = write(tmp_path / "data.csv", labelled)
    ended = cli("train", data, "--also", review, "--family", "ngram", "--no-report", "--out", tmp_path / "model")
    assert "review.xlsx: 2 texts stand in both; the later label is used for 2 that differ. 0 new rows.\n" in ended.err
    fixed = tmp_path / "fixed.xlsx"
    ended = cli("check", data, "--fix", fixed, "--also", review, "--fail-on", "never")
    assert "right labels from review files: 2 rows" in ended.out
    written = openpyxl.load_workbook(fixed).worksheets[0]
    assert [cell.value for cell in written["B"]][:4] == ["label", "negative", "negative", "positive"]


def test_what_cannot_be_reviewed_is_refused(cli: Cli, model_folder: Path, rows: Path, tmp_path: Path) -> None:
    review = tmp_path / "review.csv"
    review.write_text("mine", encoding="utf-8")

    def refused(*arguments: object) -> str:
        ended = cli("predict", model_folder, *arguments)
        assert ended.code == 1
        return str(ended.err)

    assert "review.csv: this exists already." in refused(rows, "--review", review)
    assert review.read_text(encoding="utf-8") == "mine"
    assert "--review-rows is for the file in --review" in refused(rows, "--review-rows", "3")
    assert "--review is for a file, and INPUT is a text" in refused("a text", "--review", review)
    assert "this is an input" in refused(rows, "--review", rows, "--overwrite")
    assert "a .txt file has no columns" in refused(rows, "--review", tmp_path / "a.txt")
    taken = write(tmp_path / "taken.csv", [{"text": "a", "right_label": ""}])
    assert "the columns right_label exist already" in refused(taken, "--review", tmp_path / "b.csv")
