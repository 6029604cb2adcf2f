"""Every kind of bad input ends a command with two lines that say what is wrong, where, and what to do."""

import codecs
import random
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from helpers.command import Cli
from helpers.rows import chinese, english, write_csv

FIXED = ["--set", "word_ngrams=1", "--set", "weighting=tf-idf", "--set", "C=10"]


def refuse(cli: Cli, message: str, *arguments: object) -> None:
    """Run a command that has to be refused with this message."""
    ended = cli(*arguments)
    assert ended.code == 1
    assert ended.out == ""
    lines = [line for line in ended.err.splitlines() if not line.startswith(("texts from column", "More: tenor help "))]
    assert len(lines) == 2 and all(lines)
    assert re.search(message, "\n".join(lines)), ended.err


BAD = {
    "an empty file": (b"", r"^error: in\.csv: the file is empty\.\nGive a file with a header"),
    "a header only": (b"text,label\n", r"^error: in\.csv: there is a header but no row\.\nGive a file"),
    "one class only": (
        b"text,label\na,x\nb,x\n",
        r"^error: in\.csv, column 'label': every row has the label 'x' \(2 rows\)\.\nGive rows of at least two",
    ),
    "empty texts": (
        b"text,label\na,x\n,y\n  ,x\n",
        r"^error: in\.csv, row 2, column 'text': the text is empty \(2 such rows: 2, 3\)\.\nGive .*--drop-empty",
    ),
    "empty labels": (
        b"text,label\na,x\nb,\nc,y\n",
        r"^error: in\.csv, row 2, column 'label': the label is empty \(1 such row: 2\)\.\nGive .*--drop-unlabelled",
    ),
    "invalid UTF-8": (
        b"text,label\na,x\nbc\xffd,y\n",
        r"^error: in\.csv, row 2: byte 17 of the file is not valid UTF-8\.\nSave the file as UTF-8",
    ),
    "broken quoting": (
        b'text,label\na,x\n"b,y\nc,x,z\n',
        r"^error: in\.csv, row 2: the quoting is broken: .*\.\nClose every quote",
    ),
    "too many fields": (
        b"text,label\na,x\nb, and c,y\n",
        r"^error: in\.csv, row 2: the row has 3 fields and the header has 2 \(1 such row: 2\)\.\nPut quotes",
    ),
    "NUL bytes": (
        b"text,label\na,x\nb\0c,y\n",
        r"^error: in\.csv, row 2: there is a NUL byte\.\nThis is not a text file",
    ),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_data_is_refused_and_no_model_is_made(cli: Cli, tmp_path: Path, name: str) -> None:
    data, message = BAD[name]
    (tmp_path / "in.csv").write_bytes(data)
    refuse(cli, message, "train", tmp_path / "in.csv", "--out", tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_missing_column_is_refused_with_those_that_are_there(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    path = write_csv(tmp_path / "in.csv", english(4), ("body", "kind"))
    message = r"^error: in\.csv: there is no column 'kinds'\.\nDid you mean 'kind'\? Columns: body, kind\. .* --label"
    refuse(cli, message, "train", path, "--label", "kinds")
    message = r"^error: in\.csv: there is no column 'txt'\.\nColumns: body, kind\. Name one with --text"
    refuse(cli, message, "predict", model_folder, path, "--text", "txt")


def test_a_file_that_is_not_there_is_refused(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    refuse(cli, r"no\.csv: there is no such file\.\nCheck", "train", tmp_path / "no.csv")
    refuse(cli, r"no\.csv: there is no such file\.\nCheck", "predict", model_folder, tmp_path / "no.csv")
    refuse(cli, r"^error: imbd: .* no such built-in dataset\.\nDid you mean 'imdb'\? Built in: imdb, ", "train", "imbd")
    refuse(cli, r"no: there is no such folder\.\nGive the folder", "predict", tmp_path / "no", "a text")


def test_a_parquet_file_cut_short_is_refused(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    path = tmp_path / "in.parquet"
    texts, labels = zip(*english(), strict=True)
    pyarrow.parquet.write_table(pyarrow.table({"text": texts, "label": labels}), path)
    path.write_bytes(path.read_bytes()[:-100])
    message = r"^error: in\.parquet: this is not a whole Parquet file: .*\nCopy or write it again"
    refuse(cli, message, "train", path, "--out", tmp_path / "model")
    refuse(cli, message, "predict", model_folder, path, "-o", tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize(
    ("encoding", "kind", "marked"),
    [
        ("utf-8", "csv", False),
        ("utf-8-sig", "csv", True),
        ("gb18030", "tsv", True),
        ("utf-16", "csv", True),
        ("gb18030", "jsonl", False),
    ],
)
def test_what_is_written_opens_where_the_input_did(
    cli: Cli, tmp_path: Path, model_folder: Path, encoding: str, kind: str, marked: bool
) -> None:
    """A spreadsheet takes UTF-8 for what it is only where a byte order mark says so."""
    path, out = write_csv(tmp_path / "in.csv", chinese(), encoding=encoding), tmp_path / f"out.{kind}"
    assert cli("predict", model_folder, path, "-o", out).code == 0
    data = out.read_bytes()
    assert data.startswith(codecs.BOM_UTF8) == marked
    assert chinese()[0][0] in data.decode("utf-8")
    cli("predict", model_folder, str(tmp_path / "in*.csv"), "-o", tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_bytes().startswith(codecs.BOM_UTF8) == (encoding != "utf-8")
    assert not cli("predict", model_folder, path).out.startswith("\ufeff")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_other_encodings_are_recognised(cli: Cli, tmp_path: Path, encoding: str) -> None:
    path = write_csv(tmp_path / "in.csv", chinese(), encoding=encoding)
    ended = cli("train", "--family", "ngram", path, "--out", tmp_path / "model", *FIXED, "--no-report")
    assert ended.code == 0
    assert "labels: 好评, 差评." in ended.err
    assert cli("predict", tmp_path / "model", "这本书精彩，很好，满意").out.startswith("好评\t")


def test_notes_on_a_file_to_label_name_options_as_flags(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes("".join(f"{text}\n" for text, _ in chinese()).encode("gb18030"))
    ended = cli("predict", model_folder, path)
    assert (ended.code, len(ended.out.splitlines())) == (0, len(chinese()))
    assert "(--encoding names another encoding)" in ended.err


def test_a_text_of_10_mb_is_learned_from_and_labelled(cli: Cli, tmp_path: Path) -> None:
    long = " ".join(["wonderful", "charming", "film"] * 500_000)
    assert len(long) > 10_000_000
    write_csv(tmp_path / "in.csv", [*english(), (long, "positive")])
    assert cli("train", "--family", "ngram", tmp_path / "in.csv", "--out", tmp_path / "model", *FIXED).code == 0
    ended = cli("predict", tmp_path / "model", tmp_path / "in.csv", "-o", tmp_path / "out.jsonl")
    assert ended.code == 0
    assert ended.err.endswith(f"61 rows: {tmp_path / 'out.jsonl'}\n")  # after lines of progress, where that takes long
    last = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert len(last) > len(long)
    assert '"predicted_label": "positive"' in last


def test_labels_with_blanks_and_chinese_characters_go_through_whole(cli: Cli, tmp_path: Path) -> None:
    names = {"positive": "非常 好, 真的", "negative": "not so\tgood"}
    path = write_csv(tmp_path / "in.csv", [(text, names[label]) for text, label in english()])
    ended = cli("train", "--family", "ngram", path, "--out", tmp_path / "model", *FIXED)
    assert ended.code == 0
    assert "非常 好, 真的" in ended.out
    assert cli("predict", tmp_path / "model", "superb", "--json").out.startswith('{"label": "非常 好, 真的", ')
    assert cli("evaluate", tmp_path / "model", path).code == 0


def test_an_unknown_setting_is_refused_with_the_near_one(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    message = r"^error: settings of ngram: there is no setting 'min_fd'\.\nDid you mean 'min_df'\? Known: word_ngrams,"
    refuse(cli, message, "train", english_csv, "--family", "ngram", "--set", "min_fd=3", "--out", tmp_path / "model")
    message = r"^error: settings of ngram: weighting is 'tfidf'\.\nDid you mean 'tf-idf'\? Known: naive-bayes, tf-idf"
    refuse(
        cli, message, "train", english_csv, "--family", "ngram", "--set", "weighting=tfidf", "--out", tmp_path / "model"
    )
    refuse(cli, r"^error: 'C' does not have the form key=value\.\n", "train", english_csv, "--set", "C")
    refuse(
        cli,
        r"ngrm'.*\nDid you mean 'ngram'\? Known: auto, ngram, bag, cnn, lstm",
        "train",
        english_csv,
        "--family",
        "ngrm",
    )
    (tmp_path / "run.toml").write_text("settings = 3\n", encoding="utf-8")
    message = r"run\.toml: settings is 3\.\nGive a table"
    refuse(
        cli,
        message,
        "train",
        english_csv,
        "--family",
        "ngram",
        "--config",
        tmp_path / "run.toml",
        "--set",
        "C=1",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]


@pytest.mark.parametrize("there", ["file", "folder", "model"])
def test_an_output_that_exists_is_refused_and_kept(
    cli: Cli, tmp_path: Path, english_csv: Path, model_folder: Path, there: str
) -> None:
    out = {"file": tmp_path / "out.csv", "folder": tmp_path / "out", "model": model_folder}[there]
    if there == "file":
        out.write_text("mine", encoding="utf-8")
    elif there == "folder":
        out.mkdir()
    refuse(
        cli,
        r": this exists already\.\nChoose another folder \(--out\), or replace it \(--overwrite\)",
        "train",
        english_csv,
        "--out",
        out,
    )
    if there != "model":
        refuse(
            cli,
            r"^error: .*out.*: this is not a saved model, so it is not overwritten\.\n",
            "train",
            english_csv,
            "--out",
            out,
            "--overwrite",
        )
    if there == "file":
        refuse(cli, r"out\.csv: this exists already\.\n.*--overwrite", "predict", model_folder, english_csv, "-o", out)
        assert out.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        ("--test-size", "1e-9", r"--test-size: 1e-09 of 60 texts leaves fewer than 5 to measure on\.\nGive a larger"),
        (
            "--test-size",
            "0.999",
            r"--test-size: 0\.999 of 60 texts leaves fewer than 5 to train on\.\nGive a smaller",
        ),
        ("--test-size", "1", r"setting 'test_size' must be at least 0 and below 1\."),
        ("--test-size", "nan", r"train: test_size is not a usable number\.\nGive a number\."),
        ("--test-size", "inf", r"train: test_size is not a usable number\."),
        (
            "--validation",
            "0.98",
            r"--validation: 0\.98 of 48 texts leaves fewer than 5 to train on\.\nGive a smaller",
        ),
        (
            "--validation",
            "1e-9",
            r"--validation: 1e-09 of 48 texts leaves fewer than 5 to validate on\.\nGive a larger",
        ),
        ("--validation", "0", r"setting 'validation' must be between 0 and 1, or a file\."),
        ("--validation", "nan", r"nan: there is no such file"),
        ("--validation", "inf", r"inf: there is no such file"),
    ],
)
def test_extreme_shares_are_refused(cli: Cli, english_csv: Path, option: str, given: str, message: str) -> None:
    refuse(cli, rf"^error: {message}", "train", "--family", "ngram", english_csv, option, given)


def test_options_that_would_do_nothing_are_refused(
    cli: Cli, tmp_path: Path, english_csv: Path, model_folder: Path
) -> None:
    split = ("train", english_csv, "--test-size", "0.3")
    refuse(cli, r"^error: --test-size holds out .*--folds evaluates", *split, "--folds", "3")
    refuse(cli, r"^error: --test-size holds out .*--test evaluates", *split, "--test", english_csv)
    message = r"^error: --test-size holds out .*--test evaluates"
    refuse(cli, message, "tune", english_csv, "--test-size", "0.3", "--test", english_csv)
    message = r"^error: setting 'time' holds out rows, and test_size is 0"
    refuse(cli, message, "train", english_csv, "--time", "label", "--test-size", "0")
    message = r"^error: --overwrite is for the file in --fix, and there is none\.\nName one, or leave out --overwrite\."
    refuse(cli, message, "check", english_csv, "--overwrite")
    refuse(cli, r"^error: --seed is for --labels", "check", english_csv, "--seed", "0")
    text = "a superb film"
    refuse(cli, r"^error: --overwrite is for the file in --out", "predict", model_folder, text, "--overwrite")
    refuse(cli, r"^error: --text is for a file, and INPUT is a text", "predict", model_folder, text, "--text", "text")
    refuse(cli, r"^error: --text is for a file, and INPUT is a text", "explain", model_folder, text, "--text", "text")
    refuse(cli, r"^error: --first is for a file, and INPUT is a text", "explain", model_folder, text, "--first", "3")
    refuse(cli, r"^error: --top is for --data and --nearest", "explain", model_folder, text, "--top", "3")
    refuse(cli, r"^error: --overwrite is for the page in --html", "explain", model_folder, text, "--overwrite")
    message = r"^error: --watch is for one machine, and --on has several"
    refuse(cli, message, "serve", model_folder, "--on", "ray", "--watch", "5")
    out = tmp_path / "out.csv"
    refuse(cli, r"^error: --json is for what is printed", "predict", model_folder, english_csv, "-o", out, "--json")
    message = r"^error: --escape-formulas is for \.csv and \.tsv"
    for given in ((english_csv, "-o", tmp_path / "out.jsonl"), (english_csv, "--json"), ("-",), (text,)):
        refuse(cli, message, "predict", model_folder, *given, "--escape-formulas")
    assert not out.exists()


def accuracy(printed: str) -> float:
    result = re.search(r"^accuracy +([\d.]+)", printed, re.MULTILINE)
    assert result
    return float(result[1])


def test_rows_sorted_by_label_are_learned_as_well_as_shuffled_ones(cli: Cli, tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [(text, label if draw.random() < 0.9 else "negative") for text, label in english(400)]
    orders = {"sorted": sorted(rows, key=lambda row: row[1]), "shuffled": draw.sample(rows, len(rows))}
    test = write_csv(tmp_path / "test.csv", english(200, seed=1))
    result = {}
    for name, ordered in orders.items():
        path = write_csv(tmp_path / f"{name}.csv", ordered)
        ended = cli("train", "--family", "ngram", path, "--test", test, "--out", tmp_path / name, "--no-report")
        assert ended.code == 0
        result[name] = accuracy(ended.out)
    assert result["sorted"] >= 0.95
    assert result["sorted"] == pytest.approx(result["shuffled"], abs=0.01)


def test_a_disk_that_is_full_while_saving_leaves_the_old_model(
    cli: Cli, tmp_path: Path, english_csv: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    model = tmp_path / "model"
    train = ("train", "--family", "ngram", english_csv, *FIXED, "--no-report")
    assert cli(*train, "--out", model).code == 0
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    with full_disk(300):
        again = cli(*train, "--out", model, "--overwrite", "--seed", "1", "--json")
        other = cli(*train, "--out", tmp_path / "other", "--json")
        labels = cli("predict", model, english_csv, "-o", tmp_path / "out.csv")
    message = r"model: the model cannot be saved: File too large\.\nNothing was changed there\. Free some space or"
    assert again.code == 1 and re.search(message, again.err)
    assert other.code == 1 and re.search(r"other: the model cannot be saved: File too large\.\nNothing", other.err)
    message = r"out\.csv: the file cannot be written: File too large\.\nNothing was changed there\. Free some space or"
    assert labels.code == 1 and re.search(message, labels.err)
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    # There was no room to keep a chunk of what was predicted either.
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert cli("predict", model, "superb").out.startswith("positive\t")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("train", "in.csv", "--workers", "2"), "--workers"),
        (("tune", "in.csv", "--family", "ngram", "--worker-cores", "2"), "--worker-cores"),
        (("predict", "model", "in.csv", "--out", "out.csv", "--workers", "2"), "--workers"),
        (("serve", "model", "--max-replicas", "4"), "--max-replicas"),
        (("serve", "model", "--target-requests", "4"), "--target-requests"),
    ],
)
def test_options_of_a_cluster_need_one(
    cli: Cli, model_folder: Path, english_csv: Path, tmp_path: Path, command: tuple[str, ...], option: str
) -> None:
    places = {"in.csv": english_csv, "model": model_folder, "out.csv": tmp_path / "out.csv"}
    done = cli(*(places.get(word, word) for word in command))
    assert done.code == 1
    assert f"{option} is for a cluster, and there is no --on." in done.err


def test_an_empty_validation_is_refused(cli: Cli, english_csv: Path) -> None:
    done = cli("train", english_csv, "--validation", "")
    assert done.code == 1
    assert "--validation is empty." in done.err
