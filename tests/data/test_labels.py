from decimal import Decimal
from typing import Any

import pytest

from tenor.data import labels
from tenor.data.label_values import LabelColumn
from tenor.data.labels import ParsedLabels
from tenor.errors import DataError


def read(values: list[Any], **options: Any) -> ParsedLabels:
    return labels.parse_labels(values, LabelColumn("data.csv", "label", **options))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["good", " bad ", None, ""], "binary", ["good", "bad", None, None]),
        (["a", "b", "c"], "multiclass", ["a", "b", "c"]),
        ([True, False, None], "binary", ["true", "false", None]),
        ([0, 1, 1], "binary", ["0", "1", "1"]),
        ([1.0, 2.0, float("nan")], "binary", ["1", "2", None]),
        (["1", "2", "3"], "multiclass", ["1", "2", "3"]),
        (["007", "008", "009"], "multiclass", ["007", "008", "009"]),
        (["1.5", "2", None], "regression", [1.5, 2.0, None]),
        ([0.25, 3], "regression", [0.25, 3.0]),
        ([["a", "b"], [], None, ["b", "b"]], "multilabel", [("a", "b"), (), None, ("b",)]),
        (['["a", "b"]', "[]", "", '["好"]'], "multilabel", [("a", "b"), (), None, ("好",)]),
        (["[a]", "b"], "binary", ["[a]", "b"]),
        (["a", ["a", "b"], ["b"]], "multilabel", [("a",), ("a", "b"), ("b",)]),
        ([["a"], [], ["b"]], "binary", ["a", None, "b"]),
    ],
)
def test_the_task_is_told_from_the_values(values: list[Any], kind: str, expected: list[Any]) -> None:
    result = read(values)
    assert (result.kind, result.values) == (kind, expected)


@pytest.mark.parametrize("values", [["[1, 0]", "[0, 1]"], [[1, 0, 0], [0, 1, 0]], [["1", "0"], None, ["0", "0"]]])
@pytest.mark.parametrize("task", [None, "multilabel"])
def test_lists_that_mark_classes_by_their_place_are_refused(values: list[Any], task: Any) -> None:
    with pytest.raises(DataError, match="by their place in a list"):
        read(values, task=task)


@pytest.mark.parametrize("values", [[["0"], ["1"], ["0", "1"]], [["0", "1"]], [["0", "2"], ["1", "2"]]])
def test_sets_of_numbers_are_labels(values: list[Any]) -> None:
    assert read(values, task="multilabel").kind == "multilabel"


def test_a_decision_that_could_be_another_is_told() -> None:
    assert "taken as classes (`task='regression'`" in read(["1", "2", "3"]).note
    assert "numbers from 0.5 to 2: their values are learned (`task='multiclass'`" in read(["0.5", "2"]).note
    assert read(["0", "1"]).note == ""
    assert "each list has one label" in read([["a"], ["b"]]).note
    assert read([["a"], ["b"]], task="multilabel").kind == "multilabel"
    assert read([["a", "b"], []]).note == "no label applies to 1 row with an empty set of labels."


def test_whole_numbers_of_many_values_are_asked_about() -> None:
    years = list(range(1900, 1950))
    with pytest.raises(DataError, match=r"column 'label': .* of 50 .* classes or amounts\? Choose one: `task='mul"):
        read(years)
    assert read(years, task="regression").values == [float(year) for year in years]
    assert read(years, task="multiclass").values == [str(year) for year in years]


def test_labels_are_parted_by_the_separator_that_was_named() -> None:
    assert read(["a; b", "b;", None, "b;b"], separator=";").values == [("a", "b"), ("b",), None, ("b",)]
    assert read(["a;b", " [] "], separator=";").values == [("a", "b"), ()]
    assert read(["a;b"], task=None).values == ["a;b"]
    result = read(["a;b", "c"], task="multilabel")
    assert result.values == [("a;b",), ("c",)]
    assert result.note == "'a;b' is taken as the name of one label (`label_separator=...` splits it)."


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["0.5"] * 19 + ["N/A"], None, r"row 20, .*the label 'N/A' is not a number, and nearly all others are"),
        (
            ['["a", "b"]'] * 19 + ['["a"'],
            None,
            r"row 20, .*is not a list, and nearly all others are .*`task='multiclass'`",
        ),
        (
            ["4,362", "12,890"],
            None,
            r"numbers such as '4,362', whose comma .* `decimal='\.'` \('4,362' is read as 4362\), or `decimal=','` "
            r"\('4,362' is read as 4\.362\); if they are names, use `task='multiclass'`",
        ),
        (["0,5", "1.5"], "regression", r"row 1, .*the label '0,5' is not a number"),
        (["x", {"a": 1}], None, r"row 2, .*the label is dict"),
        (["x", ["a", "b"]], "multiclass", r"row 2, .*the label is a list .*, but the task is multiclass"),
        (
            ["1", "x", None, "y"],
            "regression",
            r"row 2, .*the label 'x' is not a number below 1e\+30 \(2 such rows: 2, 4\)",
        ),
        (["1e999", "2"], "regression", r"row 1, .*the label '1e999' is not a number"),
        (["a", "b", "c"], "binary", r"there are 3 different labels, and a binary task has two"),
        ([["a", {"b": 1}]], None, r"row 1, .*the label is dict"),
    ],
)
def test_values_that_do_not_fit_the_task_are_refused(values: list[Any], task: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(values, task=task)


def test_half_a_surrogate_pair_is_no_label() -> None:
    assert read(['["\\ud800"]', "b"]).kind == "binary"  # a list that could not be written again is a plain name


def test_a_separator_and_a_task_of_one_label_contradict_each_other() -> None:
    with pytest.raises(DataError, match=r"a label separator was given, but the task is regression"):
        read(["1;2"], task="regression", separator=";")


def test_decimals_are_numbers() -> None:
    assert read([Decimal("0.5"), Decimal("2")]).values == [0.5, 2.0]
    assert read([Decimal("0.5"), "b", "c"], task="multiclass").values == ["0.5", "b", "c"]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_lists_of_one_label_are_labels_also_where_the_task_is_known(task: str) -> None:
    values: list[Any] = [["1"], ["0"], []] if task != "regression" else [[1.5], [2], []]
    expected = ["1", "0", None] if task != "regression" else [1.5, 2.0, None]
    parsed = read(values, task=task)
    assert (parsed.values, parsed.note) == (expected, "")
