"""Linear models on sparse features, by L-BFGS: logistic regression (sigmoid, softmax) and least squares (identity).

Minimises  C * sum of losses + 1/2 |V|^2  over V and an unpenalised intercept b, where logits = X (scale * V) + b. The
loss is the cross-entropy, and for the identity half the squared error. `scale` gives every feature (and class) its own
strength of regularisation, which is how naive-Bayes weighting enters (Wang and Manning, 2012, "Baselines and Bigrams").

The search is L-BFGS (Liu and Nocedal, 1989) with two changes that make it several times faster here. It runs over
U = V / D, with D from the diagonal of the Hessian at zero weights, so that frequent and rare features have about the
same curvature. And because logits are linear in the weights, a line search needs no further product with X: each step
costs one product with X and one with its transpose.

The outputs of sigmoid and identity are problems of their own: each has its own steps, and they share the products.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tenor.tasks import Activation, Floats
from tenor.threads import cores

_Dots = Callable[[Floats, Floats], Floats]

_MEMORY = 6
_LINE_TRIES = 6
_WORTH_THREADS = 100_000  # entries of a matrix
_SAFE = 60.0  # exponentials of this size, and their sums, are finite in float32


class Linear(NamedTuple):
    """weights: (features, outputs) float32, with `scale` multiplied in; intercept: (outputs,) float32."""

    weights: Floats
    intercept: Floats


def logits(features: Any, model: Linear) -> Floats:
    """Logits of shape (n, outputs)."""
    return np.asarray(_times(features, model.weights) + model.intercept, np.float32)


def fit(
    features: Any,
    desired: Floats,
    activation: Activation,
    strength: float,
    scale: Floats | None = None,
    weights: Floats | None = None,
    iterations: int = 20,
    tolerance: float = 1e-3,
) -> Linear:
    """Fit weights of shape (features, outputs).

    Args:
        features: (n, features) float32, a sparse matrix or an array.
        desired: (n, outputs) what the outputs should be after the activation.
        activation: Of the outputs.
        strength: C, the weight of the data against the regularisation; larger fits closer.
        scale: (features, outputs) or (features, 1), or None for 1 everywhere.
        weights: (n,) how much each row counts, or None for 1 everywhere.
        iterations: At most this many steps.
        tolerance: Stop when no entry of the gradient is larger than this share of the largest one at zero weights.
    """
    outputs, columns = desired.shape[1], features.shape[1]
    # By rows too: a sum for each feature in place of additions all over the table.
    transposed = features.T.tocsr() if scipy.sparse.issparse(features) else features.T
    whole = scale if scale is not None else np.ones((columns, 1), np.float32)
    counted = np.ones((len(desired), 1), np.float32) if weights is None else weights[:, None]
    # The curvature at zero weights.
    share = 1 / max(outputs, 2)
    curved = {"softmax": share * (1 - share), "sigmoid": 0.25, "identity": 1.0}[activation]
    squares = _squares(features, counted)
    diagonal = 1 / np.sqrt(1 / strength + curved * squares * whole * whole)
    diagonal = np.broadcast_to(diagonal.astype(np.float32), (columns, outputs))
    step = np.concatenate([diagonal * whole, np.full((1, outputs), 1 / np.sqrt(len(desired)), np.float32)])
    penalty = np.concatenate([diagonal * diagonal / np.float32(strength), np.zeros((1, outputs), np.float32)])

    def slope_of(logits: Floats) -> Floats:
        return np.asarray(_slope(logits, desired, activation) * counted)

    with ThreadPoolExecutor(cores()) as pool:
        rows, by_column = _blocks(features), _blocks(transposed)

        def product(table: Floats) -> Floats:
            table = table * step
            return np.asarray(_product(pool, rows, table[:-1]) + table[-1])

        def gradient(table: Floats, slope: Floats) -> Floats:
            below = np.concatenate([_product(pool, by_column, slope), slope.sum(axis=0, keepdims=True)])
            return np.asarray(below * step + table * penalty)

        dots = _dots_of_all if activation == "softmax" else _dots_of_each
        table = _minimise(product, gradient, slope_of, dots, penalty, len(desired), iterations, tolerance)
    table = table * step
    return Linear(table[:-1].copy(), table[-1].copy())


def _minimise(
    product: Callable[[Floats], Floats],
    gradient: Callable[[Floats, Floats], Floats],
    slope_of: Callable[[Floats], Floats],
    dots: _Dots,
    penalty: Floats,
    rows: int,
    iterations: int,
    tolerance: float,
) -> Floats:
    """L-BFGS.

    Args:
        product: Table -> logits.
        gradient: Table and the loss's slope by the logits -> the objective's gradient by the table.
        slope_of: Logits -> slope.
        dots: Inner products of each problem.
        penalty: How strongly each entry of the table is penalised.
        rows: Rows of the logits.
        iterations: At most this many steps.
        tolerance: As in `fit`.
    """
    table = np.zeros_like(penalty)
    now = np.zeros((rows, penalty.shape[1]), np.float32)
    slope = slope_of(now)
    steep = gradient(table, slope)
    largest = float(np.abs(steep).max(initial=0.0))
    memory: list[_Step] = []
    for _ in range(iterations):
        if float(np.abs(steep).max(initial=0.0)) <= tolerance * largest:
            break
        direction = -_approximate_newton(steep, memory, dots)
        change = product(direction)
        # Along the line, the penalty's derivative is linear, and the loss needs only `now` and `change`.
        penalties = dots(table * penalty, direction), dots(direction * penalty, direction)
        lengths, slope = _search(now, slope, change, slope_of, dots, penalties)
        if not lengths.any():
            break
        moved = lengths * direction
        table, now = table + moved, now + lengths * change
        before, steep = steep, gradient(table, slope)
        memory = [*memory[-_MEMORY + 1 :], _step(moved, steep - before, dots)]
    return table


def _slope(logits: Floats, desired: Floats, activation: Activation) -> Floats:
    """Derivative of the loss by the logits: what the outputs are minus what they should be."""
    if activation == "identity":
        return np.asarray(logits - desired)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))) - desired, np.float32)
    if max(logits.max(initial=0), -logits.min(initial=0)) > _SAFE:
        logits = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    powers /= (powers @ np.ones(powers.shape[1], np.float32))[:, None]  # several times faster than a sum over rows
    powers -= desired
    return powers


def _squares(features: Any, counted: Floats) -> npt.NDArray[Any]:
    """(features, 1): the weighted sum of squares of each feature."""
    if not scipy.sparse.issparse(features):
        return np.asarray((features * features).T @ counted)
    rows = np.repeat(counted[:, 0], np.diff(features.indptr))
    sums = np.bincount(features.indices, features.data * features.data * rows, features.shape[1])
    return np.asarray(sums[:, None])


class _Step(NamedTuple):
    """A step of the search: how the table moved, how the gradient turned, and the inverse of their product; 0, so that
    the step counts for nothing, where the gradient turned the wrong way.
    """

    moved: Floats
    turned: Floats
    inverse: Floats
    scale: Floats


def _step(moved: Floats, turned: Floats, dots: _Dots) -> _Step:
    alignment, size = dots(moved, turned), dots(turned, turned)
    curved = alignment > 0
    inverse = np.where(curved, 1 / np.where(curved, alignment, 1), 0)
    scale = np.where(curved, alignment / np.where(curved, size, 1), 1)
    return _Step(moved, turned, inverse.astype(np.float32), scale.astype(np.float32))


def _approximate_newton(steep: Floats, memory: list[_Step], dots: _Dots) -> Floats:
    """The two-loop recursion: the inverse Hessian, as the last steps tell it, times the gradient."""
    result, shares = steep, []
    for step in reversed(memory):
        shares.append(dots(step.moved, result) * step.inverse)
        result = result - shares[-1] * step.turned
    if memory:
        result = result * memory[-1].scale
    for step, share in zip(memory, reversed(shares), strict=True):
        result = result + (share - dots(step.turned, result) * step.inverse) * step.moved
    return result


def _search(
    now: Floats,
    slope: Floats,
    change: Floats,
    slope_of: Callable[[Floats], Floats],
    dots: _Dots,
    penalties: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """Lengths along `change` where the objective's derivative has lost nine tenths; 0 where it does not fall.

    Args:
        now: Logits.
        slope: The slope there.
        change: How logits change along the line.
        slope_of: Logits -> slope.
        dots: Inner products of each problem.
        penalties: The penalty's derivative at length 0, and what it grows by with the length.

    Returns:
        The lengths, and the slope there.
    """

    def derivative(slope: Floats, lengths: Floats) -> Floats:
        return dots(slope, change) + penalties[0] + lengths * penalties[1]

    lengths = np.ones_like(penalties[0])
    start = derivative(slope, 0 * lengths)
    low, low_slope, high, high_slope = 0 * lengths, start, np.full_like(lengths, np.inf), start
    found = ~(start < 0)
    for _ in range(_LINE_TRIES):
        there = slope_of(now + lengths * change)
        here = derivative(there, lengths)
        found = found | (np.abs(here) <= 0.1 * -start)
        if found.all():
            if (start < 0).all():
                return lengths, there
            break
        below, above = ~found & (here < 0), ~found & ~(here < 0)
        low, low_slope = np.where(below, lengths, low), np.where(below, here, low_slope)
        high, high_slope = np.where(above, lengths, high), np.where(above, here, high_slope)
        bounded = np.isfinite(high)
        share = np.clip(-low_slope / np.where(bounded, high_slope - low_slope, 1), 0.1, 0.9)
        between = low + np.where(bounded, high - low, 0) * share
        lengths = np.where(found, lengths, np.where(bounded, between, 2 * lengths))
    lengths = np.where(found | ~np.isfinite(high), lengths, np.maximum(low, 1e-4 * lengths))
    lengths = np.asarray(np.where(start < 0, lengths, 0), np.float32)
    return lengths, slope_of(now + lengths * change)


def _dots_of_all(one: Floats, other: Floats) -> Floats:
    """(1, 1): the inner product of two tables."""
    return np.full((1, 1), np.vdot(one, other), np.float32)


def _dots_of_each(one: Floats, other: Floats) -> Floats:
    """(1, outputs): the inner product of each column."""
    if one.shape[1] == 1:
        return _dots_of_all(one, other)
    return np.asarray(np.einsum("ij,ij->j", one, other)[None])


def _blocks(matrix: Any) -> list[Any]:
    """The rows of a sparse matrix in as many runs as there are cores, of about equal work; they share its memory."""
    if not scipy.sparse.issparse(matrix) or matrix.nnz < _WORTH_THREADS:
        return [matrix]
    ends = np.searchsorted(matrix.indptr, np.arange(1, cores()) * (matrix.nnz / cores()))
    bounds = [0, *ends.tolist(), matrix.shape[0]]
    blocks = []
    for begin, end in itertools.pairwise(bounds):
        first, last = matrix.indptr[begin], matrix.indptr[end]
        entries = matrix.data[first:last], matrix.indices[first:last], matrix.indptr[begin : end + 1] - first
        blocks.append(scipy.sparse.csr_matrix(entries, shape=(end - begin, matrix.shape[1])))
    return blocks


def _product(pool: Executor, blocks: list[Any], dense: Floats) -> Floats:
    """The product of a matrix in blocks and a dense one. It is the same for any number of blocks."""
    if len(blocks) == 1:
        return _times(blocks[0], dense)
    dense = np.ascontiguousarray(dense)
    return np.concatenate(list(pool.map(lambda block: _times(block, dense), blocks)))


def _times(matrix: Any, dense: Floats) -> Floats:
    # One column goes by way of a vector: scipy's product with a vector is several times faster.
    if dense.shape[1] == 1:
        return np.asarray(matrix @ dense[:, 0])[:, None]
    return np.asarray(matrix @ np.ascontiguousarray(dense))
