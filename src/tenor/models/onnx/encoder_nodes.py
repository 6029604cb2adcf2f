"""The layers of an encoder as nodes of an ONNX graph, from their weights: embeddings, blocks, pooling."""

from collections.abc import Sequence

import numpy as np

from tenor.models.neural.block_shape import MASKED_SCORE, MIN_MEAN_SQUARE, BlockShape
from tenor.models.neural.relative_positions import RelativeShape
from tenor.models.onnx import attention_nodes
from tenor.models.onnx.attention_nodes import Weights
from tenor.models.onnx.graph import Graph, GraphInput

_FAR = -1e9  # below every value


def attention_mask(graph: Graph) -> str:
    """Addend of the attention scores, (batch, 1, 1, time), as `AttentionMask` computes it."""
    inside = graph.op("Less", graph.time(), graph.lengths(least=1))
    return str(graph.op("Unsqueeze", graph.op("Where", inside, 0.0, MASKED_SCORE), [1, 2]))


def embeddings(graph: Graph, weights: Weights, name: str, epsilon: float | None) -> str:
    """Values (batch, time, width) of the ids. `epsilon` is that of the normalisation; None: no normalisation."""
    positions = None
    if "position" in weights:
        steps = graph.op("Shape", graph.ids, start=1, end=2)
        positions = graph.op("Slice", graph.constant(weights["position"], f"{name}/position"), [0], steps)
    ids, is_first = graph.ids, None
    if "second_segment" in weights:
        tokens = np.int32(len(weights["token"]))
        is_first = graph.op("Less", ids, tokens)
        ids = graph.op("Where", is_first, ids, graph.op("Sub", ids, tokens))
    values = graph.rows(weights["token"], f"{name}/token", ids)
    if positions is not None:
        values = graph.op("Add", values, positions)
    if is_first is not None:
        second = graph.constant(weights["second_segment"], f"{name}/second_segment")
        added = graph.op("Where", graph.op("Unsqueeze", is_first, [2]), 0.0, second)
        values = graph.op("Add", values, added)
    if epsilon is not None:
        values = layer_norm(graph, values, weights["scale"], weights.get("shift"), epsilon, name)
    if "kernel" in weights:
        values = graph.dense(values, weights["kernel"], weights["bias"], name)
    return str(values)


def layer_norm(
    graph: Graph, values: str, scale: GraphInput, shift: GraphInput | None, epsilon: float, name: str
) -> str:
    """Values (..., width), normalised along the last axis, scaled and shifted; None: not shifted."""
    shift = np.zeros(len(scale), np.float32) if shift is None else shift
    scale, shift = graph.constant(scale, f"{name}/scale"), graph.constant(shift, f"{name}/shift")
    return str(graph.op("LayerNormalization", values, scale, shift, axis=-1, epsilon=epsilon))


def norm(graph: Graph, weights: Weights, name: str, shape: BlockShape, values: str) -> str:
    """Values (..., width), normalised in the way of `shape`, with the weights `scale` and `shift`."""
    if shape.norm == "layer":
        return layer_norm(graph, values, weights["scale"], weights.get("shift"), shape.epsilon, name)
    total = graph.op("ReduceSum", graph.op("Mul", values, values), [-1], keepdims=1)
    mean = graph.op("Div", total, float(len(weights["scale"])))
    root = graph.op("Sqrt", graph.op("Add", mean, shape.epsilon))
    scale = graph.constant(weights["scale"], f"{name}/scale")
    return str(graph.op("Mul", graph.op("Div", values, root), scale))


