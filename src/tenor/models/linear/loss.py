"""The loss of a linear model over all rows, along a line: in memory, or in parts where there are many rows.

The search for the best weights asks four things of the rows: how much the outputs exceed their targets
(`residual_sum`), how the logits change along a direction (`set_direction`), the derivative of the loss there
(`derivative`), and, after a step, the gradient (`step`). Tables have a row for each feature and, last, one for the
intercept.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse

from tenor._core import disk_arrays
from tenor._core.threads import available_cores, parallel_map
from tenor.models.linear.matrices import (
    Matrix,
    StoredMatrix,
    multiply,
    multiply_blocks,
    multiply_transposed,
    row_blocks,
)
from tenor.tasks import Activation, Floats, Targets, Task

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


class Loss(Protocol):
    """The loss over all rows. At first all logits are 0."""

    def residual_sum(self) -> Floats:
        """(outputs,): outputs minus targets, summed over the rows."""

    def set_direction(self, direction: Floats) -> None:
        """Set the direction of the next line search: (features + 1, outputs)."""

    def derivative(self, lengths: Floats) -> Floats:
        """The derivative of the loss by the step length, at these lengths: (1, 1) or (1, outputs)."""

    def step(self, lengths: Floats) -> Floats:
        """Move by these lengths along the direction. Returns the gradient there, (features + 1, outputs)."""


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
    return _LossInMemory(pool, features, targets[:], activation, weights[:, None])


class _LossInMemory:
    """The loss with all rows in memory.

    Args:
        pool: Threads to compute with.
        features: (rows, features).
        targets: (rows, outputs).
        activation: Activation of the outputs.
        weights: (rows, 1).
    """

    def __init__(
        self, pool: Executor, features: Matrix, targets: Floats, activation: Activation, weights: Floats
    ) -> None:
        # The transpose by rows too: then each feature is one sum, not additions all over the table.
        transposed = features.T.tocsr() if scipy.sparse.issparse(features) else features.T
        self._rows, self._columns, self._pool = row_blocks(features), row_blocks(transposed), pool
        self._targets, self._activation, self._weights = targets, activation, weights
        self._inner_product = inner_product_for(activation)
        self._logits = np.zeros_like(targets)
        self._change = self._logits
        self._gradient = self._logit_gradient(self._logits)
        self._last_lengths: Floats | None = None
        self._last_gradient = self._gradient  # at the last lengths

    def residual_sum(self) -> Floats:
        return np.asarray(self._gradient.sum(axis=0))

    def set_direction(self, direction: Floats) -> None:
        self._change = np.asarray(multiply_blocks(self._pool, self._rows, direction[:-1]) + direction[-1])

    def derivative(self, lengths: Floats) -> Floats:
        moved = lengths.any()
        gradient = self._logit_gradient(self._logits + lengths * self._change) if moved else self._gradient
        self._last_lengths, self._last_gradient = lengths, gradient
        return self._inner_product(gradient, self._change)

    def step(self, lengths: Floats) -> Floats:
        if lengths.any():
            self._logits = self._logits + lengths * self._change
            known = self._last_lengths is lengths
            self._gradient = self._last_gradient if known else self._logit_gradient(self._logits)
        by_feature = multiply_blocks(self._pool, self._columns, self._gradient)
        return np.concatenate([by_feature, self._gradient.sum(axis=0, keepdims=True)])

    def _logit_gradient(self, logits: Floats) -> Floats:
        return np.asarray(loss_gradient(logits, self._targets, self._activation) * self._weights)


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
