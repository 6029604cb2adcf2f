"""`weights.safetensors`: arrays as views of the file's bytes, without copies, and their places in the file.

The format: a length (8 bytes), a header in JSON, then the arrays.
Source: https://github.com/huggingface/safetensors#format
"""

import json
import math
import mmap
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from tenor._core import records
from tenor._core.language import join_names, tr
from tenor._core.records import Json

Array: TypeAlias = npt.NDArray[Any]
"""An array of any type of number."""

FILE = "weights.safetensors"
_MAX_HEADER = 16 << 20  # bytes
_MAX_SIZE = 1 << 40  # bytes, or numbers in a dimension
_MAX_DIMENSIONS = 8
_TYPES = {
    **{"F64": np.float64, "F32": np.float32, "F16": np.float16, "BOOL": np.bool_},
    **{"I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8},
    **{"U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8},
}
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
"""The upper halves of float32 numbers. NumPy has no such type, so nothing computes with it by mistake."""

_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}


class Place(NamedTuple):
    """Place of an array in the file.

    Attributes:
        offset: First byte, counted from the start of the file.
        length: Number of bytes.
    """

    offset: int
    length: int


class TensorFile(NamedTuple):
    """The contents of the file.

    Attributes:
        arrays: The arrays by name; they cannot be written to.
        places: Their places in the file.
    """

    arrays: dict[str, Array]
    places: dict[str, Place]


def read(data: bytes | mmap.mmap, file: str = FILE, foreign: bool = False) -> TensorFile:
    """Read the whole file. The arrays keep `data` in memory.

    Args:
        data: The file.
        file: Its name for messages.
        foreign: Whether another program wrote it: arrays may then have the type BFLOAT16, and those that are not
            aligned stay views, too.

    Raises:
        ValueError: It is not a safetensors file, or has another type of numbers.
    """
    size = int.from_bytes(data[:8], "little")
    if size > min(_MAX_HEADER, len(data) - 8):
        raise ValueError(tr("{file} has a header of {size:,} bytes", file=file, size=size))
    header = records.parse(data[8 : 8 + size], file).values
    header.pop("__metadata__", None)
    types = _TYPES | {"BF16": BFLOAT16} if foreign else _TYPES
    entries = [(name, *_checked(f"{file}, {name!r}", entry, 8 + size, types)) for name, entry in header.items()]
    contents, end = TensorFile({}, {}), 8 + size
    for name, kind, shape, place in sorted(entries, key=lambda entry: entry[3]):
        if place.offset != end or place.offset + place.length > len(data):
            raise ValueError(
                tr(
                    "{file}, {name!r}: it overlaps another array, or bytes before it belong to no array",
                    file=file,
                    name=name,
                )
            )
        end = place.offset + place.length
        array = np.frombuffer(data, kind, math.prod(shape), place.offset).reshape(shape)
        contents.arrays[name] = array if foreign or array.flags.aligned else array.copy()
        contents.places[name] = place
    if end != len(data):
        raise ValueError(
            tr("{file} has {n_data:,} bytes at its end that belong to no array", file=file, n_data=len(data) - end)
        )
    return contents


def write(arrays: Mapping[str, Array]) -> tuple[list[bytes | memoryview], dict[str, Place]]:
    """Build the file.

    Arrays with wider numbers come first, so that all numbers are aligned.

    Returns:
        The file in consecutive parts, and the place of each array.

    Raises:
        KeyError: The format has no such type of numbers.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header, begin = {}, 0
    for name in order:
        end = begin + arrays[name].nbytes
        header[name] = {
            "dtype": _NAMES[arrays[name].dtype],
            "shape": list(arrays[name].shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    places = {name: Place(start + entry["data_offsets"][0], arrays[name].nbytes) for name, entry in header.items()}
    return [
        len(text).to_bytes(8, "little") + text,
        *(arrays[name].reshape(-1).view(np.uint8).data for name in order),
    ], places


def _checked(
    where: str, entry: Json, start: int, types: Mapping[str, npt.DTypeLike]
) -> tuple[npt.DTypeLike, tuple[int, ...], Place]:
    """The type, shape and place that an entry of the header describes."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(
            tr("{where}: the header must have dtype, shape and data_offsets, and nothing else", where=where)
        )
    kind, shape, offsets = types.get(str(entry["dtype"])), entry["shape"], entry["data_offsets"]
    if kind is None:
        raise ValueError(
            tr(
                "{where}: the type {entry!r} is not one of {types}",
                where=where,
                entry=entry["dtype"],
                types=join_names(types),
            )
        )
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or not all(
            type(number) is int and 0 <= number <= _MAX_SIZE for number in numbers
        ):
            raise ValueError(
                tr(
                    "{where}: {numbers!r} is not a list of whole numbers from 0 to {max_size:,}",
                    where=where,
                    numbers=numbers,
                    max_size=_MAX_SIZE,
                )
            )
    if len(shape) > _MAX_DIMENSIONS:
        raise ValueError(tr("{where}: it has {n_shape} dimensions", where=where, n_shape=len(shape)))
    if len(offsets) != 2:
        raise ValueError(
            tr("{where}: data_offsets has {n_offsets} numbers, not 2", where=where, n_offsets=len(offsets))
        )
    begin, end = offsets
    length = math.prod(shape) * np.dtype(kind).itemsize
    if end - begin != length:
        raise ValueError(
            tr(
                "{where}: it has {end:,} bytes; its shape {shape} needs {length:,}",
                where=where,
                end=end - begin,
                shape=shape,
                length=length,
            )
        )
    return kind, tuple(shape), Place(start + begin, length)
