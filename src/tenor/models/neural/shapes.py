"""The names and shapes of a network's weights, computed from its settings without building it.

The weights of a model folder are compared with them before a network is built. So settings with a billion units cost
nothing, and an error names the weights that do not fit.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from tenor._core.language import tr
from tenor._core.records import RecordError
from tenor.models.neural.block_shape import BlockShape, EmbeddingShape
from tenor.models.neural.keras_types import Array

FILE = "weights.safetensors"

Shapes = Iterator[tuple[str, tuple[int, ...]]]
"""Path and shape of each variable; the first is the table of tokens, with one row per id."""


def dense(name: str, inputs: int, outputs: int) -> Shapes:
    """A dense layer of Keras."""
    yield f"{name}/kernel", (inputs, outputs)
    yield f"{name}/bias", (outputs,)


def lstm(name: str, inputs: int, units: int) -> Shapes:
    """A Keras LSTM, with its four gates side by side."""
    yield f"{name}/lstm_cell/kernel", (inputs, 4 * units)
    yield f"{name}/lstm_cell/recurrent_kernel", (units, 4 * units)
    yield f"{name}/lstm_cell/bias", (4 * units,)


def embeddings(shape: EmbeddingShape) -> Shapes:
    """The layer `embeddings.Embeddings`."""
    for name, size in shape.weights():
        yield f"embeddings/{name}", size


def block(number: int, width: int, shape: BlockShape, lora_rank: int = 0) -> Shapes:
    """The layer `encoder.Block`; `number` is its place in the encoder, from 0."""
    for name, size in shape.weights(width):
        yield f"block_{number}/{name}", size
    if lora_rank:
        for name, size in shape.lora_weights(width, lora_rank):
            yield f"block_{number}/{name}", size


def norm(name: str, width: int, has_shift: bool = True) -> Shapes:
    """The layer `encoder.Norm`, or the same weights in another layer."""
    yield f"{name}/scale", (width,)
    if has_shift:
        yield f"{name}/shift", (width,)


def check_arrays(expected: Shapes, arrays: Mapping[str, Array]) -> None:
    """Compare arrays with the names and shapes that the settings require.

    Args:
        expected: Names and shapes.
        arrays: Name -> float32 array.

    Raises:
        RecordError: An array is missing, unexpected, or has another shape or type. It is a ValueError.
    """
    unexpected = dict(arrays)
    for name, shape in expected:
        require_array(unexpected, name, shape, np.float32)
        del unexpected[name]
    if unexpected:
        raise RecordError(FILE, min(unexpected), tr("the settings ask for no such weights"))


def require_array(arrays: Mapping[str, Array], name: str, shape: tuple[int, ...], kind: type[np.generic]) -> Array:
    """Get an array by its name. Raises RecordError if it is missing, or has another shape or type."""
    array = arrays.get(name)
    if array is None:
        raise RecordError(FILE, name, tr("it is missing"))
    if array.shape != shape:
        raise RecordError(
            FILE,
            name,
            tr("it has the shape {shape}, and the settings ask for {expected}", shape=array.shape, expected=shape),
        )
    if array.dtype != kind:
        raise RecordError(FILE, name, tr("it is {dtype}, not {expected}", dtype=array.dtype, expected=np.dtype(kind)))
    return array
