"""Which classes are confused with which, in the form of `metrics.json`.

For up to MATRIX_CLASSES classes the counts form a matrix, `confusion`. For more, most cells are 0, so the others are
listed, `confusion_cells`. Memory and file grow with the texts, never with the square of the classes.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonMapping, JsonObject

MATRIX_CLASSES = 100
"""For at most this many classes, `metrics.json` has the whole matrix."""
MOST_CELLS = 20_000
"""Cells of thousands of classes that are listed: those with the most texts."""

Classes = npt.NDArray[np.integer]


class Cell(NamedTuple):
    """How many texts of one class are predicted as another, or as itself."""

    true: str
    predicted: str
    rows: int


def describe(targets: Classes, predicted: Classes, n_classes: int) -> JsonObject:
    """The confusion as JSON.

    Args:
        targets: (texts,) true classes.
        predicted: (texts,) predicted classes.
        n_classes: Number of classes.

    Returns:
        For up to MATRIX_CLASSES classes `confusion`, (classes, classes): rows are true classes, columns predicted ones.
        For more, `confusion_cells`, `[true, predicted, rows]` of each cell that is not 0, with the positions of the
        classes among the labels, those with the most texts first; and `confusion_rest`, the number of texts in cells
        that are not listed.
    """
    cells = targets.astype(np.int64) * n_classes + predicted
    if n_classes <= MATRIX_CLASSES:
        counts = np.bincount(cells, minlength=n_classes * n_classes)
        return {"confusion": counts.reshape(n_classes, n_classes).tolist()}
    filled, counts = np.unique(cells, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_CELLS]
    table = np.stack([filled[order] // n_classes, filled[order] % n_classes, counts[order]], axis=1)
    return {"confusion_cells": table.tolist(), "confusion_rest": int(counts.sum() - counts[order].sum())}


def mistakes(metrics: JsonMapping, labels: Sequence[str]) -> list[Cell]:
    """The pairs of different classes that were confused, the most frequent first.

    Args:
        metrics: The metrics of a task with one label per text, of this or an earlier version.
        labels: Names of the classes.
    """
    cells = (
        Cell(labels[true], labels[predicted], rows) for true, predicted, rows in _cells(metrics) if true != predicted
    )
    return sorted(cells, key=lambda cell: -cell.rows)


def _cells(metrics: JsonMapping) -> Iterator[tuple[int, int, int]]:
    for true, predicted, rows in metrics.get("confusion_cells", []):
        yield true, predicted, rows
    for true, counts in enumerate(metrics.get("confusion", [])):
        yield from ((true, predicted, count) for predicted, count in enumerate(counts) if count)
