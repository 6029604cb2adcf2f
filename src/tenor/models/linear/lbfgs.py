"""L-BFGS (Liu and Nocedal, 1989) for losses with cheap steps along a line.

Logits are linear in the weights, so a line search needs no product with the features: each step costs one product with
the features and one with their transpose. Where each output is a problem of its own (sigmoid, identity), each has its
own step lengths, and all share the products.

Between the products, a step reads its history once for inner products and once for the direction, in the compact form
of Byrd, Nocedal and Schnabel (1994). The first guess of the inverse Hessian is diagonal. It is computed again as the
weights move, because texts that fit well curve the loss less.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.models.linear.loss import SearchLoss, inner_product_for
from tenor.tasks import Activation, Floats

_HISTORY = 6  # steps that approximate the Hessian
_LARGE_TABLE, _SHORT_HISTORY = 1 << 22, 3  # from this many entries on, fewer steps
_LINE_SEARCH_STEPS = 10
_FIRST_SLOPE, _LATER_SLOPE = 0.1, 0.5  # a line search ends at this share of the derivative; the first finds the scale
_SQUARED_ERROR_SLOPE = 1e-2  # the derivative is linear; with exact lengths, the steps are those of conjugate gradients
_MIN_CURVATURE = 1e-3  # of an intercept, which has no penalty


@dataclass(frozen=True)
class StopRule:
    """When a search ends.

    Attributes:
        max_iter: Maximum number of steps.
        tol: The search has converged when the least loss and penalty are closer than this share of the loss at the
            start, as the gradient and the approximated Hessian predict. On nine sets, the validation loss is then
            within its noise of full convergence: `bench/NOTES.md`.
    """

    max_iter: int = 200
    tol: float = 1e-5


DEFAULT_STOP = StopRule()
"""The rule of `ngram`."""


class Search:
    """A search for the weights with the least loss and penalty. It can continue with another C.

    Args:
        loss: The loss.
        weights: (features + 1, outputs) weights to begin with, the intercept last; the loss is at these weights.
            With `n_intercepts`, (weights + intercepts, 1).
        gradient: The gradient of the loss there, (features + 1, outputs).
        scale: (features, outputs) or (features, 1) factor of each weight in the logits; None: 1 everywhere.
        activation: Activation of the outputs.
        n_intercepts: Number of rows at the end that have no penalty.

    Attributes:
        weights: The present weights, before `scale`.
        has_converged: Whether the last search ended by its tolerance, not by its maximum number of steps.
    """

    def __init__(
        self,
        loss: SearchLoss,
        weights: Floats,
        gradient: Floats,
        scale: Floats | None,
        activation: Activation,
        n_intercepts: int = 1,
    ) -> None:
        self.weights, self.has_converged = weights, False
        self._penalised = slice(0, -n_intercepts)
        self._loss, self._scale, self._activation = loss, scale, activation
        self._inner_product = inner_product_for(activation)
        self._gradient = self._scaled(gradient)
        self._first_loss = loss.total()
        size = _HISTORY if weights.size <= _LARGE_TABLE else _SHORT_HISTORY
        self._history = _History(size, weights.shape, activation, self._penalised)
        self._n_steps, self._C = 0, 0.0

    def move_to(self, weights: Floats) -> None:
        """Go to these weights, (features + 1, outputs), before the first step."""
        change = self._scaled(weights - self.weights)
        self._loss.set_direction(change)
        self.weights, self._gradient = weights, self._scaled(self._loss.step(np.ones((1, 1), np.float32)))

    def minimise(self, C: float, stop: StopRule, callback: Callback) -> None:
        """Move to the weights with the least sum of C times the loss and half the squared weights.

        Args:
            C: Weight of the loss against the penalty.
            stop: When the search ends.
            callback: Gets the progress of the steps.
        """
        is_new = C != self._C
        if is_new:
            change = 1 / C - (1 / self._C if self._C else 0)
            self._gradient[self._penalised] += np.float32(change) * self.weights[self._penalised]
            self._history.change_penalty(change)
        self._C, self.has_converged = C, False
        for step in range(stop.max_iter):
            callback.on_progress(tr("fit"), step, stop.max_iter, {})
            if is_new or self._is_curvature_due():
                self._update_curvature()
                is_new = False
            direction = self._history.direction(self._gradient)
            slope = self._inner_product(self._gradient, direction)
            if (-slope / 2 <= stop.tol * self._first_loss).all():
                self.has_converged = True
                return
            lengths = self._search_line(direction, slope)
            if not lengths.any():  # the gradient is no more than rounding
                self.has_converged = True
                return
            direction *= lengths
            self.weights += direction
            previous, self._gradient = self._gradient, self._scaled(self._loss.step(lengths))
            self._gradient[self._penalised] += self.weights[self._penalised] / np.float32(C)
            self._history.append(direction, self._gradient, previous)
            self._n_steps += 1
        callback.on_progress(tr("fit"), stop.max_iter, stop.max_iter, {})

    def _is_curvature_due(self) -> bool:
        """After 0, 4, 12, 28, 60 ... steps. The curvature of a squared error never changes."""
        if self._activation == "identity":
            return self._n_steps == 0
        return self._n_steps % 4 == 0 and (self._n_steps // 4 + 1).bit_count() == 1

    def _update_curvature(self) -> None:
        diagonal = self._loss.curvature()
        if self._scale is not None:
            diagonal[self._penalised] *= self._scale * self._scale
        diagonal[self._penalised] += np.float32(1 / self._C)
        intercepts = diagonal[self._penalised.stop :]
        np.maximum(intercepts, _MIN_CURVATURE, out=intercepts)
        self._history.set_inverse_diagonal(np.reciprocal(diagonal, out=diagonal))

    def _search_line(self, direction: Floats, slope: Floats) -> Floats:
        self._loss.set_direction(self._scaled(direction.copy()) if self._scale is not None else direction)
        # Along the line the derivative of the penalty is linear.
        by_feature = direction[self._penalised] / np.float32(self._C)
        tables = self.weights[self._penalised], direction[self._penalised]
        start, growth = (self._inner_product(table, by_feature) for table in tables)
        tolerance = _LATER_SLOPE if self._n_steps else _FIRST_SLOPE
        if self._activation == "identity":
            tolerance = _SQUARED_ERROR_SLOPE
        return _line_search(lambda lengths: self._loss.derivative(lengths) + start + lengths * growth, slope, tolerance)

    def _scaled(self, table: Floats) -> Floats:
        """The table, whose entries by feature are multiplied by `scale`; it is used up."""
        if self._scale is not None:
            table[self._penalised] *= self._scale
        return table


class _History:
    """The last steps, which approximate the inverse Hessian.

    Args:
        size: Number of steps.
        shape: (features + 1, outputs).
        activation: Activation of the outputs.
        penalised: The rows with a penalty.
    """

    def __init__(self, size: int, shape: tuple[int, ...], activation: Activation, penalised: slice) -> None:
        self._penalised = penalised
        self._size, self._order = size, list[int]()  # places in the tables, the oldest step first
        self._inner_product = inner_product_for(activation)
        # Steps, and by how much they changed the gradient. Pages of memory are taken when they are written.
        self._tables = np.zeros((2 * size, *shape), np.float32)
        self._is_joint = activation == "softmax" or shape[1] == 1
        self._products = np.zeros((size, size, 1, 1 if self._is_joint else shape[1]))  # step i, change j
        self._inverse_diagonal: Floats

    def set_inverse_diagonal(self, inverse_diagonal: Floats) -> None:
        """Set the inverse Hessian before any step."""
        self._inverse_diagonal = inverse_diagonal

    def change_penalty(self, change: float) -> None:
        """The penalty of the weights, apart from the intercept, changes by this factor."""
        for at in self._order:
            self._tables[self._size + at, self._penalised] += np.float32(change) * self._tables[at, self._penalised]
        for other in self._order:
            products = self._of_all(self._tables[: self._size], self._tables[self._size + other])
            self._products[:, other] = products

    def append(self, step: Floats, gradient: Floats, previous: Floats) -> None:
        """Add a step, and the gradients after and before it; `previous` is used up."""
        change = np.subtract(gradient, previous, out=previous)
        alignment, size = self._inner_product(step, change), self._inner_product(change, change)
        if not (np.minimum(alignment, size) > np.finfo(np.float32).tiny).any():
            return
        at = self._order.pop(0) if len(self._order) == self._size else len(self._order)
        self._order.append(at)
        self._tables[at], self._tables[self._size + at] = step, change
        self._products[:, at] = self._of_all(self._tables[: self._size], change)

    def direction(self, gradient: Floats) -> Floats:
        """The direction of the next step: minus the inverse Hessian times the gradient."""
        size, order, first = self._size, self._order, self._inverse_diagonal * gradient
        if not order:
            return np.asarray(np.negative(first, out=first))
        by_step = self._of_all(self._tables[:size], gradient)
        alignment = self._products[range(size), range(size)]
        is_convex = alignment > np.finfo(np.float32).tiny
        inverse = np.where(is_convex, 1 / np.where(is_convex, alignment, 1), 0)
        shares = np.zeros_like(by_step)
        for number, at in reversed(list(enumerate(order))):
            later = order[number + 1 :]
            residual = by_step[at] - sum(shares[other] * self._products[at, other] for other in later)
            shares[at] = inverse[at] * residual
        last_change = self._tables[size + order[-1]]
        length = self._inner_product(last_change, last_change * self._inverse_diagonal)
        scale = np.where(is_convex[order[-1]], alignment[order[-1]] / np.where(length > 0, length, 1), 1)
        first -= self._inverse_diagonal * self._combination(shares, self._tables[size:])
        first *= scale.astype(np.float32)
        by_change = self._of_all(self._tables[size:], first)
        added = np.zeros_like(shares)
        for number, at in enumerate(order):
            earlier = order[:number]
            residual = by_change[at] + sum(added[other] * self._products[other, at] for other in earlier)
            added[at] = shares[at] - inverse[at] * residual
        first += self._combination(added, self._tables[:size])
        return np.asarray(np.negative(first, out=first))

    def _of_all(self, tables: Floats, table: Floats) -> Floats:
        """(steps, 1, 1) or (steps, 1, outputs): the inner product of each table with this one."""
        if self._is_joint:
            return np.asarray((tables.reshape(len(tables), -1) @ table.ravel())[:, None, None])
        return np.asarray(np.einsum("mij,ij->mj", tables, table)[:, None])

    def _combination(self, factors: Floats, tables: Floats) -> Floats:
        """The sum of the tables, each times its factor."""
        factors = factors.astype(np.float32)
        if self._is_joint:
            return np.asarray((factors.ravel() @ tables.reshape(len(tables), -1)).reshape(tables.shape[1:]))
        return np.asarray(np.einsum("mj,mij->ij", factors[:, 0], tables))


def _line_search(derivative: Callable[[Floats], Floats], start: Floats, tolerance: float) -> Floats:
    """Step lengths at which the objective's derivative is small.

    Args:
        derivative: The derivative at step lengths of the same shape as `start`.
        start: The derivative at length 0; where it is not negative, the length is 0.
        tolerance: A derivative is small if it is at most this share of `start`.
    """
    lengths = np.ones_like(start)
    low, low_slope, high, high_slope = 0 * lengths, start, np.full_like(lengths, np.inf), start
    is_done, was_above = ~(start < 0), np.zeros(lengths.shape, bool)
    for _ in range(_LINE_SEARCH_STEPS):
        slope = derivative(lengths)
        is_done = is_done | (np.abs(slope) <= tolerance * -start)
        if is_done.all():
            if (start < 0).all():
                return lengths
            break
        below, above = ~is_done & (slope < 0), ~is_done & ~(slope < 0)
        rise = np.where(below & (slope > low_slope), slope - low_slope, 1)
        beyond = np.where(slope > low_slope, lengths - slope * (lengths - low) / rise, np.inf)
        beyond = np.clip(beyond, 1.5 * lengths, 8 * lengths)
        low, low_slope = np.where(below, lengths, low), np.where(below, slope, low_slope)
        high, high_slope = np.where(above, lengths, high), np.where(above, slope, high_slope)
        is_bounded = np.isfinite(high)
        share = np.clip(-low_slope / np.where(is_bounded, high_slope - low_slope, 1), 0.1, 0.9)
        share = np.where(above & was_above, np.minimum(share, 0.25), share)  # a steep start misleads the secant
        was_above = above
        between = low + np.where(is_bounded, high - low, 0) * share
        lengths = np.where(is_done, lengths, np.where(is_bounded, between, beyond))
    lengths = np.where(is_done | ~np.isfinite(high), lengths, np.maximum(low, 1e-4 * lengths))
    return np.asarray(np.where(start < 0, lengths, 0), np.float32)
