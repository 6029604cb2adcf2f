"""Metrics of predictions for labelled texts."""

from functools import singledispatch

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonObject
from tenor.evaluation.calibration import Calibration, calibration_metrics
from tenor.evaluation.conformal import Conformal, coverage_metrics
from tenor.tasks import Floats, MultiLabel, Regression, SingleLabel, Targets, Task


def wilson_interval(right: int, rows: int) -> tuple[float, float]:
    """The 95% score interval of a share (Wilson, 1927). It is usable for shares of 0 and 1 and for few rows too.

    Args:
        right: Number of rows that are right.
        rows: Number of rows, at least 1.
    """
    from scipy.stats import binomtest

    interval = binomtest(right, rows).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def compute_metrics(
    targets: Targets,
    logits: Floats,
    task: Task,
    calibration: Calibration | None = None,
    conformal: Conformal | None = None,
) -> JsonObject:
    """All metrics of a model on held-out texts.

    Args:
        targets: The labels of n texts, n at least 1, as `task.encode` gives them.
        logits: (n, outputs), before calibration.
        task: The task.
        calibration: The calibration of the logits; None: they are not calibrated.
        conformal: Scores that prediction sets and intervals come from; None: there are none.

    Returns:
        `task`, `rows`, and the result of `classification_metrics`, `multilabel_metrics` or `regression_metrics`. With
        probabilities, also `log_loss`, the result of `calibration_metrics`, and both before calibration as
        `uncalibrated`. With conformal scores, also `coverage`, the result of `coverage_metrics`.
    """
    metrics: JsonObject = {"task": task.kind, "rows": len(targets)}
    calibrated = calibration.apply(logits, task) if calibration else logits
    metrics |= _task_metrics(task, targets, calibrated)
    if task.has_labels:
        metrics |= _probability_metrics(targets, calibrated, task)
        if calibration:
            metrics["uncalibrated"] = _probability_metrics(targets, logits, task)
    if conformal:
        metrics["coverage"] = coverage_metrics(targets, logits, task, conformal)
    return metrics


@singledispatch
def _task_metrics(task: Task, targets: Targets, logits: Floats) -> JsonObject:
    raise TypeError(f"no metrics for {type(task).__name__}")


@_task_metrics.register
def _(task: SingleLabel, targets: Targets, logits: Floats) -> JsonObject:
    return classification_metrics(targets, task.probabilities(logits), task)


@_task_metrics.register
def _(task: MultiLabel, targets: Targets, logits: Floats) -> JsonObject:
    return multilabel_metrics(targets, task.probabilities(logits), task)


@_task_metrics.register
def _(task: Regression, targets: Targets, logits: Floats) -> JsonObject:
    return regression_metrics(targets, task.values(logits))


def _probability_metrics(targets: Targets, logits: Floats, task: Task) -> JsonObject:
    loss = float(task.losses(targets, logits).mean(dtype=np.float64))
    return {"log_loss": loss, **calibration_metrics(targets, task.probabilities(logits), task)}


def classification_metrics(targets: Targets, probabilities: Floats, task: SingleLabel) -> JsonObject:
    """Metrics for one label per text.

    Args:
        targets: (n,) true classes.
        probabilities: (n, classes).
        task: The task, with the names of the classes.

    Returns:
        `accuracy`, `accuracy_interval` (95%, see `wilson_interval`), `macro_f1`, `roc_auc` (for more than two classes
        the mean of one-against-rest; None if a class is missing), `per_class` and `confusion` (rows are true classes,
        columns predicted ones).
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


def multilabel_metrics(targets: Targets, probabilities: Floats, task: MultiLabel) -> JsonObject:
    """Metrics for several labels per text.

    Args:
        targets: (n, labels) of 0 and 1.
        probabilities: (n, labels).
        task: The task, with the names of the labels and their thresholds.

    Returns:
        `micro_f1` (over all decisions), `macro_f1` and `average_precision` (means over the labels that occur),
        `hamming_loss` (share of wrong decisions), `exact_match` (share of texts with every label right) and
        `per_class`.
    """
    from sklearn import metrics

    truth, chosen = targets > 0, task.label_indicators(probabilities)
    right, predicted, support = (each.sum(axis=0) for each in (truth & chosen, chosen, truth))
    precision, recall = right / np.maximum(predicted, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(predicted + support, 1)
    present = np.flatnonzero(support)
    average = {k: float(metrics.average_precision_score(truth[:, k], probabilities[:, k])) for k in present.tolist()}
    return {
        "micro_f1": float(2 * right.sum() / max(predicted.sum() + support.sum(), 1)),
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


def _pearson(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def _roc_auc(targets: Targets, probabilities: Floats) -> float:
    """Area under the ROC curve: the chance that a text of the class scores above one of another class."""
    from sklearn import metrics

    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return float(np.mean([metrics.roc_auc_score(targets == index, probabilities[:, index]) for index in classes]))
