"""Feature matrices of linear models, in memory or on disk, and their products with dense tables.

SciPy's products use one core. Here the rows of a matrix, or the columns of a table, are divided among the cores.
"""

import itertools
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from tenor._core import disk_arrays
from tenor._core.threads import available_cores, parallel_map
from tenor.tasks import Floats

PART_ENTRIES = 1 << 22
"""Entries of a matrix on disk that are read together: 32 MiB."""

_CACHE_CELLS = 1 << 17  # entries and logits of a block: about 1 MiB
_MIN_ENTRIES_FOR_THREADS = 100_000  # a product with fewer entries is faster on one core
_MIN_OUTPUTS_FOR_THREADS = 64  # the same for the columns of the dense table


@dataclass(frozen=True)
class StoredMatrix:
    """A sparse matrix on disk, by rows (CSR): row i has `data[row[i]:row[i + 1]]` in `columns[row[i]:row[i + 1]]`.

    Attributes:
        row: (rows + 1,) int64: where each row begins.
        columns: (entries,) int32: the column of each entry.
        data: (entries,) float32: the value of each entry.
        width: Number of columns.
        parts: Slices of rows that are read together.
    """

    row: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    data: Floats
    width: int
    parts: tuple[slice, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self.row) - 1, self.width

    def __getitem__(self, rows: slice) -> "Matrix":
        """A slice of rows as a matrix of SciPy that shares the arrays on disk."""
        row = self.row[rows.start : rows.stop + 1]
        entries = slice(int(row[0]), int(row[-1]))
        local = (row - row[0]).astype(np.int32)
        shape = len(local) - 1, self.width
        return _of_arrays(scipy.sparse.csr_matrix, shape, self.data[entries], self.columns[entries], local)

    def drop_pages(self) -> None:
        """Give back the memory of the parts read so far."""
        disk_arrays.drop_pages(self.row, self.columns, self.data)


Matrix = Any
"""(rows, features) float32: a SciPy sparse matrix, a NumPy array or a StoredMatrix. SciPy has no types."""


def store(blocks: Iterable[Any], width: int, parts: tuple[slice, ...] | None = None) -> StoredMatrix:
    """Sparse matrices of SciPy, one under the other, on disk.

    Args:
        blocks: The matrices, (rows, width) each.
        width: Number of columns.
        parts: Slices of rows that are read together; None: those of about PART_ENTRIES entries.
    """
    row, columns, data = disk_arrays.Writer(np.int64), disk_arrays.Writer(np.int32), disk_arrays.Writer(np.float32)
    row.append([0])
    entries = 0
    for matrix in blocks:
        row.append(matrix.indptr[1:].astype(np.int64) + entries)
        columns.append(matrix.indices)
        data.append(matrix.data)
        entries += int(matrix.indptr[-1])
    offsets = row.finish()
    parts = split_rows(offsets, PART_ENTRIES) if parts is None else parts
    return StoredMatrix(offsets, columns.finish(), data.finish(), width, parts)


def take(matrix: Matrix, rows: npt.NDArray[np.int64]) -> Matrix:
    """The chosen rows of a sparse matrix, in that order, in memory."""
    if not isinstance(matrix, StoredMatrix):
        return matrix[rows]
    lengths = np.diff(matrix.row)[rows]
    offsets = np.concatenate([[0], lengths]).cumsum()
    entries = np.arange(offsets[-1]) + np.repeat(matrix.row[rows] - offsets[:-1], lengths)
    arrays = matrix.data[entries], matrix.columns[entries], offsets
    return _of_arrays(scipy.sparse.csr_matrix, (len(rows), matrix.width), *arrays)


def split_rows(row: npt.NDArray[np.int64], max_entries: int) -> tuple[slice, ...]:
    """Divide rows into slices of at most `max_entries` entries, or of a single row with more.

    Args:
        row: (rows + 1,) where each row begins.
        max_entries: Entries of a slice.
    """
    parts, begin = [], 0
    while begin < len(row) - 1:
        end = int(np.searchsorted(row, row[begin] + max_entries, "right")) - 1
        end = min(max(end, begin + 1), len(row) - 1)
        parts.append(slice(begin, end))
        begin = end
    disk_arrays.drop_pages(row)
    return tuple(parts)


