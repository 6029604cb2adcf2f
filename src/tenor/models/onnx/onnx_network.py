"""A network as an ONNX graph, with the encoder of its texts: raw texts in, logits out, without Keras."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tenor.errors import NotUsedWarning
from tenor.models.attribution import Attribution, Shares
from tenor.models.base import Arrays
from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import backend, neural_model
from tenor.models.neural.neural_model import NeuralModel
from tenor.models.onnx import probe, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.probe import PROBE, Origin, Probe
from tenor.models.onnx.runtimes import Run
from tenor.tasks import Floats, Task
from tenor.text import batches
from tenor.text.encoded import Encoded

if TYPE_CHECKING:
    from tenor.models.neural.network import Network
    from tenor.models.onnx.proof import SelectedGraph

FLOAT32, INT8 = "model.onnx", "model.int8.onnx"
TOLERANCE = 1e-4
"""How far a probability, or a value in units of its spread, may be from the one that the original gives."""
BFLOAT16_TOLERANCE = 0.02
"""The same where a graph is computed in bfloat16."""
_TOKENS = 4_096  # in a batch: about as much as stays in a processor's caches
_ENCODER_TOKENS = 512  # of encoders, which keep thousands of values of each token at once: 4,096 took 15-50% longer
_FEWEST_ON_DEVICE = 256  # rows; a few are not worth compiling for


@dataclass(frozen=True)
class OnnxNetwork(NeuralModel):
    """A neural family's model, in ONNX. What needs gradients goes through Keras, which is loaded then.

    Attributes:
        weights: The network's weights, by the paths of its variables.
        files: The graphs, which refer to `weights`, by the names that they are saved under: `FLOAT32`, and `INT8` where
            there is one, which then is the one that ONNX Runtime predicts with; OpenVINO takes `FLOAT32`.
        on_device: Whether many rows are scored by `network`, on the GPU or TPU on which it has just been trained: it
            says the same, and tens of times as fast as a processor. A model that is loaded has graphs alone.
        probe: Rows with the logits of the network and of the graphs; None: an older Tenor made the model.
        origin: The folder that it was loaded from; None: it was made by this process.
    """

    weights: Arrays
    files: Mapping[str, bytes]
    on_device: bool = False
    probe: Probe | None = None
    origin: Origin | None = None

    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""
        if self.on_device and len(encoded.lengths) >= _FEWEST_ON_DEVICE:
            return self.network.score(encoded)
        return self.score_with(self.run, encoded)

    def score_with(self, run: Run, encoded: Encoded) -> Floats:
        """What `score` gives, by this graph."""
        result = np.zeros((len(encoded.lengths), self.task.n_outputs), np.float32)
        tokens = _ENCODER_TOKENS if self.family.structure else _TOKENS
        for batch in batches.batches_by_length(encoded.lengths, tokens):
            result[batch.rows] = run(encoded.pad(batch.rows, batch.width))
        return encoded.mean_by_text(result)

    @cached_property
    def run(self) -> Run:
        """The graph that predicts, ready to run.

        Raises:
            GraphError: It is no graph from ids to this model's logits.
            BundleError: It says something else than the network, on the machine where the model was made.
        """
        return self.selected.run

    @cached_property
    def selected(self) -> "SelectedGraph":
        """What predicts, and what does not and why; raises as `run`. Who loads a model tells the notes of it."""
        from tenor.models.onnx import proof

        chosen = proof.select_graph(self)
        for note in chosen.notes if self.origin is None else ():
            warnings.warn(note, NotUsedWarning, stacklevel=2)
        return chosen

    def in_onnx_runtime(self, name: str = FLOAT32) -> Run:
        """One of the graphs in ONNX Runtime."""
        # Without a probe it is of a Tenor that made weights of 8 bits.
        return runtimes.onnx_runtime(self.onnx_graph(name), exact=name == INT8 and self.probe is None)

    def in_openvino(self, bfloat16: bool) -> Run:
        """The float32 graph in OpenVINO."""
        return runtimes.openvino(self.onnx_graph(FLOAT32), bfloat16)

    def onnx_graph(self, name: str) -> OnnxGraph:
        """One of the graphs with its weights."""
        return OnnxGraph(self.display_name(name), self.files[name], self.weights, self.task.n_outputs)

    def display_name(self, graph: str) -> str:
        """The graph's file, in its folder if it has one; not where that is, as a server's clients read it too."""
        return graph if self.origin is None else f"{self.origin.folder.resolve().name}/{self.origin.prefix}{graph}"

    @cached_property
    def network(self) -> "Network":
        """The same model in Keras. Raises MissingExtraError where that is not installed."""
        backend.load(f"what is asked of the family {self.family.name!r}, more than predictions,")
        from tenor.models.neural import network

        return network.restore(self.family, self.config, self.encoder(), self.weights, self.task)

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits, by integrated gradients."""
        return self.network.attribute(texts, directions)

    def attention(self, text: str) -> Shares | None:
        """How much attention each character gets, as `Network.attention` gives it."""
        return self.network.attention(text)

    def represent(self, texts: Sequence[str]) -> Floats:
        """What the head sees of each text, scaled to length 1: (texts, width)."""
        return self.network.represent(texts)

    def arrays(self) -> Arrays:
        return self.weights

    def graphs(self) -> Mapping[str, bytes]:
        return self.files if self.probe is None else {**self.files, PROBE: self.probe.to_bytes()}

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (self.family, self.config, self.encoder(), self.weights, self.task, self.graphs(), self.origin)


def restore(
    family: NetworkFamily,
    config: NetworkConfig,
    encoder: dict[str, Any],
    weights: Arrays,
    task: Task,
    files: Mapping[str, bytes],
    origin: Origin | None = None,
) -> OnnxNetwork:
    """The model that its methods `encoder`, `arrays` and `graphs` describe. Raises ValueError where they disagree."""
    neural_model.check_weights(family, config, weights, task)
    text_encoder = neural_model.restore_encoder(family, config, encoder)
    graphs = {name: data for name, data in files.items() if name != PROBE}
    found = OnnxNetwork(family, task, config, text_encoder, weights, graphs, origin=origin)
    if PROBE not in files:
        return found
    read = probe.read(files[PROBE], graphs, task.n_outputs, found.max_row_length, text_encoder.size)
    away = np.abs(found.to_outputs(read.logits[FLOAT32]) - found.to_outputs(read.logits[probe.NETWORK])).max(
        initial=0.0
    )
    if away > TOLERANCE:
        raise ValueError(f"{PROBE}: the logits of {FLOAT32!r} are not those of the network")
    return replace(found, probe=read)
