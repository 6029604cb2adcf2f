"""A network as an ONNX graph, with the encoder of its texts: raw texts in, logits out, without Keras."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.errors import NotUsedWarning
from tenor.models.attribution import Attribution, Shares
from tenor.models.base import Arrays
from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import backend, neural_model
from tenor.models.neural.neural_model import FEATURE_KERNEL, NeuralModel
from tenor.models.onnx import probe, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.probe import PROBE, Origin, Probe
from tenor.models.onnx.runtimes import Run
from tenor.models.tabular import row_encoder
from tenor.tasks import Floats, Task
from tenor.text import batches
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded

if TYPE_CHECKING:
    from tenor.models.neural.network import Network
    from tenor.models.onnx.proof import SelectedGraph

FLOAT32, INT8 = "model.onnx", "model.int8.onnx"
TOLERANCE = 1e-4
"""Largest difference of a probability, or of a value in standard deviations, from that of the network."""
BFLOAT16_TOLERANCE = 0.02
"""The same for a graph that is computed in bfloat16."""
_BATCH_TOKENS = 4_096  # about as much as a processor's caches hold
_ENCODER_BATCH_TOKENS = 512  # encoders keep thousands of values per token: 4,096 took 15-50% longer
_MIN_ROWS_ON_DEVICE = 256  # fewer are not worth compiling for


@dataclass(frozen=True)
class OnnxNetwork(NeuralModel):
    """A neural family's model in ONNX. Keras is loaded for what needs gradients.

    Attributes:
        weights: The network's weights, by the paths of its variables.
        files: The graphs by file name, `FLOAT32` and perhaps `INT8`. They refer to `weights`. ONNX Runtime predicts
            with `INT8` if there is one, OpenVINO with `FLOAT32`.
        trained_network: The network on the GPU or TPU that trained it, which scores many rows tens of times as fast as
            the graph on a processor; None: there is no accelerator, or the model was loaded.
        probe: Rows with the logits of the network and of the graphs; None: an older Tenor made the model.
        origin: The folder that it was loaded from; None: this process made it.
    """

    weights: Arrays
    files: Mapping[str, bytes]
    trained_network: "Network | None" = field(default=None, repr=False, compare=False)
    probe: Probe | None = None
    origin: Origin | None = None

    def score_texts(self, encoded: Encoded) -> Floats:
        """Logits of encoded texts, (texts, outputs), by the graph alone."""
        if self.trained_network is not None and len(encoded.lengths) >= _MIN_ROWS_ON_DEVICE:
            return self.trained_network.score_texts(encoded)
        return self.score_with(self.run, encoded)

    def score_with(self, run: Run, encoded: Encoded) -> Floats:
        """Logits of encoded texts, (texts, outputs), by this graph."""
        result = np.zeros((len(encoded.lengths), self.task.n_outputs), np.float32)
        is_encoder = bool(self.family.structure)
        lengths = encoded.lengths
        for batch in encoder_batches(lengths) if is_encoder else batches.batches_by_length(lengths, _BATCH_TOKENS):
            result[batch.rows] = run(encoded.pad(batch.rows, batch.width))
        return encoded.mean_by_text(result)

    @property
    def on_device(self) -> bool:
        """Whether a GPU or TPU scores many rows."""
        return self.trained_network is not None

    @cached_property
    def run(self) -> Run:
        """The graph that predicts, ready to run.

        Raises:
            GraphError: It is not a graph from ids to this model's logits.
            BundleError: It gives other logits than the network did where the model was made.
        """
        return self.selected.run

    @cached_property
    def selected(self) -> "SelectedGraph":
        """The graph that predicts, and why others do not; raises like `run`.

        Warns if this process made the model. For a loaded model, `inference.bundle.load` returns the notes.
        """
        from tenor.models.onnx import proof

        selected = proof.select_graph(self)
        for note in selected.notes if self.origin is None else ():
            warnings.warn(note, NotUsedWarning, stacklevel=2)
        return selected

    def in_onnx_runtime(self, name: str = FLOAT32) -> Run:
        """One of the graphs in ONNX Runtime."""
        # A model without a probe was made by an older Tenor, whose int8 weights have 8 bits.
        return runtimes.onnx_runtime(self.onnx_graph(name), exact=name == INT8 and self.probe is None)

    def in_openvino(self, bfloat16: bool) -> Run:
        """The float32 graph in OpenVINO."""
        return runtimes.openvino(self.onnx_graph(FLOAT32), bfloat16)

    def onnx_graph(self, name: str) -> OnnxGraph:
        """One of the graphs with its weights."""
        return OnnxGraph(self.display_name(name), self.files[name], self.weights, self.task.n_outputs)

    def display_name(self, graph: str) -> str:
        """The graph's file with the name of its folder, without the path, since clients of a server read it too."""
        return graph if self.origin is None else f"{self.origin.folder.resolve().name}/{self.origin.prefix}{graph}"

    @cached_property
    def network(self) -> "Network":
        """The same model in Keras. Raises MissingExtraError where Keras is not installed."""
        if self.trained_network is not None:
            return self.trained_network
        backend.load(tr("explaining or exporting a model of the family {name!r}", name=self.family.name))
        from tenor.models.neural import network

        return network.restore(self.family, self.config, self.encoder(), self.weights, self.task)

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits, by integrated gradients."""
        return self.network.attribute(texts, directions)

    def attention(self, text: str) -> Shares | None:
        """How much attention each character gets, as `Network.attention` gives it."""
        return self.network.attention(text)

    def represent(self, texts: Sequence[str]) -> Floats:
        """The input of the head for each text, scaled to length 1: (texts, width)."""
        return self.network.represent(texts)

    def arrays(self) -> Arrays:
        """Weights by the paths of their variables."""
        return self.weights

    def graphs(self) -> Mapping[str, bytes]:
        """The graphs and the probe by file name."""
        return self.files if self.probe is None else {**self.files, PROBE: self.probe.to_bytes()}

    def __reduce__(self) -> tuple[object, ...]:
        return restore, (self.family, self.config, self.encoder(), self.weights, self.task, self.graphs(), self.origin)


def encoder_batches(lengths: npt.NDArray[np.int64]) -> list[Batch]:
    """The batches in which a graph of an encoder reads rows of these lengths."""
    return batches.batches_by_length(lengths, _ENCODER_BATCH_TOKENS)


def restore(
    family: NetworkFamily,
    config: NetworkConfig,
    encoder: JsonObject,
    weights: Arrays,
    task: Task,
    files: Mapping[str, bytes],
    origin: Origin | None = None,
) -> OnnxNetwork:
    """The model that its methods `encoder`, `arrays` and `graphs` describe. Raises ValueError where they disagree."""
    text_encoder = neural_model.restore_encoder(family, config, encoder)
    neural_model.check_weights(family, config, weights, task, row_encoder.n_features(text_encoder))
    graphs = {name: data for name, data in files.items() if name != PROBE}
    kernel = weights.get(FEATURE_KERNEL)
    restored = OnnxNetwork(family, task, config, text_encoder, weights, graphs, origin=origin, feature_kernel=kernel)
    if PROBE not in files:
        return restored
    saved = probe.read(files[PROBE], graphs, task.n_outputs, restored.max_row_length, text_encoder.size)
    by_graph, by_network = (restored.to_outputs(saved.logits[name]) for name in (FLOAT32, probe.NETWORK))
    if np.abs(by_graph - by_network).max(initial=0.0) > TOLERANCE:
        raise ValueError(
            tr("{probe}: the logits of {float32!r} are not those of the network", probe=PROBE, float32=FLOAT32)
        )
    return replace(restored, probe=saved)
