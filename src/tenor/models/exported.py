"""A network as an ONNX graph, with the encoder of its texts: raw texts in, logits out, without Keras."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tenor.errors import TenorError
from tenor.models import backend, neural, runtimes
from tenor.models.attribution import Attribution, Shares
from tenor.models.family import Arrays, Family, NetworkConfig
from tenor.models.neural import Neural
from tenor.models.runtimes import Run
from tenor.tasks import Floats, Task
from tenor.text import batches
from tenor.text.encoded import Encoded

if TYPE_CHECKING:
    from tenor.models.network import Network

FLOAT32, INT8 = "model.onnx", "model.int8.onnx"
TOLERANCE = 1e-4
"""How far a probability, or a value in units of its spread, may be from the one that the original gives."""
BFLOAT16_TOLERANCE = 0.02
"""The same where a graph is computed in bfloat16."""
_TOKENS = 4_096  # in a batch: about as much as stays in a processor's caches
_ENCODER_TOKENS = 512  # of encoders, which keep thousands of values of each token at once: 4,096 took 15-50% longer
_FEWEST_ON_DEVICE = 256  # rows; a few are not worth compiling for


@dataclass(frozen=True)
class Exported(Neural):
    """A neural family's model, in ONNX. What needs gradients goes through Keras, which is loaded then.

    Attributes:
        weights: The network's weights, by the paths of its variables.
        files: The graphs, by the names that they are saved under: `FLOAT32`, and `INT8` where there is one, which then
            is the one that ONNX Runtime predicts with; OpenVINO takes `FLOAT32`.
        on_device: Whether many rows are scored by `network`, on the GPU or TPU on which it has just been trained: it
            says the same, and tens of times as fast as a processor. A model that is loaded has graphs alone.
    """

    weights: Arrays
    files: Mapping[str, bytes]
    on_device: bool = False

    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""
        if self.on_device and len(encoded.lengths) >= _FEWEST_ON_DEVICE:
            return self.network.score(encoded)
        return self.score_by(self.run, encoded)

    def score_by(self, run: Run, encoded: Encoded) -> Floats:
        """What `score` gives, by this graph."""
        result = np.zeros((len(encoded.lengths), self.task.outputs), np.float32)
        tokens = _ENCODER_TOKENS if self.family.structure else _TOKENS
        for batch in batches.by_length(encoded.lengths, tokens):
            result[batch.rows] = run(encoded.pad(batch.rows, batch.width))
        return encoded.mean_by_text(result)

    @cached_property
    def run(self) -> Run:
        """The graph that predicts, ready to run.

        Raises:
            ValueError: It is no graph from ids to this model's logits.
            TenorError: OpenVINO says something else than ONNX Runtime.
        """
        if runtimes.chosen() == runtimes.OPENVINO:
            return self._proven()
        return self.original(INT8 if INT8 in self.files else FLOAT32)

    def original(self, name: str = FLOAT32) -> Run:
        """One of the graphs in ONNX Runtime."""
        return runtimes.onnx_runtime(self.files[name], self.task.outputs)

    def _proven(self) -> Run:
        """The float32 graph in OpenVINO, once it has said of rows drawn at random what ONNX Runtime says."""
        rows = neural.any_rows(self)
        expected = self.told(self.score_by(self.original(), rows))
        for bfloat16 in (True, False) if runtimes.has_bfloat16() else (False,):
            run = runtimes.openvino(self.files[FLOAT32], bfloat16)
            difference = np.abs(self.told(self.score_by(run, rows)) - expected).max(initial=0.0)
            if difference <= (BFLOAT16_TOLERANCE if bfloat16 else TOLERANCE):
                return run
            if bfloat16:
                warnings.warn(
                    f"in bfloat16 this model is up to {difference:.2g} away from float32, and {BFLOAT16_TOLERANCE} is "
                    "allowed, so OpenVINO computes in float32.",
                    stacklevel=2,
                )
        raise TenorError(
            f"OpenVINO is up to {difference:.2g} away from ONNX Runtime, so it is not used.",
            f"Leave out --runtime and {runtimes.VARIABLE}. Please report this.",
        )

    @cached_property
    def network(self) -> "Network":
        """The same model in Keras. Raises MissingExtraError where that is not installed."""
        backend.load(f"what is asked of the family {self.family.name!r}, more than predictions,")
        from tenor.models import network

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
        return self.files

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (self.family, self.config, self.encoder(), self.weights, self.task, self.files)


def restore(
    family: Family,
    config: NetworkConfig,
    encoder: dict[str, Any],
    weights: Arrays,
    task: Task,
    files: Mapping[str, bytes],
) -> Exported:
    """The model that its methods `encoder`, `arrays` and `graphs` describe. Raises ValueError where they disagree."""
    found = Exported(family, task, config, neural.restore_encoder(config, encoder), weights, files)
    found.run  # noqa: B018  is made at once, so that damage is found at once
    return found
