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
