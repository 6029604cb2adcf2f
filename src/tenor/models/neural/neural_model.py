"""What every neural family's model has, whatever computes it: texts become rows of ids, rows get logits."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core.records import RecordError
from tenor.models.base import Arrays, NetworkConfig
from tenor.models.family import NetworkFamily
from tenor.models.neural import shapes
from tenor.models.neural.shapes import Shapes
from tenor.tasks import Floats, Task
from tenor.text import encoders
from tenor.text.encoded import Encoded, TextEncoder

HEAD_PREFIX = "logits/"
"""Begins the names of the weights of a head."""
_ROWS, _LONGEST_ROW = 24, 1 << 15  # the latter where settings name no end


@dataclass(frozen=True)
class NeuralModel(ABC):
    """A neural family's model.

    Attributes:
        family: Its family.
        task: What is predicted.
        config: The family's settings.
        text_encoder: How texts become ids.
    """

    family: NetworkFamily
    task: Task
    config: NetworkConfig
    text_encoder: TextEncoder

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        return self.score(self.encode(texts))

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The texts as ids, cut as the settings say."""
        return self.text_encoder.encode(texts, self.config.max_length, self.config.inference_truncation)

    @property
    def max_row_length(self) -> int:
        """Ids in the longest row."""
        return self.text_encoder.max_row_length(self.config.max_length)

    def encoder(self) -> dict[str, Any]:
        return self.text_encoder.describe()

    def to_outputs(self, logits: Floats) -> Floats:
        """What two computations of one model are compared by: probabilities, or values in units of their spread."""
        return logits if not self.task.has_labels else self.task.probabilities(logits)

    @abstractmethod
    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""


def random_rows(model: NeuralModel, seed: int = 0) -> Encoded:
    """Rows of ids drawn at random, from none to as many as fit, to compare on where there are no texts."""
    random = np.random.default_rng(seed)
    longest = min(model.max_row_length, _LONGEST_ROW)
    lengths: npt.NDArray[np.int64] = np.geomspace(1, longest + 1, _ROWS).astype(np.int64) - 1
    ids = random.integers(1, model.text_encoder.size, lengths.sum()).astype(np.int32)
    return Encoded(ids, np.concatenate([[0], lengths.cumsum()]), np.arange(len(lengths)), 0)


def restore_encoder(family: NetworkFamily, config: NetworkConfig, description: dict[str, Any]) -> TextEncoder:
    """The encoder of a model's texts. Raises ValueError where it is none, or does not fit the settings."""
    found = encoders.restore(description)
    _, (rows, *_) = next(_shapes(family, config, 1))
    if found.size > rows:
        raise RecordError("encoder.json", "", f"it has ids up to {found.size - 1:,}, and the network {rows:,} of them")
    specials = getattr(found, "n_special_tokens", 0)  # of subwords alone
    if specials >= config.max_length:
        raise RecordError("encoder.json", "", f"it has {specials:,} special tokens, which leave no room for a text")
    return found


def check_weights(family: NetworkFamily, config: NetworkConfig, arrays: Arrays, task: Task | None) -> None:
    """Refuse weights that are others than the settings ask for; of an encoder, which has no task, none of the head.

    Raises:
        ValueError: One is missing, too many, or of another shape.
    """
    expected = _shapes(family, config, 1 if task is None else task.n_outputs)
    if task is None:
        expected = ((name, shape) for name, shape in expected if not name.startswith(HEAD_PREFIX))
    shapes.check_arrays(expected, arrays)


def _shapes(family: NetworkFamily, config: NetworkConfig, outputs: int) -> Shapes:
    return family.shapes(config, outputs)
