"""The loss of a linear model over all rows, along a line: in memory, or in parts where there are many rows.

The search for the best weights asks six things of the rows. At the start: how much the outputs exceed their targets
(`residual_sum`), and the loss itself (`total`). In each step: how the logits change along a direction
(`set_direction`), the derivative of the loss there (`derivative`), and the gradient after the step (`step`). Now and
then: how the loss curves (`curvature`). Tables have a row for each feature and, last, one for the intercept.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import scipy

from tenor._core import disk_arrays
from tenor._core.threads import available_cores, parallel_map
from tenor.models.linear.matrices import (
    Matrix,
    StoredMatrix,
    cache_blocks,
    multiply,
    multiply_blocks,
    multiply_transposed,
    row_blocks,
    slice_rows,
    squared,
)
from tenor.tasks import Activation, Floats, Targets, Task

T = TypeVar("T")
InnerProduct = Callable[[Floats, Floats], Floats]
"""Inner products of two tables or logits: (1, 1) for a joint problem, (1, outputs) for a problem per output."""

_PART_CELLS = 1 << 24  # logits that are computed together: 64 MiB
_MAX_MEMORY_CELLS = 1 << 26  # logits that are kept in memory; more are on disk
_SMALL_TABLE = 1 << 23  # entries of a gradient; one gradient per core fits into memory
_SAFE_EXPONENT = 60.0  # exponentials of this size, and their sums, are finite in float32


@dataclass(frozen=True)
class OutputTargets:
    """Targets of the outputs, (rows, outputs), which are computed for each slice of rows when it is read."""

    task: Task
    targets: Targets

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, outputs)."""
        return len(self.targets), self.task.n_outputs

    def __getitem__(self, rows: slice) -> Floats:
        """The targets of a slice of rows."""
        return self.task.output_targets(self.targets[rows])


class SearchLoss(Protocol):
    """What the search for the best weights asks of the loss over all rows. At first all logits are 0."""

    def total(self) -> Floats:
        """The loss, summed over the rows: (1, 1) or (1, outputs)."""

    def set_direction(self, direction: Floats) -> None:
        """Set the direction of the next line search: (features + 1, outputs)."""

    def derivative(self, lengths: Floats) -> Floats:
        """The derivative of the loss by the step length, at these lengths: (1, 1) or (1, outputs)."""

    def step(self, lengths: Floats) -> Floats:
        """Move by these lengths along the direction. Returns the gradient there, (features + 1, outputs)."""

    def curvature(self) -> Floats:
        """The diagonal of the Hessian at the present weights, (features + 1, outputs)."""


class Loss(SearchLoss, Protocol):
    """The loss of a dense table of weights."""

    def residual_sum(self) -> Floats:
        """(outputs,): outputs minus targets, summed over the rows."""


