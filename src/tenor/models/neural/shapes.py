"""The names and shapes of a network's weights, as its settings ask for them, without building it.

What a model folder holds is compared with them before any network is built: settings that ask for a billion units cost
nothing then, and weights of another network are told of by name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core.records import RecordError

FILE = "weights.safetensors"

Shapes = Iterator[tuple[str, tuple[int, ...]]]
"""Path of a variable and its shape; the first is the table of tokens, a row for each id."""


def dense(name: str, inputs: int, outputs: int) -> Shapes:
    """A dense layer."""
    yield f"{name}/kernel", (inputs, outputs)
    yield f"{name}/bias", (outputs,)


def lstm(name: str, inputs: int, units: int) -> Shapes:
    """An LSTM of Keras; its four gates stand side by side."""
    yield f"{name}/lstm_cell/kernel", (inputs, 4 * units)
    yield f"{name}/lstm_cell/recurrent_kernel", (units, 4 * units)
    yield f"{name}/lstm_cell/bias", (4 * units,)


def embeddings(tokens: int, positions: int, width: int, inner: int, normalised: bool) -> Shapes:
    """The layer `encoder.Embeddings`."""
    yield "embeddings/token", (tokens, inner)
    yield "embeddings/position", (positions, inner)
    if normalised:
        yield "embeddings/scale", (inner,)
        yield "embeddings/shift", (inner,)
    if inner != width:
        yield "embeddings/kernel", (inner, width)
        yield "embeddings/bias", (width,)


def block(number: int, width: int, hidden: int, rank: int = 0) -> Shapes:
    """The layer `encoder.Block`."""
    name = f"block_{number}"
    columns = {"query_key_value": (width, 3 * width), "attended": (width, width), "up": (width, hidden)}
    for part, shape in {**columns, "down": (hidden, width)}.items():
        yield f"{name}/{part}", shape
        yield f"{name}/{part}_bias", shape[1:]
    for part in ("attention", "feed_forward"):
        yield f"{name}/{part}_scale", (width,)
        yield f"{name}/{part}_shift", (width,)
    if rank:
        yield f"{name}/lora_in", (width, rank)
        yield f"{name}/lora_out", (rank, 3 * width)


def check_arrays(expected: Shapes, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Refuse arrays that are others than the settings ask for.

    Raises:
        RecordError: One is missing or too many, or has another shape or type; it is a ValueError.
    """
    left = dict(arrays)
    for name, shape in expected:
        require_array(left, name, shape, np.float32)
        del left[name]
    if left:
        raise RecordError(FILE, min(left), "the settings ask for no such weights")


def require_array(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int, ...], kind: type[np.generic]
) -> npt.NDArray[Any]:
    """The array of that name. Raises RecordError where there is none, or it has another shape or type."""
    array = arrays.get(name)
    if array is None:
        raise RecordError(FILE, name, "it is missing")
    if array.shape != shape:
        raise RecordError(FILE, name, f"it has the shape {array.shape}, and the settings ask for {shape}")
    if array.dtype != kind:
        raise RecordError(FILE, name, f"it is {array.dtype}, not {np.dtype(kind)}")
    return array
