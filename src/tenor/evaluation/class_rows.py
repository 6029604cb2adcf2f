"""Which classes a table shows: all of a few; of many the worst and the largest."""

from typing import NamedTuple

from tenor._core.records import JsonMapping, JsonObject

MOST_CLASSES = 20
"""In a table of all classes."""
EXTREMES = 10
"""Of many classes, the number of the worst, and of the largest."""

ClassRow = tuple[str, JsonObject]
"""The name of a class and its metrics."""


class ClassRows(NamedTuple):
    """The rows of a table. Of many classes, only measured ones are shown.

    Attributes:
        every: All classes, if they are few; else empty.
        worst: The classes with the lowest F1, if there are many; else empty.
        largest: Those with the most texts, likewise.
        unmeasured: Names of the classes that none of the texts has.
    """

    every: list[ClassRow]
    worst: list[ClassRow]
    largest: list[ClassRow]
    unmeasured: list[str]


def choose(per_class: JsonMapping) -> ClassRows:
    """The rows that a table shows, from the metrics by class."""
    rows = list(per_class.items())
    unmeasured = [name for name, row in rows if not row["rows"]]
    if len(rows) <= MOST_CLASSES:
        return ClassRows(rows, [], [], unmeasured)
    measured = [row for row in rows if row[1]["rows"]]
    worst = sorted(measured, key=lambda row: (row[1]["f1"], -row[1]["rows"]))[:EXTREMES]
    return ClassRows([], worst, sorted(measured, key=lambda row: -row[1]["rows"])[:EXTREMES], unmeasured)
