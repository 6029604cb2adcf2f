"""Two models on the same texts: what differs, and whether the difference is more than chance."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonObject
from tenor.tasks import Targets, Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_DRAWS, _BLOCK = 2_000, 50
_SIGNIFICANCE = 0.05

Doubles = npt.NDArray[np.float64]
WeightedMetrics = Callable[[Doubles], dict[str, Doubles]]
"""(weights of distinct texts, (draws, texts)) -> metrics by name, (draws,) each."""


def compare(task: Task, targets: Targets, first: Targets, second: Targets, seed: int = 0) -> JsonObject:
    """Compare the predictions of two models for n texts.

    Every metric has the 95% interval of its difference by the paired bootstrap (Efron and Tibshirani, 1993), which
    draws the same texts for both models. Where a text is right or wrong, McNemar's exact test (1947; Dietterich, 1998)
    compares the texts that only one model has right.

    Args:
        task: The task.
        targets: The true labels, as `task.encode` gives them.
        first: The predictions of the first model, likewise.
        second: The predictions of the second model, likewise.
        seed: Seed of the bootstrap.

    Returns:
        `rows`; `changed`, the number of texts that the models predict differently; `metrics`: for each metric the
        values of the `first` and the `second` model, their `difference` (second less first) and its `interval`;
        `unmeasured_classes`, which no text has; `mcnemar`, see there (None for numbers); and `better`: `first`,
        `second`, or None if the first metric differs no more than by chance.
    """
    distinct, counts = _distinct_rows(task, targets, first, second)
    functions = [_weighted_metrics(task, distinct[0], predictions) for predictions in distinct[1:]]
    values = [function(counts[None]) for function in functions]
    random = np.random.default_rng(seed)
    share, differences = counts / counts.sum(), []
    for _ in range(_DRAWS // _BLOCK):
        weights = random.multinomial(len(targets), share, _BLOCK).astype(np.float64)
        first_values, second_values = (np.stack(list(function(weights).values())) for function in functions)
        differences.append(second_values - first_values)
    tails = (_SIGNIFICANCE / 2, 1 - _SIGNIFICANCE / 2)
    low, high = np.quantile(np.concatenate(differences, axis=1), tails, axis=1)
    table = {}
    for k, name in enumerate(values[0]):
        before, after = (float(metrics[name][0]) for metrics in values)
        interval = [float(low[k]), float(high[k])]
        table[name] = {"first": before, "second": after, "difference": after - before, "interval": interval}
    test = mcnemar(_is_right(targets, first), _is_right(targets, second)) if task.has_labels else None
    better = None
    if (low[0] > 0 or high[0] < 0) and (test is None or task.is_multilabel or test["p"] < _SIGNIFICANCE):
        better = "second" if (low[0] > 0) == task.greater_is_better else "first"
    changed = int((~_is_right(first, second)).sum())
    counts_by_label = np.bincount(task.label_positions(targets)[1], minlength=len(task.labels))
    return {
        "rows": len(targets),
        "changed": changed,
        "metrics": table,
        "unmeasured_classes": [task.labels[index] for index in np.flatnonzero(counts_by_label == 0)],
        "mcnemar": test,
        "better": better,
    }


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> JsonObject:
    """McNemar's exact test.

    Args:
        first: (n,) which texts the first model has right.
        second: (n,) which texts the second model has right.

    Returns:
        `only_first_right` and `only_second_right`, numbers of texts, and the p-value `p`.
    """
    from scipy.special import bdtr

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    n_different = only_first + only_second
    p = min(1.0, 2 * float(bdtr(min(only_first, only_second), n_different, 0.5)))
    return {"only_first_right": only_first, "only_second_right": only_second, "p": p}


def _is_right(targets: Targets, predicted: Targets) -> npt.NDArray[np.bool_]:
    same = np.asarray(targets == predicted)
    return np.asarray(same.all(axis=1) if same.ndim == 2 else same)


def _distinct_rows(task: Task, *columns: Targets) -> tuple[list[Targets], Doubles]:
    """Each distinct combination of label and predictions once, with its number of texts.

    Drawing texts is drawing from these.
    """
    if not task.is_single_label:
        return list(columns), np.ones(len(columns[0]))
    distinct, counts = np.unique(np.stack(columns, axis=1), axis=0, return_counts=True)
    return list(distinct.T), counts.astype(np.float64)


def _weighted_metrics(task: Task, targets: Targets, predicted: Targets) -> WeightedMetrics:
    """A function from weights to metrics, the decisive one first."""
    if not task.has_labels:
        error = predicted.astype(np.float64) - targets

        def of_values(weights: Doubles) -> dict[str, Doubles]:
            total = weights.sum(axis=1)
            return {"mae": weights @ np.abs(error) / total, "rmse": np.sqrt(weights @ np.square(error) / total)}

        return of_values
    true, chosen = (_indicators(task, labels) for labels in (targets, predicted))
    both = true.multiply(chosen).tocsr()

    def of_labels(weights: Doubles) -> dict[str, Doubles]:
        right, predicted, support = weights @ both, weights @ chosen, weights @ true
        # With one label per text, micro-averaged F1 is accuracy.
        micro = 2 * right.sum(axis=1) / np.maximum((predicted + support).sum(axis=1), 1)
        f1 = np.where(support > 0, 2 * right / np.maximum(predicted + support, 1), 0)
        return {task.primary_metric: micro, "macro_f1": f1.sum(axis=1) / np.maximum((support > 0).sum(axis=1), 1)}

    return of_labels


def _indicators(task: Task, labels: Targets) -> "csr_matrix":
    """(rows, labels) sparse, of 0 and 1."""
    from scipy.sparse import csr_matrix

    rows, columns = task.label_positions(labels)
    return csr_matrix((np.ones(len(rows)), (rows, columns)), (len(labels), len(task.labels)))
