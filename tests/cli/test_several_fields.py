"""Rows of several fields through every command: columns by name, objects of JSON, and what is missing."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import tenor
from tenor.data.correction_store import Correction, CorrectionStore
from tenor.data.fields import SEPARATOR

NAMES = ["--text", "title", "--text", "body", "--feature", "price", "--feature", "country"]
HEADER = ["id", "title", "body", "price", "country", "label"]


def rows(first: int, last: int) -> list[tuple[object, ...]]:
    made = []
    for row in range(first, last):
        word, verb, label = ("good", "liked", "pos") if row % 2 else ("bad", "hated", "neg")
        price = "" if row % 9 == 0 else row * row % 17 / 2
        made.append(
            (f"u{row}", f"a {word} film {row}", f"we {verb} it, {row}", price, ("de", "fr", "")[row % 3], label)
        )
    return made


def write(path: Path, first: int, last: int) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows(first, last)])
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "films.csv", 0, 120)


@pytest.fixture(scope="module")
def model(data: Path) -> Path:
    config = tenor.RunConfig(
        str(data),
        text=["title", "body"],
        features=["price", "country"],
        family="ngram",
        report=False,
        out=str(data.parent / "model"),
    )
    return tenor.train(config).folder


def test_train_says_what_it_reads(cli: Any, data: Path, tmp_path: Path) -> None:
    result = cli("train", data, *NAMES, "--family", "ngram", "--out", tmp_path / "m", "--json")
    notes = json.loads(result.out)["notes"]
    assert notes[0] == "features: price: number, country: category (2 values)."
    assert notes[1] == "texts from columns 'title', 'body', labels from column 'label'."
    assert notes[2] == "films.csv: empty fields: 'price' in 14, 'country' in 40 of 120 rows."
    page = (tmp_path / "m" / "report.html").read_text()
    assert SEPARATOR not in page


def test_a_run_file_has_lists_and_describes_the_same_run(cli: Any, data: Path, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        f'data = "{data}"\nfamily = "ngram"\nreport = false\ntext = ["title", "body"]\nfeatures = "all"\n'
    )
    result = cli("train", "--config", tmp_path / "run.toml", "--out", tmp_path / "m", "--json")
    assert (
        "left out of the features: id (each row has another value, as in a column of ids)."
        in json.loads(result.out)["notes"]
    )
    metadata = json.loads((tmp_path / "m" / "tenor.json").read_text())
    assert [each["name"] for each in metadata["fields"]["columns"]] == ["title", "body", "price", "country"]
    assert "text_column" not in metadata
    again = cli("train", "--config", tmp_path / "run.toml", "--out", tmp_path / "m", "--resume")
    assert "output already exists and is complete" in again.err
    other = cli("train", "--config", tmp_path / "run.toml", "--text", "title", "--out", tmp_path / "m", "--resume")
    assert other.code == 1


def test_predict_adds_columns_to_files_of_any_format(cli: Any, model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", 200, 230)
    assert cli("predict", model, path, "-o", tmp_path / "out.jsonl").code == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["predicted_label"] for line in lines] == [row[-1] for row in rows(200, 230)]
    assert lines[1]["title"] == "a good film 201"
    again = cli("predict", model, tmp_path / "out.jsonl")
    assert again.code == 1  # the names of the new columns are taken
    assert cli("predict", model, path, "-o", tmp_path / "out.jsonl", "--resume").code == 0


def test_standard_input_has_an_object_in_each_line(cli: Any, model: Path) -> None:
    given = "".join(json.dumps({"title": row[1], "body": row[2]}) + "\n" for row in rows(0, 4))
    result = cli("predict", model, "-", "--json", stdin=given.encode())
    assert [json.loads(line)["label"] for line in result.out.splitlines()] == ["neg", "pos", "neg", "pos"]
    assert "there are no columns price, country: these fields are empty." in result.err
    assert cli("predict", model, "-", stdin=b"a text\n").code == 1


def test_one_text_is_an_object(cli: Any, model: Path) -> None:
    result = cli("predict", model, '{"title": "a good film", "body": "we liked it"}')
    assert result.out.startswith("pos\t")
    assert result.err == "the text: there are no columns price, country: these fields are empty.\n"
    result = cli("predict", model, "a good film")
    example = '{"title": ..., "body": ..., "price": ..., "country": ...}'
    assert result.err.splitlines() == [
        "error: the model reads the fields title, body, price, country, and this is a text.",
        f"Give a file with these columns, or a JSON object: '{example}'.",
        "More: tenor help fields",
    ]


def test_a_column_with_another_name_is_suggested_or_named(cli: Any, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("titel,body\na good film,we liked it\n")
    assert cli("predict", model, path).err.splitlines() == [
        "error: a.csv: there is no column 'title', which the model reads.",
        "Did you mean 'titel'? Columns: titel, body. Rename the column, or add it and leave it empty where there is no "
        "value.",
        "More: tenor help fields",
    ]
    result = cli("predict", model, path, "--text", "titel", "--text", "body")
    assert next(csv.DictReader(io.StringIO(result.out)))["label"] == "pos"
    result = cli("predict", model, path, "--text", "titel")
    assert "names 1 column, and the model reads 2 text fields: title, body." in result.err


def test_many_files_are_labelled_into_a_folder(cli: Any, model: Path, tmp_path: Path) -> None:
    for number in range(2):
        write(tmp_path / f"part{number}.csv", 10 * number, 10 * number + 10)
    result = cli("predict", model, str(tmp_path / "part*.csv"), "-o", f"{tmp_path / 'out'}/")
    assert result.code == 0, result.err
    labelled = list(csv.DictReader((tmp_path / "out" / "part1.csv").read_text().splitlines()))
    assert [row["predicted_label"] for row in labelled] == [row[-1] for row in rows(10, 20)]


def test_evaluate_compare_and_explain_read_the_fields(cli: Any, model: Path, data: Path, tmp_path: Path) -> None:
    other = tenor.RunConfig(str(data), text=["title", "body"], family="ngram", report=False, out=str(tmp_path / "m"))
    tenor.train(other)
    result = cli("evaluate", model, data, "--slice", "country", "--json")
    assert json.loads(result.out)["accuracy"] == 1
    result = cli("compare", model, tmp_path / "m", "--data", data, "--json")
    assert json.loads(result.out)["texts"] == []
    result = cli("explain", model, data, "--first", "1", "--nearest", data, "--data", data)
    assert result.code == 0, result.err
    assert SEPARATOR not in result.out


def test_compare_shows_fields_by_name(cli: Any, model: Path, data: Path, tmp_path: Path) -> None:
    swapped = [(*row[:-1], {"pos": "neg", "neg": "pos"}[str(row[-1])]) for row in rows(0, 120)]
    with (tmp_path / "swapped.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *swapped])
    other = tenor.RunConfig(
        str(tmp_path / "swapped.csv"), text=["title", "body"], family="ngram", report=False, out=str(tmp_path / "m")
    )
    tenor.train(other)
    result = cli("compare", model, tmp_path / "m", "--data", data)
    assert "    title: a bad film 0 | body: we hated it, 0" in result.out
    found = json.loads(cli("compare", model, tmp_path / "m", "--data", data, "--json").out)["texts"][0]["text"]
    assert (found["title"], found["body"]) == ("a bad film 0", "we hated it, 0")


def test_tune_keeps_the_fields_in_its_run_file(cli: Any, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    result = cli("tune", data, *NAMES, "--trials", "1", "--out", tmp_path / "search", "--json")
    assert result.code == 0, result.err
    run_file = (tmp_path / "search" / "best.toml").read_text()
    assert 'text = ["title", "body"]' in run_file
    assert 'features = ["price", "country"]' in run_file


def test_texts_on_disk_give_the_same_predictions(data: Path, model: Path, tmp_path: Path) -> None:
    config = tenor.RunConfig(
        str(data),
        text=["title", "body"],
        features=["price", "country"],
        family="ngram",
        report=False,
        on_disk=True,
        out=str(tmp_path / "m"),
    )
    predictor = tenor.train(config).predictor
    assert predictor.fields == tenor.load(model).fields
    new: Any = [dict(zip(HEADER, row, strict=True)) for row in rows(300, 320)]
    assert predictor.predict(new).tolist() == tenor.load(model).predict(new).tolist()


def test_corrections_of_fields_are_added(cli: Any, data: Path, tmp_path: Path) -> None:
    store = CorrectionStore(str(tmp_path / "kept.db"))
    text = {"title": "a bad film 0", "body": "we hated it, 0", "price": "", "country": "de"}
    store.add(Correction(model="films", version="1", text=text, predicted="neg", label="pos"))
    store.close()
    options = ["--family", "ngram", "--out", tmp_path / "m", "--no-report", "--json"]
    result = cli("train", data, *NAMES, "--also", tmp_path / "kept.db", *options)
    assert result.code == 0, result.err
    [note] = [note for note in json.loads(result.out)["notes"] if "stands in both" in note]
    assert "1 text stands in both; the later label is used for 1 that differ." in note


def test_pretraining_takes_the_texts_of_several_columns(data: Path) -> None:
    from tenor.data import sources

    texts = sources.read_unlabelled(str(data), ("title", "body")).texts
    assert len(texts) == 240
    assert {"a bad film 0", "we hated it, 0"} <= set(texts)


def test_unlabelled_rows_have_the_fields_of_the_labelled_ones(data: Path, model: Path, tmp_path: Path) -> None:
    from tenor.data import sources

    fields = tenor.load(model).fields
    path = tmp_path / "more.csv"
    path.write_text("body,title\nb,t\n,\n")
    assert sources.read_unlabelled(str(path), None, fields).texts == [fields.join(["t", "b", "", ""])]


@pytest.mark.parametrize(("lang", "text"), [("en", "a text"), ("zh", "一段文本")])
def test_the_model_card_shows_an_object(cli: Any, data: Path, tmp_path: Path, lang: str, text: str) -> None:
    pytest.importorskip("matplotlib")
    options = ["--family", "ngram", "--out", tmp_path / "m", "--lang", lang]
    assert cli("train", data, *NAMES, *options).code == 0
    card = (tmp_path / "m" / "README.md").read_text()
    example = json.dumps({"title": text, "body": text, "price": 1, "country": "a"}, ensure_ascii=False)
    assert f" '{example}'\n" in card
    assert f"model.predict([{example}])\n" in card
    assert cli("predict", tmp_path / "m", example).code == 0
