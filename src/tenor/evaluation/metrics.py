"""True labels and what a model says of them -> numbers."""

import math
import statistics
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.evaluation import calibration as calibrating
from tenor.evaluation import conformal as conforming
from tenor.evaluation.calibration import Calibration
from tenor.evaluation.conformal import Conformal
from tenor.tasks import Floats, MultiLabel, Regression, SingleLabel, Targets, Task

_Z = statistics.NormalDist().inv_cdf(0.975)  # of a 95% interval


def wilson_interval(right: int, rows: int) -> tuple[float, float]:
    """The 95% score interval of a share (Wilson, 1927), which is of use for shares of 0 and 1 and few rows too.

    Args:
        right: How many of the rows are right.
        rows: How many rows there are, at least 1.
    """
    share, spread = right / rows, _Z**2 / rows
    middle = share + spread / 2
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    low = (middle - half) / (1 + spread) if right else 0.0  # of no rows and of all the ends are exact
    high = (middle + half) / (1 + spread) if right < rows else 1.0
    return low, high


def compute_metrics(
    targets: Targets,
    logits: Floats,
    task: Task,
    calibration: Calibration | None = None,
    conformal: Conformal | None = None,
) -> dict[str, Any]:
    """All metrics of a model on texts that it has not seen.

    Args:
        targets: What `task.encode` makes of the labels of n texts, n at least 1.
        logits: (n, outputs), as the model says them.
        task: What is predicted.
        calibration: What makes them those of calibrated probabilities; None: they are that already.
        conformal: What sets and intervals are made from; None: there are none.

    Returns:
        `task`, `rows` and what `of_classes`, `of_label_sets` or `of_values` tells; with probabilities, `log_loss` and
        what `calibration.measure` tells, and the same before calibration as `uncalibrated`; and `coverage`, as
        `conformal.measure` tells it.
    """
    found: dict[str, Any] = {"task": task.kind, "rows": len(targets)}
    calibrated = calibration.apply(logits, task) if calibration else logits
    found |= _task_metrics(task, targets, calibrated)
    if task.has_labels:
        found |= _of_probabilities(targets, calibrated, task)
        if calibration:
            found["uncalibrated"] = _of_probabilities(targets, logits, task)
    if conformal:
        found["coverage"] = conforming.coverage_metrics(targets, logits, task, conformal)
    return found


@singledispatch
def _task_metrics(task: Task, targets: Targets, logits: Floats) -> dict[str, Any]:
    raise TypeError(f"no metrics for {type(task).__name__}")


@_task_metrics.register
def _(task: SingleLabel, targets: Targets, logits: Floats) -> dict[str, Any]:
    return classification_metrics(targets, task.probabilities(logits), task)


@_task_metrics.register
def _(task: MultiLabel, targets: Targets, logits: Floats) -> dict[str, Any]:
    return multilabel_metrics(targets, task.probabilities(logits), task)


@_task_metrics.register
def _(task: Regression, targets: Targets, logits: Floats) -> dict[str, Any]:
    return regression_metrics(targets, task.values(logits))


def _of_probabilities(targets: Targets, logits: Floats, task: Task) -> dict[str, Any]:
    loss = float(task.losses(targets, logits).mean(dtype=np.float64))
    return {"log_loss": loss, **calibrating.calibration_metrics(targets, task.probabilities(logits), task)}


def classification_metrics(targets: Targets, probabilities: Floats, task: SingleLabel) -> dict[str, Any]:
    """Metrics of one label a text.

    Args:
        targets: (n,) true classes.
        probabilities: (n, classes).
        task: Names the classes.

    Returns:
        `accuracy`, `accuracy_interval` (95%: see `wilson`), `macro_f1`, `roc_auc` (for more than two classes the mean
        of one-against-rest; None where a class is missing), `per_class` and `confusion` (rows are true classes, columns
        predicted ones).
    """
    from sklearn import metrics

    classes = list(range(len(task.labels)))
    predicted = probabilities.argmax(axis=1)
    right = int((predicted == targets).sum())
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        targets, predicted, labels=classes, zero_division=0.0
    )
    present = support > 0
    return {
        "accuracy": right / len(targets),
        "accuracy_interval": list(wilson_interval(right, len(targets))),
        "macro_f1": float(f1[present].mean()),
        "roc_auc": _roc_auc(targets, probabilities) if present.all() else None,
        "per_class": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "rows": int(support[index]),
            }
            for index, label in enumerate(task.labels)
        },
        "confusion": metrics.confusion_matrix(targets, predicted, labels=classes).tolist(),
    }


def multilabel_metrics(targets: Targets, probabilities: Floats, task: MultiLabel) -> dict[str, Any]:
    """Metrics of several labels a text.

    Args:
        targets: (n, labels) of 0 and 1.
        probabilities: (n, labels).
        task: Names the labels and has their thresholds.

    Returns:
        `micro_f1` (all decisions together), `macro_f1` (mean over the labels that occur), `average_precision` (its
        mean over these labels: what they reach over all thresholds), `hamming_loss` (share of wrong decisions),
        `exact_match` (share of texts with every label right) and `per_class`.
    """
    from sklearn import metrics

    truth, chosen = targets > 0, task.label_indicators(probabilities)
    right, found, support = (each.sum(axis=0) for each in (truth & chosen, chosen, truth))
    precision, recall = right / np.maximum(found, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(found + support, 1)
    present = np.flatnonzero(support)
    average = {k: float(metrics.average_precision_score(truth[:, k], probabilities[:, k])) for k in present.tolist()}
    return {
        "micro_f1": float(2 * right.sum() / max(found.sum() + support.sum(), 1)),
        "macro_f1": float(f1[present].mean()) if len(present) else 0.0,
        "average_precision": float(np.mean(list(average.values()))) if average else None,
        "hamming_loss": float((truth != chosen).mean()),
        "exact_match": float((truth == chosen).all(axis=1).mean()),
        "per_class": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "average_precision": average.get(index),
                "rows": int(support[index]),
            }
            for index, label in enumerate(task.labels)
        },
    }


def regression_metrics(targets: Targets, values: Floats) -> dict[str, Any]:
    """Metrics of numbers.

    Args:
        targets: (n,) true values.
        values: (n,) predicted ones.

    Returns:
        `mae` and `rmse` (mean absolute and root mean squared error, in the unit of the values), `r2` (share of the
        variance that is explained), `pearson` and `spearman` (correlations of values and of ranks); the last three are
        None where the true, or for the correlations the predicted, values are all equal.
    """
    from scipy.stats import rankdata

    wide, truth = values.astype(np.float64), targets.astype(np.float64)
    error = wide - truth
    varied = float(truth.std()) > 0
    correlated = varied and float(wide.std()) > 0
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "r2": float(1 - np.square(error).mean() / truth.var()) if varied else None,
        "pearson": _pearson(truth, wide) if correlated else None,
        "spearman": _pearson(rankdata(truth), rankdata(wide)) if correlated else None,
    }


def _pearson(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def _roc_auc(targets: Targets, probabilities: Floats) -> float:
    """Area under the ROC curve: the chance that a text of the class scores above one of another class."""
    from sklearn import metrics

    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return float(np.mean([metrics.roc_auc_score(targets == index, probabilities[:, index]) for index in classes]))