def make_loss(
    pool: Executor, features: Matrix, targets: Floats | OutputTargets, activation: Activation, weights: Floats
) -> Loss:
    """The loss over these rows.

    Args:
        pool: Threads to compute with.
        features: (rows, features).
        targets: (rows, outputs) what the outputs should be after the activation.
        activation: Activation of the outputs.
        weights: (rows,) how much each row counts.
    """
    rows, outputs = targets.shape
    stored = isinstance(features, StoredMatrix)
    if stored or (rows * outputs > _PART_CELLS and scipy.sparse.issparse(features)):
        whole = features.parts if isinstance(features, StoredMatrix) else (slice(0, rows),)
        size = max(1, _PART_CELLS // outputs)
        parts = [slice(at, min(at + size, part.stop)) for part in whole for at in range(part.start, part.stop, size)]
        on_disk = stored or rows * outputs > _MAX_MEMORY_CELLS
        return _LossInParts(parts, features, targets, activation, weights, on_disk)
    return _LossInMemory(pool, features, targets, activation, weights[:, None])


class _LossInMemory:
    """The loss with all rows in memory. Blocks of rows stay in the cache of a core from the product to the sum.

    Args:
        pool: Threads to compute with.
        features: (rows, features).
        targets: (rows, outputs).
        activation: Activation of the outputs.
        weights: (rows, 1).
    """

    def __init__(
        self,
        pool: Executor,
        features: Matrix,
        targets: Floats | OutputTargets,
        activation: Activation,
        weights: Floats,
    ) -> None:
        # The transpose by rows too: then each feature is one sum, not additions all over the table.
        self._transposed = features.T.tocsr() if scipy.sparse.issparse(features) else features.T
        self._columns, self._pool = row_blocks(self._transposed), pool
        self._blocks = cache_blocks(features, targets.shape[1])
        self._rows = [slice_rows(features, block) for block in self._blocks]
        self._targets, self._activation, self._weights = targets, activation, weights
        self._inner_product = inner_product_for(activation)
        self._logits, self._change, self._gradient = (np.zeros(targets.shape, np.float32) for _ in range(3))
        self._gradient_lengths: Floats | None = None  # where the gradient was computed last

    def residual_sum(self) -> Floats:
        return self._sum(lambda block, _: self._logit_gradient(block, self._logits[block]).sum(axis=0))

    def total(self) -> Floats:
        def of_block(block: slice, _: Matrix) -> Floats:
            return loss_sum(self._logits[block], self._targets[block], self._activation, self._weights[block])

        return self._sum(of_block)

    def set_direction(self, direction: Floats) -> None:
        by_feature = np.ascontiguousarray(direction[:-1])

        def set_change(block: slice, features: Matrix) -> None:
            np.add(multiply(features, by_feature), direction[-1], out=self._change[block])

        self._gradient_lengths = None
        self._map(set_change)

    def derivative(self, lengths: Floats) -> Floats:
        def of_block(block: slice, _: Matrix) -> Floats:
            change = self._change[block]
            gradient = self._logit_gradient(block, self._logits[block] + lengths * change)
            self._gradient[block] = gradient
            return self._inner_product(gradient, change)

        self._gradient_lengths = lengths
        return self._sum(of_block)

    def step(self, lengths: Floats) -> Floats:
        is_known = self._gradient_lengths is lengths

        def of_block(block: slice, _: Matrix) -> Floats:
            self._logits[block] += lengths * self._change[block]
            if not is_known:
                self._gradient[block] = self._logit_gradient(block, self._logits[block])
            return np.asarray(self._gradient[block].sum(axis=0))

        self._gradient_lengths = None
        of_intercept = self._sum(of_block)
        by_feature = multiply_blocks(self._pool, self._columns, self._gradient)
        return np.concatenate([by_feature, of_intercept[None]])

    def curvature(self) -> Floats:
        def of_block(block: slice, _: Matrix) -> Floats:
            self._gradient[block] = loss_curvature(self._logits[block], self._activation) * self._weights[block]
            return np.asarray(self._gradient[block].sum(axis=0))

        self._gradient_lengths = None
        of_intercept = self._sum(of_block)
        by_feature = multiply_blocks(self._pool, row_blocks(squared(self._transposed)), self._gradient)
        return np.concatenate([by_feature, of_intercept[None]])

    def _logit_gradient(self, block: slice, logits: Floats) -> Floats:
        gradient = loss_gradient(logits, self._targets[block], self._activation)
        gradient *= self._weights[block]
        return gradient

    def _map(self, function: Callable[[slice, Matrix], T]) -> list[T]:
        if len(self._blocks) == 1:
            return [function(self._blocks[0], self._rows[0])]
        return list(self._pool.map(function, self._blocks, self._rows))

    def _sum(self, function: Callable[[slice, Matrix], Floats]) -> Floats:
        """The sum over the blocks, in their order: the same for any number of cores."""
        return np.asarray(sum(self._map(function)), np.float32)


class _LossInParts:
    """The loss of one slice of rows at a time; many logits are on disk.

    Args:
        parts: The slices.
        features: (rows, features).
        targets: (rows, outputs).
        activation: Activation of the outputs.
        weights: (rows,).
        on_disk: Keep the logits on disk.
    """

    def __init__(
        self,
        parts: Sequence[slice],
        features: Matrix,
        targets: Floats | OutputTargets,
        activation: Activation,
        weights: Floats,
        on_disk: bool,
    ) -> None:
        self._parts, self._features, self._targets = parts, features, targets
        self._activation, self._weights = activation, weights
        self._inner_product = inner_product_for(activation)
        zeros = disk_arrays.zeros if on_disk else np.zeros
        self._logits, self._change = (zeros(targets.shape, np.float32) for _ in range(2))
        small = (features.shape[1] + 1) * targets.shape[1] <= _SMALL_TABLE
        self._ahead = available_cores() if small else 0

    def residual_sum(self) -> Floats:
        def of_part(part: slice) -> Floats:
            residuals = np.asarray(self._logit_gradient(part, self._logits[part]).sum(axis=0))
            self._drop_pages()
            return residuals

        return np.asarray(sum(parallel_map(of_part, self._parts, self._ahead)), np.float32)

    def total(self) -> Floats:
        def of_part(part: slice) -> Floats:
            total = loss_sum(self._logits[part], self._targets[part], self._activation, self._weights[part, None])
            self._drop_pages()
            return total

        return np.asarray(sum(parallel_map(of_part, self._parts, self._ahead)), np.float32)

    def set_direction(self, direction: Floats) -> None:
        by_feature = np.ascontiguousarray(direction[:-1])

        def change(part: slice) -> None:
            self._change[part] = multiply(self._features[part], by_feature) + direction[-1]
            self._drop_pages()

        for _ in parallel_map(change, self._parts, self._ahead):
            pass

    def derivative(self, lengths: Floats) -> Floats:
        def of_part(part: slice) -> Floats:
            change = self._change[part]
            product = self._inner_product(self._logit_gradient(part, self._logits[part] + lengths * change), change)
            self._drop_pages()
            return product

        return np.asarray(sum(parallel_map(of_part, self._parts, self._ahead)), np.float32)

    def step(self, lengths: Floats) -> Floats:
        total = np.zeros((self._features.shape[1] + 1, self._targets.shape[1]), np.float32)

        def of_part(part: slice) -> tuple[Floats, Floats]:
            logits = self._logits[part]
            logits += lengths * self._change[part]
            gradient = self._logit_gradient(part, logits)
            by_part = multiply_transposed(self._features[part], gradient), gradient.sum(axis=0)
            self._drop_pages()
            return by_part

        for by_feature, of_intercept in parallel_map(of_part, self._parts, self._ahead):
            total[:-1] += by_feature
            total[-1] += of_intercept
        return total

    def curvature(self) -> Floats:
        total = np.zeros((self._features.shape[1] + 1, self._targets.shape[1]), np.float32)

        def of_part(part: slice) -> tuple[Floats, Floats]:
            curvature = loss_curvature(self._logits[part], self._activation)
            curvature *= self._weights[part, None]
            by_part = multiply_transposed(squared(self._features[part]), curvature), curvature.sum(axis=0)
            self._drop_pages()
            return by_part

        for by_feature, of_intercept in parallel_map(of_part, self._parts, self._ahead):
            total[:-1] += by_feature
            total[-1] += of_intercept
        return total

    def _logit_gradient(self, part: slice, logits: Floats) -> Floats:
        gradient = loss_gradient(logits, self._targets[part], self._activation)
        gradient *= self._weights[part, None]
        return gradient

    def _drop_pages(self) -> None:
        disk_arrays.drop_pages(self._logits, self._change, self._weights)
        if isinstance(self._features, StoredMatrix):
            self._features.drop_pages()
        if isinstance(self._targets, OutputTargets):
            disk_arrays.drop_pages(self._targets.targets)


def loss_gradient(logits: Floats, targets: Floats, activation: Activation) -> Floats:
    """The gradient of the loss by the logits, (rows, outputs): outputs minus targets."""
    if activation == "identity":
        return np.asarray(logits - targets)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))) - targets, np.float32)
    if max(logits.max(initial=0), -logits.min(initial=0)) > _SAFE_EXPONENT:
        logits = logits - logits.max(axis=1, keepdims=True)
    gradient = np.exp(logits)
    gradient /= (gradient @ np.ones(gradient.shape[1], np.float32))[:, None]  # several times faster than sum(axis=1)
    gradient -= targets
    return gradient


