"""True labels and probabilities -> numbers."""

import math
import statistics
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.tasks import Floats, Task

_Z = statistics.NormalDist().inv_cdf(0.975)  # of a 95% interval
_SMALLEST = 1e-7  # probabilities are clipped to this, so that one sure mistake does not make the log loss infinite


def log_loss(targets: npt.NDArray[np.int32], probabilities: Floats) -> float:
    """Mean of -log of the probability given to the true class, in nats."""
    right = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return float(-np.log(np.clip(right, _SMALLEST, 1)).mean())


def wilson(right: int, rows: int) -> tuple[float, float]:
    """The 95% score interval of a share (Wilson, 1927), which is of use for shares of 0 and 1 and few rows too.

    Args:
        right: How many of the rows are right.
        rows: How many rows there are, at least 1.
    """
    share, spread = right / rows, _Z**2 / rows
    middle = share + spread / 2
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def evaluate(targets: npt.NDArray[np.int32], probabilities: Floats, task: Task) -> dict[str, Any]:
    """All metrics of a single-label classifier.

    Args:
        targets: (n,) true classes, n at least 1.
        probabilities: (n, classes).
        task: Names the classes.

    Returns:
        `rows`, `accuracy`, `accuracy_interval` (95%: see `wilson`), `macro_f1`, `log_loss` (nats), `roc_auc` (for more
        than two classes the mean of one-against-rest; None where a class is missing), `per_class` and `confusion` (rows
        are true classes, columns predicted ones).
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
        "rows": len(targets),
        "accuracy": right / len(targets),
        "accuracy_interval": list(wilson(right, len(targets))),
        "macro_f1": float(f1[present].mean()),
        "log_loss": log_loss(targets, probabilities),
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


def _roc_auc(targets: npt.NDArray[np.int32], probabilities: Floats) -> float:
    """Area under the ROC curve: the chance that a text of the class scores above one of another class."""
    from sklearn import metrics

    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return float(np.mean([metrics.roc_auc_score(targets == index, probabilities[:, index]) for index in classes]))
