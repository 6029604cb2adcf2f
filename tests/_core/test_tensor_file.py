"""`weights.safetensors` is read without a copy, and damage is found."""

import json
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

from tenor._core import tensor_file

ARRAYS = {
    "a/b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "ids": np.arange(3, dtype=np.int64),
    "none": np.zeros((0, 4), np.float32),
    "one": np.float32(2.5),
    "places": np.arange(5, dtype=np.uint8),
}


def test_reads_what_safetensors_writes_without_a_copy() -> None:
    data = safetensors.save({name: np.asarray(array) for name, array in ARRAYS.items()})
    contents = tensor_file.read(data)
    assert set(contents.arrays) == set(contents.places) == set(ARRAYS)
    whole = np.frombuffer(data, np.uint8)
    for name, expected in ARRAYS.items():
        array, (offset, length) = contents.arrays[name], contents.places[name]
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.asarray(expected).dtype
        assert data[offset : offset + length] == np.asarray(expected).tobytes()
        assert not array.flags.writeable
        assert array.size == 0 or np.shares_memory(array, whole)


def test_writes_what_safetensors_reads_without_a_copy() -> None:
    arrays = {name: np.asarray(array) for name, array in ARRAYS.items()} | {"turned": np.ones((2, 3), np.float32).T}
    parts, places = tensor_file.write(arrays)
    data = b"".join(parts)
    for name, array in safetensors.load(data).items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == arrays[name].dtype
    assert tensor_file.read(data).places == places
    assert any(np.shares_memory(np.frombuffer(part, np.uint8), arrays["a/b"]) for part in parts[1:] if len(part))
    with pytest.raises(KeyError, match="complex128"):
        tensor_file.write({"x": np.zeros(2, np.complex128)})


def file(header: Any, contents: bytes = b"", pad: int = 0) -> bytes:
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    text += b" " * pad
    return len(text).to_bytes(8, "little") + text + contents


def entry(begin: Any = 0, end: Any = 8, shape: Any = (2,), dtype: Any = "F32", **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **more}


def test_an_array_at_an_odd_place_is_read() -> None:
    values = np.array([1.5, 2.5], np.float32)
    for pad in range(4):
        [array] = tensor_file.read(file({"x": entry()}, values.tobytes(), pad)).arrays.values()
        assert array.flags.aligned
        np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "has .* bytes|Expecting"),
        ((1 << 62).to_bytes(8, "little"), "has a header of 4,611,686,018,427,387,904 bytes"),
        (file([]), "not an object"),
        (file("{"), "Expecting"),
        (file("[" * 100_000), "it has more than 60 levels"),
        (file("{}".encode("utf-16").decode("latin-1")), "Expecting"),
        (file({"x": entry(0, 0, [0, 1 << 60])}), r"is not a list of whole numbers from 0 to 1,099,511,627,776"),
        (file({"x": entry(0, 0, [0, *[1 << 40] * 7])}), "'x'|too big|too large"),
        (file('{"x": 1, "x": 2}'), "it occurs twice"),
        (file({"x": 1}), "'x': the header must have dtype, shape and data_offsets, and nothing else"),
        (
            file({"x": entry(more=1)}, b"\0" * 8),
            "'x': the header must have dtype, shape and data_offsets, and nothing else",
        ),
        (file({"x": entry(dtype="C64")}, b"\0" * 8), "'x': the type 'C64' is not one of F64, F32"),
        (file({"x": entry(shape=[-2])}, b"\0" * 8), r"'x': \[-2\] is not a list of whole numbers from 0"),
        (file({"x": entry(shape=[2.0])}, b"\0" * 8), r"'x': \[2\.0\] is not a list of whole numbers from 0"),
        (file({"x": entry(shape=[True, 2])}, b"\0" * 8), r"\[True, 2\] is not a list of whole numbers from 0"),
        (file({"x": entry(shape=[1] * 9)}, b"\0" * 8), "'x': it has 9 dimensions"),
        (file({"x": entry(shape=[10**9] * 4)}, b"\0" * 8), "'x': it has 8 bytes; its shape .* needs 4,0"),
        (file({"x": entry(0, 4)}, b"\0" * 8), r"'x': it has 4 bytes; its shape \[2\] needs 8"),
        (file({"x": {**entry(), "data_offsets": [0]}}, b"\0" * 8), "data_offsets has 1 numbers, not 2"),
        (file({"x": entry(8, 0)}, b"\0" * 8), r"'x': it has -8 bytes"),
        (file({"x": entry()}, b"\0" * 7), "'x': it overlaps another array, or"),
        (
            file({"x": entry(4, 12)}, b"\0" * 12),
            "'x': it overlaps another array, or bytes before it belong to no array",
        ),
        (file({"x": entry(), "y": entry()}, b"\0" * 8), "'y': it overlaps another array"),
        (file({"x": entry()}, b"\0" * 9), "has 1 bytes at its end that belong to no array"),
    ],
)
def test_damage_is_found(data: bytes, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        tensor_file.read(data)
