import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tenor._core.callbacks import Callback
from tenor.data import dataset
from tenor.data.dataset import Dataset
from tenor.data.fields import Field, Fields
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError


def csv(folder: Path, text: str) -> Path:
    path = folder / "reviews.csv"
    path.write_text(text, encoding="utf-8")
    return path


def json_lines(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "reviews.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("text,label", "text", "label"),
        ("id,Review,Sentiment", "Review", "Sentiment"),
        ("类别,评论", "评论", "类别"),
        ("label,body", "body", "label"),
        ("stars,review", "review", "stars"),
        ("kind,words", "words", "kind"),
        ("words,kind", "kind", "words"),
        ("label,text,content", "text", "label"),
    ],
)
def test_the_columns_are_found_by_name_or_of_two_by_length(tmp_path: Path, header: str, text: str, label: str) -> None:
    row = ",".join("a long text" if index else "x" for index in range(header.count(",") + 1))
    result = dataset.read(csv(tmp_path, f"{header}\n{row}\n"))
    assert (result.text_column, result.label_column) == (text, label)


def test_the_columns_can_be_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "text,label,other\na,b,c\n")
    result = dataset.read(path, ReadOptions(text="other", label="text"))
    assert (result.texts, result.labels, result.text_column, result.label_column) == (["c"], ["a"], "other", "text")
    assert dataset.read(path, ReadOptions(text="other")).labels == ["b"]
    assert dataset.read(path, ReadOptions(label="other")).texts == ["a"]


@pytest.mark.parametrize(("text", "label"), [("txt", None), (None, "lable"), ("txt", "label"), ("text", "lable")])
def test_a_column_that_is_not_there_is_refused_with_the_columns(
    tmp_path: Path, text: str | None, label: str | None
) -> None:
    wrong, option, meant = ("txt", "`text=", "text") if text == "txt" else ("lable", "`label=", "label")
    message = (
        rf"^reviews\.csv: there is no column '{wrong}'\. Did you mean '{meant}'\? Columns: text, label\. .* {option}"
    )
    with pytest.raises(DataError, match=message):
        dataset.read(csv(tmp_path, "text,label\na,b\n"), ReadOptions(text=text, label=label))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"^reviews\.csv: the file is empty\. Give a file"),
        ("text,label\n", r"^reviews\.csv: there is a header but no row\. Give a file with at least two"),
        ("a,b,c\n", r"^reviews\.csv: there is a header but no row\. Give a file with at least two"),
        (
            "a,b,c\n1,2,3\n",
            r"^reviews\.csv: it is not clear which column holds the texts\. Columns: a, b, c\. Name them",
        ),
        (
            "text,b,c\n1,2,3\n",
            r"^reviews\.csv: it is not clear which column holds the labels\. Columns: text, b, c\. Name it with `lab",
        ),
        ("text\na\n", r"^reviews\.csv: there is one column, 'text', and no labels\. Give a file with"),
        (
            "text,label\na,x\n,x\nb,y\n \t,y\n",
            r"^reviews\.csv, row 2, column 'text': the text is empty \(2 such rows: 2, 4\)\. .* with `drop_empty=True`",
        ),
        (
            "text,label\na,x\nb,\n" + "c, \n" * 5,
            r"^reviews\.csv, row 2, column 'label': the label is empty \(6 such rows: 2, 3, 4, 5, 6, \.\.\.\)\. "
            r"Give every row a label, or drop them with `drop_unlabelled=True`",
        ),
    ],
)
def test_data_that_cannot_be_used_is_refused_with_the_place(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataset.read(csv(tmp_path, content))


def test_empty_rows_are_left_out_when_asked(tmp_path: Path) -> None:
    path = csv(tmp_path, "text,label\na,x\n,x\nb,\nc,y\n")
    result = dataset.read(path, ReadOptions(drop_empty=True, drop_unlabelled=True))
    assert (result.texts, result.labels, len(result)) == (["a", "c"], ["x", "y"], 2)
    with pytest.raises(DataError, match=r"row 3, column 'label': the label is empty \(1 such row: 3\)"):
        dataset.read(path, ReadOptions(drop_empty=True))
    with pytest.raises(DataError, match=r"^reviews\.csv: no row has both a text and a label\. Label"):
        dataset.read(csv(tmp_path, "text,label\na,\n,x\n"), ReadOptions(drop_empty=True, drop_unlabelled=True))


def test_integers_and_truth_values_are_labels_and_missing_ones_are_empty(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": value} for value in (1, True, False, "1 star", None)]
    assert dataset.read(json_lines(tmp_path, *rows), ReadOptions(drop_unlabelled=True)).labels == [
        "1",
        "true",
        "false",
        "1 star",
    ]


def test_texts_that_are_no_strings_are_refused(tmp_path: Path) -> None:
    path = json_lines(tmp_path, {"text": "a", "label": "x"}, {"text": 3, "label": "x"}, {"text": [1], "label": "x"})
    message = r"^reviews\.jsonl, row 2, column 'text': the text is int 3, not a string \(2 such rows: 2, 3\)\. Name the"
    with pytest.raises(DataError, match=message):
        dataset.read(path)


def test_the_faults_of_all_chunks_are_gathered(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "" if row % 2000 == 0 else "x"} for row in range(1, 6001)]
    with pytest.raises(DataError, match=r"row 2000, .* \(3 such rows: 2000, 4000, 6000\)"):
        dataset.read(json_lines(tmp_path, *rows))


def test_labels_may_have_blanks_and_chinese_characters(tmp_path: Path) -> None:
    result = dataset.read(csv(tmp_path, 'text,label\na,非常 好\nb,not so good\nc,"x, y"\n'))
    assert result.labels == ["非常 好", "not so good", "x, y"]


ROWS = "bad film,neg\ngreat film,pos\n"
HINT = (
    r"If the file has no header, say so with `header=False`, or put a line with names above its first row, such as "
    r"text,label\.$"
)


def test_a_file_without_a_header_loses_no_row(tmp_path: Path) -> None:
    told: list[str] = []

    class Notes(Callback):
        def on_message(self, message: str) -> None:
            told.append(message)

    data = dataset.read(csv(tmp_path, ROWS + "dull film, neg\n"), callback=Notes())
    assert list(data.texts) == ["bad film", "great film", "dull film"]
    assert data.labels == ["neg", "pos", "neg"]
    assert told[0].startswith("reviews.csv: the first line looks like data, so the columns are named by their numbers")
    assert dataset.read(csv(tmp_path, ROWS + "dull film,neg\n"), ReadOptions(label="neg")).labels == ["pos", "neg"]
    assert dataset.read(csv(tmp_path, ROWS), ReadOptions(header=False, text="1", label="2")).labels == ["neg", "pos"]
    assert dataset.read(csv(tmp_path, "body,label\na film,label\n")).labels == ["label"]
    assert dataset.read(json_lines(tmp_path, {"a text": "a text", "neg": "neg"})).labels == ["neg"]


def test_a_header_that_may_be_a_row_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in [("ein film", "gut"), ("ein buch", "schlecht")])
    with pytest.raises(DataError, match=r"first row looks like data: 'x' is both .* use `header=False`; .* `header=T"):
        dataset.read(csv(tmp_path, "spalte,x\n" + rows * 2000 + "film,x\n"))


