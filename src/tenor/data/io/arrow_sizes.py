"""The size of Arrow arrays as Python values, which can be far more than their size as arrays.

A value of a dictionary, a run, a view or a list view is held once, and any number of rows may share it; lists of such
lists multiply. So the sizes are computed from lengths and offsets, before any value is created.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr

if TYPE_CHECKING:
    import pyarrow

Sizes = npt.NDArray[np.float64] | float  # one for each value, or one for all
Numbers = npt.NDArray[np.int64]

VALUE_BYTES = 32
"""Bytes of a value besides its characters."""

_MAX_NESTING = 64
_MAX_BYTES = 1e12  # more than can be read, and small enough that sums are exact to a few bytes


def string_columns(schema: "pyarrow.Schema") -> list[int]:
    """Positions of the string columns, if all columns are strings or numbers that rows do not share; else none."""
    from pyarrow import types

    flat = (types.is_string, types.is_large_string, types.is_primitive, types.is_null)
    if not all(any(test(kind) for test in flat) for kind in schema.types):
        return []
    return [at for at, kind in enumerate(schema.types) if types.is_string(kind) or types.is_large_string(kind)]


def row_sizes(batch: "pyarrow.RecordBatch") -> npt.NDArray[np.float64]:
    """(rows,) approximate bytes of each row of a batch as Python values.

    Raises:
        ValueError: The types of a column are nested too deep.
    """
    total = np.zeros(batch.num_rows)
    for column in batch.columns:
        total += _sizes(column, 0)
    return total


def runs(sizes: npt.NDArray[np.float64], max_rows: int, max_bytes: int) -> Iterator[tuple[int, int]]:
    """Begin and end of runs of rows that stay below a number of rows and of bytes; a larger row is alone."""
    ends = sizes.cumsum()
    begin, done = 0, 0.0
    while begin < len(sizes):
        fitting = int(np.searchsorted(ends, done + max_bytes, "right"))
        end = max(begin + 1, min(fitting, begin + max_rows, len(sizes)))
        yield begin, end
        begin, done = end, float(ends[end - 1])


def _sizes(array: "pyarrow.Array", depth: int) -> Sizes:
    """Approximate bytes of each value of an array; `depth` counts the types around it."""
    import pyarrow
    from pyarrow import types

    kind = array.type
    if depth > _MAX_NESTING:
        raise ValueError(tr("its types are nested too deep"))
    if not len(array):
        return 0.0
    if isinstance(array, pyarrow.ExtensionArray):
        return _sizes(array.storage, depth + 1)
    if types.is_dictionary(kind):
        places = _numbers(array.indices.fill_null(0))
        if array.null_count == len(array):
            return float(VALUE_BYTES)
        values, where = np.unique(places, return_inverse=True)
        return _at(_sizes(array.dictionary.take(pyarrow.array(values)), depth + 1), where)
    if types.is_run_end_encoded(kind):
        rows = np.arange(array.offset, array.offset + len(array))
        return _at(_sizes(array.values, depth + 1), np.searchsorted(_numbers(array.run_ends), rows, "right"))
    if types.is_fixed_size_list(kind):
        starts = np.arange(array.offset, array.offset + len(array)) * kind.list_size
        return _lists(array.values, starts, np.full(len(array), kind.list_size), depth)
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        return _lists(array.values, _numbers(array.offsets), _numbers(array.sizes), depth)
    if types.is_map(kind):
        offsets = _numbers(array.offsets)
        parts = (_lists(part, offsets[:-1], np.diff(offsets), depth) for part in (array.keys, array.items))
        return sum(parts, 0.0)
    if types.is_list(kind) or types.is_large_list(kind):
        offsets = _numbers(array.offsets)
        return _lists(array.values, offsets[:-1], np.diff(offsets), depth)
    if types.is_struct(kind):
        return VALUE_BYTES + sum((_sizes(array.field(at), depth + 1) for at in range(kind.num_fields)), 0.0)
    if types.is_union(kind):
        parts = (_sizes(array.field(at), depth + 1) for at in range(kind.num_fields))
        return VALUE_BYTES + sum((float(np.max(part)) for part in parts), 0.0)
    return VALUE_BYTES + _lengths(array)


def _lists(values: "pyarrow.Array", starts: Numbers, counts: Numbers, depth: int) -> Sizes:
    """Bytes of each list: it holds `counts[i]` of `values` from `starts[i]` on."""
    counts = np.where(counts > 0, counts, 0)
    starts = np.where(counts > 0, starts, 0)
    if not counts.any():
        return float(VALUE_BYTES)
    first, last = int(starts[counts > 0].min()), int((starts + counts).max())
    sizes = _sizes(values.slice(first, last - first), depth + 1)
    if isinstance(sizes, float):
        sizes = counts.astype(np.float64) * sizes
        return VALUE_BYTES + np.minimum(sizes, _MAX_BYTES)
    ends = np.concatenate([[0.0], sizes.cumsum()])
    starts = np.where(counts > 0, starts - first, 0)
    spans: npt.NDArray[np.float64] = ends[starts + counts] - ends[starts]
    return VALUE_BYTES + np.minimum(spans, _MAX_BYTES)


def _lengths(array: "pyarrow.Array") -> Sizes:
    """Bytes of each string or binary value; 0 for other types."""
    import pyarrow.compute
    from pyarrow import types

    kind = array.type
    if types.is_fixed_size_binary(kind):
        return float(kind.byte_width)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        views = np.frombuffer(array.buffers()[1], np.int32)[4 * array.offset :: 4][: len(array)]
        lengths: npt.NDArray[np.float64] = np.where(array.is_valid().to_numpy(zero_copy_only=False), views, 0.0)
        return lengths
    if any(test(kind) for test in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)):
        return _numbers(pyarrow.compute.binary_length(array).fill_null(0)).astype(np.float64)
    return 0.0


def _at(sizes: Sizes, places: Numbers) -> Sizes:
    """The sizes of the values at some positions."""
    return sizes if isinstance(sizes, float) else sizes[places]


def _numbers(array: "pyarrow.Array") -> Numbers:
    """An array of integers in NumPy."""
    return np.asarray(array.to_numpy(zero_copy_only=False)).astype(np.int64)
