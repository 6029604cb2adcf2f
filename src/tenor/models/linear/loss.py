"""The loss of a linear model over all rows, along a line: whole in memory, or in parts where there are many rows.

The search for the best table needs of the rows: what the outputs are in excess of what they should be (`excess`), how
the logits change along a line (`turn`), the loss's derivative at some length of it (`derivative`), and to go there and
tell the gradient (`advance`). Tables have a row for each feature and, last, one for the intercept.
"""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tenor._core import disk_arrays
from tenor._core.threads import cores, parallel_map
from tenor.tasks import Activation, Floats, Targets, Task

Dots = Callable[[Floats, Floats], Floats]

PART_ENTRIES = 1 << 22  # entries of a matrix on disk that are looked at together: 32 MiB
_PART_CELLS = 1 << 24  # logits that are looked at together: 64 MiB
_MEMORY_CELLS = 1 << 26  # logits that are kept in memory
_WORTH_THREADS = 100_000  # entries of a matrix
_MANY_OUTPUTS = 64
_SMALL_TABLE = 1 << 23
_SAFE = 60.0  # exponentials of this size, and their sums, are finite in float32


@dataclass(frozen=True)
class Desired:
    """What the outputs should be, (rows, outputs), made for those rows that are asked for."""

    task: Task
    targets: Targets

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.targets), self.task.n_outputs

    def __getitem__(self, rows: slice) -> Floats:
        return self.task.output_targets(self.targets[rows])


@dataclass(frozen=True)
class Stored:
    """A sparse matrix on disk: row i has `data[row[i]:row[i + 1]]` in the columns `columns[row[i]:row[i + 1]]`.

    Attributes:
        row: (rows + 1,) int64.
        columns: (entries,) int32.
        data: (entries,) float32.
        width: How many columns there are.
        parts: Runs of rows that are looked at together.
    """

    row: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    data: Floats
    width: int
    parts: tuple[slice, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.row) - 1, self.width

    def __getitem__(self, rows: slice) -> scipy.sparse.csr_matrix:
        row = self.row[rows.start : rows.stop + 1]
        entries = slice(int(row[0]), int(row[-1]))
        local = (row - row[0]).astype(np.int32)
        shape = len(local) - 1, self.width
        return _of_arrays(scipy.sparse.csr_matrix, shape, self.data[entries], self.columns[entries], local)

    def release(self) -> None:
        disk_arrays.drop_pages(self.row, self.columns, self.data)


def _of_arrays(kind: Any, shape: tuple[int, int], data: Floats, indices: Any, indptr: Any) -> Any:
    """A sparse matrix of these arrays. They are not given to its constructor, which copies small parts of large arrays
    and so takes longer than a product with them.
    """
    found = kind(shape, dtype=data.dtype)
    found.data, found.indices, found.indptr = data, indices, indptr
    return found


def cut(row: npt.NDArray[np.int64], entries: int) -> tuple[slice, ...]:
    """Runs of rows with about so many entries each; row i has `row[i + 1] - row[i]`."""
    parts, begin = [], 0
    while begin < len(row) - 1:
        end = int(np.searchsorted(row, row[begin] + entries, "right")) - 1
        end = min(max(end, begin + 1), len(row) - 1)
        parts.append(slice(begin, end))
        begin = end
    disk_arrays.drop_pages(row)
    return tuple(parts)


class Loss(Protocol):
    """The loss over all rows. Of a new one, all logits are 0."""

    def excess(self) -> Floats:
        """By how much the outputs are above what they should be: the sum over the rows, (outputs,)."""

    def turn(self, table: Floats) -> None:
        """Look along this table from now on."""

    def derivative(self, lengths: Floats) -> Floats:
        """The derivative by the lengths, at these lengths along the table; (1, 1), or (1, outputs)."""

    def advance(self, lengths: Floats) -> Floats:
        """Go these lengths along the table; the gradient by the table there, (features + 1, outputs)."""


