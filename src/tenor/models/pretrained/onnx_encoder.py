"""A pretrained encoder as nodes of an ONNX graph, from its architecture and its weights."""

from tenor.models.base import Arrays
from tenor.models.neural.relative_positions import BIAS
from tenor.models.onnx import encoder_nodes
from tenor.models.onnx.graph import Graph
from tenor.models.pretrained.architectures import Architecture


def add(graph: Graph, shape: Architecture, weights: Arrays, last: int) -> list[str]:
    """The values (batch, time, width) of the `last` blocks, normalised.

    Args:
        graph: The graph.
        shape: The encoder's shape.
        weights: Its weights, by the paths of the network's variables.
        last: Number of blocks.
    """

    def layer_weights(name: str) -> Arrays:
        return {path.rpartition("/")[2]: array for path, array in weights.items() if path.startswith(f"{name}/")}

    padding, positions = encoder_nodes.attention_mask(graph), None
    embedded = encoder_nodes.embeddings(graph, layer_weights("embeddings"), "embeddings", shape.embedding_shape.epsilon)
    if (relative := shape.relative_shape) is not None:
        if relative.kind == BIAS:
            padding = encoder_nodes.relative_bias(graph, layer_weights("relative"), "relative", relative, padding)
        else:
            positions = encoder_nodes.relative_embeddings(graph, layer_weights("relative"), "relative", relative)
    values, outputs = embedded, []
    for number in range(shape.blocks):
        stored = 0 if shape.shared else number
        name = f"block_{stored}"
        block_shape = shape.block_shape(stored)
        values = encoder_nodes.block(graph, layer_weights(name), name, block_shape, values, padding, positions)
        if number == 0 and shape.convolution is not None:
            own, settings = layer_weights("convolution"), (shape.convolution_activation, shape.epsilon)
            values = encoder_nodes.convolution_residual(graph, own, "convolution", settings, values, embedded)
        outputs.append(values)
    outputs = outputs[-last:]
    if shape.norm_first:
        norm = layer_weights("norm")
        outputs = [encoder_nodes.norm(graph, norm, "norm", shape.block_shape(0), each) for each in outputs]
    return outputs
