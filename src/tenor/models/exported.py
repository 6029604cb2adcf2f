"""A network as an ONNX graph, with the encoder of its texts: raw texts in, logits out, without Keras."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tenor import threads
from tenor.models import backend, neural
from tenor.models.attribution import Attribution, Shares
from tenor.models.family import Arrays, Family, NetworkConfig
from tenor.models.neural import Neural
from tenor.tasks import Floats, Task
from tenor.text import batches
from tenor.text.encoded import Encoded

if TYPE_CHECKING:
    from tenor.models.network import Network

FLOAT32, INT8 = "model.onnx", "model.int8.onnx"
_TOKENS = 4_096  # in a batch: about as much as stays in a processor's caches
_FATAL = 4  # of what ONNX Runtime logs; errors are raised


@dataclass(frozen=True)
class Exported(Neural):
    """A neural family's model, in ONNX. What needs gradients goes through Keras, which is loaded then.

    Attributes:
        weights: The network's weights, by the paths of its variables.
        files: The graphs, by the names that they are saved under: `FLOAT32`, and `INT8` where there is one, which then
            is the one that predicts.
    """

    weights: Arrays
    files: Mapping[str, bytes]

    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""
        result = np.zeros((len(encoded.lengths), self.task.outputs), np.float32)
        for batch in batches.by_length(encoded.lengths, _TOKENS):
            [result[batch.rows]] = self.session.run(["logits"], {"ids": encoded.pad(batch.rows, batch.width)})
        return encoded.mean_by_text(result)

    @cached_property
    def session(self) -> Any:
        """The graph, ready to run. Raises ValueError where it is no graph from ids to this model's logits."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads.cores()
        options.log_severity_level = _FATAL
        graph = self.files[INT8 if INT8 in self.files else FLOAT32]
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no class in common
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            raise ValueError(f"the ONNX graph cannot be read: {error}") from None
        inputs = [(each.name, each.type, len(each.shape)) for each in session.get_inputs()]
        outputs = [(each.name, each.type, each.shape[1:]) for each in session.get_outputs()]
        if (inputs, outputs) != (
            [("ids", "tensor(int32)", 2)],
            [("logits", "tensor(float)", [self.task.outputs])],
        ):
            raise ValueError("the ONNX graph is that of another network")
        return session

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


def installed() -> bool:
    """Whether ONNX Runtime is there."""
    return importlib.util.find_spec("onnxruntime") is not None


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
    found.session  # noqa: B018  is made at once, so that damage is found at once
    return found
