"""The estimators over tables: which columns they read, and scikit-learn's contract."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

import tenor
from tenor import DataError, FieldWarning, SettingsError, TextClassifier, TextRegressor
from tenor.data import frames
from tenor.data.fields import Field, Fields

pandas = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def table() -> Any:
    rows = []
    for row in range(60):
        word, verb = ("good", "liked") if row % 2 else ("bad", "hated")
        country = ("de", "fr", None)[row % 3]
        rows.append((f"a {word} film about number {row}", f"we {verb} it, {row} times over", row * row % 7, country))
    frame = pandas.DataFrame(rows, columns=["title", "body", "price", "country"])
    frame.loc[3, "price"] = np.nan
    frame.loc[4, "body"] = None
    return frame


@pytest.fixture(scope="module")
def labels() -> list[str]:
    return ["pos" if row % 2 else "neg" for row in range(60)]


ALL = Fields((Field("title"), Field("body"), Field("price", "number"), Field("country", "category")))


def test_all_columns_are_read_by_their_values(table: Any, labels: list[str]) -> None:
    model = TextClassifier().fit(table, labels)
    assert model.fields_ == ALL
    assert model.predict(table).tolist() == labels
    records = table.to_dict("records")
    assert model.predict_proba(records).tolist() == model.predict_proba(table).tolist()
    assert model.predict_proba(pyarrow.Table.from_pandas(table)).tolist() == model.predict_proba(table).tolist()
    columns = table.to_dict("list")  # as a slice of a Hugging Face dataset is
    assert model.predict_proba(columns).tolist() == model.predict_proba(table).tolist()
    with pytest.raises(DataError, match=r"the columns have different lengths \(title 1, body 60"):
        model.predict({**columns, "title": ["one"]})


def test_named_columns_alone_are_read(table: Any, labels: list[str]) -> None:
    model = TextClassifier(text=["title", "body"], features=["price:category"])
    fields = Fields((Field("title"), Field("body"), Field("price", "category")))
    assert model.fit(table, labels).fields_ == fields
    assert TextClassifier(text="body").fit(table.drop(index=4), labels[:4] + labels[5:]).fields_ == Fields(
        (Field("body"),)
    )


def test_values_of_numpy_are_read_as_those_of_python() -> None:
    day = datetime.datetime(2024, 3, 1)
    plain = [{"text": f"a film {row}", "price": row, "share": row / 4, "day": day} for row in range(8)]
    of_numpy = [
        {
            "text": np.str_(row["text"]),
            "price": np.int64(row["price"]),
            "share": np.float32(row["share"]),
            "day": np.datetime64(day, unit),
        }
        for row, unit in zip(plain, ["ns", "us", "s", "ns"] * 2, strict=True)
    ]
    of_numpy += [{"text": "", "price": np.float32("nan"), "share": np.float64("nan"), "day": np.datetime64("NaT")}]
    missing = {"text": "", "price": None, "share": None, "day": None}
    one, other = (frames.as_table(rows) for rows in (of_numpy, [*plain, missing]))
    assert one is not None
    assert other is not None
    assert next(one.chunks).columns == next(other.chunks).columns


def test_the_contract_of_scikit_learn(table: Any, labels: list[str]) -> None:
    model = TextClassifier(text=["title", "body"], features="price")
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.set_params(features=None).get_params()["features"] is None
    assert cross_val_predict(make_pipeline(model), table, labels, cv=2).tolist() == labels


def test_a_saved_model_finds_its_columns_by_name(table: Any, labels: list[str], tmp_path: Path) -> None:
    TextClassifier().fit(table, labels).save(tmp_path / "model")
    model = tenor.load(tmp_path / "model")
    assert model.fields == ALL
    other = table.rename(columns={"price": "cost"})[["country", "body", "title", "cost"]]
    with pytest.warns(FieldWarning, match=r"^the table: there is no column price: this field is empty\.$") as warned:
        assert model.predict(other).tolist() == labels
    assert {each.filename for each in warned} == {__file__}  # the caller's line, not one inside Tenor
    with pytest.warns(FieldWarning, match=r"the field 'country' is empty in every row\."):
        model.predict(table.assign(country=None))
    with pytest.warns(FieldWarning, match=r"1 value cannot be read as a number and counts as missing, such as 'x'"):
        model.predict([{**table.iloc[0].to_dict(), "price": "x"}])
    with pytest.raises(DataError, match=r"there is no column 'title', which the model reads\. Did you mean 'titel'"):
        model.predict(table.rename(columns={"title": "titel"}))
    with pytest.raises(DataError, match=r"^text 0, counted from 0, is a string, and the model reads the fields title"):
        model.predict(["a good film"])
    with pytest.raises(DataError, match=r"^row 1, counted from 0, is int 3, and the rows before are dicts"):
        model.predict([{"title": "x"}, 3])  # type: ignore[list-item]
    with pytest.raises(DataError, match=r"^the table, row 0, column 'title': the text is int 3, not a string"):
        model.predict([{"title": 3, "body": "x"}])  # type: ignore[list-item]


def test_useless_columns_are_left_out_with_a_warning(table: Any, labels: list[str]) -> None:
    wide = table.assign(id=[f"u{row}" for row in range(60)], source="web")
    with pytest.warns(
        FieldWarning, match=r"left out of the features: id \(each row .*\); source \(every row has"
    ) as warned:
        assert TextClassifier().fit(wide, labels).fields_ == ALL
    assert {each.filename for each in warned} == {__file__}


def test_what_cannot_be_read_is_refused(table: Any, labels: list[str]) -> None:
    with pytest.raises(DataError, match=r"no column has texts \(columns: price, country\)\. Name one with `text="):
        TextClassifier().fit(table[["price", "country"]], labels)
    with pytest.raises(DataError, match="there is no column 'headline'"):
        TextClassifier(text="headline").fit(table, labels)
    with pytest.raises(SettingsError, match="name columns, and a list of texts has none"):
        TextClassifier(text="title").fit(["a", "b"], ["x", "y"])
    twice = pandas.concat([table, table["title"]], axis=1)
    with pytest.raises(DataError, match="two columns have the same name"):
        TextClassifier().fit(twice, labels)


def test_pairs_and_numbers(labels: list[str]) -> None:
    pairs = [{"question1": f"how old is {row}", "question2": f"what age has {row % 2}"} for row in range(60)]
    model = TextClassifier().fit(pairs, labels)
    assert model.fields_ == Fields((Field("question1"), Field("question2")), is_pair=True)
    assert not TextClassifier(pair=False).fit(pairs, labels).fields_.is_pair
    regressor = TextRegressor(text=["question1", "question2"]).fit(pairs, np.arange(60) % 2)
    assert regressor.predict(pairs).shape == (60,)


def test_unlabelled_rows_have_the_same_fields(table: Any, labels: list[str]) -> None:
    with pytest.raises(SettingsError, match="trains on labelled texts alone"):
        TextClassifier().fit(table, labels, unlabelled=table)
