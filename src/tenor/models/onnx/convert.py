"""A Keras model as ONNX: each layer becomes a few nodes with the layer's weights."""

import math
from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from tenor.models.neural import encoder, layers
from tenor.models.neural.keras_types import KerasLayer, KerasModel, Tensor
from tenor.models.onnx.graph import Graph, GraphInput

_FAR = -1e9  # below every value

Weights: TypeAlias = dict[str, npt.NDArray[np.float32]]
"""Weights of a layer by their names."""


def convert(keras_model: KerasModel, int8: bool = False) -> bytes:
    """A network as an ONNX file from `ids`, int32 (batch, time), to `logits` (batch, outputs).

    The file refers to unchanged weights of the network by their paths, and does not contain them.

    Raises:
        KeyError: A layer, or its activation, is unknown.
        GraphTooLargeError: Without the weights that it refers to, the graph is larger than an ONNX file can be (2 GB).
    """
    weights = {variable.path: np.asarray(variable, np.float32) for variable in keras_model.weights}
    graph, values = Graph(int8, weights), {}

    def value(tensor: Tensor) -> str:
        layer, index, _ = tensor._keras_history
        if (layer, index) not in values:
            inputs = [value(each) for each in layer._inbound_nodes[index].input_tensors]
            values[layer, index] = _LAYERS[type(layer)](graph, layer, *inputs)
        return str(values[layer, index])

    return graph.finish(value(keras_model.output), keras_model.output_shape[-1])


def _weights(graph: Graph, layer: KerasLayer) -> Weights:
    """A layer's weights by their names."""
    return {variable.path.rpartition("/")[2]: graph.weights[variable.path] for variable in layer.weights}


def _same(_: Graph, layer: KerasLayer, values: str) -> str:
    return values


def _ids(graph: Graph, layer: KerasLayer) -> str:
    return graph.ids


def _embedding(graph: Graph, layer: KerasLayer, ids: str) -> str:
    return graph.rows(_weights(graph, layer)["embeddings"], layer.name)


def _pool(graph: Graph, layer: layers.Pool, values: str, ids: str) -> str:
    if layer.mode == "first":
        return str(graph.op("Gather", values, 0, axis=1))
    lengths = graph.lengths(least=1)
    if layer.mode == "last":
        return str(graph.op("GatherND", values, graph.op("Sub", lengths, 1), batch_dims=1))
    inside = graph.op("Unsqueeze", graph.op("Less", graph.time(), lengths), [2])
    if layer.mode == "max":
        return str(graph.op("ReduceMax", graph.op("Where", inside, values, _FAR), [1], keepdims=0))
    total = graph.op("ReduceSum", graph.op("Where", inside, values, 0.0), [1], keepdims=0)
    return str(graph.op("Div", total, graph.op("Cast", lengths, to=1)))


def _zero_padding(graph: Graph, layer: KerasLayer, values: str, ids: str) -> str:
    return str(graph.op("Where", graph.op("Unsqueeze", graph.present(), [2]), values, 0.0))


def _reverse(graph: Graph, layer: KerasLayer, values: str, ids: str) -> str:
    last = graph.op("Sub", graph.lengths(least=0), 1)
    place = graph.op("Max", graph.op("Sub", last, graph.time()), 0)
    return str(graph.op("GatherND", values, graph.op("Unsqueeze", place, [2]), batch_dims=1))