def block(
    graph: Graph, weights: Weights, name: str, shape: BlockShape, values: str, padding: str, positions: str | None
) -> str:
    """A block: self-attention, then feed-forward, each added to its input, (batch, time, width).

    Args:
        graph: The graph.
        weights: The block's weights.
        name: The block's name.
        shape: What it computes.
        values: (batch, time, width).
        padding: Addend of the attention scores.
        positions: The table of `relative_embeddings`; None: there is none.
    """

    def norm_of(part: str, values: str) -> str:
        if f"{part}_scale" not in weights:
            return values
        own = {key: weights[f"{part}_{key}"] for key in ("scale", "shift") if f"{part}_{key}" in weights}
        return norm(graph, own, f"{name}/{part}", shape, values)

    def dense(part: str, values: str) -> str:
        return graph.dense(values, weights[part], weights.get(f"{part}_bias"), f"{name}/{part}")

    def attend(values: str) -> str:
        return dense("attended", attention_nodes.attention(graph, weights, name, shape, values, padding, positions))

    def feed_forward(values: str) -> str:
        hidden = dense("up", values)
        if not shape.gated:
            return dense("down", graph.activation(hidden, shape.activation))
        gate, hidden = graph.op("Split", hidden, axis=-1, num_outputs=2, outputs=2)
        return dense("down", graph.op("Mul", graph.activation(gate, shape.activation), hidden))

    if shape.norm_first:
        values = graph.op("Add", values, attend(norm_of("attention", values)))
        return str(graph.op("Add", values, feed_forward(norm_of("feed_forward", values))))
    values = norm_of("attention", graph.op("Add", values, attend(values)))
    return norm_of("feed_forward", graph.op("Add", values, feed_forward(values)))


def relative_bias(graph: Graph, weights: Weights, name: str, shape: RelativeShape, padding: str) -> str:
    """The mask (batch, 1, 1, time) plus a number for each head and distance, (batch, heads, time, time)."""
    buckets = attention_nodes.buckets(graph, shape)
    bias = graph.op("Gather", graph.constant(weights["table"], f"{name}/table"), buckets)
    return str(graph.op("Add", padding, graph.op("Unsqueeze", graph.op("Transpose", bias, perm=[2, 0, 1]), [0])))


def relative_embeddings(graph: Graph, weights: Weights, name: str, shape: RelativeShape) -> str:
    """The vectors of all buckets of distances, (buckets, width)."""
    table = graph.constant(weights["table"], f"{name}/table")
    if shape.epsilon is None:
        return table
    return layer_norm(graph, table, weights["scale"], weights["shift"], shape.epsilon, name)


def convolution_residual(
    graph: Graph, weights: Weights, name: str, settings: tuple[str, float], values: str, embedded: str
) -> str:
    """Values plus an activated convolution of the embeddings, normalised; `settings`: its activation, and epsilon."""
    activation, epsilon = settings
    inside = graph.op("Unsqueeze", graph.op("Less", graph.time(), graph.lengths(least=1)), [2])
    turned = graph.op("Transpose", graph.op("Where", inside, embedded, 0.0), perm=[0, 2, 1])
    kernel = graph.op("Transpose", graph.constant(weights["kernel"], f"{name}/kernel"), perm=[2, 1, 0])
    pads = [(len(weights["kernel"]) - 1) // 2] * 2
    result = graph.op("Conv", turned, kernel, graph.constant(weights["bias"], f"{name}/bias"), pads=pads)
    activated = graph.activation(graph.op("Transpose", result, perm=[0, 2, 1]), activation)
    total = graph.op("Add", values, activated)
    return layer_norm(graph, total, weights["scale"], weights["shift"], epsilon, name)


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


def unit_length(graph: Graph, values: str, width: int) -> str:
    """Vectors (batch, width), scaled to the length sqrt(width)."""
    total = graph.op("ReduceSum", graph.op("Mul", values, values), [-1], keepdims=1)
    mean = graph.op("Max", graph.op("Div", total, float(width)), MIN_MEAN_SQUARE)
    return str(graph.op("Div", values, graph.op("Sqrt", mean)))


def average(graph: Graph, values: Sequence[str]) -> str:
    """The mean of several values of one shape."""
    return str(graph.op("Mean", *values)) if len(values) > 1 else values[0]
