"""The cost of a graph, from the shapes of all its values, without running it.

A tiny file can request any amount of memory or time: by broadcasting (n, 1) to (1, n), by padding, by concatenating a
value to itself 40 times. So the cost of a graph is limited before it runs. A shape may contain `batch` once and `time`
twice. What a graph computes for each token is limited by the number of its weights.
"""

import math
from collections import Counter
from collections.abc import Sequence

from tenor._core.language import tr
from tenor.models.onnx.protobuf import GraphError
from tenor.models.onnx.reader import Graph, Node
from tenor.models.onnx.shape_rules import BATCH, RULES, TIME, Shape, Value, describe, size_of

_MOST_TIMES = 2  # attention compares each token with each

_LIMITS = {
    "constants": (1 << 20, 8),
    "values": (1 << 17, 1 / 2),
    "scores": (1 << 12, 1 / (1 << 12)),
    "products": (1 << 22, 64),
    "products of constants": (1 << 26, 1 << 10),
    "values at once": (1 << 17, 1 / (1 << 10)),
    "scores at once": (1 << 10, 1 / (1 << 14)),
}
"""What a graph may compute: an absolute number, or a number for each of its weights, whichever is larger.

Constants do not depend on the text. DeBERTa has the most products of them: 512 relative positions times each kernel.
Values and products of matrices are counted per token, scores per pair of tokens. ALBERT has the most, as it uses one
block up to 24 times: one value for 8 weights, and 17 products for each weight. Values that exist at once need memory:
131,072 values for each of 4,096 tokens are 2 GB.
"""
_OUTPUTS = 8  # values at once that each logit may have in any case


def check(graph: Graph, name: str) -> None:
    """Follow the shapes through a graph, and refuse one that costs too much.

    Args:
        graph: The graph.
        name: The name of its file, for errors.

    Raises:
        GraphError: Shapes do not fit together, or the graph costs more than its number of weights allows.
    """
    known = {"ids": Value((BATCH, TIME))}
    for tensor in graph.tensors.values():
        few = tensor.array is not None and tensor.array.dtype.kind == "i" and tensor.array.size <= 8
        numbers = tuple(tensor.array.ravel().tolist()) if few and tensor.array is not None else None
        known[tensor.name] = Value(tensor.shape, numbers)
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
            raise GraphError(tr("model.graph.output: logits are {shape}", shape=describe(known["logits"].shape)))
    except GraphError as error:
        raise GraphError(tr("{name}: the ONNX graph cannot be run: {error}", name=name, error=error)) from None


class _Cost:
    """The cost of the nodes so far, beside the number of weights."""

    def __init__(self, weights: int, outputs: int) -> None:
        self.weights, self.outputs = weights, outputs
        self.spent: Counter[str] = Counter()

    def add(self, shape: Shape, where: str) -> None:
        """Count a value. Raises GraphError where it is too large."""
        if shape.count(BATCH) > 1 or shape.count(TIME) > _MOST_TIMES:
            raise GraphError(
                tr("{where}: a value of the shape {shape} is too large", where=where, shape=describe(shape))
            )
        kind, size = _kind(shape), size_of(shape)
        self._spend(kind, size, where)
        if kind != "constants":
            self._spend(f"{kind} at once", size, where)

    def free(self, shape: Shape) -> None:
        """Count a value that no node needs any more."""
        if (kind := _kind(shape)) != "constants":
            self.spent[f"{kind} at once"] -= size_of(shape)

    def multiply(self, products: int, result: Shape, where: str) -> None:
        """Count the products of a matrix. Raises GraphError where they are too many."""
        self._spend("products of constants" if _kind(result) == "constants" else "products", products, where)

    def _spend(self, what: str, number: int, where: str) -> None:
        self.spent[what] += number
        least, per_weight = _LIMITS[what]
        most = max(least, int(per_weight * self.weights), _OUTPUTS * self.outputs)
        if self.spent[what] > most:
            raise GraphError(
                tr(
                    "{where}: with it the graph has {spent:,} {what}; {most:,} are allowed beside {weights:,} weights",
                    where=where,
                    spent=self.spent[what],
                    what=what,
                    most=most,
                    weights=self.weights,
                )
            )


def _kind(shape: Shape) -> str:
    """The kind that a value counts as."""
    if shape.count(TIME) == _MOST_TIMES:
        return "scores"
    return "values" if BATCH in shape or TIME in shape else "constants"


def _follow(node: Node, known: dict[str, Value], cost: _Cost) -> None:
    inputs = [known[name] for name in node.inputs]
    try:
        results = RULES[node.kind](node, inputs)
    except (GraphError, ValueError, IndexError, TypeError, KeyError, StopIteration, ZeroDivisionError):
        shapes = ", ".join(describe(value.shape) for value in inputs)
        options = tr(" with {attributes}", attributes=dict(node.attributes)) if node.attributes else ""
        raise GraphError(
            tr(
                "{where}: it does not take the shapes {shapes}{options}",
                where=node.where,
                shapes=shapes,
                options=options,
            )
        ) from None
    if len(results) != len(node.outputs):
        raise GraphError(
            tr(
                "{where}.output: there are {n_outputs} instead of {n_results}",
                where=node.where,
                n_outputs=len(node.outputs),
                n_results=len(results),
            )
        )
    for name, result in zip(node.outputs, results, strict=True):
        cost.add(result.shape, node.where)
        known[name] = result
    cost.multiply(_products(node.kind, inputs, results[0].shape), results[0].shape, node.where)


def _products(kind: str, inputs: Sequence[Value], result: Shape) -> int:
    """How many numbers are multiplied for each token, or pair of tokens."""
    if kind in ("MatMul", "MatMulInteger"):
        return size_of(result) * size_of(inputs[0].shape[-1:])
    if kind in ("Conv", "LSTM"):
        return sum(size_of(value.shape) for value in inputs[1:])
    return 0