def _convolution(graph: Graph, layer: KerasLayer, values: str) -> str:
    weights, width = _weights(graph, layer), layer.kernel_size[0]
    kernel = graph.op("Transpose", graph.constant(weights["kernel"], f"{layer.name}/kernel"), perm=[2, 1, 0])
    turned = graph.op("Transpose", values, perm=[0, 2, 1])
    pads = [(width - 1) // 2, width // 2]
    result = graph.op("Conv", turned, kernel, graph.constant(weights["bias"], f"{layer.name}/bias"), pads=pads)
    return graph.activation(graph.op("Transpose", result, perm=[0, 2, 1]), _activation(layer))


def _lstm(graph: Graph, layer: KerasLayer, values: str) -> str:
    weights, units = _weights(graph, layer), layer.units

    def reordered(name: str) -> str:
        """Gates are in the order i, f, c, o in Keras, and i, o, f, c in ONNX."""
        array = graph.constant(weights[name], f"{layer.name}/{name}")
        i, f, c, o = graph.op("Split", array, axis=-1, num_outputs=4, outputs=4)
        return str(graph.op("Concat", i, o, f, c, axis=-1))

    kernels = [graph.op("Transpose", reordered(name), perm=[1, 0]) for name in ("kernel", "recurrent_kernel")]
    zeros = graph.constant(np.zeros(4 * units, np.float32), f"{layer.name}/zeros")
    biases = graph.op("Concat", reordered("bias"), zeros, axis=-1)
    given = [graph.op("Transpose", values, perm=[1, 0, 2])]
    given += [graph.op("Unsqueeze", array, [0]) for array in (*kernels, biases)]
    activation = _activation(layer).capitalize()
    states = graph.op("LSTM", *given, hidden_size=units, activations=["Sigmoid", activation, activation])
    return str(graph.op("Transpose", graph.op("Squeeze", states, [1]), perm=[1, 0, 2]))


def _concatenate(graph: Graph, layer: KerasLayer, *values: str) -> str:
    return str(graph.op("Concat", *values, axis=-1))


def _average(graph: Graph, layer: KerasLayer, *values: str) -> str:
    return str(graph.op("Mean", *values)) if len(values) > 1 else values[0]


def _dense(graph: Graph, layer: KerasLayer, values: str) -> str:
    weights = _weights(graph, layer)
    return graph.activation(graph.dense(values, weights["kernel"], weights["bias"], layer.name), _activation(layer))


def _attention_mask(graph: Graph, layer: KerasLayer, ids: str) -> str:
    inside = graph.op("Less", graph.time(), graph.lengths(least=1))
    return str(graph.op("Unsqueeze", graph.op("Where", inside, 0.0, encoder.MASKED_SCORE), [1, 2]))


def _embeddings(graph: Graph, layer: encoder.Embeddings, ids: str) -> str:
    weights, name = _weights(graph, layer), layer.name
    steps = graph.op("Shape", graph.ids, start=1, end=2)
    positions = graph.op("Slice", graph.constant(weights["position"], f"{name}/position"), [0], steps)
    values = graph.op("Add", graph.rows(weights["token"], f"{name}/token"), positions)
    if layer.epsilon is not None:
        values = _norm(graph, values, weights["scale"], weights["shift"], layer.epsilon, name)
    if "kernel" in weights:
        values = graph.dense(values, weights["kernel"], weights["bias"], name)
    return str(values)


def _layer_norm(graph: Graph, layer: encoder.LayerNorm, values: str) -> str:
    weights = _weights(graph, layer)
    return _norm(graph, values, weights["scale"], weights["shift"], layer.epsilon, layer.name)


def _norm(graph: Graph, values: str, scale: GraphInput, shift: GraphInput, epsilon: float, name: str) -> str:
    scale, shift = graph.constant(scale, f"{name}/scale"), graph.constant(shift, f"{name}/shift")
    return str(graph.op("LayerNormalization", values, scale, shift, axis=-1, epsilon=epsilon))


def _block(graph: Graph, layer: encoder.Block, values: str, padding: str) -> str:
    weights, name = _weights(graph, layer), layer.name

    def norm(part: str, values: str) -> str:
        scale, shift = weights[f"{part}_scale"], weights[f"{part}_shift"]
        return _norm(graph, values, scale, shift, layer.epsilon, f"{name}/{part}")

    def dense(part: str, values: str) -> str:
        return graph.dense(values, weights[part], weights[f"{part}_bias"], f"{name}/{part}")

    def attend(values: str) -> str:
        return dense("attended", _attention(graph, layer, weights, values, padding))

    def feed_forward(values: str) -> str:
        return dense("down", graph.activation(dense("up", values), layer.activation))

    if layer.norm_first:
        values = graph.op("Add", values, attend(norm("attention", values)))
        return str(graph.op("Add", values, feed_forward(norm("feed_forward", values))))
    values = norm("attention", graph.op("Add", values, attend(values)))
    return norm("feed_forward", graph.op("Add", values, feed_forward(values)))


def _attention(graph: Graph, layer: encoder.Block, weights: Weights, values: str, padding: str) -> str:
    """Multi-head attention, (batch, time, width)."""
    width = len(weights["query_key_value"])
    shape = [0, 0, layer.heads, width // layer.heads]
    together = graph.dense(values, *_query_key_value(graph, layer, weights), f"{layer.name}/query_key_value")
    parts = graph.op("Split", together, axis=-1, num_outputs=3, outputs=3)
    turns = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    query, key, value = (
        graph.op("Transpose", graph.op("Reshape", part, shape), perm=turn)
        for part, turn in zip(parts, turns, strict=True)
    )
    scores = graph.op("Softmax", graph.op("Add", graph.op("MatMul", query, key), padding), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", scores, value), perm=[0, 2, 1, 3])
    return str(graph.op("Reshape", mixed, [0, 0, width]))


def _query_key_value(graph: Graph, layer: encoder.Block, weights: Weights) -> tuple[GraphInput, GraphInput]:
    """The kernel and the bias of query, key and value, with LoRA's update and the scale of the scores.

    In float32 the graph computes them from the weights, so that it does not contain them. Runtimes compute them once,
    when they load the graph.
    """
    kernel, bias = weights["query_key_value"], weights["query_key_value_bias"]
    width, columns = kernel.shape
    scales = np.ones(columns, np.float32)
    scales[:width] /= math.sqrt(width // layer.heads)
    if graph.int8:
        added = weights["lora_in"] @ weights["lora_out"] if layer.lora_rank else np.float32(0)
        return (kernel + added) * scales, bias * scales
    value = graph.constant(kernel)
    if layer.lora_rank:
        added = graph.op("MatMul", graph.constant(weights["lora_in"]), graph.constant(weights["lora_out"]))
        value = graph.op("Add", value, added)
    factors = graph.constant(scales, f"query_key_value_scales_{width}_{layer.heads}")
    return graph.op("Mul", value, factors), graph.op("Mul", graph.constant(bias), factors)


def _activation(layer: KerasLayer) -> str:
    return str(layer.activation.__name__)


_LAYERS: dict[type, Callable[..., str]] = {
    keras.layers.InputLayer: _ids,
    keras.layers.Dropout: _same,
    keras.layers.SpatialDropout1D: _same,
    keras.layers.Identity: _same,
    keras.layers.Embedding: _embedding,
    keras.layers.Conv1D: _convolution,
    keras.layers.LSTM: _lstm,
    keras.layers.Concatenate: _concatenate,
    keras.layers.Average: _average,
    keras.layers.Dense: _dense,
    layers.Pool: _pool,
    layers.ZeroPadding: _zero_padding,
    layers.ReverseSequence: _reverse,
    encoder.AttentionMask: _attention_mask,
    encoder.Embeddings: _embeddings,
    encoder.LayerNorm: _layer_norm,
    encoder.Block: _block,
}
