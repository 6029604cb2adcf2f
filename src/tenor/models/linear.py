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

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tenor.tasks import Activation, Floats

_Dots = Callable[[Floats, Floats], Floats]

_MEMORY = 6
_LINE_TRIES = 6


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

    def product(table: Floats) -> Floats:
        table = table * step
        return np.asarray(_times(features, table[:-1]) + table[-1])

    def gradient(table: Floats, slope: Floats) -> Floats:
        below = np.concatenate([_times(transposed, slope), slope.sum(axis=0, keepdims=True)])
        return np.asarray(below * step + table * penalty)

    table = np.zeros((columns + 1, outputs), np.float32)
    now = np.zeros_like(desired)
    steep = gradient(table, slope_of(now))
    dots = _dots_of_all if activation == "softmax" else _dots_of_each
    largest = np.abs(steep).max(axis=0, initial=0.0)
    memory: list[_Step] = []
    for _ in range(iterations):
        if (np.abs(steep).max(axis=0, initial=0.0) <= tolerance * largest.max()).all():
            break
        direction = -_approximate_newton(steep, memory, dots)
        change = product(direction)
        # Along the line, the penalty's derivative is linear, and the loss needs only `now` and `change`.
        slope_at_zero, curvature = dots(table * penalty, direction), dots(direction * penalty, direction)
        lengths = _search(now, change, slope_of, dots, slope_at_zero, curvature)
        if not lengths.any():
            break
        moved = lengths * direction
        table, now = table + moved, now + lengths * change
        before, steep = steep, gradient(table, slope_of(now))
        memory = [*memory[-_MEMORY + 1 :], _step(moved, steep - before, dots)]
    table = table * step
    return Linear(table[:-1].copy(), table[-1].copy())


def _slope(logits: Floats, desired: Floats, activation: Activation) -> Floats:
    """Derivative of the loss by the logits: what the outputs are minus what they should be."""
    if activation == "identity":
        return np.asarray(logits - desired)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))) - desired, np.float32)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True) - desired, np.float32)


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
    change: Floats,
    slope_of: Callable[[Floats], Floats],
    dots: _Dots,
    slope_at_zero: Floats,
    curvature: Floats,
) -> Floats:
    """Lengths along `change` where the objective's derivative has lost nine tenths; 0 where it does not fall."""

    def derivative(lengths: Floats) -> Floats:
        return dots(slope_of(now + lengths * change), change) + slope_at_zero + lengths * curvature

    lengths = np.ones_like(slope_at_zero)
    start = derivative(0 * lengths)
    low, low_slope, high, high_slope = 0 * lengths, start, np.full_like(lengths, np.inf), start
    found = ~(start < 0)
    for _ in range(_LINE_TRIES):
        here = derivative(lengths)
        found = found | (np.abs(here) <= 0.1 * -start)
        if found.all():
            break
        below, above = ~found & (here < 0), ~found & ~(here < 0)
        low, low_slope = np.where(below, lengths, low), np.where(below, here, low_slope)
        high, high_slope = np.where(above, lengths, high), np.where(above, here, high_slope)
        bounded = np.isfinite(high)
        share = np.clip(-low_slope / np.where(bounded, high_slope - low_slope, 1), 0.1, 0.9)
        between = low + np.where(bounded, high - low, 0) * share
        lengths = np.where(found, lengths, np.where(bounded, between, 2 * lengths))
    lengths = np.where(found | ~np.isfinite(high), lengths, np.maximum(low, 1e-4 * lengths))
    return np.asarray(np.where(start < 0, lengths, 0), np.float32)


def _dots_of_all(one: Floats, other: Floats) -> Floats:
    """(1, 1): the inner product of two tables."""
    return np.full((1, 1), np.vdot(one, other), np.float32)


def _dots_of_each(one: Floats, other: Floats) -> Floats:
    """(1, outputs): the inner product of each column."""
    if one.shape[1] == 1:
        return _dots_of_all(one, other)
    return np.asarray(np.einsum("ij,ij->j", one, other)[None])


def _times(matrix: Any, dense: Floats) -> Floats:
    # One column goes by way of a vector: scipy's product with a vector is several times faster.
    if dense.shape[1] == 1:
        return np.asarray(matrix @ dense[:, 0])[:, None]
    return np.asarray(matrix @ np.ascontiguousarray(dense))
