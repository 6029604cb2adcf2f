import pytest

from tenor._core.records import Record, RecordError
from tenor.data.fields import SEPARATOR, SINGLE_TEXT, Field, Fields

FIELDS = Fields((Field("title"), Field("body"), Field("price", "number")))


def test_a_single_text_is_the_row() -> None:
    assert SINGLE_TEXT.join([f"one{SEPARATOR}text"]) == f"one{SEPARATOR}text"
    assert SINGLE_TEXT.split(f"one{SEPARATOR}text") == [f"one{SEPARATOR}text"]


def test_values_survive_a_row() -> None:
    values = ["好电影", "", "12.5"]
    assert FIELDS.split(FIELDS.join(values)) == values


def test_a_separator_inside_a_value_is_a_blank() -> None:
    assert FIELDS.split(FIELDS.join([f"a{SEPARATOR}b", "c", "1"])) == ["a b", "c", "1"]


def test_a_row_with_too_few_values_has_empty_ones() -> None:
    assert FIELDS.split("title") == ["title", "", ""]


def test_kinds() -> None:
    assert [field.name for field in FIELDS.texts] == ["title", "body"]
    assert [field.name for field in FIELDS.features] == ["price"]


def test_fields_survive_json() -> None:
    assert Fields.from_record(Record(FIELDS.to_dict(), "tenor.json", "fields")) == FIELDS


@pytest.mark.parametrize(
    ("description", "problem"),
    [
        ({"columns": [], "is_pair": False}, "there must be one"),
        ({"columns": [{"name": "n", "kind": "number"}, {"name": "t", "kind": "text"}], "is_pair": False}, "first"),
        ({"columns": [{"name": "t", "kind": "text"}] * 2, "is_pair": False}, "twice"),
        ({"columns": [{"name": "t", "kind": "text"}], "is_pair": True}, "two text fields"),
        ({"columns": [{"name": "t", "kind": "picture"}], "is_pair": False}, "kind"),
        ({"columns": [{"name": "t", "kind": "text", "x": 1}], "is_pair": False}, "x"),
        ({"columns": [{"name": "t", "kind": "text"}]}, "is_pair"),
    ],
)
def test_damaged_fields_are_refused(description: dict[str, object], problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        Fields.from_record(Record(description, "tenor.json", "fields"))


def test_the_rows_of_two_models_are_read_once_and_each_takes_its_own_fields() -> None:
    one = Fields((Field("title"), Field("price", "number")))
    other = Fields((Field("body"), Field("title"), Field("day", "date")))
    both = one.union(other)
    assert both.columns == (Field("title"), Field("body"), Field("price", "number"), Field("day", "date"))
    row = both.join(["t", "b", "3", "2024-03-01"])
    assert both.select(row, one) == one.join(["t", "3"])
    assert both.select(row, other) == other.join(["b", "t", "2024-03-01"])
    assert both.select(row, Fields((Field("body"),))) == "b"
    assert SINGLE_TEXT.union(Fields((Field("review"),))) == SINGLE_TEXT


def test_a_row_is_shown_by_the_names_of_its_fields() -> None:
    fields = Fields((Field("title"), Field("body"), Field("price", "number")))
    row = fields.join([" a ", "", "3"])
    assert fields.display(row) == "title: a | price: 3"
    assert fields.to_value(row) == {"title": " a ", "body": "", "price": "3"}
    assert (SINGLE_TEXT.display("x"), SINGLE_TEXT.to_value("x")) == ("x", "x")
    assert fields.split(fields.fill("x")) == ["x", "x", ""]
