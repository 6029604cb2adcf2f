"""The layers of an encoder as nodes of an ONNX graph, from their weights: embeddings, attention, blocks, pooling."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tenor.models.neural.block_shape import MASKED_SCORE, BlockShape
from tenor.models.onnx.graph import Graph, GraphInput

Weights: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""Weights of a layer by their names."""

_FAR = -1e9  # below every value


def attention_mask(graph: Graph) -> str:
    """Addend of the attention scores, (batch, 1, 1, time), as `AttentionMask` computes it."""
    inside = graph.op("Less", graph.time(), graph.lengths(least=1))
    return str(graph.op("Unsqueeze", graph.op("Where", inside, 0.0, MASKED_SCORE), [1, 2]))


def embeddings(graph: Graph, weights: Weights, name: str, epsilon: float | None) -> str:
    """Values (batch, time, width) of the ids. `epsilon` is that of the normalisation; None: no normalisation."""
    steps = graph.op("Shape", graph.ids, start=1, end=2)
    positions = graph.op("Slice", graph.constant(weights["position"], f"{name}/position"), [0], steps)
    values = graph.op("Add", graph.rows(weights["token"], f"{name}/token"), positions)
    if epsilon is not None:
        values = layer_norm(graph, values, weights["scale"], weights["shift"], epsilon, name)
    if "kernel" in weights:
        values = graph.dense(values, weights["kernel"], weights["bias"], name)
    return str(values)


def layer_norm(graph: Graph, values: str, scale: GraphInput, shift: GraphInput, epsilon: float, name: str) -> str:
    """Values (..., width), normalised along the last axis, scaled and shifted."""
    scale, shift = graph.constant(scale, f"{name}/scale"), graph.constant(shift, f"{name}/shift")
    return str(graph.op("LayerNormalization", values, scale, shift, axis=-1, epsilon=epsilon))


def block(graph: Graph, weights: Weights, name: str, shape: BlockShape, values: str, padding: str) -> str:
    """A block: self-attention, then feed-forward, each added to its input, (batch, time, width)."""

    def norm(part: str, values: str) -> str:
        scale, shift = weights[f"{part}_scale"], weights[f"{part}_shift"]
        return layer_norm(graph, values, scale, shift, shape.epsilon, f"{name}/{part}")

    def dense(part: str, values: str) -> str:
        return graph.dense(values, weights[part], weights[f"{part}_bias"], f"{name}/{part}")

    def attend(values: str) -> str:
        return dense("attended", _attention(graph, weights, name, shape.heads, values, padding))

    def feed_forward(values: str) -> str:
        return dense("down", graph.activation(dense("up", values), shape.activation))

    if shape.norm_first:
        values = graph.op("Add", values, attend(norm("attention", values)))
        return str(graph.op("Add", values, feed_forward(norm("feed_forward", values))))
    values = norm("attention", graph.op("Add", values, attend(values)))
    return norm("feed_forward", graph.op("Add", values, feed_forward(values)))


def pool(graph: Graph, mode: str, values: str) -> str:
    """(batch, time, width) -> (batch, width): `mean`, `max`, `first` or `last` of the tokens, without padding."""
    if mode == "first":
        return str(graph.op("Gather", values, 0, axis=1))
    lengths = graph.lengths(least=1)
    if mode == "last":
        return str(graph.op("GatherND", values, graph.op("Sub", lengths, 1), batch_dims=1))
    inside = graph.op("Unsqueeze", graph.op("Less", graph.time(), lengths), [2])
    if mode == "max":
        return str(graph.op("ReduceMax", graph.op("Where", inside, values, _FAR), [1], keepdims=0))
    total = graph.op("ReduceSum", graph.op("Where", inside, values, 0.0), [1], keepdims=0)
    return str(graph.op("Div", total, graph.op("Cast", lengths, to=1)))


def average(graph: Graph, values: Sequence[str]) -> str:
    """The mean of several values of one shape."""
    return str(graph.op("Mean", *values)) if len(values) > 1 else values[0]


def _attention(graph: Graph, weights: Weights, name: str, heads: int, values: str, padding: str) -> str:
    """Multi-head attention, (batch, time, width)."""
    width = len(weights["query_key_value"])
    shape = [0, 0, heads, width // heads]
    together = graph.dense(values, *_query_key_value(graph, weights, heads), f"{name}/query_key_value")
    parts = graph.op("Split", together, axis=-1, num_outputs=3, outputs=3)
    turns = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    query, key, value = (
        graph.op("Transpose", graph.op("Reshape", part, shape), perm=turn)
        for part, turn in zip(parts, turns, strict=True)
    )
    scores = graph.op("Softmax", graph.op("Add", graph.op("MatMul", query, key), padding), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", scores, value), perm=[0, 2, 1, 3])
    return str(graph.op("Reshape", mixed, [0, 0, width]))


def _query_key_value(graph: Graph, weights: Weights, heads: int) -> tuple[GraphInput, GraphInput]:
    """The kernel and the bias of query, key and value, with LoRA's update and the scale of the scores.

    In float32 the graph computes them from the weights, so that it does not contain them. Runtimes compute them once,
    when they load the graph.
    """
    kernel, bias = weights["query_key_value"], weights["query_key_value_bias"]
    width, columns = kernel.shape
    scales = np.ones(columns, np.float32)
    scales[:width] /= math.sqrt(width // heads)
    has_lora = "lora_in" in weights
    if graph.int8:
        added = weights["lora_in"] @ weights["lora_out"] if has_lora else np.float32(0)
        return (kernel + added) * scales, bias * scales
    value = graph.constant(kernel)
    if has_lora:
        added = graph.op("MatMul", graph.constant(weights["lora_in"]), graph.constant(weights["lora_out"]))
        value = graph.op("Add", value, added)
    factors = graph.constant(scales, f"query_key_value_scales_{width}_{heads}")
    return graph.op("Mul", value, factors), graph.op("Mul", graph.constant(bias), factors)
