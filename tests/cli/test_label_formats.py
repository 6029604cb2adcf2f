"""The same labels in files of other formats and programs; test files that lack labels, or have others."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from helpers.command import Cli
from helpers.rows import english, write_csv

ROWS = english()


def spelt(folder: Path, name: str, negative: object, positive: object) -> Path:
    """A file of the rows with these labels, in the format of its name."""
    path = folder / name
    rows = [(text, positive if label == "positive" else negative) for text, label in ROWS]
    if path.suffix == ".csv":
        return write_csv(path, [(text, str(label)) for text, label in rows])
    if path.suffix == ".parquet":
        parquet.write_table(pa.table({"text": [row[0] for row in rows], "label": [row[1] for row in rows]}), path)
        return path
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def train(cli: Cli, data: Path, out: Path, *options: object) -> str:
    """Train, and return the messages."""
    ended = cli("train", data, "--family", "ngram", "--no-report", "--out", out, *options)
    assert ended.code == 0, ended.err
    return ended.err


def accuracy(cli: Cli, model: Path, data: Path) -> float:
    ended = cli("evaluate", model, data, "--json")
    assert ended.code == 0, ended.err
    return float(json.loads(ended.out)["accuracy"])


def test_truth_values_are_the_same_in_every_format(cli: Cli, tmp_path: Path) -> None:
    files = [
        spelt(tmp_path, "excel.csv", "FALSE", "TRUE"),
        spelt(tmp_path, "lines.jsonl", False, True),
        spelt(tmp_path, "table.parquet", False, True),
        spelt(tmp_path, "numbers.csv", 0, 1),
    ]
    messages = train(cli, files[0], tmp_path / "model")
    assert "labels are read in another spelling: 'FALSE' as 'false', 'TRUE' as 'true'." in messages
    assert "labels: false, true." in messages
    assert [accuracy(cli, tmp_path / "model", file) for file in files] == [1.0] * 4


def test_truth_values_in_several_spellings_are_two_labels(cli: Cli, tmp_path: Path) -> None:
    rows = [(text, (label == "positive", row % 3)) for row, (text, label) in enumerate(ROWS)]
    spellings = ("FALSE", "False", "false"), ("TRUE", "True", "true")
    data = write_csv(tmp_path / "mixed.csv", [(text, spellings[is_true][at]) for text, (is_true, at) in rows])
    for options in ((), ("--task", "binary"), ("--on-disk",)):
        messages = train(cli, data, tmp_path / "model", *options, "--overwrite")
        assert "'False' as 'false'" in messages
        assert "labels: false, true." in messages


def test_whole_numbers_are_the_same_in_every_format(cli: Cli, tmp_path: Path) -> None:
    files = [
        spelt(tmp_path, "floats.csv", 0.0, 1.0),
        spelt(tmp_path, "floats.parquet", 0.0, 1.0),
        spelt(tmp_path, "floats.jsonl", 0.0, 1.0),
        spelt(tmp_path, "integers.csv", 0, 1),
        spelt(tmp_path, "strings.jsonl", "0", "1"),
    ]
    for number, file in enumerate(files):
        assert "labels: 0, 1." in train(cli, file, tmp_path / str(number))
    assert [accuracy(cli, tmp_path / "0", file) for file in files] == [1.0] * 5
    assert cli("compare", tmp_path / "0", tmp_path / "1", "--data", files[3]).code == 0


@pytest.fixture
def test_file(tmp_path: Path) -> Path:
    """60 test rows, 6 of which have a label that the training data do not have."""
    rows = [(text, "mixed" if row % 10 == 0 else label.upper()) for row, (text, label) in enumerate(english(60, 1))]
    return write_csv(tmp_path / "test.csv", rows)


def test_rows_with_an_unknown_label_are_refused_wrong_or_left_out(
    cli: Cli, model_folder: Path, test_file: Path
) -> None:
    refused = cli("evaluate", model_folder, test_file)
    assert refused.code == 1
    assert "the label 'mixed' was not in the training data (6 such rows: 1, 11, 21, 31, 41, ...)" in refused.err
    assert "Count these rows as wrong with --unknown-labels wrong" in refused.err
    wrong = cli("evaluate", model_folder, test_file, "--unknown-labels", "wrong", "--json")
    metrics = json.loads(wrong.out)
    _, spelling, unknown = metrics["notes"]  # after the columns
    assert "'NEGATIVE' as 'negative', 'POSITIVE' as 'positive'" in spelling
    assert "6 rows have labels that the training data do not have (mixed 6); they count as wrong." in unknown
    assert unknown in cli("evaluate", model_folder, test_file, "--unknown-labels", "wrong").err
    assert (metrics["rows"], metrics["per_class"]["mixed"]["rows"]) == (60, 6)
    assert metrics["accuracy"] <= 0.9
    assert metrics["confusion"][2][2] == 0
    dropped = json.loads(cli("evaluate", model_folder, test_file, "--unknown-labels", "drop", "--json").out)
    assert (dropped["rows"], list(dropped["per_class"])) == (54, ["negative", "positive"])
    for option, rows in (("wrong", 60), ("drop", 54)):
        compared = cli("compare", model_folder, model_folder, "--data", test_file, "--unknown-labels", option, "--json")
        assert json.loads(compared.out)["rows"] == rows


def test_a_run_with_unknown_labels_in_its_test_writes_a_report(
    cli: Cli, english_csv: Path, test_file: Path, tmp_path: Path
) -> None:
    run = ("train", english_csv, "--family", "ngram", "--out", tmp_path / "model", "--test", test_file)
    assert "the label 'mixed' was not" in cli(*run).err
    ended = cli(*run, "--unknown-labels", "wrong")
    assert ended.code == 0, ended.err
    assert ">mixed<" in (tmp_path / "model" / "report.html").read_text(encoding="utf-8")
    assert cli("train", english_csv, "--unknown-labels", "ignore").code == 2


def test_no_other_column_is_taken_for_the_labels_of_a_test(
    cli: Cli, model_folder: Path, english_csv: Path, tmp_path: Path
) -> None:
    unlabelled = tmp_path / "unlabelled.csv"
    unlabelled.write_text("id,text\n" + "\n".join(f"{row},{text}" for row, (text, _) in enumerate(ROWS)), "utf-8")
    problem = (
        "unlabelled.csv: there is no column 'label', which holds the labels in the training data.\nColumns: id, text."
    )
    assert problem in cli("evaluate", model_folder, unlabelled).err
    assert problem in cli("train", english_csv, "--family", "ngram", "--test", unlabelled).err
    assert problem in cli("train", english_csv, "--family", "ngram", "--validation", unlabelled).err
    assert problem in cli("check", english_csv, "--test", unlabelled).err
    numbers = write_csv(tmp_path / "numbers.csv", [(text, f"{row / 7:.2f}") for row, (text, _) in enumerate(ROWS)])
    assert problem in cli("train", numbers, "--family", "ngram", "--test", unlabelled).err
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(english_csv.read_text(encoding="utf-8").replace("text,label", "Text, Label ", 1), "utf-8")
    assert cli("evaluate", model_folder, renamed).code == 0
