import itertools
from pathlib import Path

import pytest

from tenor._core.callbacks import Callback
from tenor.data import dataset
from tenor.data.dataset import Dataset
from tenor.data.fields import SEPARATOR, Field, Fields
from tenor.data.fingerprint import fingerprint
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError, SettingsError

HEADER = "title,body,price,country,id,label\n"


class Messages(Callback):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, message: str) -> None:
        self.lines.append(message)


def table(path: Path, rows: int = 40) -> Path:
    lines = [
        f"title {row},body {row % 7},{row * 1.5 if row % 5 else ''},{country},u{row},{'ab'[row % 2]}\n"
        for row, country in zip(range(rows), itertools.cycle(["fr", "de", "de"]), strict=False)
    ]
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return table(tmp_path / "a.csv")


def test_several_texts_are_joined_in_the_order_of_their_names(path: Path) -> None:
    data = dataset.read(path, ReadOptions(text=("body", "title")))
    assert data.fields == Fields((Field("body"), Field("title")))
    assert data.texts[3] == f"body 3{SEPARATOR}title 3"
    assert data.display(3) == "body: body 3 | title: title 3"
    assert data.describe_columns() == "texts from columns 'body', 'title', labels from column 'label'."


def test_features_are_described_before_the_rows_and_follow_the_texts(path: Path) -> None:
    messages = Messages()
    data = dataset.read(path, ReadOptions(text="title", features=("country", "price")), messages)
    assert data.fields == Fields((Field("title"), Field("country", "category"), Field("price", "number")))
    assert data.fields.split(data.texts[1]) == ["title 1", "de", "1.5"]
    assert messages.lines == ["features: country: category (2 values), price: number."]
    assert data.note == "empty fields: 'price' in 8 of 40 rows."


def test_all_features_leave_out_what_is_useless_or_used_otherwise(path: Path) -> None:
    messages = Messages()
    options = ReadOptions(text=("title", "body"), features="all", taken=("country",))
    assert dataset.read(path, options, messages).fields.features == (Field("price", "number"),)
    assert messages.lines == [
        "features: price: number.",
        "left out of the features: id (each row has another value, as in a column of ids).",
    ]


def test_features_of_0_and_1_are_not_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"some words {row},{row % 2},{row // 2 % 2},{row % 3 % 2},{row // 3 % 2}\n" for row in range(40))
    path.write_text("text,toxic,insult,is_new,is_sale\n" + rows)
    data = dataset.read(path, ReadOptions(features=("is_new", "is_sale")))
    assert data.kind == "multilabel"
    assert set(data.labels) == {(), ("toxic",), ("insult",), ("toxic", "insult")}
    with pytest.raises(DataError, match="cannot be a feature too"):
        dataset.read(path, ReadOptions(label=("toxic", "insult"), features="insult"))


def test_every_column_of_0_and_1_is_a_label_and_is_named(tmp_path: Path) -> None:
    path, messages = tmp_path / "a.csv", Messages()
    rows = "".join(f"some words {row},{row % 2},{row // 2 % 2}\n" for row in range(40))
    path.write_text("text,toxic,question\n" + rows)  # a column called `question` usually has texts
    data = dataset.read(path, ReadOptions(), messages)
    assert data.label_columns == ("toxic", "question")
    assert data.describe_columns() == "texts from column 'text', labels from columns 'toxic', 'question'."
    assert "no label applies to 10 rows with an empty set of labels." in data.note


def test_several_missing_columns_are_named_in_the_plural(path: Path) -> None:
    fields = dataset.read(path, ReadOptions(text=("title", "body"), features=("price", "country"))).fields
    other = path.with_name("other.csv")
    other.write_text("title,body,label\n" + "one,two words,x\none,three words,y\n" * 3)
    data = dataset.read(other, ReadOptions(fields=fields))
    assert data.note == "there are no columns price, country: these fields are empty."


def test_an_unclear_label_column_is_asked_about_without_the_columns_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("head,b,c\n" + "".join(f"some words {row},{row % 2}a,{row % 3}b\n" for row in range(40)))
    with pytest.raises(DataError, match=r"which column holds the labels\. Columns: b, c\."):
        dataset.read(path, ReadOptions(text="head"))