def loss(
    pool: Executor, features: Any, desired: "Floats | Desired", activation: Activation, weights: Floats, dots: Dots
) -> Loss:
    """The loss over these rows.

    Args:
        pool: Threads to compute with.
        features: (rows, features): a sparse matrix, an array, or Stored.
        desired: (rows, outputs) what the outputs should be after the activation.
        activation: Of the outputs.
        weights: (rows,) how much each row counts.
        dots: Inner products of two tables of logits.
    """
    rows, outputs = desired.shape
    stored = isinstance(features, Stored)
    if stored or (rows * outputs > _PART_CELLS and scipy.sparse.issparse(features)):
        whole = features.parts if isinstance(features, Stored) else (slice(0, rows),)
        step = max(1, _PART_CELLS // outputs)
        parts = [slice(at, min(at + step, part.stop)) for part in whole for at in range(part.start, part.stop, step)]
        on_disk = stored or rows * outputs > _MEMORY_CELLS
        return _InParts(parts, features, desired, activation, weights, dots, on_disk)
    return _Whole(pool, features, desired[:], activation, weights[:, None], dots)


class _Whole:
    """All rows in memory."""

    def __init__(
        self, pool: Executor, features: Any, desired: Floats, activation: Activation, counted: Floats, dots: Dots
    ) -> None:
        # By rows too: a sum for each feature in place of additions all over the table.
        transposed = features.T.tocsr() if scipy.sparse.issparse(features) else features.T
        self._rows, self._columns, self._pool = _blocks(features), _blocks(transposed), pool
        self._desired, self._activation, self._counted, self._dots = desired, activation, counted, dots
        self._now = np.zeros_like(desired)
        self._change = self._now
        self._here = self._slope(self._now)
        self._last: tuple[Any, Floats] = (None, self._here)  # the slope at the lengths that were asked for last

    def excess(self) -> Floats:
        return np.asarray(self._here.sum(axis=0))

    def turn(self, table: Floats) -> None:
        self._change = np.asarray(_product(self._pool, self._rows, table[:-1]) + table[-1])

    def derivative(self, lengths: Floats) -> Floats:
        slope = self._slope(self._now + lengths * self._change) if lengths.any() else self._here
        self._last = lengths, slope
        return self._dots(slope, self._change)

    def advance(self, lengths: Floats) -> Floats:
        if lengths.any():
            self._now = self._now + lengths * self._change
            self._here = self._last[1] if self._last[0] is lengths else self._slope(self._now)
        below = _product(self._pool, self._columns, self._here)
        return np.concatenate([below, self._here.sum(axis=0, keepdims=True)])

    def _slope(self, logits: Floats) -> Floats:
        return np.asarray(slope_of(logits, self._desired, self._activation) * self._counted)


class _InParts:
    """A run of rows at a time; logits are on disk where there are many."""

    def __init__(
        self,
        parts: Sequence[slice],
        features: Any,
        desired: "Floats | Desired",
        activation: Activation,
        weights: Floats,
        dots: Dots,
        on_disk: bool,
    ) -> None:
        self._parts, self._features, self._desired = parts, features, desired
        self._activation, self._weights, self._dots = activation, weights, dots
        self._now, self._change = (
            (disk_arrays.zeros if on_disk else np.zeros)(desired.shape, np.float32) for _ in range(2)
        )
        small = (features.shape[1] + 1) * desired.shape[1] <= _SMALL_TABLE
        self._ahead = cores() if small else 0

    def excess(self) -> Floats:
        def above(part: slice) -> Floats:
            found = np.asarray(self._slope(part, self._now[part]).sum(axis=0))
            self._release()
            return found

        return np.asarray(sum(parallel_map(above, self._parts, self._ahead)), np.float32)

    def turn(self, table: Floats) -> None:
        dense = np.ascontiguousarray(table[:-1])

        def change(part: slice) -> None:
            self._change[part] = times(self._features[part], dense) + table[-1]
            self._release()

        for _ in parallel_map(change, self._parts, self._ahead):
            pass

    def derivative(self, lengths: Floats) -> Floats:
        def along(part: slice) -> Floats:
            change = self._change[part]
            found = self._dots(self._slope(part, self._now[part] + lengths * change), change)
            self._release()
            return found

        return np.asarray(sum(parallel_map(along, self._parts, self._ahead)), np.float32)

    def advance(self, lengths: Floats) -> Floats:
        total = np.zeros((self._features.shape[1] + 1, self._desired.shape[1]), np.float32)

        def gradient(part: slice) -> tuple[Floats, Floats]:
            now = self._now[part]
            now += lengths * self._change[part]
            slope = self._slope(part, now)
            found = _transposed_times(self._features[part], slope), slope.sum(axis=0)
            self._release()
            return found

        for below, last in parallel_map(gradient, self._parts, self._ahead):
            total[:-1] += below
            total[-1] += last
        return total

    def _slope(self, part: slice, logits: Floats) -> Floats:
        slope = slope_of(logits, self._desired[part], self._activation)
        slope *= self._weights[part, None]
        return slope

    def _release(self) -> None:
        disk_arrays.drop_pages(self._now, self._change, self._weights)
        for held in (self._features, self._desired):
            if isinstance(held, Stored):
                held.release()
            elif isinstance(held, Desired):
                disk_arrays.drop_pages(held.targets)


def slope_of(logits: Floats, desired: Floats, activation: Activation) -> Floats:
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


def squares(features: Any, weights: Floats) -> npt.NDArray[Any]:
    """(features, 1): the weighted sum of squares of each feature."""
    if isinstance(features, Stored):
        total = np.zeros((features.width, 1))
        for part in features.parts:
            total += squares(features[part], weights[part])
            features.release()
        return total
    if not scipy.sparse.issparse(features):
        return np.asarray((features * features).T @ weights[:, None])
    rows = np.repeat(weights, np.diff(features.indptr))
    sums = np.bincount(features.indices, features.data * features.data * rows, features.shape[1])
    return np.asarray(sums[:, None])


def times(matrix: Any, dense: Floats) -> Floats:
    """The product of a matrix and a dense one."""
    # OpenBLAS may raise the flag for invalid numbers from unused lanes of a register, though all numbers are finite.
    with np.errstate(invalid="ignore"):
        # One column goes by way of a vector: scipy's product with a vector is several times faster.
        if dense.shape[1] == 1:
            return np.asarray(matrix @ dense[:, 0])[:, None]
        return np.asarray(matrix @ np.ascontiguousarray(dense))


def _transposed_times(matrix: Any, dense: Floats) -> Floats:
    """The product of a matrix's transpose and a dense one; of many columns, some on each core."""
    rows, columns = matrix.shape
    transposed = _of_arrays(scipy.sparse.csc_matrix, (columns, rows), matrix.data, matrix.indices, matrix.indptr)
    if dense.shape[1] < _MANY_OUTPUTS:
        return times(transposed, dense)
    some = np.array_split(np.arange(dense.shape[1]), cores())
    found = parallel_map(lambda each: times(transposed, dense[:, each[0] : each[-1] + 1]), some)
    return np.concatenate(list(found), axis=1)


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
        blocks.append(_of_arrays(scipy.sparse.csr_matrix, (end - begin, matrix.shape[1]), *entries))
    return blocks


def _product(pool: Executor, blocks: list[Any], dense: Floats) -> Floats:
    """The product of a matrix in blocks and a dense one. It is the same for any number of blocks."""
    if len(blocks) == 1:
        return times(blocks[0], dense)
    dense = np.ascontiguousarray(dense)
    return np.concatenate(list(pool.map(lambda block: times(block, dense), blocks)))
