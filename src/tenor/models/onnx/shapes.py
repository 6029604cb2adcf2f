"""The shapes of all values of a graph, and so what it costs to run: nothing is run, and no runtime is asked.

A tiny file can ask for any amount of memory or time: by broadcasting (n, 1) to (1, n), by padding, by joining a value
to itself 40 times. So a graph is bounded before it is run. A shape is a tuple of numbers and of `batch` and `time`, the
sizes that Tenor itself chooses. A value has at most one `batch` and two `time`. What a graph computes for each token is
bounded by the number of its weights.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tenor.models.onnx.protobuf import GraphError
from tenor.models.onnx.reader import Graph, Node

Dimension = int | str
Shape = tuple[Dimension, ...]

BATCH, TIME = "batch", "time"
_MOST_TIMES = 2  # attention compares each token with each
_CAST_TO = (1, 2, 3, 6, 7, 9)  # float32, uint8, int8, int32, int64, bool

_LIMITS = {
    "constants": (1 << 20, 8),
    "values": (1 << 17, 1 / 2),
    "scores": (1 << 12, 1 / (1 << 12)),
    "products": (1 << 22, 64),
    "values at once": (1 << 17, 1 / (1 << 10)),
    "scores at once": (1 << 10, 1 / (1 << 14)),
}
"""What a graph may compute: so much always, or so much for each of its weights, whichever is more.

