"""Checks of the other columns: one that gives the label away, and rows sorted by label."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.checks.finding import Finding

_FEWEST = 20  # rows, below which a column may tell the labels by chance
_TOLD = 0.95  # share of the labels that the most frequent one would get wrong, and the column tells
_DIGITS = re.compile(r"\d+")


def check(labels: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> Iterator[Finding]:
    """Look for columns that tell the labels.

    Args:
        labels: The label of each row.
        columns: The other columns, by name.
    """
    targets = np.unique(labels, return_inverse=True)[1]
    if len(targets) < _FEWEST or targets.max(initial=0) == 0:
        return
    for name, values in columns.items():
        told, how = _told(targets, values)
        if told >= _TOLD:
            yield Finding(
                "telling-column",
                "note",
                f"the column {name!r} gives the label away: {how} tells {told:.1%} of what guessing gets wrong.",
                "Tenor reads the text column alone; do not put this column into the text.",
                1,
            )
    if _by_neighbour(targets, np.arange(len(targets), dtype=np.float64)) >= _TOLD:
        yield Finding(
            "sorted",
            "note",
            "the rows are sorted by label.",
            "Tenor draws its parts at random; shuffle the rows before you cut the file yourself.",
            len(targets),
        )


def _told(targets: npt.NDArray[Any], values: Sequence[Any]) -> tuple[float, str]:
    """How much of the labels a column tells, and by what: its value, its range, or its value without digits."""
    if all(value is None or isinstance(value, (int, float)) for value in values):
        numbers = np.array([np.nan if value is None else value for value in values], np.float64)
        return _by_neighbour(targets, numbers), "its range"
    written = [str(value) for value in values]
    if len(set(written)) <= len(written) / 2:
        return _by_value(targets, written), "its value"
    return _by_value(targets, [_DIGITS.sub("0", value) for value in written]), "its value without digits"


def _by_value(targets: npt.NDArray[Any], values: Sequence[str]) -> float:
    """Learn the most frequent label of each value on one half of the rows and try it on the other."""
    numbers = np.unique(values, return_inverse=True)[1]
    if numbers.max() == 0 or numbers.max() >= len(values) / 2:
        return 0.0
    learnt, tried = _halves(len(targets))
    found: dict[int, Counter[int]] = {}
    for value, target in zip(numbers[learnt].tolist(), targets[learnt].tolist(), strict=True):
        found.setdefault(value, Counter())[target] += 1
    guess = {value: counts.most_common(1)[0][0] for value, counts in found.items()}
    return _gain(targets, learnt, tried, np.array([guess.get(value, -1) for value in numbers[tried].tolist()]))


def _by_neighbour(targets: npt.NDArray[Any], values: npt.NDArray[np.float64]) -> float:
    """Give each row of one half the label of the row with the next smaller value in the other half."""
    learnt, tried = _halves(len(targets))
    learnt = learnt[np.isfinite(values[learnt])]
    if not len(learnt):
        return 0.0
    order = learnt[np.argsort(values[learnt], kind="stable")]
    place = np.searchsorted(values[order], values[tried], side="right") - 1
    return _gain(targets, learnt, tried, targets[order[np.maximum(place, 0)]])


def _halves(rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    order = np.random.default_rng(0).permutation(rows)
    return order[: rows // 2], order[rows // 2 :]


def _gain(
    targets: npt.NDArray[Any], learnt: npt.NDArray[np.int64], tried: npt.NDArray[np.int64], guess: npt.NDArray[Any]
) -> float:
    """The share of the labels that a guess tells, of those that the most frequent label does not."""
    usual = np.bincount(targets[learnt]).argmax()
    wrong = float((targets[tried] != usual).mean())
    return (wrong - float((targets[tried] != guess).mean())) / wrong if wrong else 0.0
