"""Metrics of predictions for labelled texts."""

from functools import singledispatch
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.data.blocks import map_blocks
from tenor.evaluation import confusion, ranking
from tenor.evaluation.calibration import calibration_metrics
from tenor.evaluation.conformal import Conformal, coverage_metrics
from tenor.tasks import Floats, MultiLabel, Regression, SingleLabel, Targets, Task

_Z = NormalDist().inv_cdf(0.975)  # for a 95% interval

Counts = npt.NDArray[np.integer[Any]]
"""(labels,) numbers of texts."""


def wilson_interval(right: float, rows: float) -> tuple[float, float]:
    """The 95% score interval of a share (Wilson, 1927). It is usable for shares of 0 and 1 and for few rows too.

    SciPy has it too, but takes half a second to import.

    Args:
        right: Number of rows that are right.
        rows: Number of rows, above 0. It is an effective number, and need not be whole, where rows weigh differently.
    """
    share, spread = right / rows, _Z * _Z / rows
    middle = (share + spread / 2) / (1 + spread)
    half_width = _Z * np.sqrt(share * (1 - share) / rows + spread / rows / 4) / (1 + spread)
    low = 0.0 if right <= 0 else float(middle - half_width)
    return low, 1.0 if right >= rows else float(middle + half_width)


def compute_metrics(
    targets: Targets,
    logits: Floats,
    task: Task,
    calibrated: Floats | None = None,
    conformal: Conformal | None = None,
) -> JsonObject:
    """All metrics of a model on held-out texts.

    Args:
        targets: The labels of n texts, n at least 1, as `task.encode` gives them.
        logits: (n, outputs), before calibration.
        task: The task.
        calibrated: The logits after calibration; None, or `logits` themselves: there is no calibration.
        conformal: Scores that prediction sets and intervals come from; None: there are none.

    Returns:
        `task`, `rows`, and the result of `classification_metrics`, `multilabel_metrics` or `regression_metrics`. With
        probabilities, also `log_loss`, the result of `calibration_metrics`, and both before calibration as
        `uncalibrated`. With conformal scores, also `coverage`, the result of `coverage_metrics`.
    """
    metrics: JsonObject = {"task": task.kind, "rows": len(targets)}
    final = logits if calibrated is None else calibrated
    metrics |= _task_metrics(task, targets, final)
    if task.has_labels:
        metrics |= _probability_metrics(targets, final, task)
        if final is not logits:
            metrics["uncalibrated"] = _probability_metrics(targets, logits, task)
    if conformal:
        metrics["coverage"] = coverage_metrics(targets, logits, task, conformal)
    return metrics


@singledispatch
def _task_metrics(task: Task, targets: Targets, logits: Floats) -> JsonObject:
    raise TypeError(tr("no metrics for {name__}", name__=type(task).__name__))


@_task_metrics.register
def _(task: SingleLabel, targets: Targets, logits: Floats) -> JsonObject:
    return classification_metrics(targets, logits, task)


@_task_metrics.register
def _(task: MultiLabel, targets: Targets, logits: Floats) -> JsonObject:
    return multilabel_metrics(targets, task.probabilities(logits), task)


@_task_metrics.register
def _(task: Regression, targets: Targets, logits: Floats) -> JsonObject:
    return regression_metrics(targets, task.values(logits))


def _probability_metrics(targets: Targets, logits: Floats, task: Task) -> JsonObject:
    losses = map_blocks(task.losses, targets, logits)
    return {"log_loss": float(losses.mean(dtype=np.float64)), **calibration_metrics(targets, logits, task)}