def test_on_disk_the_rows_are_the_same(path: Path) -> None:
    options = ReadOptions(text=("title", "body"), features=("price",))
    in_memory = dataset.read(path, options)
    on_disk = dataset.read(path, ReadOptions(text=("title", "body"), features=("price",), on_disk=True))
    assert on_disk.texts.__class__.__name__ == "DiskTexts"
    assert fingerprint(on_disk) == fingerprint(in_memory)
    assert on_disk.fields == in_memory.fields


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_the_kinds_of_other_formats_are_the_same(path: Path, tmp_path: Path, ending: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame, options = pandas.read_csv(path), ReadOptions(text="title", features=("price", "country"))
    other = tmp_path / f"b{ending}"
    frame.to_parquet(other) if ending == ".parquet" else frame.to_json(other, orient="records", lines=True)
    assert dataset.read(other, options).texts == dataset.read(path, options).texts


def test_a_value_of_another_kind_is_missing_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,price,label\n" + "".join(f"t {row},{row * row},{'ab'[row % 2]}\n" for row in range(40)))
    path.write_text(path.read_text() + "t,cheap,a\n")
    data = dataset.read(path, ReadOptions(features="price"))
    assert data.fields.split(data.texts[40]) == ["t", ""]
    assert "'price': 1 value cannot be read as a number and counts as missing, such as 'cheap' in row 41." in data.note


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (ReadOptions(text=("title", "bodies")), r"there is no column 'bodies'\. Did you mean 'body'\?"),
        (ReadOptions(text="title,body"), r"Name each column on its own: `text='title'` `text='body'`"),
        (ReadOptions(text=("title", "title")), "names the column 'title' twice"),
        (ReadOptions(text=("title", "label"), label="label"), "the column 'label' holds both texts and labels"),
        (ReadOptions(text="title", features=("title",)), "cannot be a feature too"),
        (ReadOptions(text="title", features=("label",), label="label"), "cannot be a feature too"),
        (ReadOptions(text="title", features=("prise",)), "there is no column 'prise'"),
        (ReadOptions(text="title", features=("id",)), "the feature 'id' is useless: each row has another value"),
    ],
)
def test_columns_that_cannot_be_read_are_refused(path: Path, options: ReadOptions, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        dataset.read(path, options)


def test_a_table_without_texts_is_sent_to_tools_for_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("price,size,label\n" + "".join(f"{row},{row * row},{'ab'[row % 2]}\n" for row in range(40)))
    with pytest.raises(DataError, match=r"there is no column of texts besides the features\. Tenor classifies texts"):
        dataset.read(path, ReadOptions(features=("price", "size")))
    with pytest.raises(DataError, match="there is no column of texts: 'price' has numbers or dates alone"):
        dataset.read(path, ReadOptions(features="size"))


@pytest.mark.parametrize("names", [("question1", "question2"), ("Premise", "Hypothesis")])
def test_usual_names_make_a_pair(tmp_path: Path, names: tuple[str, str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,{names[0]},{names[1]},label\n1,how old,what age,yes\n2,how old,who,no\n")
    data = dataset.read(path)
    assert data.fields == Fields((Field(names[0]), Field(names[1])), is_pair=True)
    assert data.describe_columns().startswith(f"pairs of texts from columns '{names[0]}', '{names[1]}'")
    assert not dataset.read(path, ReadOptions(text=names, pair=False)).fields.is_pair
    with pytest.raises(SettingsError, match=r"`pair=True` needs two text fields, and there is 1 text field"):
        dataset.read(path, ReadOptions(text=names[0], pair=True))


def test_a_model_finds_its_fields_by_name(path: Path, tmp_path: Path) -> None:
    fields = dataset.read(path, ReadOptions(text=("title", "body"), features="price")).fields
    other = tmp_path / "b.csv"
    other.write_text("label,body,title\na,b,t\n")
    data = dataset.read(other, ReadOptions(fields=fields))
    assert data.fields.split(data.texts[0]) == ["t", "b", ""]
    assert data.note == "there is no column price: this field is empty."
    other.write_text("label,content,headline\na,b,t\n")
    data = dataset.read(other, ReadOptions(fields=fields, text=("headline", "content")))
    assert data.fields.split(data.texts[0]) == ["t", "b", ""]


@pytest.mark.parametrize(
    ("header", "text", "problem"),
    [
        ("label,titel,body", (), r"there is no column 'title', which the model reads\. Did you mean 'titel'\?"),
        ("label,x,y", (), "there is no column 'title', which the model reads"),
        ("label,x,y", ("x",), "names 1 column, and the model reads 2 text fields: title, body"),
        ("label,x,y", ("x", "z"), "there is no column 'z'"),
    ],
)
def test_a_table_that_lacks_the_texts_of_a_model_is_refused(
    tmp_path: Path, header: str, text: tuple[str, ...], problem: str
) -> None:
    path = tmp_path / "b.csv"
    path.write_text(f"{header}\na,b,t\n")
    with pytest.raises(DataError, match=problem):
        dataset.read(path, ReadOptions(fields=Fields((Field("title"), Field("body"))), text=text))


def test_another_column_of_texts_is_not_left_out_silently(tmp_path: Path) -> None:
    path, messages = tmp_path / "a.csv", Messages()
    rows = [
        f"{row},a title with some words {row},a body with many more words {row},{'ab'[row % 2]}\n" for row in range(30)
    ]
    path.write_text("id,title,body,category\n" + "".join(rows))
    dataset.read(path, callback=messages)
    assert messages.lines == ["not read: title, which may be texts too; `text='title'` `text='body'` reads both."]
    for options in (ReadOptions(text="body"), ReadOptions(text=("title", "body"))):
        messages = Messages()
        dataset.read(path, options, messages)
        assert messages.lines == []


def test_the_labels_are_found_beside_several_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("title,body,tone\nx,y,a\nz,w,b\n")
    data: Dataset = dataset.read(path, ReadOptions(text=("title", "body")))
    assert (data.label_column, data.labels) == ("tone", ["a", "b"])
