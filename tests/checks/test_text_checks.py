from typing import Any

import pytest

from helpers.rows import chinese, english
from tenor.checks import texts
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding
from tenor.data.dataset import Dataset


def parts(data: list[tuple[str, str]], test: list[tuple[str, str]] | None = None) -> CheckContext:
    made = [Dataset("in.csv", [t for t, _ in rows], [label for _, label in rows]) for rows in (data, test or [])]
    return CheckContext(made[0], made[1] if test is not None else None)


def found(checked: CheckContext, limit: int = 200) -> dict[str, Finding]:
    return {finding.name: finding for finding in texts.check(checked, limit)}


def test_clean_texts_give_no_finding() -> None:
    for rows in (english(), chinese()):
        assert found(parts(rows[:40], rows[40:])) == {}


def test_texts_of_the_test_that_stand_in_the_data_are_an_error() -> None:
    rows = english()
    near = (rows[1][0].upper() + "!", rows[1][1])
    leaks = found(parts(rows[:40], [*rows[40:], (f" {rows[7][0]}\n", "x"), near]))
    assert (leaks["leaked"].severity, leaks["leaked"].count) == ("error", 1)
    assert leaks["leaked"].problem == "1 of the 22 test texts is in the data too."
    assert (leaks["leaked"].rows, leaks["leaked"].details, leaks["leaked"].part) == (
        [21],
        ["row 8 of the data"],
        "test",
    )
    assert (leaks["nearly-leaked"].severity, leaks["nearly-leaked"].rows) == ("warning", [22])
    assert leaks["nearly-leaked"].details == ["row 2 of the data"]


def test_repeated_and_conflicting_texts_are_told_apart() -> None:
    rows = [
        *english(),
        english()[0],
        english()[1],
        (english()[1][0] + " ", "other"),
        (english()[2][0] + "...", "other"),
    ]
    told = found(parts(rows))
    assert (told["repeated"].rows, told["repeated"].details) == ([61], ["row 1"])
    assert told["conflicting"].rows == [2, 62, 63]
    assert told["conflicting"].details[2] == "other, first in row 2"
    assert told["near-conflicting"].rows == [3, 64]
    assert (told["nearly-repeated"].rows, told["nearly-repeated"].details) == ([64], ["row 3"])


def test_row_numbers_are_those_of_the_file() -> None:
    data = Dataset("in.csv", ["a b c", "d e f", "a b c"], ["x", "y", "x"], row_numbers=[2, 5, 9])
    assert (found(CheckContext(data))["repeated"].rows, found(CheckContext(data))["repeated"].details) == (
        [9],
        ["row 2"],
    )


@pytest.mark.parametrize(
    ("labels", "beside"),
    [
        ([("a",), ("b", "c"), ("a",)], ["a", "b, c, first in row 1", "a, first in row 1"]),
        ([0.5, 0.7, 0.5], ["0.5", "0.7, first in row 1", "0.5, first in row 1"]),
    ],
)
def test_different_sets_of_labels_or_numbers_of_a_text_are_noted(labels: list[Any], beside: list[str]) -> None:
    data = Dataset("in.csv", ["one two three"] * 3, labels)
    told = found(CheckContext(data))
    assert (told["conflicting"].severity, told["conflicting"].details) == ("note", beside)
    assert told["repeated"].rows == [3]
    assert "conflicting" not in found(CheckContext(Dataset("in.csv", ["one two three"] * 2, labels[::2])))


def test_texts_that_are_part_of_longer_ones_are_noted_and_stay_together() -> None:
    rows = [*english(), ("the first part", "positive"), ("This is the first part of it.", "positive")]
    told = found(parts(rows))
    assert (told["contained"].severity, told["contained"].rows) == ("note", [61])
    assert told["contained"].details == ["row 62"]
    together = parts(rows).split_groups
    assert together[60] == together[61]
    assert len(set(together.tolist())) == 61


def test_lengths_and_scripts() -> None:
    rows = [*english(), ("!!!", "positive"), ("good film", "positive"), ("очень хороший фильм", "positive")]
    told = found(parts(rows), limit=10)
    assert (told["without-words"].rows, told["without-words"].details) == ([61], ["'!!!'"])
    assert told["short"].rows == [62]
    assert (told["other-scripts"].rows, told["other-scripts"].details) == ([63], ["Cyrillic"])
    lengths = [len(text.split()) for text, _ in english()]
    assert told["long"].rows == [row for row, length in enumerate(lengths, 1) if length > 10]
    summary = texts.summary(parts(rows))
    assert (summary["tokens"]["least"], summary["tokens"]["most"]) == (0, max(lengths))
    assert list(summary["scripts"].items()) == [("Latin", 61 / 63), ("Cyrillic", 1 / 63), ("none", 1 / 63)]
