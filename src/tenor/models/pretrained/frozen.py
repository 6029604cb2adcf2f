"""A pretrained encoder whose weights stay frozen, without Keras: an ONNX graph gives the features of its head.

Loading TensorFlow and tracing a network take several times as long. The graph is compared with the encoder in NumPy.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.data.fields import Fields
from tenor.errors import TenorError
from tenor.models.base import Arrays
from tenor.models.families import pretrained
from tenor.models.families.pretrained import Config
from tenor.models.linear.solver import LinearWeights
from tenor.models.neural import backend, neural_model
from tenor.models.onnx import probe, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.onnx_network import FLOAT32, TOLERANCE, OnnxNetwork, encoder_batches
from tenor.models.onnx.probe import NETWORK, Probe
from tenor.models.onnx.runtimes import Run
from tenor.models.pretrained import numpy_encoder, sentence_layers
from tenor.models.pretrained.architectures import Architecture
from tenor.models.tabular import row_encoder
from tenor.tasks import Floats, Task
from tenor.text.encoded import Encoded, TextEncoder

if TYPE_CHECKING:
    from tenor.models.onnx.graph import Graph

_KERNEL, _BIAS = f"{neural_model.HEAD_PREFIX}kernel", f"{neural_model.HEAD_PREFIX}bias"


def is_available() -> bool:
    """Whether a frozen encoder works without Keras: ONNX is installed, and there is no GPU, which would be faster."""
    return importlib.util.find_spec("onnx") is not None and runtimes.is_installed() and not backend.has_accelerator()


@dataclass(frozen=True)
class FrozenEncoder:
    """A pretrained encoder without a head.

    Attributes:
        config: The settings, with the encoder's shape.
        text_encoder: The encoder of texts.
        weights: The encoder's weights, by the paths of the network's variables.
    """

    config: Config
    text_encoder: TextEncoder
    weights: Arrays

    @classmethod
    def load(cls, config: Config, rows: Sequence[str], fields: Fields) -> "FrozenEncoder":
        """Load the encoder that the settings name.

        Args:
            config: The settings.
            rows: Training rows.
            fields: The columns of a row.

        Raises:
            SettingsError: The settings do not fit the encoder, or its files are damaged.
        """
        texts = rows if fields.is_single_text else row_encoder.FieldTexts(rows, fields)
        filled, text_encoder = pretrained.encode(config, texts)
        if not fields.is_single_text:
            encoder_of_rows = row_encoder.build(text_encoder, rows, fields, has_room=False)
            filled, text_encoder = pretrained.mark_second_text(filled, encoder_of_rows)
        return cls(filled, text_encoder, pretrained.read_weights(filled))

    def features(self, encoded: Encoded, callback: Callback) -> Floats:
        """The inputs of the head, (texts, width). Those of a text with several windows are their mean."""
        done = 0
        result = np.zeros((len(encoded.lengths), self._width), np.float32)
        for batch in encoder_batches(encoded.lengths):
            result[batch.rows] = self._run(encoded.pad(batch.rows, batch.width))
            done += len(batch.rows)
            callback.on_progress(tr("features"), done, len(result), {})
        return encoded.mean_by_text(result)

    def with_head(self, head: LinearWeights, task: Task) -> OnnxNetwork:
        """The network with a head, compared with NumPy on random rows of all lengths.

        Args:
            head: The kernel (width + other features, outputs) and the bias (outputs,).
            task: What is predicted.

        Raises:
            TenorError: The logits differ.
        """
        kernel, bias = (np.ascontiguousarray(array, np.float32) for array in head)
        kernel, others = np.ascontiguousarray(kernel[: self._width]), np.ascontiguousarray(kernel[self._width :])
        weights = {**self.weights, _KERNEL: kernel, _BIAS: bias}
        files = {FLOAT32: _write_graph(self.config, weights, has_head=True)}
        network = OnnxNetwork(pretrained.FAMILY, task, self.config, self.text_encoder, weights, files)
        if len(others):
            arrays = {**weights, neural_model.FEATURE_KERNEL: others}
            network = replace(network, weights=arrays, feature_kernel=others)
        rows = probe.draw(network.max_row_length, self.text_encoder.size)
        features = numpy_encoder.features(self.config, self.weights, np.split(rows.ids, rows.row_offsets[1:-1]))
        by_numpy = np.asarray(features @ kernel + bias, np.float32)
        by_graph = network.score_with(network.in_onnx_runtime(), rows)
        difference = np.abs(network.to_outputs(by_numpy) - network.to_outputs(by_graph)).max(initial=0.0)
        if not difference <= TOLERANCE:  # so that NaN is refused too
            raise TenorError(
                tr(
                    "the ONNX graph of the frozen encoder is up to {difference:.2g} away from its values in NumPy.",
                    difference=difference,
                ),
                tr("Try another version of onnxruntime, or `tune=all`. Please report this."),
            )
        return replace(network, probe=Probe(rows, {NETWORK: by_numpy, FLOAT32: by_graph}))

    @cached_property
    def _run(self) -> Run:
        data = _write_graph(self.config, self.weights, has_head=False)
        return runtimes.onnx_runtime(OnnxGraph(tr("the encoder"), data, self.weights, self._width))

    @property
    def _width(self) -> int:
        return self.config.features_width


def _write_graph(config: Config, weights: Arrays, has_head: bool) -> bytes:
    """The encoder as an ONNX file from ids to `logits`: those of the head, or without one its inputs."""
    from tenor.models.onnx import encoder_nodes
    from tenor.models.onnx.graph import Graph
    from tenor.models.pretrained import onnx_encoder

    shape = Architecture(**(config.architecture or {}))
    graph = Graph(weights=weights)
    last = onnx_encoder.add(graph, shape, weights, config.pooled_blocks or 1)
    pooled = encoder_nodes.average(graph, [encoder_nodes.pool(graph, config.pool_mode, values) for values in last])
    pooled = _after_pooling(graph, config, weights, pooled)
    if not has_head:
        return graph.finish(pooled, config.features_width)
    return graph.finish(graph.dense(pooled, weights[_KERNEL], weights[_BIAS], "logits"), len(weights[_BIAS]))


def _after_pooling(graph: "Graph", config: Config, weights: Arrays, pooled: str) -> str:
    """The layers of a sentence encoder."""
    from tenor.models.onnx import encoder_nodes

    layers = config.sentence_layers
    for number, layer in enumerate(layers.dense):
        name = sentence_layers.layer_name(number)
        pooled = graph.dense(pooled, weights[f"{name}/kernel"], weights[f"{name}/bias"], name)
        pooled = graph.activation(pooled, layer.activation)
    return encoder_nodes.unit_length(graph, pooled, config.features_width) if layers.normalised else pooled
