"""Tables in Python come back with the predictions in further columns."""

from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest

import tenor
from tenor.errors import DataError

ROWS = [{"nr": 7, "text": "superb"}, {"nr": 8, "text": "boring"}, {"nr": 9, "text": "the"}]


@pytest.fixture(scope="module")
def model(model_folder: Path) -> tenor.Predictor:
    return tenor.load(model_folder)


def to_rows(table: Any) -> list[dict[str, Any]]:
    if isinstance(table, list):
        return table
    if isinstance(table, dict):
        return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    if isinstance(table, (pyarrow.Table, pyarrow.RecordBatch)):
        return list(table.to_pylist())
    return list(table.to_dict("records") if isinstance(table, pandas.DataFrame) else table.to_dicts())


def tables() -> list[Any]:
    made: list[Any] = [ROWS, pandas.DataFrame(ROWS), pyarrow.Table.from_pylist(ROWS)]
    made += [pyarrow.RecordBatch.from_pylist(ROWS), {name: [row[name] for row in ROWS] for name in ROWS[0]}]
    try:
        import polars
    except ModuleNotFoundError:
        return made
    return [*made, polars.DataFrame(ROWS)]


@pytest.mark.parametrize("table", tables(), ids=lambda table: type(table).__module__.split(".")[0])
def test_a_table_comes_back_as_its_kind(model: tenor.Predictor, table: Any) -> None:
    labelled = tenor.predict(model, table)
    assert type(labelled) is type(table)
    rows = to_rows(labelled)
    assert [list(row) for row in rows] == [["nr", "text", "label", "score"]] * 3
    assert [row["label"] for row in rows] == model.predict([row["text"] for row in ROWS]).tolist()
    assert [row["score"] for row in rows] == pytest.approx(
        model.predict_proba([row["text"] for row in ROWS]).max(axis=1).tolist(), abs=1e-6
    )
    assert [list(row) for row in to_rows(table)] == [["nr", "text"]] * 3


def test_the_index_stays_and_taken_names_are_not_replaced(model: tenor.Predictor, model_folder: Path) -> None:
    frame = pandas.DataFrame(ROWS, index=["a", "b", "c"]).assign(label="mine")
    labelled = tenor.predict(model_folder, frame, coverage=0.9)
    assert list(labelled.index) == ["a", "b", "c"]
    assert list(labelled.columns) == ["nr", "text", "label", "predicted_label", "predicted_set", "predicted_score"]
    assert list(labelled["label"]) == ["mine"] * 3
    expected = model.predict_set([row["text"] for row in ROWS], 0.9).tolist()
    assert [tuple(each) for each in labelled["predicted_set"]] == expected


def test_abstention_keeps_the_score(model: tenor.Predictor) -> None:
    rows = tenor.predict(model, ROWS, abstain=True, coverage=0.97)
    for row in rows:
        assert row["label"] == (row["set"][0] if len(row["set"]) == 1 else None)
        assert row["score"] is not None


def test_what_is_not_a_table_is_refused(model: tenor.Predictor) -> None:
    with pytest.raises(DataError, match=r"a list was given instead of a table\. .* for texts call model\.predict"):
        tenor.predict(model, ["a text"])
    with pytest.raises(DataError, match="row 1, counted from 0, is str 'b'"):
        tenor.predict(model, [{"text": "a"}, "b"])


def test_no_rows_are_no_rows_and_an_unknown_keyword_is_refused(model: tenor.Predictor) -> None:
    assert tenor.predict(model, []) == []
    wrong: Any = {"covrage": 0.9}
    with pytest.raises(TypeError, match="unexpected keyword argument 'covrage'"):
        tenor.predict(model, ROWS, **wrong)


def test_a_loaded_model_explains(model: tenor.Predictor) -> None:
    assert model.explain(["superb"]) == tenor.explain(model, ["superb"])
    assert model.explain(["superb"], ["negative"])[0].labels[0].label == "negative"
    assert tenor.explain(model, ["superb"], labels="negative") == model.explain(["superb"], ["negative"])
