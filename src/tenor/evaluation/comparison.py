"""Two models on the same texts: what differs, and whether it is more than chance."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.tasks import Targets, Task

_DRAWS, _BLOCK = 2_000, 50
_LEVEL = 0.05

Doubles = npt.NDArray[np.float64]
Measure = Callable[[Doubles], dict[str, Doubles]]
"""Weights (draws, cells) -> metrics by name, (draws,) each."""


def compare(task: Task, targets: Targets, first: Any, second: Any, seed: int = 0) -> dict[str, Any]:
    """Compare what two models say of n texts.

    Every metric has the 95% interval of its difference by the paired bootstrap (Efron and Tibshirani, 1993: the same
    drawn texts for both). Where a text is right or wrong, McNemar's exact test (1947; Dietterich, 1998) asks whether
    the texts that only one model has right are shared out by chance.

    Args:
        task: What is predicted.
        targets: What `task.encode` makes of the labels.
        first: What it makes of the first model's predictions.
        second: What it makes of the second's.
        seed: Of the drawn texts.

    Returns:
        `rows`; `changed`, how many texts the models differ on; `metrics`: of each its `first` and `second` value, their
        `difference` (second less first) and its `interval`; `mcnemar` (`only_first_right`, `only_second_right` and `p`;
        None for numbers); and `better`: `first`, `second`, or None where the first metric differs no more than chance
        may make it.
    """
    cells, counts = _cells(task, targets, first, second)
    measures = [_figures(task, cells[0], given) for given in cells[1:]]
    found = [measure(counts[None]) for measure in measures]
    random = np.random.default_rng(seed)
    share, gains = counts / counts.sum(), []
    for _ in range(_DRAWS // _BLOCK):
        weights = random.multinomial(len(targets), share, _BLOCK).astype(np.float64)
        one, other = (np.stack(list(measure(weights).values())) for measure in measures)
        gains.append(other - one)
    differences = np.concatenate(gains, axis=1)
    low, high = np.quantile(differences, (_LEVEL / 2, 1 - _LEVEL / 2), axis=1)
    table = {}
    for k, name in enumerate(found[0]):
        before, after = (float(figures[name][0]) for figures in found)
        interval = [float(low[k]), float(high[k])]
        table[name] = {"first": before, "second": after, "difference": after - before, "interval": interval}
    tested = None if not task.has_labels else mcnemar(_right(targets, first), _right(targets, second))
    better = None
    if (low[0] > 0 or high[0] < 0) and (tested is None or task.is_multilabel or tested["p"] < _LEVEL):
        better = "second" if (low[0] > 0) == task.greater_is_better else "first"
    changed = int((~_right(first, second)).sum())
    return {"rows": len(targets), "changed": changed, "metrics": table, "mcnemar": tested, "better": better}


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """McNemar's exact test of two models' right answers, (n,) each."""
    from scipy.stats import binomtest

    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    p = float(binomtest(one, one + other).pvalue) if one + other else 1.0
    return {"only_first_right": one, "only_second_right": other, "p": p}


def _right(targets: Any, predicted: Any) -> npt.NDArray[np.bool_]:
    same = np.asarray(targets == predicted)
    return np.asarray(same.all(axis=1) if same.ndim == 2 else same)


def _cells(task: Task, *given: Any) -> tuple[list[Any], Doubles]:
    """Texts that count the same, once, and how many there are of each: to draw texts is to draw from these."""
    if not task.is_single_label:
        return list(given), np.ones(len(given[0]))
    kinds, counts = np.unique(np.stack(given, axis=1), axis=0, return_counts=True)
    return list(kinds.T), counts.astype(np.float64)


def _figures(task: Task, targets: Any, predicted: Any) -> Measure:
    """How metrics come from weights of the cells, the one that decides first."""
    if not task.has_labels:
        error = predicted.astype(np.float64) - targets

        def of_values(weights: Doubles) -> dict[str, Doubles]:
            total = weights.sum(axis=1)
            return {"mae": weights @ np.abs(error) / total, "rmse": np.sqrt(weights @ np.square(error) / total)}

        return of_values
    truth, chosen = (_indicators(task, labels) for labels in (targets, predicted))
    both = truth.multiply(chosen).tocsr()

    def of_labels(weights: Doubles) -> dict[str, Doubles]:
        right, found, support = weights @ both, weights @ chosen, weights @ truth
        # With one label for each text, micro-averaged F1 is accuracy.
        micro = 2 * right.sum(axis=1) / np.maximum((found + support).sum(axis=1), 1)
        f1 = np.where(support > 0, 2 * right / np.maximum(found + support, 1), 0)
        return {task.primary_metric: micro, "macro_f1": f1.sum(axis=1) / np.maximum((support > 0).sum(axis=1), 1)}

    return of_labels


def _indicators(task: Task, labels: Any) -> Any:
    """(cells, labels) sparse, of 0 and 1."""
    from scipy.sparse import csr_matrix

    rows, columns = task.label_positions(labels)
    return csr_matrix((np.ones(len(rows)), (rows, columns)), (len(labels), len(task.labels)))