def test_where_a_header_may_be_a_row_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=rf"^reviews\.csv: there is no column 'text'\. Columns: bad film, neg\. .*{HINT}"
    ):
        dataset.read(csv(tmp_path, ROWS), ReadOptions(text="text"))
    with pytest.raises(
        DataError, match=rf"^reviews\.csv: it is not clear which .* Columns: a, bad film, neg\. .*{HINT}"
    ):
        dataset.read(csv(tmp_path, "a,bad film,neg\nb,great film,pos\n"))
    with pytest.raises(
        DataError, match=rf"^reviews\.csv, column 'neg': every row has the label '.*' \(1 row\)\..*{HINT}"
    ):
        dataset.check_labels(dataset.read(csv(tmp_path, ROWS)))


def test_labels_lose_the_blanks_around_them(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": label} for label in ("pos", " pos", "pos\n", "\u3000很 好 ", "很 好")]
    assert dataset.read(json_lines(tmp_path, *rows)).labels == ["pos", "pos", "pos", "很 好", "很 好"]


def test_every_format_gives_the_same_dataset(tmp_path: Path) -> None:
    texts, labels = ["one, two", "好看"], ["a", "b"]
    json_lines(tmp_path, *({"text": text, "label": label} for text, label in zip(texts, labels, strict=True)))
    csv(tmp_path, 'text,label\n"one, two",a\n好看,b\n')
    (tmp_path / "reviews.tsv").write_text("text\tlabel\none, two\ta\n好看\tb\n", encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.table({"text": texts, "label": labels}), tmp_path / "reviews.parquet")
    for text, label in zip(texts, labels, strict=True):
        (tmp_path / "reviews" / label).mkdir(parents=True)
        (tmp_path / "reviews" / label / "1.txt").write_text(text, encoding="utf-8")
    for name in ("reviews.csv", "reviews.tsv", "reviews.jsonl", "reviews.parquet", "reviews"):
        assert dataset.read(tmp_path / name) == Dataset(name, texts, labels)


def test_categories_of_parquet_are_labels(tmp_path: Path) -> None:
    labels = pyarrow.array(["x", None, "y"]).dictionary_encode()
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", "b", "c"], "label": labels}), path)
    result = dataset.read(path, ReadOptions(drop_unlabelled=True))
    assert (result.texts, result.labels) == (["a", "c"], ["x", "y"])
    assert result.note == "1 of 3 rows has no label or no text and is left out."
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"], "label": ["x"]}).slice(0, 0), path)
    with pytest.raises(DataError, match=r"^a\.parquet: there is a header but no row\. Give"):
        dataset.read(path)


def test_take_keeps_the_order_asked_for() -> None:
    made = Dataset("a", ["1", "2", "3"], ["x", "y", "z"], Fields((Field("t"),)), "l")
    assert made.take([2, 0]) == Dataset("a", ["3", "1"], ["z", "x"], Fields((Field("t"),)), "l")


def test_one_class_or_a_class_a_row_is_refused() -> None:
    with pytest.raises(DataError, match=r"^a, column 'l': every row has the label 'x' \(3 rows\)\. Give rows of at"):
        dataset.check_labels(Dataset("a", ["1", "2", "3"], ["x"] * 3, label_column="l"))
    names = [str(number) for number in range(30)]
    with pytest.raises(DataError, match=r"^a, column 'l': there are 30 different labels in 30 rows\. Name the column"):
        dataset.check_labels(Dataset("a", names, names, label_column="l"))
    dataset.check_labels(Dataset("a", names * 2, names * 2))
