"""What every neural family's model has, whatever computes it: texts become rows of ids, rows get logits."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.models.family import Family, NetworkConfig
from tenor.tasks import Floats, Task, Value
from tenor.text import encoders
from tenor.text.encoded import Encoded, TextEncoder

_ROWS = 24


@dataclass(frozen=True)
class Neural(ABC):
    """A neural family's model.

    Attributes:
        family: Its family.
        task: What is predicted.
        config: The family's settings.
        text_encoder: How texts become ids.
    """

    family: Family
    task: Task
    config: NetworkConfig
    text_encoder: TextEncoder

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        return self.score(self.encode(texts))

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The texts as ids, cut as the settings say."""
        return self.text_encoder.encode(texts, self.config.maximum_tokens, self.config.read)

    @property
    def longest(self) -> int:
        """Ids in the longest row."""
        return self.text_encoder.longest(self.config.maximum_tokens)

    def encoder(self) -> dict[str, Any]:
        return self.text_encoder.describe()

    def told(self, logits: Floats) -> Floats:
        """What two computations of one model are compared by: probabilities, or values in units of their spread."""
        return logits if isinstance(self.task, Value) else self.task.probabilities(logits)

    @abstractmethod
    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""


def any_rows(model: Neural, seed: int = 0) -> Encoded:
    """Rows of ids drawn at random, from none to as many as fit, to compare on where there are no texts."""
    random = np.random.default_rng(seed)
    lengths: npt.NDArray[np.int64] = np.geomspace(1, model.longest + 1, _ROWS).astype(np.int64) - 1
    ids = random.integers(1, model.text_encoder.size, lengths.sum()).astype(np.int32)
    return Encoded(ids, np.concatenate([[0], lengths.cumsum()]), np.arange(len(lengths)), 0)


def restore_encoder(config: NetworkConfig, description: dict[str, Any]) -> TextEncoder:
    """The encoder of a model's texts. Raises ValueError or KeyError where it is none, or does not fit the settings."""
    found = encoders.restore(description)
    if found.size > getattr(config, "vocabulary", found.size):
        raise ValueError("the vocabulary is larger than the settings say")
    return found
