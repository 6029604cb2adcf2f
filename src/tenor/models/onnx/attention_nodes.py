"""Multi-head attention as nodes of an ONNX graph, with the parts of `BlockShape`."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tenor.models.neural.block_shape import MASKED_SCORE, BlockShape
from tenor.models.neural.relative_positions import RelativeShape
from tenor.models.onnx.graph import Graph, GraphInput

Weights: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""Weights of a layer by their names."""

_TO_FLOAT = 1


def attention(
    graph: Graph, weights: Weights, name: str, shape: BlockShape, values: str, padding: str, positions: str | None
) -> str:
    """Multi-head attention of values (batch, time, width), before its output projection; see `encoder_nodes.block`."""
    width = len(weights["query_key_value"])
    kernel, bias = _query_key_value(graph, weights, shape)
    size = [0, 0, shape.heads, width // shape.heads]
    together = graph.dense(values, kernel, bias, f"{name}/query_key_value")
    parts = graph.op("Split", together, axis=-1, num_outputs=3, outputs=3)
    heads = []
    for number, (part, order) in enumerate(zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)):
        each = graph.op("Reshape", part, size)
        if shape.rotary_base is not None and number < 2:
            each = _rotate(graph, each, shape.rotary_frequencies(width))
        heads.append(graph.op("Transpose", each, perm=order))
    query, key, value = heads
    scores = graph.op("MatMul", query, key)
    if positions is not None and shape.relative is not None:
        table = graph.dense(positions, kernel, bias, f"{name}/query_key_value")
        by_token = graph.op("Transpose", key, perm=[0, 1, 3, 2])
        scores = graph.op("Add", scores, _position_scores(graph, shape, width, query, by_token, table))
    scores = graph.op("Add", scores, padding)
    if shape.window is not None:
        scores = graph.op("Add", scores, _outside_window(graph, shape.window))
    mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), value)
    return str(graph.op("Reshape", graph.op("Transpose", mixed, perm=[0, 2, 1, 3]), [0, 0, width]))


def buckets(graph: Graph, shape: RelativeShape) -> str:
    """The bucket of each pair of tokens, (time, time); the second one is the key."""
    numbers = graph.constant(shape.numbers(), f"{shape.kind}_buckets")
    distances = graph.op("Add", _distances(graph), shape.positions - 1)
    return str(graph.op("Gather", numbers, distances))


def _distances(graph: Graph) -> str:
    """The distance of each second token from each first one, (time, time)."""
    first, second = (graph.op("Unsqueeze", graph.time(), [axis]) for axis in (1, 0))
    return str(graph.op("Sub", second, first))


def _outside_window(graph: Graph, window: int) -> str:
    """Addend for tokens that are too far apart, (time, time)."""
    inside = graph.op("Less", graph.op("Abs", _distances(graph)), window + 1)
    return str(graph.op("Where", inside, 0.0, MASKED_SCORE))


def _rotate(graph: Graph, values: str, frequencies: npt.NDArray[np.float32]) -> str:
    """Values (batch, time, heads, width), rotated by angles that grow with the position."""
    steps = graph.op("Unsqueeze", graph.op("Cast", graph.time(), to=_TO_FLOAT), [1])
    name = f"rotary_frequencies_{len(frequencies)}_{frequencies[-1]}"
    angles = graph.op("Unsqueeze", graph.op("Mul", steps, graph.constant(frequencies[None], name)), [1])
    cosine, sine = graph.op("Cos", angles), graph.op("Sin", angles)
    first, second = graph.op("Split", values, axis=-1, num_outputs=2, outputs=2)
    left = graph.op("Sub", graph.op("Mul", first, cosine), graph.op("Mul", second, sine))
    right = graph.op("Add", graph.op("Mul", second, cosine), graph.op("Mul", first, sine))
    return str(graph.op("Concat", left, right, axis=-1))


def _position_scores(graph: Graph, shape: BlockShape, width: int, query: str, key: str, table: str) -> str:
    """Queries times the positions of keys, and keys times the positions of queries, (batch, heads, time, time).

    Args:
        graph: The graph.
        shape: What the block computes.
        width: Width of the values.
        query: (batch, heads, time, width), scaled.
        key: The same, not scaled.
        table: (buckets, 3 * width): query, key and value of the vectors of distances; the query is scaled.
    """
    assert shape.relative is not None
    of_queries, of_keys, _ = graph.op("Split", table, axis=-1, num_outputs=3, outputs=3)
    number = buckets(graph, shape.relative)
    size = [shape.relative.rows, shape.heads, width // shape.heads]

    def gather(values: str, positions: str, number: str, order: list[int]) -> str:
        """For each value (batch, heads, time, width) its products with the positions that `number` chooses."""
        turned = graph.op("Transpose", graph.op("Reshape", positions, size), perm=[1, 2, 0])
        products = graph.op("Transpose", graph.op("MatMul", values, turned), perm=[2, 3, 0, 1])
        chosen = graph.op("GatherND", products, graph.op("Unsqueeze", number, [2]), batch_dims=1)
        return str(graph.op("Transpose", chosen, perm=order))

    content_to_position = gather(query, of_keys, number, [2, 3, 0, 1])
    position_to_content = gather(key, of_queries, graph.op("Transpose", number, perm=[1, 0]), [2, 3, 1, 0])
    return str(graph.op("Add", content_to_position, position_to_content))


def _query_key_value(graph: Graph, weights: Weights, shape: BlockShape) -> tuple[GraphInput, GraphInput | None]:
    """The kernel and the bias of query, key and value, with LoRA's update and the scale of the scores.

    In float32 the graph computes them from the weights, so that it does not contain them. Runtimes compute them once,
    when they load the graph.
    """
    kernel, bias = weights["query_key_value"], weights.get("query_key_value_bias")
    width, columns = len(kernel), shape.shared_columns(len(kernel))
    scales = np.ones(3 * width, np.float32)
    scales[:width] /= shape.score_divisor(width)
    has_lora = "lora_in" in weights
    if graph.int8:
        added = weights["lora_in"] @ weights["lora_out"] if has_lora else np.float32(0)
        kernel = kernel + added
        if columns is not None:
            kernel, bias = kernel[:, columns], None if bias is None else bias[columns]
        return kernel * scales, None if bias is None else bias * scales
    value = graph.constant(kernel)
    if has_lora:
        added = graph.op("MatMul", graph.constant(weights["lora_in"]), graph.constant(weights["lora_out"]))
        value = graph.op("Add", value, added)
    if columns is not None:
        chosen = graph.constant(columns, f"query_key_value_columns_{width}_{shape.heads}")
        value = graph.op("Gather", value, chosen, axis=1)
    factors = graph.constant(scales, f"query_key_value_scales_{width}_{shape.heads}")
    product = graph.op("Mul", value, factors)
    if bias is None:
        return product, None
    offset = graph.constant(bias)
    return product, graph.op("Mul", offset if columns is None else graph.op("Gather", offset, chosen), factors)
