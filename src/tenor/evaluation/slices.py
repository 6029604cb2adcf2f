"""Where a model is worse than elsewhere: its metric on slices of the data, the worst first."""

import itertools
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonMapping, JsonObject
from tenor.data.io.chunks import Cell
from tenor.evaluation.metrics import wilson_interval
from tenor.tasks import Label, Task
from tenor.text import scripts

MIN_ROWS = 10
"""Smaller slices are left out: their metrics say little."""
_QUARTERS = 4
_MOST_VALUES = 50
"""Values of a column. With more, every slice is small, and the worst is so by chance."""
_NO_VALUE = "(none)"
_Z = NormalDist().inv_cdf(0.975)  # for a 95% interval

MetricTerms = npt.NDArray[np.float64]
"""(texts, 2): numerator and denominator of each text. The metric of several texts is the quotient of the sums."""
Partition = Mapping[str, Sequence[str]]
"""For each way to slice the data, such as `length`, the name of the slice that each text is in, (texts,)."""


class Slice(NamedTuple):
    """A part of the data.

    Attributes:
        by: How the data are sliced: `length`, `script`, `class` or a column.
        value: Which slice this is.
        rows: Number of its texts.
        metric: Accuracy, micro-averaged F1 or mean absolute error of its texts.
        interval: The 95% interval of the metric.
        worse: Whether the metric of all texts lies outside the interval, on the better side.
    """

    by: str
    value: str
    rows: int
    metric: float
    interval: tuple[float, float]
    worse: bool

    def as_dict(self) -> JsonObject:
        """The slice as `metrics.json` stores it, which calls the metric `figure`."""
        return {"figure" if name == "metric" else name: value for name, value in self._asdict().items()}

    @classmethod
    def from_dict(cls, values: JsonMapping) -> Self:
        """The slice that `as_dict` described."""
        return cls(**{"metric" if name == "figure" else name: value for name, value in values.items()})


def partition(
    task: Task, texts: Sequence[str], labels: Sequence[Label], columns: Mapping[str, Sequence[Cell]]
) -> Partition:
    """Slice the data by length, script, class (for single labels) and columns.

    Args:
        task: The task.
        texts: The texts.
        labels: Their labels.
        columns: Values of further columns by name, (texts,) each.
    """
    slices: dict[str, Sequence[str]] = {
        "length": length_quartiles(texts),
        "script": [scripts.SCRIPTS[index] for index in scripts.main_scripts(texts).tolist()],
    }
    if task.is_single_label:
        slices["class"] = list(labels)
    return slices | {name: _slice_names(values) for name, values in columns.items()}


def length_quartiles(texts: Sequence[str]) -> list[str]:
    """The quarter that each text is in by its number of characters, such as `12 to 34 characters`."""
    lengths = np.array([len(text) for text in texts])
    edges = np.unique(np.quantile(lengths, np.arange(1, _QUARTERS) / _QUARTERS, method="lower"))
    quarters = np.searchsorted(edges, lengths)
    names = {
        quarter: f"{lengths[quarters == quarter].min()} to {lengths[quarters == quarter].max()} characters"
        for quarter in np.unique(quarters)
    }
    return [names[quarter] for quarter in quarters]


def _slice_names(values: Sequence[Cell]) -> list[str]:
    """The values of a column as names; quarters if there are many numbers. A missing value is a name of its own."""
    names = [_NO_VALUE if value is None or value == "" or value != value else str(value) for value in values]
    if len(set(names)) <= _MOST_VALUES:
        return names
    try:
        numbers = np.array([np.nan if name == _NO_VALUE else float(name) for name in names])
    except ValueError:
        return names
    edges = np.unique(np.nanquantile(numbers, np.arange(1, _QUARTERS) / _QUARTERS))
    quarters = [f"above {low:g}, up to {high:g}" for low, high in itertools.pairwise(edges)]
    quarters = [f"up to {edges[0]:g}", *quarters, f"above {edges[-1]:g}"]
    places = np.searchsorted(edges, numbers).tolist()
    return [_NO_VALUE if number != number else quarters[place] for number, place in zip(numbers, places, strict=True)]


def slice_metrics(task: Task, terms: MetricTerms, slices: Partition) -> list[Slice]:
    """The metric of every slice with enough texts, the worst first.

    A way to slice that puts all texts into one slice is left out.

    Args:
        task: The task.
        terms: What `task.metric_terms` gives.
        slices: What `partition` gives.
    """
    sign = 1 if task.greater_is_better else -1
    overall = metric_of(terms)
    results = []
    for by, names in slices.items():
        values, indices = np.unique(np.asarray(names, object).astype(str), return_inverse=True)
        sizes = np.bincount(indices)
        by_slice = np.split(terms[np.argsort(indices, kind="stable")], sizes.cumsum()[:-1])
        for index in np.flatnonzero(sizes >= MIN_ROWS).tolist() if len(values) > 1 else []:
            members = by_slice[index]
            low, high = _interval(task, members)
            worse = overall > high if task.greater_is_better else overall < low
            row = Slice(by, str(values[index]), int(sizes[index]), metric_of(members), (low, high), bool(worse))
            results.append(row)
    return sorted(results, key=lambda row: sign * row.metric)


def metric_of(terms: MetricTerms) -> float:
    """The metric of these texts."""
    numerator, denominator = terms.sum(axis=0)
    return float(numerator / denominator) if denominator else 0.0


def _interval(task: Task, terms: MetricTerms) -> tuple[float, float]:
    """The 95% interval: Wilson's for a share or F1, the normal one for a mean.

    F1 is a ratio of sums. Its variance (linearised: Cochran, 1977, section 6.4) gives the number of rows that a share
    of the same variance has, for Wilson's interval.
    """
    if task.is_multilabel:
        metric, rows = metric_of(terms), float(len(terms))
        residuals = terms[:, 0] - metric * terms[:, 1]
        if 0 < metric < 1:
            variance = float(residuals @ residuals) / float(terms[:, 1].sum()) ** 2
            rows = metric * (1 - metric) / variance if variance else rows  # all rows may have the same F1
        return wilson_interval(metric * rows, rows)
    if not task.has_labels:
        half_width = _Z * terms[:, 0].std(ddof=1) / np.sqrt(len(terms))
        return metric_of(terms) - half_width, metric_of(terms) + half_width
    return wilson_interval(int(terms[:, 0].sum()), len(terms))
