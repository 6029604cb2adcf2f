"""L-BFGS (Liu and Nocedal, 1989) for losses with cheap steps along a line.

Logits are linear in the weights, so a line search needs no product with the features: each step costs one product with
the features and one with their transpose. Where each output is a problem of its own (sigmoid, identity), each has its
own step lengths, and all share the products.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tenor._core.callbacks import Callback
from tenor.models.linear.loss import InnerProduct, Loss
from tenor.tasks import Floats

_HISTORY = 6  # steps that approximate the Hessian
_LARGE_TABLE, _SHORT_HISTORY = 1 << 22, 3  # from this many entries on, fewer steps
_LINE_SEARCH_STEPS = 6


@dataclass(frozen=True)
class StopRule:
    """When a search ends.

    Attributes:
        max_iter: Maximum number of steps.
        tol: The search ends when no entry of the gradient exceeds this share of the largest one at the start.
    """

    max_iter: int = 20
    tol: float = 1e-3


DEFAULT_STOP = StopRule()
"""The rule of `ngram`."""


class ScaledProblem(NamedTuple):
    """A loss over scaled weights, with a penalty.

    Attributes:
        loss: The loss, by weights that are multiplied by `scaling` and added to the present ones.
        scaling: (features + 1, outputs) scale of each weight.
        penalty: (features + 1, outputs) penalty of each weight.
        inner_product: Inner product of each problem.
    """

    loss: Loss
    scaling: Floats
    penalty: Floats
    inner_product: InnerProduct


def minimise(problem: ScaledProblem, gradient: Floats, stop: StopRule, callback: Callback) -> Floats:
    """The scaled weights with the least loss and penalty, from weights of 0.

    Args:
        problem: What is minimised.
        gradient: The gradient at weights of 0; it is used up.
        stop: When the search ends.
        callback: Gets the progress of the steps.

    Returns:
        (features + 1, outputs).
    """
    loss, scaling, penalty, inner_product = problem
    table = np.zeros_like(penalty)
    size = _HISTORY if table.size <= _LARGE_TABLE else _SHORT_HISTORY
    largest = float(np.abs(gradient).max(initial=0.0))
    history: list[_Step] = []
    for step in range(stop.max_iter):
        callback.on_progress("fit", step, stop.max_iter, {})
        if float(np.abs(gradient).max(initial=0.0)) <= stop.tol * largest:
            break
        direction = _times_inverse_hessian(gradient, history, inner_product)
        np.negative(direction, out=direction)
        loss.set_direction(direction * scaling)
        # Along the line the derivative of the penalty is linear.
        penalties = inner_product(table * penalty, direction), inner_product(direction * penalty, direction)
        lengths = _line_search(loss, penalties)
        if not lengths.any():
            break
        direction *= lengths
        table += direction
        previous, gradient = gradient, loss.step(lengths)
        gradient *= scaling
        gradient += table * penalty
        change = np.subtract(gradient, previous, out=previous)
        history = [*history[-size + 1 :], _make_step(direction, change, inner_product)]
    return table


class _Step(NamedTuple):
    """A step of the search.

    Attributes:
        weights: Change of the weights, s.
        gradient: Change of the gradient, y.
        inverse: 1 / s'y; 0 where s'y is not clearly above 0, so that the step counts for nothing.
        scale: s'y / y'y: the size of the inverse Hessian.
    """

    weights: Floats
    gradient: Floats
    inverse: Floats
    scale: Floats


def _make_step(weights: Floats, gradient: Floats, inner_product: InnerProduct) -> _Step:
    alignment, size = inner_product(weights, gradient), inner_product(gradient, gradient)
    is_convex = np.minimum(alignment, size) > np.finfo(np.float32).tiny
    inverse = np.where(is_convex, 1 / np.where(is_convex, alignment, 1), 0)
    scale = np.where(is_convex, alignment / np.where(is_convex, size, 1), 1)
    return _Step(weights, gradient, inverse.astype(np.float32), scale.astype(np.float32))


def _times_inverse_hessian(gradient: Floats, history: list[_Step], inner_product: InnerProduct) -> Floats:
    """The two-loop recursion: the inverse Hessian, as the last steps approximate it, times the gradient."""
    result, shares = gradient.copy(), []
    buffer = np.empty_like(result)  # new memory for each product would take as long as the sums
    for step in reversed(history):
        shares.append(inner_product(step.weights, result) * step.inverse)
        result -= np.multiply(step.gradient, shares[-1], out=buffer)
    if history:
        result *= history[-1].scale
    for step, share in zip(history, reversed(shares), strict=True):
        factor = share - inner_product(step.gradient, result) * step.inverse
        result += np.multiply(step.weights, factor, out=buffer)
    return result


def _line_search(loss: Loss, penalties: tuple[Floats, Floats]) -> Floats:
    """Step lengths at which the objective's derivative has lost nine tenths; 0 where the objective does not fall.

    Args:
        loss: The loss.
        penalties: The penalty's derivative at length 0, and its growth with the length.
    """

    def derivative(lengths: Floats) -> Floats:
        return loss.derivative(lengths) + penalties[0] + lengths * penalties[1]

    lengths = np.ones_like(penalties[0])
    start = derivative(0 * lengths)
    low, low_slope, high, high_slope = 0 * lengths, start, np.full_like(lengths, np.inf), start
    is_done = ~(start < 0)
    for _ in range(_LINE_SEARCH_STEPS):
        slope = derivative(lengths)
        is_done = is_done | (np.abs(slope) <= 0.1 * -start)
        if is_done.all():
            if (start < 0).all():
                return lengths
            break
        below, above = ~is_done & (slope < 0), ~is_done & ~(slope < 0)
        low, low_slope = np.where(below, lengths, low), np.where(below, slope, low_slope)
        high, high_slope = np.where(above, lengths, high), np.where(above, slope, high_slope)
        is_bounded = np.isfinite(high)
        share = np.clip(-low_slope / np.where(is_bounded, high_slope - low_slope, 1), 0.1, 0.9)
        between = low + np.where(is_bounded, high - low, 0) * share
        lengths = np.where(is_done, lengths, np.where(is_bounded, between, 2 * lengths))
    lengths = np.where(is_done | ~np.isfinite(high), lengths, np.maximum(low, 1e-4 * lengths))
    return np.asarray(np.where(start < 0, lengths, 0), np.float32)
