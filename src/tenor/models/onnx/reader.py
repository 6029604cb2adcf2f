"""A strict reader of the ONNX graphs that Tenor writes, with NumPy alone.

A graph is a program, and a runtime would run any program: endless loops, graphs that read other files or need all
memory. So a graph is read here before a runtime loads it. It must consist of the messages and fields that `graph.py`
writes, of operators in `OPERATORS`, and of tensors inside it or in `weights.safetensors`. `shapes.py` then limits its
cost.

Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.tensor_file import FILE, Array, Place
from tenor.models.onnx.protobuf import Field, GraphError, Message, Schema, Value, decode

OPSETS = (20,)
IR_VERSIONS = (9,)

_FLOAT, _UINT8, _INT8, _INT32, _INT64 = 1, 2, 3, 6, 7
_TYPES: Mapping[int, npt.DTypeLike] = MappingProxyType(
    {_FLOAT: np.float32, _UINT8: np.uint8, _INT8: np.int8, _INT32: np.int32, _INT64: np.int64}
)

_NUMBER, _INTEGER, _STRING, _INTEGERS, _STRINGS = 1, 2, 3, 7, 8  # types of attributes
_VALUES = {_NUMBER: "f", _INTEGER: "i", _STRING: "s", _INTEGERS: "ints", _STRINGS: "strings"}

OPERATORS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        **{name: {} for name in ("Abs", "Ceil", "Floor", "Identity", "Neg", "Not", "Relu", "Round", "Sigmoid", "Tanh")},
        **{name: {} for name in ("Add", "Clip", "Div", "Equal", "Less", "Max", "Mean", "Min", "Mul", "Sub", "Where")},
        **{name: {} for name in ("DynamicQuantizeLinear", "MatMul", "MatMulInteger", "Range", "Reshape", "Slice")},
        **{name: {} for name in ("Cos", "Sin", "Sqrt", "Squeeze", "Unsqueeze")},
        **{name: {"keepdims": _INTEGER} for name in ("ReduceMax", "ReduceMin", "ReduceSum")},
        "Cast": {"to": _INTEGER},
        "Concat": {"axis": _INTEGER},
        "Conv": {"pads": _INTEGERS},
        "Gather": {"axis": _INTEGER},
        "GatherND": {"batch_dims": _INTEGER},
        "Gelu": {"approximate": _STRING},
        "LSTM": {"activations": _STRINGS, "hidden_size": _INTEGER},
        "LayerNormalization": {"axis": _INTEGER, "epsilon": _NUMBER},
        "Shape": {"start": _INTEGER, "end": _INTEGER},
        "Softmax": {"axis": _INTEGER},
        "Split": {"axis": _INTEGER, "num_outputs": _INTEGER},
        "Transpose": {"perm": _INTEGERS},
    }
)
"""The operators that this version and older ones write, with the types of their attributes."""

_MOST_NODES = _MOST_TENSORS = 10_000
_MOST_INPUTS = 64
_MOST_DIMENSIONS = 8
_LARGEST_SIZE = 1 << 40

_ENTRY: Schema = {1: Field("key", "text"), 2: Field("value", "text")}
_TENSOR: Schema = {
    1: Field("dims", "int", _MOST_DIMENSIONS),
    2: Field("data_type", "int"),
    8: Field("name", "text"),
    9: Field("raw_data", "bytes"),
    13: Field("external_data", _ENTRY, 4),
    14: Field("data_location", "int"),
}
_ATTRIBUTE: Schema = {
    1: Field("name", "text"),
    2: Field("f", "float"),
    3: Field("i", "int"),
    4: Field("s", "text"),
    8: Field("ints", "int", _MOST_DIMENSIONS),
    9: Field("strings", "text", 6),
    20: Field("type", "int"),
}
_NODE: Schema = {
    1: Field("input", "text", _MOST_INPUTS),
    2: Field("output", "text", _MOST_INPUTS),
    3: Field("name", "text"),
    4: Field("op_type", "text"),
    5: Field("attribute", _ATTRIBUTE, 4),
}
_DIMENSION: Schema = {1: Field("dim_value", "int"), 2: Field("dim_param", "text")}
_SHAPE: Schema = {1: Field("dim", _DIMENSION, _MOST_DIMENSIONS)}
_TENSOR_TYPE: Schema = {1: Field("elem_type", "int"), 2: Field("shape", _SHAPE)}
_VALUE: Schema = {1: Field("name", "text"), 2: Field("type", {1: Field("tensor_type", _TENSOR_TYPE)})}
_GRAPH: Schema = {
    1: Field("node", _NODE, _MOST_NODES),
    2: Field("name", "text"),
    5: Field("initializer", _TENSOR, _MOST_TENSORS),
    11: Field("input", _VALUE, 2),
    12: Field("output", _VALUE, 2),
}
_MODEL: Schema = {
    1: Field("ir_version", "int"),
    2: Field("producer_name", "text"),
    3: Field("producer_version", "text"),
    7: Field("graph", _GRAPH),
    8: Field("opset_import", {1: Field("domain", "text"), 2: Field("version", "int")}, 2),
}


@dataclass(frozen=True)
class Node:
    """An operator with its inputs and outputs.

    Attributes:
        where: Its place in the file, for errors.
        kind: Its name in `OPERATORS`.
        inputs: Names of values that stand before it.
        outputs: Names of the values that it gives.
        attributes: Its attributes by name: numbers, strings, or lists of them.
    """

    where: str
    kind: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Message


@dataclass(frozen=True)
class Tensor:
    """An initializer.

    Attributes:
        where: Its place in the file, for errors.
        name: Its name.
        shape: Its shape.
        array: Its values; None: they are in the array of this name in `weights.safetensors`.
        place: The offset and length of that array; None: the file does not name them.
    """

    where: str
    name: str
    shape: tuple[int, ...]
    array: Array | None
    place: Place | None = None


@dataclass(frozen=True)
class Graph:
    """The contents of an ONNX file of Tenor: from `ids`, int32 (batch, time), to `logits`, (batch, outputs).

    Attributes:
        nodes: The operators in the order in which they are run.
        tensors: The initializers by name.
        outputs: Number of logits.
    """

    nodes: Sequence[Node]
    tensors: Mapping[str, Tensor]
    outputs: int

    @property
    def shared(self) -> list[Tensor]:
        """The initializers that are arrays of `weights.safetensors`."""
        return [tensor for tensor in self.tensors.values() if tensor.array is None]


def read(data: bytes, name: str) -> Graph:
    """Read a graph.

    Args:
        data: The contents of the file.
        name: Its name, for errors.

    Raises:
        GraphError: The ONNX graph is damaged, or is not one that Tenor writes.
    """
    try:
        model = decode(memoryview(data), _MODEL, "model")
        _check_versions(model)
        graph = _required(model, "graph", "model")
        tensors: dict[str, Tensor] = {}
        for number, values in enumerate(graph["initializer"]):
            tensor = _tensor(values, f"model.graph.initializer[{number}]")
            if tensor.name in tensors:
                raise GraphError(tr("{where}.name: {name!r} occurs twice", where=tensor.where, name=tensor.name))
            tensors[tensor.name] = tensor
        nodes = [_node(values, f"model.graph.node[{number}]") for number, values in enumerate(graph["node"])]
        outputs = _check_interface(graph)
        _check_names(nodes, tensors)
    except GraphError as error:
        raise GraphError(tr("{name}: the ONNX graph cannot be read: {error}", name=name, error=error)) from None
    return Graph(nodes, tensors, outputs)


def _check_versions(model: Message) -> None:
    if (version := model.get("ir_version")) not in IR_VERSIONS:
        raise GraphError(tr("model.ir_version: {version} is not one that Tenor writes", version=version))
    imports = [(each.get("domain", ""), each.get("version")) for each in model["opset_import"]]
    if len(imports) != 1 or imports[0] not in [("", version) for version in OPSETS]:
        raise GraphError(tr("model.opset_import: {imports} is not one that Tenor writes", imports=imports))


def _tensor(values: Message, where: str) -> Tensor:
    name, shape, number = _required(values, "name", where), tuple(values["dims"]), values.get("data_type", 0)
    where = f"{where} ({name!r})"
    kind = _TYPES.get(number)
    if kind is None:
        raise GraphError(tr("{where}.data_type: {number} is not one that Tenor writes", where=where, number=number))
    if not all(1 <= size <= _LARGEST_SIZE for size in shape):
        raise GraphError(
            tr(
                "{where}.dims: {shape} has a size that is not from 1 to {largest_size:,}",
                where=where,
                shape=list(shape),
                largest_size=_LARGEST_SIZE,
            )
        )
    if values.get("data_location", 0) == 0:
        data, expected = _required(values, "raw_data", where), math.prod(shape) * np.dtype(kind).itemsize
        if values["external_data"]:
            raise GraphError(tr("{where}.external_data: the values stand in raw_data", where=where))
        if len(data) != expected:
            raise GraphError(
                tr(
                    "{where}.raw_data: it has {n_data:,} bytes; its dims {shape} need {expected:,}",
                    where=where,
                    n_data=len(data),
                    shape=list(shape),
                    expected=expected,
                )
            )
        return Tensor(where, name, shape, np.frombuffer(data, kind).reshape(shape))
    if values["data_location"] != 1 or "raw_data" in values or number != _FLOAT:
        raise GraphError(
            tr("{where}.data_location: only float32 tensors without raw_data stand in another file", where=where)
        )
    return Tensor(where, name, shape, None, _place(values["external_data"], where))


def _place(entries: Sequence[Mapping[str, str]], where: str) -> Place | None:
    """The place of an array in `weights.safetensors`."""
    keys = [entry.get("key") for entry in entries]
    values = {entry.get("key"): entry.get("value", "") for entry in entries}
    if keys not in (["location"], ["location", "offset", "length"]):
        raise GraphError(
            tr("{where}.external_data: the keys are {keys}, not location, offset and length", where=where, keys=keys)
        )
    if values["location"] != FILE:
        raise GraphError(
            tr(
                "{where}.external_data.location: {values!r} is not {file}",
                where=where,
                values=values["location"],
                file=FILE,
            )
        )
    if len(keys) == 1:
        return None
    for key in ("offset", "length"):
        if not re.fullmatch(r"0|[1-9][0-9]{0,15}", values[key]):
            raise GraphError(
                tr(
                    "{where}.external_data.{key}: {values!r} is not a number of bytes",
                    where=where,
                    key=key,
                    values=values[key],
                )
            )
    return Place(int(values["offset"]), int(values["length"]))


def _node(values: Message, where: str) -> Node:
    kind = _required(values, "op_type", where)
    allowed = OPERATORS.get(kind)
    if allowed is None:
        raise GraphError(tr("{where}.op_type: {kind!r} is not an operator that Tenor writes", where=where, kind=kind))
    where, attributes = f"{where} ({kind})", {}
    for each in values["attribute"]:
        name, number = _required(each, "name", where), each.get("type")
        if allowed.get(name) != number or number is None or name in attributes:
            raise GraphError(
                tr(
                    "{where}.attribute: {name!r} of the type {number} is not one that Tenor writes",
                    where=where,
                    name=name,
                    number=number,
                )
            )
        present = {key for key in _VALUES.values() if each.get(key, []) != []}
        if present != {_VALUES[number]}:
            raise GraphError(
                tr(
                    "{where}.attribute {name!r}: its value is {present}, not {values}",
                    where=where,
                    name=name,
                    present=sorted(present),
                    values=_VALUES[number],
                )
            )
        attributes[name] = each[_VALUES[number]]
    if not values["output"]:
        raise GraphError(tr("{where}.output: there is none", where=where))
    return Node(where, kind, values["input"], values["output"], attributes)


def _check_interface(graph: Message) -> int:
    """Check the inputs and outputs, and return the number of logits."""
    inputs = [_value(each) for each in graph["input"]]
    if inputs != [("ids", _INT32, ["batch", "time"])]:
        raise GraphError(tr("model.graph.input: {inputs} is not ids, int32 (batch, time)", inputs=inputs))
    outputs = [_value(each) for each in graph["output"]]
    if [each[:2] for each in outputs] != [("logits", _FLOAT)] or len(outputs[0][2]) != 2:
        raise GraphError(tr("model.graph.output: {outputs} is not logits, float32 (batch, outputs)", outputs=outputs))
    batch, number = outputs[0][2]
    if batch != "batch" or not isinstance(number, int) or number < 1:
        raise GraphError(
            tr("model.graph.output: the shape of logits is {outputs}, not (batch, outputs)", outputs=outputs[0][2])
        )
    return number


def _value(values: Message) -> tuple[str | None, int, list[int | str]]:
    """Name, type and shape of an input or output."""
    kind = values.get("type", {}).get("tensor_type", {})
    shape = [each.get("dim_value", each.get("dim_param", "")) for each in kind.get("shape", {}).get("dim", [])]
    return values.get("name"), kind.get("elem_type", 0), shape


def _check_names(nodes: Sequence[Node], tensors: Mapping[str, Tensor]) -> None:
    """Check that every value has its own name, and is computed before it is used."""
    known = {"ids", *tensors}
    if "ids" in tensors:
        raise GraphError(tr("model.graph.initializer: 'ids' is the input"))
    for node in nodes:
        for name in node.inputs:
            if name not in known:
                raise GraphError(tr("{where}.input: there is no value {name!r} before it", where=node.where, name=name))
        for name in node.outputs:
            if name in known or not name:
                raise GraphError(
                    tr("{where}.output: {name!r} is the name of another value", where=node.where, name=name)
                )
            known.add(name)
    if "logits" not in known or "logits" in tensors:
        raise GraphError(tr("model.graph.output: no node gives logits"))


def _required(values: Message, key: str, where: str) -> Value:
    if values.get(key) in (None, ""):
        raise GraphError(tr("{where}.{key}: it is missing", where=where, key=key))
    return values[key]
