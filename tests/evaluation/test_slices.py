import numpy as np
import pytest

from tenor.evaluation import slices
from tenor.tasks import MultiLabel, Regression, SingleLabel

TASK = SingleLabel(("a", "b"))


def test_the_worst_part_comes_first_and_is_told_from_chance() -> None:
    targets = np.zeros(400, np.int32)
    predicted = targets.copy()
    predicted[:40] = 1
    source = ["old"] * 100 + ["new"] * 300
    result = slices.slice_metrics(TASK, TASK.metric_terms(targets, predicted), {"source": source})
    assert [(part.value, part.rows, part.metric, part.worse) for part in result] == [
        ("old", 100, 0.6, True),
        ("new", 300, 1.0, False),
    ]


def test_of_numbers_the_largest_error_comes_first() -> None:
    targets = np.zeros(60, np.float32)
    predicted = np.tile([0.1, 0.12], 30).astype(np.float32)
    predicted[:20] += 1
    result = slices.slice_metrics(
        Regression(), Regression().metric_terms(targets, predicted), {"by": ["x"] * 20 + ["y"] * 40}
    )
    assert [part.value for part in result] == ["x", "y"]
    assert result[0].metric == pytest.approx(1.11, abs=1e-5)
    assert [part.worse for part in result] == [True, False]


def test_the_figure_of_label_sets_is_micro_f1() -> None:
    task = MultiLabel(("x", "y", "z"))
    random = np.random.default_rng(0)
    targets, predicted = ((random.random((80, 3)) < 0.4).astype(np.float32) for _ in range(2))
    counted = task.metric_terms(targets, predicted)
    expected = 2 * (targets * predicted).sum() / (targets.sum() + predicted.sum())
    assert slices.metric_of(counted) == pytest.approx(expected)
    part = slices.slice_metrics(task, counted, {"by": ["one"] * 40 + ["two"] * 40})[0]
    assert part.interval[0] < part.metric < part.interval[1]


def test_parts_with_few_rows_and_columns_with_one_value_say_nothing() -> None:
    counted = TASK.metric_terms(np.zeros(30, np.int32), np.zeros(30, np.int32))
    parted = {"one": ["x"] * 30, "two": ["x"] * 25 + ["y"] * 5}
    assert [(part.by, part.value) for part in slices.slice_metrics(TASK, counted, parted)] == [("two", "x")]


def test_data_are_parted_by_length_script_class_and_columns() -> None:
    texts = ["好"] * 10 + ["good film"] * 10 + ["a very good film indeed"] * 20
    labels = ["a", "b"] * 20
    columns = {"age": [str(number) for number in range(40)], "year": [*range(60)][:40]}
    parted = slices.partition(TASK, texts, labels, columns)
    assert list(parted) == ["length", "script", "class", "age", "year"]
    assert set(parted["length"]) == {"1 to 1 characters", "9 to 9 characters", "23 to 23 characters"}
    assert set(parted["script"]) == {"Han", "Latin"}
    assert parted["class"] == labels


def test_a_column_of_many_numbers_is_parted_in_quarters() -> None:
    values = [str(number) for number in range(100)]
    names = slices.partition(Regression(), ["x"] * 100, [0.0] * 100, {"n": values})["n"]
    assert sorted({names.count(name) for name in names}) == [25]
    many = [f"name {number}" for number in range(100)]
    assert slices.partition(Regression(), ["x"] * 100, [0.0] * 100, {"n": many})["n"] == many


def test_missing_values_are_a_part_of_their_own() -> None:
    names = slices.partition(TASK, ["x"] * 3, ["a"] * 3, {"source": [None, "", "web"]})["source"]
    assert names == ["(none)", "(none)", "web"]


def test_numbers_with_some_missing_are_still_parted_in_quarters() -> None:
    values = [None if row % 20 == 0 else float("nan") if row == 1 else row / 7 for row in range(101)]
    names = slices.partition(TASK, ["x"] * 101, ["a"] * 101, {"price": values})["price"]
    assert [names[row] for row in (0, 1, 20)] == ["(none)"] * 3
    assert sorted({names.count(name) for name in names}) == [7, 23, 24]
