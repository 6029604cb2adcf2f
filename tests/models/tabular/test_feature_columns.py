"""Tests of the features of numbers, categories and dates."""

import json

import numpy as np
import pytest

from tenor._core.records import Record, RecordError
from tenor.models.tabular import columns
from tenor.models.tabular.columns import CategoryEncoder, ColumnEncoder, DateEncoder, NumberEncoder


def again(encoder: ColumnEncoder) -> ColumnEncoder:
    return columns.restore_column(Record(json.loads(json.dumps(encoder.to_dict())), "encoder.json"))


def test_a_number_is_standardised_and_binned() -> None:
    encoder = columns.fit_column("number", [str(number) for number in range(101)])
    assert isinstance(encoder, NumberEncoder)
    assert encoder.center == 50 and encoder.edges == tuple(range(10, 100, 10))
    rows = encoder.encode(["50", "100", "", "1e9", "no number", "-3"]).toarray()
    assert rows.shape == (6, encoder.width) and rows.dtype == np.float32
    np.testing.assert_allclose(rows[:, 0], [0, 50 / (50 / 1.349), 0, 5, 0, -53 / (50 / 1.349)], rtol=1e-6)
    assert rows[:, 1:].sum(axis=1).tolist() == [1] * 6
    assert rows[:, -1].tolist() == [0, 0, 1, 0, 1, 0]
    assert rows[0, 6] == 1 and rows[1, 10] == 1 and rows[5, 1] == 1
    assert again(encoder) == encoder


@pytest.mark.parametrize("values", [[], [""], ["7"], ["7", "7", ""], ["1e308", "-1e308"], ["nan", "inf"]])
def test_numbers_that_hardly_differ(values: list[str]) -> None:
    encoder = columns.fit_column("number", values)
    assert np.isfinite(encoder.encode([*values, "3"]).toarray()).all()
    assert again(encoder) == encoder


def test_rare_and_new_categories_share_a_feature() -> None:
    encoder = columns.fit_column("category", ["DE"] * 5 + ["FR"] * 7 + ["IS"] * 4 + [""] * 9)
    assert encoder == CategoryEncoder(("FR", "DE"))
    rows = encoder.encode(["DE", "FR", "IS", "new", ""]).toarray()
    np.testing.assert_array_equal(rows.argmax(axis=1), [1, 0, 2, 2, 3])
    assert rows.sum() == 5
    assert encoder.names == (" = FR", " = DE", " is another one", " is missing")
    assert again(encoder) == encoder


def test_a_date_has_parts() -> None:
    encoder = columns.fit_column("date", ["2024-03-01", "2024-03-02T15:30:00", "2025-12-31", ""])
    assert isinstance(encoder, DateEncoder) and encoder.has_hours
    rows = encoder.encode(["2024-03-02T15:30:00", "", "2024-03-04", "soon"]).toarray()
    named = dict(zip(encoder.names, rows[0].tolist(), strict=True))
    assert named[", month 3"] == named[", day of the week 6"] == named[", hour 15"] == 1
    assert rows[1].sum() == rows[1, encoder.days.width - 1] == 1
    np.testing.assert_array_equal(rows[1], rows[3])
    assert dict(zip(encoder.names, rows[2].tolist(), strict=True))[", day of the week 1"] == 1
    assert again(encoder) == encoder
    assert not columns.fit_column("date", ["2024-03-01"]).to_dict()["has_hours"]


@pytest.mark.parametrize("kind", ["number", "category", "date"])
def test_names_and_features_are_as_many(kind: columns.FieldKind) -> None:
    encoder = columns.fit_column(kind, ["2024-03-01", "3", "4", "5"])
    assert len(encoder.names) == encoder.width == encoder.encode([""]).shape[1]
    assert encoder.encode([]).shape == (0, encoder.width)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"kind": "number", "center": 0, "scale": 0, "edges": []}, "scale': it is 0, not a number"),
        ({"kind": "number", "center": 0, "scale": 1, "edges": [2, 1]}, "edges': they do not rise"),
        ({"kind": "number", "center": 0, "scale": 1, "edges": ["1"]}, "edges.0.': it is not a number"),
        ({"kind": "number", "center": 0, "scale": 1, "edges": [], "more": 1}, "more': the field is unknown"),
        ({"kind": "category", "categories": ["a", "a"]}, "categories': one occurs twice or is empty"),
        ({"kind": "category", "categories": [1]}, "categories.0.': it is 1, not a string"),
        ({"kind": "text"}, "kind': .* is not known"),
        ({"kind": "date", "days": {}, "has_hours": True}, "days.edges': it is missing"),
    ],
)
def test_a_damaged_encoder_is_refused(described: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        columns.restore_column(Record(described, "encoder.json"))