def squared(matrix: Matrix) -> Matrix:
    """The square of each entry of a matrix in memory; a sparse matrix shares its positions."""
    if not scipy.sparse.issparse(matrix):
        return matrix * matrix
    return _of_arrays(type(matrix), matrix.shape, matrix.data * matrix.data, matrix.indices, matrix.indptr)


def multiply(matrix: Matrix, table: Matrix) -> Floats:
    """`matrix @ table`, of shape (rows, columns of the table), dense. The table may be sparse by rows."""
    if scipy.sparse.issparse(table):
        return np.asarray((matrix @ table).toarray())
    # OpenBLAS may raise the flag for invalid numbers from unused lanes of a register, though all numbers are finite.
    with np.errstate(invalid="ignore"):
        # One column becomes a vector: SciPy's product with a vector is several times faster.
        if table.shape[1] == 1:
            return np.asarray(matrix @ table[:, 0])[:, None]
        return np.asarray(matrix @ np.ascontiguousarray(table))


def multiply_transposed(matrix: Matrix, table: Floats) -> Floats:
    """`matrix.T @ table` for a sparse matrix; many columns are divided among the cores."""
    rows, columns = matrix.shape
    transposed = _of_arrays(scipy.sparse.csc_matrix, (columns, rows), matrix.data, matrix.indices, matrix.indptr)
    if table.shape[1] < _MIN_OUTPUTS_FOR_THREADS:
        return multiply(transposed, table)
    groups = np.array_split(np.arange(table.shape[1]), available_cores())
    products = parallel_map(lambda group: multiply(transposed, table[:, group[0] : group[-1] + 1]), groups)
    return np.concatenate(list(products), axis=1)


def row_blocks(matrix: Matrix) -> list[Matrix]:
    """The rows of a sparse matrix in one block for each core, with about equal work; they share its memory."""
    if not scipy.sparse.issparse(matrix) or matrix.nnz < _MIN_ENTRIES_FOR_THREADS:
        return [matrix]
    ends = np.searchsorted(matrix.indptr, np.arange(1, available_cores()) * (matrix.nnz / available_cores()))
    bounds = [0, *ends.tolist(), matrix.shape[0]]
    return [slice_rows(matrix, slice(begin, end)) for begin, end in itertools.pairwise(bounds)]


def slice_rows(matrix: Matrix, rows: slice) -> Matrix:
    """Some rows of a matrix in memory; they share its memory."""
    if not scipy.sparse.issparse(matrix):
        return matrix[rows]
    first, last = matrix.indptr[rows.start], matrix.indptr[rows.stop]
    entries = matrix.data[first:last], matrix.indices[first:last], matrix.indptr[rows.start : rows.stop + 1] - first
    return _of_arrays(scipy.sparse.csr_matrix, (rows.stop - rows.start, matrix.shape[1]), *entries)


def cache_blocks(matrix: Matrix, outputs: int) -> list[slice]:
    """Slices of rows of a matrix in memory whose entries and logits fit into the cache of a core."""
    n_rows, n_columns = matrix.shape
    row = matrix.indptr if scipy.sparse.issparse(matrix) else np.arange(n_rows + 1, dtype=np.int64) * n_columns
    cells = row + np.arange(n_rows + 1, dtype=np.int64) * outputs
    return list(split_rows(cells, _CACHE_CELLS)) or [slice(0, 0)]


def multiply_blocks(pool: Executor, blocks: list[Matrix], table: Floats) -> Floats:
    """The product of a matrix in row blocks and a table. It is the same for any number of blocks."""
    if len(blocks) == 1:
        return multiply(blocks[0], table)
    table = np.ascontiguousarray(table)
    return np.concatenate(list(pool.map(lambda block: multiply(block, table), blocks)))


def _of_arrays(
    kind: type[Matrix],
    shape: tuple[int, int],
    data: Floats,
    indices: npt.NDArray[np.int32],
    indptr: npt.NDArray[np.integer[Any]],
) -> Matrix:
    """A sparse matrix that shares these arrays.

    SciPy's constructor would copy small parts of large arrays, which takes longer than a product with them.
    """
    matrix = kind(shape, dtype=data.dtype)
    matrix.data, matrix.indices, matrix.indptr = data, indices, indptr
    return matrix
