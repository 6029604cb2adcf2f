"""Shape rules: the shapes of an operator's outputs, from those of its inputs.

A shape is a tuple of numbers and of the symbols `batch` and `time`, the sizes that Tenor itself chooses.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tenor.models.onnx.protobuf import GraphError
from tenor.models.onnx.reader import Node

Dimension = int | str
Shape = tuple[Dimension, ...]

BATCH, TIME = "batch", "time"
_CAST_TO = (1, 2, 3, 6, 7, 9)  # float32, uint8, int8, int32, int64, bool


class Value(NamedTuple):
    """The known properties of a value before the graph runs.

    Attributes:
        shape: Its shape.
        numbers: Its elements, if there are few and they are known.
    """

    shape: Shape
    numbers: tuple[Dimension, ...] | None = None


def _broadcast(_: Node, inputs: Sequence[Value]) -> list[Value]:
    rank = max(len(value.shape) for value in inputs)
    padded = [(1,) * (rank - len(value.shape)) + value.shape for value in inputs]
    return [Value(tuple(_broadcast_size(sizes) for sizes in zip(*padded, strict=True)))]


def _broadcast_size(sizes: Sequence[Dimension]) -> Dimension:
    """The size after broadcasting."""
    larger = set(sizes) - {1}
    _require(len(larger) <= 1)
    return larger.pop() if larger else 1


def _same(_: Node, inputs: Sequence[Value]) -> list[Value]:
    _require(len(inputs) == 1)
    return [Value(inputs[0].shape)]


def _cast(node: Node, inputs: Sequence[Value]) -> list[Value]:
    _require(node.attributes["to"] in _CAST_TO)
    return _same(node, inputs)


def _clip(_: Node, inputs: Sequence[Value]) -> list[Value]:
    _require(len(inputs) <= 3 and all(not value.shape for value in inputs[1:]))
    return [Value(inputs[0].shape)]


def _quantize(_: Node, inputs: Sequence[Value]) -> list[Value]:
    return [Value(inputs[0].shape), Value(()), Value(())]


def _matmul(_: Node, inputs: Sequence[Value]) -> list[Value]:
    """MatMul, and MatMulInteger with its zero points."""
    left, right = inputs[0].shape, inputs[1].shape
    _require(len(left) >= 2 and len(right) >= 2 and left[-1] == right[-2])
    _require(all(size_of(value.shape) == 1 and not symbols(value.shape) for value in inputs[2:]))
    outer = _broadcast(_, [Value(left[:-2]), Value(right[:-2])])[0].shape
    return [Value((*outer, left[-2], right[-1]))]


def _gather(node: Node, inputs: Sequence[Value]) -> list[Value]:
    values, places = inputs
    axis = _axis(node.attributes.get("axis", 0), len(values.shape))
    return [Value(values.shape[:axis] + places.shape + values.shape[axis + 1 :])]


def _gather_nd(node: Node, inputs: Sequence[Value]) -> list[Value]:
    """One place in the second dimension for each row: values (batch, time, ...), places (batch, ..., 1)."""
    values, places = (value.shape for value in inputs)
    _require(node.attributes["batch_dims"] == 1 and values[0] == places[0] and places[-1] == 1 and len(places) > 1)
    return [Value(places[:-1] + values[2:])]


def _shape(node: Node, inputs: Sequence[Value]) -> list[Value]:
    start, end = node.attributes["start"], node.attributes["end"]
    shape = inputs[0].shape
    _require(0 <= start < end <= len(shape))
    return [Value((end - start,), shape[start:end])]


def _squeeze(_: Node, inputs: Sequence[Value]) -> list[Value]:
    values, axes = inputs[0], {_axis(axis, len(inputs[0].shape)) for axis in _numbers(inputs[1])}
    _require(all(values.shape[axis] == 1 for axis in axes))
    kept = tuple(size for axis, size in enumerate(values.shape) if axis not in axes)
    return [Value(kept, values.numbers)]


def _unsqueeze(_: Node, inputs: Sequence[Value]) -> list[Value]:
    values, given = inputs[0], _numbers(inputs[1])
    rank = len(values.shape) + len(given)
    axes = {_axis(axis, rank) for axis in given}
    _require(len(axes) == len(given) and rank <= 8)
    left = iter(values.shape)
    return [Value(tuple(1 if axis in axes else next(left) for axis in range(rank)), values.numbers)]


def _range(_: Node, inputs: Sequence[Value]) -> list[Value]:
    """0, 1, 2 and so on, one for each place in a row."""
    start, end, step = inputs
    _require(start.numbers == (0,) and end.numbers == (TIME,) and step.numbers == (1,))
    _require(not start.shape and not end.shape and not step.shape)
    return [Value((TIME,))]


def _slice(_: Node, inputs: Sequence[Value]) -> list[Value]:
    """The first rows of a table, one for each place."""
    table, start, end = inputs
    _require(start.numbers == (0,) and end.numbers == (TIME,) and len(table.shape) > 0)
    _require(not symbols(table.shape) and start.shape == end.shape == (1,))
    return [Value((TIME, *table.shape[1:]))]


def _reshape(_: Node, inputs: Sequence[Value]) -> list[Value]:
    values, requested = inputs[0].shape, _numbers(inputs[1])
    _require(all(size >= 0 for size in requested) and len(inputs[1].shape) == 1)
    shape = tuple(values[axis] if size == 0 else size for axis, size in enumerate(requested))
    _require(size_of(shape) == size_of(values) and symbols(shape) == symbols(values))
    return [Value(shape)]


def _transpose(node: Node, inputs: Sequence[Value]) -> list[Value]:
    order, shape = node.attributes["perm"], inputs[0].shape
    _require(sorted(order) == list(range(len(shape))))
    return [Value(tuple(shape[axis] for axis in order))]


def _concat(node: Node, inputs: Sequence[Value]) -> list[Value]:
    shapes = [value.shape for value in inputs]
    axis = _axis(node.attributes["axis"], len(shapes[0]))
    rests = {shape[:axis] + shape[axis + 1 :] for shape in shapes}
    _require(len(rests) == 1 and not any(isinstance(shape[axis], str) for shape in shapes))
    together = sum(size for shape in shapes if isinstance(size := shape[axis], int))
    return [Value((*shapes[0][:axis], together, *shapes[0][axis + 1 :]))]


def _split(node: Node, inputs: Sequence[Value]) -> list[Value]:
    shape, number = inputs[0].shape, node.attributes["num_outputs"]
    axis = _axis(node.attributes["axis"], len(shape))
    size = shape[axis]
    _require(isinstance(size, int) and 1 <= number <= 64 and size % number == 0 and len(inputs) == 1)
    part = Value((*shape[:axis], int(size) // number, *shape[axis + 1 :]))
    return [part] * number


def _reduce(node: Node, inputs: Sequence[Value]) -> list[Value]:
    shape, axes = inputs[0].shape, {_axis(axis, len(inputs[0].shape)) for axis in _numbers(inputs[1])}
    keep = node.attributes["keepdims"]
    _require(keep in (0, 1) and bool(axes))
    return [Value(tuple(1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes))]


def _norm(node: Node, inputs: Sequence[Value]) -> list[Value]:
    values, scale, shift = (value.shape for value in inputs)
    _require(node.attributes["axis"] == -1 and scale == shift == values[-1:])
    return [Value(values)]


def _softmax(node: Node, inputs: Sequence[Value]) -> list[Value]:
    _axis(node.attributes["axis"], len(inputs[0].shape))
    return _same(node, inputs)


def _conv(node: Node, inputs: Sequence[Value]) -> list[Value]:
    """A convolution over time that keeps the number of places: (batch, in, time) -> (batch, filters, time)."""
    (batch, wide, time), (filters, deep, width), bias = (value.shape for value in inputs)
    _require(isinstance(width, int) and width >= 1 and wide == deep and bias == (filters,) and isinstance(filters, int))
    _require(time == TIME and node.attributes["pads"] == [(int(width) - 1) // 2, int(width) // 2])
    return [Value((batch, filters, time))]


def _lstm(node: Node, inputs: Sequence[Value]) -> list[Value]:
    """An LSTM in one direction: (time, batch, in) -> (time, 1, batch, units)."""
    (time, batch, wide), *weights = (value.shape for value in inputs)
    units = node.attributes["hidden_size"]
    _require(units >= 1 and len(node.attributes["activations"]) == 3)
    _require(weights == [(1, 4 * units, wide), (1, 4 * units, units), (1, 8 * units)])
    return [Value((time, 1, batch, units))]


def _numbers(value: Value) -> list[int]:
    """The values of a constant, such as axes."""
    _require(value.numbers is not None and all(isinstance(number, int) for number in value.numbers))
    return [int(number) for number in value.numbers or ()]


def _axis(axis: int, rank: int) -> int:
    _require(-rank <= axis < rank)
    return axis % rank


def _require(fits: bool) -> None:
    if not fits:
        raise GraphError


def size_of(shape: Shape) -> int:
    """The product of the sizes that are numbers: values for each token, or pair of tokens."""
    return math.prod(size for size in shape if isinstance(size, int))


def symbols(shape: Shape) -> list[str]:
    """The sizes that are `batch` or `time`, sorted."""
    return sorted(size for size in shape if isinstance(size, str))


def describe(shape: Shape) -> str:
    """The shape for messages, such as `(batch, time, 8)`."""
    return f"({', '.join(map(str, shape))})"


RULES: Mapping[str, Callable[[Node, Sequence[Value]], list[Value]]] = {
    **dict.fromkeys(("Abs", "Ceil", "Cos", "Floor", "Identity", "Neg", "Not", "Relu", "Round", "Sigmoid"), _same),
    **dict.fromkeys(("Sin", "Sqrt", "Tanh"), _same),
    **dict.fromkeys(("Add", "Div", "Equal", "Less", "Max", "Mean", "Min", "Mul", "Sub", "Where"), _broadcast),
    **dict.fromkeys(("MatMul", "MatMulInteger"), _matmul),
    **dict.fromkeys(("ReduceMax", "ReduceMin", "ReduceSum"), _reduce),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "DynamicQuantizeLinear": _quantize,
    "Gather": _gather,
    "GatherND": _gather_nd,
    "Gelu": _same,
    "LSTM": _lstm,
    "LayerNormalization": _norm,
    "Range": _range,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
