"""Where a model is worse than elsewhere: its figure on parts of the data, the worst first."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.evaluation.metrics import wilson_interval
from tenor.tasks import Task
from tenor.text import scripts

MIN_ROWS = 10  # rows; fewer say nothing
_QUARTERS = 4
_MOST = 50  # values of a column; with more, each slice is small and the worst is so by chance
_Z = 1.96  # of a 95% interval
_DRAWS = 500

Outcomes = npt.NDArray[np.float64]
"""(texts, 2): numerator and denominator of each text's figure; that of several texts is the quotient of the sums."""


class Slice(NamedTuple):
    """A part of the data.

    Attributes:
        by: What the data are parted by: `length`, `script`, `class` or a column.
        value: Which part it is.
        rows: Its texts.
        figure: Accuracy, micro-F1 or mean absolute error of its texts.
        interval: The 95% interval of the figure.
        worse: Whether the figure of all texts lies outside of it, on the better side.
    """

    by: str
    value: str
    rows: int
    figure: float
    interval: tuple[float, float]
    worse: bool


def metric_of(counted: Outcomes) -> float:
    """The figure of these texts."""
    above, below = counted.sum(axis=0)
    return float(above / below) if below else 0.0


def partition(task: Task, texts: Sequence[str], labels: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> Any:
    """What data are parted by -> the part of each text, as (texts,) names.

    Length in characters in quarters, script, class (not of numbers), and the columns.
    """
    found = {
        "length": length_quartiles(texts),
        "script": [scripts.SCRIPTS[k] for k in scripts.main_scripts(texts).tolist()],
    }
    if task.is_single_label:
        found["class"] = list(labels)
    return found | {name: _names(values) for name, values in columns.items()}


def length_quartiles(texts: Sequence[str]) -> list[str]:
    """The quarter of each text by its number of characters."""
    size = np.array([len(text) for text in texts])
    edges = np.unique(np.quantile(size, np.arange(1, _QUARTERS) / _QUARTERS, method="lower"))
    quarter = np.searchsorted(edges, size)
    spans = {k: f"{size[quarter == k].min()} to {size[quarter == k].max()} characters" for k in np.unique(quarter)}
    return [spans[k] for k in quarter]


def _names(values: Sequence[Any]) -> list[str]:
    """The values of a column as names; of many numbers the quarter."""
    names = ["(none)" if value is None or value == "" else str(value) for value in values]
    if len(set(names)) <= _MOST:
        return names
    try:
        numbers = np.array([float(name) for name in names])
    except ValueError:
        return names
    edges = np.unique(np.nanquantile(numbers, np.arange(1, _QUARTERS) / _QUARTERS))
    spans = [f"above {low:g}, up to {high:g}" for low, high in itertools.pairwise(edges)]
    spans = [f"up to {edges[0]:g}", *spans, f"above {edges[-1]:g}"]
    return [spans[place] for place in np.searchsorted(edges, numbers)]


def slice_metrics(task: Task, counted: Outcomes, parted: Mapping[str, Sequence[str]]) -> list[Slice]:
    """The figure of every part with enough texts, the worst first; none of what has one part only.

    Args:
        task: What is predicted.
        counted: What `task.metric_terms` gives.
        parted: What `parts` tells.
    """
    sign = 1 if task.greater_is_better else -1  # an error is worse the larger it is
    overall = metric_of(counted)
    found = []
    for by, names in parted.items():
        values, place = np.unique(np.asarray(names, object).astype(str), return_inverse=True)
        sizes = np.bincount(place)
        for k in np.flatnonzero(sizes >= MIN_ROWS).tolist() if len(values) > 1 else []:
            own = counted[place == k]
            low, high = _interval(task, own)
            worse = overall < low if sign < 0 else overall > high
            found.append(Slice(by, str(values[k]), int(sizes[k]), metric_of(own), (low, high), bool(worse)))
    return sorted(found, key=lambda part: sign * part.figure)


def _interval(task: Task, counted: Outcomes) -> tuple[float, float]:
    """The 95% interval: Wilson's of a share, the normal one of a mean, the bootstrap's of F1 (Efron, 1979)."""
    if task.is_multilabel:
        random = np.random.default_rng(0)
        weights = random.multinomial(len(counted), np.full(len(counted), 1 / len(counted)), _DRAWS)
        sums = weights @ counted
        low, high = np.quantile(sums[:, 0] / np.maximum(sums[:, 1], 1), (0.025, 0.975))
        return float(low), float(high)
    if not task.has_labels:
        half = _Z * counted[:, 0].std(ddof=1) / np.sqrt(len(counted))
        return metric_of(counted) - half, metric_of(counted) + half
    return wilson_interval(int(counted[:, 0].sum()), len(counted))
