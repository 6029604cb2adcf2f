"""Long arrays block by block, and hashes of texts: what keeps memory small for any number of rows."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays
from tenor._core.threads import parallel_map
from tenor.data.fields import strip_values

Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Scalar = TypeVar("Scalar", bound=np.generic)

BLOCK_ROWS = 1 << 12
"""Rows that are read together."""

_BLOCK_CELLS = 1 << 20  # of a table with a column for each class

_STEP = np.uint64(0x9E3779B97F4A7C15)


def row_blocks(values: npt.NDArray[Scalar], size: int = 1 << 16) -> Iterator[npt.NDArray[Scalar]]:
    """The rows of an array in blocks. The memory of a block is given back before the next one."""
    for at in range(0, len(values), size):
        yield values[at : at + size]
        disk_arrays.drop_pages(values)


def block_slices(n_rows: int, width: int) -> Iterator[slice]:
    """Slices of rows of a table with `width` columns, so that copies of a block stay small; one of no rows."""
    size = max(1, _BLOCK_CELLS // max(width, 1))
    yield from (slice(at, min(at + size, n_rows)) for at in range(0, max(n_rows, 1), size))


def map_blocks(function: Callable[..., npt.NDArray[Scalar]], *tables: npt.NDArray[Any]) -> npt.NDArray[Scalar]:
    """`function(*tables)` for a function that treats each row by itself, computed block by block on all cores.

    Args:
        function: Gets the same rows of all tables.
        tables: Arrays with the same number of rows.
    """
    width = max(table[:1].size for table in tables)
    slices = list(block_slices(len(tables[0]), width))
    if len(slices) == 1:
        return function(*tables)
    return np.concatenate(list(parallel_map(lambda rows: function(*(table[rows] for table in tables)), slices)))


def select_rows(values: npt.NDArray[Scalar], rows: Rows) -> npt.NDArray[Scalar]:
    """`values[rows]`, on disk."""

    def chosen() -> Iterator[npt.NDArray[Scalar]]:
        for block in row_blocks(rows):
            yield values[block]
            disk_arrays.drop_pages(values)

    return disk_arrays.store(chosen(), values.dtype, values.shape[1:])


def text_hash(text: str) -> int:
    """A 64-bit hash of a text without the whitespace around its values, the same on every machine."""
    data = strip_values(text).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def remix(hashes: Hashes) -> Hashes:
    """Independent hashes of hashes, by the finaliser of splitmix64 (Steele et al., 2014)."""
    hashes = hashes + _STEP
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