def classification_metrics(targets: Targets, logits: Floats, task: SingleLabel) -> JsonObject:
    """Metrics for one label per text.

    A class that none of the texts has is not measured: its metrics are None, and the means leave it out.
    `measured_classes` says how many classes are left.

    Args:
        targets: (n,) true classes.
        logits: (n, outputs).
        task: The task, with the names of the classes.

    Returns:
        `accuracy`, `accuracy_interval` (95%, see `wilson_interval`), `macro_f1`, `roc_auc` (for more than two classes
        the mean of one-against-rest; None if all texts have one class), `measured_classes`, `per_class`, and the
        result of `confusion.describe`.
    """
    n_classes = len(task.labels)
    predicted = map_blocks(task.predict, logits)
    right, chosen, support = (
        np.bincount(each, minlength=n_classes) for each in (targets[predicted == targets], predicted, targets)
    )
    n_right = int(right.sum())
    return {
        "accuracy": n_right / len(targets),
        "accuracy_interval": list(wilson_interval(n_right, len(targets))),
        "macro_f1": _macro_f1(right, chosen, support),
        "roc_auc": ranking.mean_roc_auc(targets, logits),
        "measured_classes": int((support > 0).sum()),
        "per_class": _per_class(right, chosen, support, task.labels),
        **confusion.describe(targets, predicted, n_classes),
    }


def multilabel_metrics(targets: Targets, probabilities: Floats, task: MultiLabel) -> JsonObject:
    """Metrics for several labels per text.

    A label that none of the texts has is not measured, as in `classification_metrics`.

    Args:
        targets: (n, labels) of 0 and 1.
        probabilities: (n, labels).
        task: The task, with the names of the labels and their thresholds.

    Returns:
        `micro_f1` (over all decisions), `macro_f1` and `average_precision` (means over the labels that occur),
        `hamming_loss` (share of wrong decisions), `exact_match` (share of texts with every label right),
        `measured_classes` (labels that occur) and `per_class`.
    """
    truth, chosen = targets > 0, task.label_indicators(probabilities)
    right, predicted, support = (each.sum(axis=0) for each in (truth & chosen, chosen, truth))
    average = [ranking.average_precision(truth[:, k], probabilities[:, k]) for k in range(len(task.labels))]
    measured = [value for value in average if value is not None]
    per_class = _per_class(right, predicted, support, task.labels)
    for row, value in zip(per_class.values(), average, strict=True):
        row["average_precision"] = value
    return {
        "micro_f1": float(2 * right.sum() / max(predicted.sum() + support.sum(), 1)),
        "macro_f1": _macro_f1(right, predicted, support),
        "average_precision": float(np.mean(measured)) if measured else None,
        "hamming_loss": float((truth != chosen).mean()),
        "exact_match": float((truth == chosen).all(axis=1).mean()),
        "measured_classes": len(measured),
        "per_class": per_class,
    }


def _macro_f1(right: Counts, predicted: Counts, support: Counts) -> float | None:
    """The mean F1 of the labels that occur; None if there are none."""
    f1 = 2 * right / np.maximum(predicted + support, 1)
    return float(f1[support > 0].mean()) if support.any() else None


def _per_class(right: Counts, predicted: Counts, support: Counts, labels: tuple[str, ...]) -> dict[str, JsonObject]:
    """Precision (0 for a label that is never predicted), recall and F1 of each label; None where it does not occur."""
    precision, recall = right / np.maximum(predicted, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(predicted + support, 1)
    columns = (each.tolist() for each in (precision, recall, f1, support))
    return {
        label: {"precision": of_label[0], "recall": of_label[1], "f1": of_label[2], "rows": rows}
        if rows
        else {"precision": None, "recall": None, "f1": None, "rows": 0}
        for label, *of_label, rows in zip(labels, *columns, strict=True)
    }


def regression_metrics(targets: Targets, values: Floats) -> JsonObject:
    """Metrics for numbers.

    Args:
        targets: (n,) true values.
        values: (n,) predicted values.

    Returns:
        `mae` and `rmse` (mean absolute and root mean squared error, in the unit of the values), `r2` (share of the
        variance that is explained), `pearson` and `spearman` (correlations of values and of ranks). The last three are
        None if all true values are equal, the correlations also if all predicted values are.
    """
    wide, truth = values.astype(np.float64), targets.astype(np.float64)
    error = wide - truth
    varied = float(truth.std()) > 0
    correlated = varied and float(wide.std()) > 0
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "r2": float(1 - np.square(error).mean() / truth.var()) if varied else None,
        "pearson": _pearson(truth, wide) if correlated else None,
        "spearman": _pearson(_ranks(truth), _ranks(wide)) if correlated else None,
    }


def _pearson(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The rank of each value, from 1 on; equal values share the mean of theirs."""
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((counts.cumsum() - (counts - 1) / 2)[position])