Constants depend on no text. Values, and products of matrices, are those of a token, scores those of a pair of tokens.
ALBERT has the most, as it uses one block up to 24 times: a value for 8 weights, and 17 products for each weight.
What is needed at once takes memory: 131,072 values of each of 4,096 tokens are 2 GB.
"""
_OUTPUTS = 8  # values at once that each logit may have in any case


class _Known(NamedTuple):
    """What is known of a value.

    Attributes:
        shape: Its shape.
        numbers: Its values, where they are few and known before it is run.
    """

    shape: Shape
    numbers: tuple[Dimension, ...] | None = None


def check(graph: Graph, name: str) -> None:
    """Follow the shapes through a graph, and refuse one that costs too much.

    Args:
        graph: The graph.
        name: The name of its file, for errors.

    Raises:
        GraphError: Shapes do not fit together, or the graph costs more than one with so many weights may.
    """
    known = {"ids": _Known((BATCH, TIME))}
    for tensor in graph.tensors.values():
        few = tensor.array is not None and tensor.array.dtype.kind == "i" and tensor.array.size <= 8
        numbers = tuple(tensor.array.ravel().tolist()) if few and tensor.array is not None else None
        known[tensor.name] = _Known(tensor.shape, numbers)
    cost = _Cost(sum(math.prod(tensor.shape) for tensor in graph.tensors.values()), graph.outputs)
    cost.add(known["ids"].shape, "ids")
    last_use = {used: number for number, node in enumerate(graph.nodes) for used in node.inputs}
    try:
        for number, node in enumerate(graph.nodes):
            _follow(node, known, cost)
            for used in {*node.inputs, *node.outputs}:
                if last_use.get(used, number) == number:
                    cost.free(known[used].shape)
        if known["logits"].shape != (BATCH, graph.outputs):
            raise GraphError(f"model.graph.output: logits are {_text(known['logits'].shape)}")
    except GraphError as error:
        raise GraphError(f"{name}: the ONNX graph cannot be run: {error}") from None


class _Cost:
    """What the nodes so far cost, beside the number of weights."""

    def __init__(self, weights: int, outputs: int) -> None:
        self.weights, self.outputs = weights, outputs
        self.spent: Counter[str] = Counter()

    def add(self, shape: Shape, where: str) -> None:
        """Count a value. Raises GraphError where it is too large."""
        if shape.count(BATCH) > 1 or shape.count(TIME) > _MOST_TIMES:
            raise GraphError(f"{where}: a value of the shape {_text(shape)} is too large")
        kind, size = _kind(shape), _size(shape)
        self._spend(kind, size, where)
        if kind != "constants":
            self._spend(f"{kind} at once", size, where)

    def free(self, shape: Shape) -> None:
        """Count a value that no node needs any more."""
        if (kind := _kind(shape)) != "constants":
            self.spent[f"{kind} at once"] -= _size(shape)

    def multiply(self, products: int, where: str) -> None:
        """Count the products of a matrix. Raises GraphError where they are too many."""
        self._spend("products", products, where)

    def _spend(self, what: str, number: int, where: str) -> None:
        self.spent[what] += number
        least, per_weight = _LIMITS[what]
        most = max(least, int(per_weight * self.weights), _OUTPUTS * self.outputs)
        if self.spent[what] > most:
            raise GraphError(
                f"{where}: with it the graph has {self.spent[what]:,} {what}; "
                f"{most:,} are allowed beside {self.weights:,} weights"
            )


def _kind(shape: Shape) -> str:
    """What a value is counted as."""
    if shape.count(TIME) == _MOST_TIMES:
        return "scores"
    return "values" if BATCH in shape or TIME in shape else "constants"


def _follow(node: Node, known: dict[str, _Known], cost: _Cost) -> None:
    inputs = [known[name] for name in node.inputs]
    try:
        results = _RULES[node.kind](node, inputs)
    except (GraphError, ValueError, IndexError, TypeError, KeyError, StopIteration, ZeroDivisionError):
        shapes = ", ".join(_text(value.shape) for value in inputs)
        options = f" with {dict(node.attributes)}" if node.attributes else ""
        raise GraphError(f"{node.where}: it does not take the shapes {shapes}{options}") from None
    if len(results) != len(node.outputs):
        raise GraphError(f"{node.where}.output: there are {len(node.outputs)} in place of {len(results)}")
    for name, result in zip(node.outputs, results, strict=True):
        cost.add(result.shape, node.where)
        known[name] = result
    cost.multiply(_products(node.kind, inputs, results[0].shape), node.where)


def _products(kind: str, inputs: Sequence[_Known], result: Shape) -> int:
    """How many numbers are multiplied for each token, or pair of tokens."""
    if kind in ("MatMul", "MatMulInteger"):
        return _size(result) * _size(inputs[0].shape[-1:])
    if kind in ("Conv", "LSTM"):
        return sum(_size(value.shape) for value in inputs[1:])
    return 0


def _broadcast(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    rank = max(len(value.shape) for value in inputs)
    padded = [(1,) * (rank - len(value.shape)) + value.shape for value in inputs]
    return [_Known(tuple(_joined(sizes) for sizes in zip(*padded, strict=True)))]


def _joined(sizes: Sequence[Dimension]) -> Dimension:
    """What sizes become that are broadcast together."""
    others = set(sizes) - {1}
    _require(len(others) <= 1)
    return others.pop() if others else 1


def _same(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    _require(len(inputs) == 1)
    return [_Known(inputs[0].shape)]


def _cast(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    _require(node.attributes["to"] in _CAST_TO)
    return _same(node, inputs)


def _clip(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    _require(len(inputs) <= 3 and all(not value.shape for value in inputs[1:]))
    return [_Known(inputs[0].shape)]


def _quantize(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    return [_Known(inputs[0].shape), _Known(()), _Known(())]


def _matmul(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    """MatMul, and MatMulInteger with its zero points."""
    left, right = inputs[0].shape, inputs[1].shape
    _require(len(left) >= 2 and len(right) >= 2 and left[-1] == right[-2])
    _require(all(_size(value.shape) == 1 and not _symbols(value.shape) for value in inputs[2:]))
    outer = _broadcast(_, [_Known(left[:-2]), _Known(right[:-2])])[0].shape
    return [_Known((*outer, left[-2], right[-1]))]


def _gather(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    values, places = inputs
    axis = _axis(node.attributes.get("axis", 0), len(values.shape))
    return [_Known(values.shape[:axis] + places.shape + values.shape[axis + 1 :])]


def _gather_nd(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    """One place in the second dimension for each row: values (batch, time, ...), places (batch, ..., 1)."""
    values, places = (value.shape for value in inputs)
    _require(node.attributes["batch_dims"] == 1 and values[0] == places[0] and places[-1] == 1 and len(places) > 1)
    return [_Known(places[:-1] + values[2:])]


def _shape(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    start, end = node.attributes["start"], node.attributes["end"]
    shape = inputs[0].shape
    _require(0 <= start < end <= len(shape))
    return [_Known((end - start,), shape[start:end])]


def _squeeze(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    values, axes = inputs[0], {_axis(axis, len(inputs[0].shape)) for axis in _numbers(inputs[1])}
    _require(all(values.shape[axis] == 1 for axis in axes))
    kept = tuple(size for axis, size in enumerate(values.shape) if axis not in axes)
    return [_Known(kept, values.numbers)]


def _unsqueeze(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    values, given = inputs[0], _numbers(inputs[1])
    rank = len(values.shape) + len(given)
    axes = {_axis(axis, rank) for axis in given}
    _require(len(axes) == len(given) and rank <= 8)
    left = iter(values.shape)
    return [_Known(tuple(1 if axis in axes else next(left) for axis in range(rank)), values.numbers)]


def _range(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    """0, 1, 2 and so on, as many as there are places in a row."""
    start, end, step = inputs
    _require(start.numbers == (0,) and end.numbers == (TIME,) and step.numbers == (1,))
    _require(not start.shape and not end.shape and not step.shape)
    return [_Known((TIME,))]


def _slice(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    """The first rows of a table, one for each place."""
    table, start, end = inputs
    _require(start.numbers == (0,) and end.numbers == (TIME,) and len(table.shape) > 0)
    _require(not _symbols(table.shape) and start.shape == end.shape == (1,))
    return [_Known((TIME, *table.shape[1:]))]


def _reshape(_: Node, inputs: Sequence[_Known]) -> list[_Known]:
    values, asked = inputs[0].shape, _numbers(inputs[1])
    _require(all(size >= 0 for size in asked) and len(inputs[1].shape) == 1)
    shape = tuple(values[axis] if size == 0 else size for axis, size in enumerate(asked))
    _require(_size(shape) == _size(values) and _symbols(shape) == _symbols(values))
    return [_Known(shape)]


def _transpose(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    order, shape = node.attributes["perm"], inputs[0].shape
    _require(sorted(order) == list(range(len(shape))))
    return [_Known(tuple(shape[axis] for axis in order))]


def _concat(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    shapes = [value.shape for value in inputs]
    axis = _axis(node.attributes["axis"], len(shapes[0]))
    rests = {shape[:axis] + shape[axis + 1 :] for shape in shapes}
    _require(len(rests) == 1 and not any(isinstance(shape[axis], str) for shape in shapes))
    together = sum(size for shape in shapes if isinstance(size := shape[axis], int))
    return [_Known((*shapes[0][:axis], together, *shapes[0][axis + 1 :]))]


def _split(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    shape, number = inputs[0].shape, node.attributes["num_outputs"]
    axis = _axis(node.attributes["axis"], len(shape))
    size = shape[axis]
    _require(isinstance(size, int) and 1 <= number <= 64 and size % number == 0 and len(inputs) == 1)
    part = _Known((*shape[:axis], int(size) // number, *shape[axis + 1 :]))
    return [part] * number


def _reduce(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    shape, axes = inputs[0].shape, {_axis(axis, len(inputs[0].shape)) for axis in _numbers(inputs[1])}
    keep = node.attributes["keepdims"]
    _require(keep in (0, 1) and bool(axes))
    return [_Known(tuple(1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes))]


def _norm(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    values, scale, shift = (value.shape for value in inputs)
    _require(node.attributes["axis"] == -1 and scale == shift == values[-1:])
    return [_Known(values)]


def _softmax(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    _axis(node.attributes["axis"], len(inputs[0].shape))
    return _same(node, inputs)


def _conv(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    """A convolution over time that keeps the number of places: (batch, in, time) -> (batch, filters, time)."""
    (batch, wide, time), (filters, deep, width), bias = (value.shape for value in inputs)
    _require(isinstance(width, int) and width >= 1 and wide == deep and bias == (filters,) and isinstance(filters, int))
    _require(time == TIME and node.attributes["pads"] == [(int(width) - 1) // 2, int(width) // 2])
    return [_Known((batch, filters, time))]


def _lstm(node: Node, inputs: Sequence[_Known]) -> list[_Known]:
    """An LSTM in one direction: (time, batch, in) -> (time, 1, batch, units)."""
    (time, batch, wide), *weights = (value.shape for value in inputs)
    units = node.attributes["hidden_size"]
    _require(units >= 1 and len(node.attributes["activations"]) == 3)
    _require(weights == [(1, 4 * units, wide), (1, 4 * units, units), (1, 8 * units)])
    return [_Known((time, 1, batch, units))]


def _numbers(value: _Known) -> list[int]:
    """The values of a constant, such as axes."""
    _require(value.numbers is not None and all(isinstance(number, int) for number in value.numbers))
    return [int(number) for number in value.numbers or ()]


def _axis(axis: int, rank: int) -> int:
    _require(-rank <= axis < rank)
    return axis % rank


def _require(fits: bool) -> None:
    if not fits:
        raise GraphError


def _size(shape: Shape) -> int:
    """The product of the sizes that are numbers: values for each token, or pair of tokens."""
    return math.prod(size for size in shape if isinstance(size, int))


def _symbols(shape: Shape) -> list[str]:
    return sorted(size for size in shape if isinstance(size, str))


def _text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"


_RULES: Mapping[str, Callable[[Node, Sequence[_Known]], list[_Known]]] = {
    **dict.fromkeys(("Abs", "Ceil", "Floor", "Identity", "Neg", "Not", "Relu", "Round", "Sigmoid", "Tanh"), _same),
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
