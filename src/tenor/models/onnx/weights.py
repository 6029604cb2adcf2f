"""The arrays that a graph shares with `weights.safetensors`: one copy in the folder, and one in memory.

A graph names an initializer like the array and refers to it as ONNX's external data: file, offset and length. Programs
that load the graph by its path find the file beside it. Tenor hands the arrays to the runtime, which opens no file.
Before a model is saved, its graphs refer to arrays by name alone, since the arrays have no offset yet.

Source: https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
"""

from collections.abc import Callable, Mapping

import numpy as np

from tenor._core.language import tr
from tenor._core.tensor_file import FILE, Place
from tenor.models.base import Arrays
from tenor.models.onnx.protobuf import GraphError, Parts, bytes_field, number_field, scan
from tenor.models.onnx.reader import Graph

LARGEST = 2_000_000_000
"""Bytes in a graph: Protocol Buffers end at 2 GiB."""

_MODEL_GRAPH, _GRAPH_TENSOR = 7, 5  # numbers of fields
_TENSOR_NAME, _TENSOR_DATA, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 8, 9, 13, 14


class GraphTooLargeError(GraphError):
    """A graph would be larger than an ONNX file can be."""


def check(graph: Graph, name: str, arrays: Arrays) -> None:
    """Raise GraphError where a graph refers to an array that does not exist, or has another type or shape."""
    for tensor in graph.shared:
        array = arrays.get(tensor.name)
        if array is None:
            raise GraphError(
                tr("{name}: {where}.name: there is no such array in {file}", name=name, where=tensor.where, file=FILE)
            )
        if array.dtype != np.float32 or array.shape != tensor.shape:
            actual = f"{array.dtype} {list(array.shape)}"
            raise GraphError(
                tr(
                    "{name}: {where}.dims: the array is {actual}, not float32 {shape}",
                    name=name,
                    where=tensor.where,
                    actual=actual,
                    shape=list(tensor.shape),
                )
            )


def check_places(graph: Graph, name: str, places: Mapping[str, Place]) -> None:
    """Raise GraphError where a graph has another offset or length of an array than its file."""
    for tensor in graph.shared:
        if tensor.name in places and tensor.place != places[tensor.name]:
            raise GraphError(
                tr(
                    "{name}: {where}.external_data: offset and length are not those of the array in {file}",
                    name=name,
                    where=tensor.where,
                    file=FILE,
                )
            )


def with_locations(graph: bytes, places: Mapping[str, Place]) -> bytes:
    """The graph with offsets and lengths of its arrays in their file."""

    def refer(name: str) -> Parts:
        offset, length = places[name]
        parts = number_field(_TENSOR_LOCATION, 1)
        for key, value in (("location", FILE), ("offset", str(offset)), ("length", str(length))):
            parts += bytes_field(_TENSOR_EXTERNAL, [*bytes_field(1, [key.encode()]), *bytes_field(2, [value.encode()])])
        return parts

    return _replaced(graph, refer)


def inlined(graph: bytes, arrays: Arrays) -> bytes:
    """The graph with its arrays inside, for a runtime that cannot receive them separately.

    Raises:
        GraphTooLargeError: It would be larger than an ONNX file can be (2 GB).
    """
    if len(graph) + sum(array.nbytes for array in arrays.values()) > LARGEST:
        raise GraphTooLargeError(
            tr("the network is larger than 2 GB, which is more than OpenVINO takes in one piece; ONNX Runtime takes it")
        )

    def values(name: str) -> Parts:
        return bytes_field(_TENSOR_DATA, [np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data])

    return _replaced(graph, values)


def _replaced(graph: bytes, write: Callable[[str], Parts]) -> bytes:
    """The graph with its references to arrays replaced: `write` gives the new fields for the name of an array."""

    def tensor(data: memoryview) -> Parts:
        fields = list(scan(data, "tensor"))
        if not any(field.number == _TENSOR_LOCATION and field.value == 1 for field in fields):
            return [data]
        [name] = [bytes(field.contents).decode() for field in fields if field.number == _TENSOR_NAME]
        kept = [field.whole for field in fields if field.number not in (_TENSOR_EXTERNAL, _TENSOR_LOCATION)]
        return [*kept, *write(name)]

    return b"".join(_changed(memoryview(graph), _MODEL_GRAPH, lambda data: _changed(data, _GRAPH_TENSOR, tensor)))


def _changed(data: memoryview, number: int, change: Callable[[memoryview], Parts]) -> Parts:
    """The message with `change` applied to the contents of every field of this number."""
    parts: Parts = []
    for field in scan(data, "model"):
        parts += bytes_field(number, change(field.contents)) if field.number == number else [field.whole]
    return parts
