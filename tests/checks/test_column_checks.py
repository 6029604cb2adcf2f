import random
from typing import Any

from tenor.checks import columns

LABELS = ["x", "y", "y"] * 100


def told(labels: list[str] = LABELS, **others: list[Any]) -> list[str]:
    random.Random(0).shuffle(order := list(range(len(labels))))
    result = columns.check(
        [labels[row] for row in order], {name: [v[row] for row in order] for name, v in others.items()}
    )
    return [finding.problem for finding in result]


def test_columns_that_tell_nothing_are_passed_over() -> None:
    draw = random.Random(1)
    assert (
        told(
            number=[draw.random() for _ in LABELS],
            few=[draw.choice("abc") for _ in LABELS],
            identity=[f"id{row}" for row in range(300)],
            empty=[None] * 300,
            lists=[[1]] * 300,
        )
        == []
    )


def test_a_column_with_the_same_distinction_is_found() -> None:
    [problem] = told(stars=[{"x": "bad", "y": "good"}[label] for label in LABELS])
    assert problem.startswith("the column 'stars' gives the label away: its value tells 100.0%")


def test_a_range_of_numbers_is_found() -> None:
    [problem] = told(number=[row if label == "x" else 1000 + row for row, label in enumerate(LABELS)])
    assert "'number' gives the label away: its range" in problem


def test_names_with_numbers_are_found() -> None:
    [problem] = told(file=[f"{label}_{row}" for row, label in enumerate(LABELS)])
    assert "its value without digits" in problem


def test_rows_sorted_by_label_are_found() -> None:
    [finding] = columns.check(sorted(LABELS), {})
    assert finding.name == "sorted"
    assert list(columns.check(sorted(LABELS)[:10], {})) == []
