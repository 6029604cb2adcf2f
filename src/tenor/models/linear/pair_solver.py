"""The linear model of thousands of classes, with weights only for pairs of a feature and a class: see `class_pairs`."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from tenor._core.callbacks import Callback
from tenor._core.threads import available_cores
from tenor.models.linear import lbfgs, solver
from tenor.models.linear.class_pairs import Pairs
from tenor.models.linear.lbfgs import Search, StopRule
from tenor.models.linear.matrices import Matrix
from tenor.models.linear.pair_loss import make_pair_loss
from tenor.models.linear.solver import LinearWeights
from tenor.tasks import Floats

_LEAST_CLASS = 0.1  # rows; a class without any begins with the intercept of this many
_ONE = np.ones((1, 1), np.float32)


def fit_path(
    features: Matrix,
    pairs: Pairs,
    classes: npt.NDArray[np.integer[Any]],
    path: Iterable[float],
    weights: Floats,
    stop: StopRule = lbfgs.DEFAULT_STOP,
    callback: Callback | None = None,
    start: LinearWeights | None = None,
) -> Iterator[LinearWeights]:
    """Fit weights for each C of a path; rising values are fastest. See `solver.fit`.

    Args:
        features: (rows, features) float32, sparse.
        pairs: (features, classes) the pairs that get a weight.
        classes: (rows,) the class of each row.
        path: Values of C: the weights of the loss against the penalty.
        weights: (rows,) how much each row counts.
        stop: When the search ends.
        callback: Gets the progress of the steps.
        start: The weights to begin with; None: 0, and the intercepts that give each class its share of the rows.
    """
    n_pairs, n_classes = pairs.nnz, pairs.shape[1]
    with ThreadPoolExecutor(available_cores()) as pool:
        loss = make_pair_loss(pool, features, pairs, classes, weights)
        table = np.zeros((n_pairs + n_classes, 1), np.float32)
        sizes = np.maximum(np.bincount(classes, weights, n_classes), _LEAST_CLASS)
        table[n_pairs:, 0] = np.log(sizes / sizes.sum())
        loss.set_direction(table)
        search = Search(loss, table, loss.step(_ONE), None, "softmax", n_intercepts=n_classes)
        if start is not None:
            search.move_to(np.concatenate([_values_at(pairs, start.weights), start.intercept])[:, None])
        for C in path:
            solver.minimise(search, C, stop, callback or Callback())
            values = search.weights[:n_pairs, 0].copy()
            fitted = scipy.sparse.csr_matrix((values, pairs.indices, pairs.indptr), pairs.shape)
            yield LinearWeights(fitted, search.weights[n_pairs:, 0].copy())


def _values_at(pairs: Pairs, weights: Pairs) -> Floats:
    """The values that sparse weights have at the pairs; 0 where they have none."""
    at_pairs, known = _keys(pairs), _keys(weights)
    at = np.minimum(np.searchsorted(known, at_pairs), max(0, len(known) - 1))
    if not len(known):
        return np.zeros(len(at_pairs), np.float32)
    return np.where(known[at] == at_pairs, weights.data[at], np.float32(0))


def _keys(pairs: Pairs) -> npt.NDArray[np.int64]:
    """(pairs,) rising: a number for each pair."""
    features = np.repeat(np.arange(pairs.shape[0], dtype=np.int64), np.diff(pairs.indptr))
    return np.asarray(features * pairs.shape[1] + pairs.indices)
