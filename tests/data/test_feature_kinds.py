import datetime
import decimal

import pytest

from tenor._core.language import use_language
from tenor._core.records import Record
from tenor.data import feature_kinds, field_values
from tenor.data.feature_kinds import FeatureSummary
from tenor.data.fields import Field, FieldKind, Fields
from tenor.errors import DataError


def summary(values: list[object], name: str = "x", kind: FieldKind | None = None) -> FeatureSummary:
    made = FeatureSummary(name, kind)
    made.add(values)
    return made


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (3, "number", "3"),
        (3.0, "number", "3"),
        (" 3.50 ", "number", "3.5"),
        ("1e3", "number", "1000"),
        (decimal.Decimal("0.1"), "number", "0.1"),
        ("1_000", "number", None),
        ("$1,234.50", "number", "1234.5"),
        ("31.8%", "number", "31.8"),
        ("abc", "number", None),
        ("inf", "number", None),
        (True, "number", None),
        ("n/a", "number", ""),
        (float("nan"), "number", ""),
        (None, "category", ""),
        ("  de ", "category", "de"),
        (1.0, "category", "1"),
        (True, "category", "true"),
        ([1], "category", None),
        ("2024-03-01", "date", "2024-03-01"),
        ("2024/03/01", "date", "2024-03-01"),
        ("2024-03-01T12:30:00", "date", "2024-03-01T12:30:00"),
        (datetime.date(2024, 3, 1), "date", "2024-03-01"),
        ("20240301", "date", None),
        ("soon", "date", None),
    ],
)
def test_a_value_has_one_form(value: object, kind: FieldKind, expected: str | None) -> None:
    assert field_values.to_string(value, Field("x", kind)) == expected


@pytest.mark.parametrize(
    ("values", "kind", "described"),
    [
        (["1", "2.5", "", "7"], "number", "x: number"),
        ([1, 2, None], "number", "x: number"),
        (["de", "fr", "de"], "category", "x: category (2 values)"),
        (["01234", "04109", "10115"], "category", "x: category (3 values)"),
        ([True, False], "category", "x: category (2 values)"),
        (["2024-03-01", "2024-04-01"], "date", "x: date"),
        (["$1,234.00", "$3.50"], "number", "x: number ('$1,234.00' is read as 1234)"),
        (["1"] * 99 + ["abc"], "number", "x: number"),
        (["1"] * 9 + ["abc"], "category", "x: category (2 values)"),
    ],
)
def test_the_values_decide_the_kind(values: list[object], kind: FieldKind, described: str) -> None:
    assert summary(values).field() == Field("x", kind)
    assert summary(values).describe() == described


def test_a_kind_is_described_in_chinese() -> None:
    with use_language("zh"):
        assert summary(["1", "2.5"]).describe() == "x：数值"
        assert summary(["de", "fr", "de"]).describe() == "x：类别（2 个值）"


def test_the_decimal_mark_of_a_column_is_kept() -> None:
    field = summary(["12,5", "3,25", "7"]).field()
    assert field == Field("x", "number", ",")
    assert field_values.to_string("1.234,5", field) == "1234.5"
    assert Fields.from_record(Record(Fields((Field("t"), field)).to_dict(), "f")).columns[1] == field
    assert summary(["4,362", "1,200"]).field() == Field("x", "number")
    assert "decimal" not in Field("x", "number").to_dict()


def test_a_named_kind_is_kept() -> None:
    assert summary(["1", "2"], kind="category").field() == Field("x", "category")
    assert feature_kinds.split_kind("store:category", ["store"]) == ("store", "category")
    assert feature_kinds.split_kind("a:b", ["a:b"]) == ("a:b", None)
    assert feature_kinds.split_kind("a:date", ["a:date"]) == ("a:date", None)


@pytest.mark.parametrize(
    ("values", "name", "fault"),
    [
        (["", None, "n/a"], "x", "it is empty in every row"),
        (["a"] * 3, "x", "every row has the value 'a'"),
        (["a", "a", None], "x", None),
        ([f"u{number}" for number in range(30)], "x", "each row has another value, as in a column of ids"),
        (list(range(7, 37)), "x", "each row has another value, as in a column of ids"),
        ([number**2 for number in range(30)], "x", None),
        ([number**2 for number in range(30)], "User_ID", "each row has another value, as in a column of ids"),
        ([f"u{number}" for number in range(10)], "x", None),
    ],
)
def test_useless_features_are_recognised(values: list[object], name: str, fault: str | None) -> None:
    assert summary(values, name).fault() == fault


def test_a_useless_feature_that_was_named_is_refused() -> None:
    problem = r"^a\.csv, column 'x': the feature 'x' is useless: every row has the value 'a', and it tells nothing\."
    with pytest.raises(DataError, match=problem):
        feature_kinds.require_useful([summary(["a", "a"])], "a.csv")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["Köln", "Bonn"], "number", "no value of the feature 'x' can be read as a number: 'Bonn', for one."),
        (["Köln", 7, None], "date", "no value of the feature 'x' can be read as a date: '7', for one."),
    ],
)
def test_a_named_kind_that_no_value_has_is_refused(values: list[object], kind: FieldKind, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        feature_kinds.require_useful([summary(values, kind=kind)], "a.csv")
    assert caught.value.remedy == "Name it as x:category, or without a kind, which its values then decide."
    feature_kinds.require_useful([summary(["Köln", "12"], kind="number")], "a.csv")  # one can be read
