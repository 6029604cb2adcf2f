"""A Keras model as ONNX: each layer becomes a few nodes with the layer's weights."""

from collections.abc import Callable

import keras
import numpy as np

from tenor.models.neural import embeddings, encoder, layers
from tenor.models.neural.keras_types import KerasLayer, KerasModel, Tensor
from tenor.models.onnx import encoder_nodes
from tenor.models.onnx.attention_nodes import Weights
from tenor.models.onnx.graph import Graph


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
    return encoder_nodes.pool(graph, layer.mode, values)


def _unit_length(graph: Graph, layer: layers.UnitLength, values: str) -> str:
    return encoder_nodes.unit_length(graph, values, layer.output.shape[-1])


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
    return encoder_nodes.average(graph, values)


def _dense(graph: Graph, layer: KerasLayer, values: str) -> str:
    weights = _weights(graph, layer)
    return graph.activation(graph.dense(values, weights["kernel"], weights["bias"], layer.name), _activation(layer))


def _attention_mask(graph: Graph, layer: KerasLayer, ids: str) -> str:
    return encoder_nodes.attention_mask(graph)


def _relative_bias(graph: Graph, layer: embeddings.RelativeBias, padding: str) -> str:
    return encoder_nodes.relative_bias(graph, _weights(graph, layer), layer.name, layer.shape, padding)


def _relative_embeddings(graph: Graph, layer: embeddings.RelativeEmbeddings, ids: str) -> str:
    return encoder_nodes.relative_embeddings(graph, _weights(graph, layer), layer.name, layer.shape)


def _embeddings(graph: Graph, layer: embeddings.Embeddings, ids: str) -> str:
    return encoder_nodes.embeddings(graph, _weights(graph, layer), layer.name, layer.shape.epsilon)


def _norm(graph: Graph, layer: encoder.Norm, values: str) -> str:
    return encoder_nodes.norm(graph, _weights(graph, layer), layer.name, layer.shape, values)


def _convolution_residual(
    graph: Graph, layer: encoder.ConvolutionResidual, values: str, embedded: str, ids: str
) -> str:
    return encoder_nodes.convolution_residual(
        graph, _weights(graph, layer), layer.name, (layer.activation, layer.epsilon), values, embedded
    )


def _block(graph: Graph, layer: encoder.Block, values: str, padding: str, positions: str | None = None) -> str:
    return encoder_nodes.block(graph, _weights(graph, layer), layer.name, layer.shape, values, padding, positions)


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
    layers.UnitLength: _unit_length,
    layers.ZeroPadding: _zero_padding,
    layers.ReverseSequence: _reverse,
    embeddings.AttentionMask: _attention_mask,
    embeddings.Embeddings: _embeddings,
    embeddings.RelativeBias: _relative_bias,
    embeddings.RelativeEmbeddings: _relative_embeddings,
    encoder.Norm: _norm,
    encoder.ConvolutionResidual: _convolution_residual,
    encoder.Block: _block,
}
