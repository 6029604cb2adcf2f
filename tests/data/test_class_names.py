"""Names of classes in a file beside data whose labels are numbers, as in THUCNews."""

import json
from pathlib import Path

import pytest
from tests.helpers.command import Cli

from helpers.rows import chinese
from tenor.data import class_names, dataset
from tenor.data.class_names import ClassNames
from tenor.data.read_options import ReadOptions


def write(folder: Path, names: str = "体育\n财经\n\n", file: str = "class.txt", encoding: str = "utf-8") -> Path:
    folder.mkdir(exist_ok=True)
    rows = [f"{text}\t{int(label == '好评')}" for text, label in chinese()]
    (folder / "train.txt").write_text("\n".join(rows), encoding="utf-8")
    (folder / file).write_text(names, encoding=encoding)
    return folder / "train.txt"


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(("file", "encoding"), [("class.txt", "utf-8"), ("labels.txt", "utf-8-sig")])
def test_numbers_get_the_names_in_the_file_beside_them(tmp_path: Path, file: str, encoding: str, on_disk: bool) -> None:
    data = dataset.read(write(tmp_path, file=file, encoding=encoding), ReadOptions(on_disk=on_disk))
    assert set(data.labels) == {"体育", "财经"}
    assert data.class_names == ("体育", "财经")
    assert f"the numbers of classes are read as their names in {file}: 体育, 财经." in data.note
    assert data.kind == "binary"


@pytest.mark.parametrize("names", ["体育\n", "体育\n体育\n", "体育\n\n财经\n", "a" * 201 + "\nb\n", ""])
def test_a_file_that_has_no_names_of_these_classes_is_left_alone(tmp_path: Path, names: str) -> None:
    data = dataset.read(write(tmp_path, names), ReadOptions())
    assert (set(data.labels), data.class_names) == ({"0", "1"}, ())


def test_other_labels_stay() -> None:
    names = ClassNames(("x", "y"), "class.txt")
    assert class_names.apply(["0", "1", "2"], names) == (["0", "1", "2"], "")
    assert class_names.apply(["y", "x"], names) == (["y", "x"], "")
    assert class_names.apply([("1", "0"), ()], names)[0] == [("y", "x"), ()]
    assert class_names.apply(["1"], ClassNames(("x", "y")))[1].endswith("their names of the training data: y.")


def test_a_model_reads_numbers_and_names_wherever_the_test_is(cli: Cli, tmp_path: Path) -> None:
    train, other = write(tmp_path / "data"), tmp_path / "test.txt"
    other.write_text("\n".join(train.read_text(encoding="utf-8").splitlines()[:30]), encoding="utf-8")
    assert cli("train", train, "--family", "ngram", "--no-report", "--out", tmp_path / "m").code == 0
    assert json.loads((tmp_path / "m" / "tenor.json").read_bytes())["class_names"] == ["体育", "财经"]
    ended = cli("evaluate", tmp_path / "m", other)
    assert "read as their names of the training data: 体育, 财经." in ended.err
    assert "accuracy  1.0000" in ended.out
    named = tmp_path / "named.jsonl"
    rows = [{"text": text, "label": "财经" if label == "好评" else "体育"} for text, label in chinese()]
    named.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert "accuracy  1.0000" in cli("evaluate", tmp_path / "m", named).out


def test_corrections_are_written_as_the_numbers_of_the_file(cli: Cli, tmp_path: Path) -> None:
    train = write(tmp_path / "data")
    text, number = train.read_text(encoding="utf-8").splitlines()[0].split("\t")
    filled = tmp_path / "filled.jsonl"
    right = {"0": "财经", "1": "体育"}[number]
    filled.write_text(json.dumps({"text": text, "predicted_label": "", "right_label": right}), encoding="utf-8")
    ended = cli("check", train, "--fix", tmp_path / "fixed.tsv", "--also", filled, "--fail-on", "never")
    assert ended.code == 0
    rows = (tmp_path / "fixed.tsv").read_text(encoding="utf-8").splitlines()
    assert f"{text}\t{1 - int(number)}" in rows
    assert {row.split("\t")[1] for row in rows[1:]} == {"0", "1"}