def loss_sum(logits: Floats, targets: Floats, activation: Activation, weights: Floats) -> Floats:
    """The loss, summed over the rows, times their weights (rows, 1): (1, 1) for softmax, else (1, outputs)."""
    if activation == "softmax":
        largest = logits.max(axis=1, keepdims=True)
        sums = np.exp(logits - largest).sum(axis=1, keepdims=True)
        loss = np.log(sums) + largest - (logits * targets).sum(axis=1, keepdims=True)
    elif activation == "sigmoid":
        loss = np.logaddexp(0, logits) - logits * targets
    else:
        loss = np.square(logits - targets) / 2
    return np.asarray((loss * weights).sum(axis=0, keepdims=True))


def loss_curvature(logits: Floats, activation: Activation) -> Floats:
    """The second derivative of the loss by each logit, (rows, outputs)."""
    if activation == "identity":
        return np.ones_like(logits)
    outputs = loss_gradient(logits, np.zeros((1, 1), np.float32), activation)
    outputs -= outputs * outputs
    return outputs


def inner_product_for(activation: Activation) -> InnerProduct:
    """The inner product of the problem: softmax joins all outputs; with others each output is a problem of its own."""
    return _joint_inner_product if activation == "softmax" else _inner_product_by_output


def _joint_inner_product(one: Floats, other: Floats) -> Floats:
    """(1, 1): the inner product of two tables."""
    return np.full((1, 1), np.vdot(one, other), np.float32)


def _inner_product_by_output(one: Floats, other: Floats) -> Floats:
    """(1, outputs): the inner product of each column."""
    if one.shape[1] == 1:
        return _joint_inner_product(one, other)
    return np.asarray(np.einsum("ij,ij->j", one, other)[None])
