import pytest

from tenor.data import label_units
from tenor.data.label_values import LabelColumn
from tenor.data.labels import parse_labels
from tenor.errors import DataError

COLUMN = LabelColumn("in.csv", "label")


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("5 kg", "kg"),
        ("1.2k", "k"),
        ("2.5万", "万"),
        ("12 km/h", "km/h"),
        ("3星", "星"),
        ("5 m²", "m2"),
        *((value, "") for value in ("1st", "22nd", "5", "a5", "4x4", "2024-01", "5 out of ten")),
    ],
)
def test_the_unit_of_a_number(value: str, unit: str) -> None:
    assert label_units.unit(value) == unit


def test_a_few_numbers_with_a_unit_are_classes_and_a_note_says_so() -> None:
    parsed = parse_labels([f"{at % 5 + 1} stars" for at in range(40)], COLUMN)
    assert parsed.kind == "multiclass"
    assert parsed.note.startswith("the labels are numbers with a unit, such as '1 stars', taken as classes")


@pytest.mark.parametrize(
    "labels", [[f"{at / 10 + 1:.1f}万" for at in range(40)], [f"{at + 1}k" for at in range(40)] + ["900"]]
)
def test_many_numbers_with_a_unit_are_a_question(labels: list[object]) -> None:
    with pytest.raises(
        DataError, match=r"classes or amounts\? Use `task='multiclass'` for classes\. For amounts, write"
    ):
        parse_labels(labels, COLUMN)
    assert parse_labels(labels, COLUMN.of_task("multiclass")).kind == "multiclass"
    with pytest.raises(DataError, match="Write plain numbers in one unit"):
        parse_labels(labels, COLUMN.of_task("regression"))


def test_names_that_share_no_unit_are_names() -> None:
    assert parse_labels(["1a", "2b", "3c"] * 9, COLUMN).note == ""
    assert label_units.find({"5 kg", "6 kg", "heavy"}) == []
