"""What every neural family's model has, whatever computes it: texts become rows of ids, rows get logits."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenor.models.family import Family, NetworkConfig
from tenor.tasks import Floats, Task
from tenor.text import encoders
from tenor.text.encoded import Encoded, TextEncoder


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
        return self.text_encoder.encode(texts, self.config.maximum_tokens, self.config.keep)

    @property
    def longest(self) -> int:
        """Ids in the longest row."""
        return self.text_encoder.longest(self.config.maximum_tokens)

    def encoder(self) -> dict[str, Any]:
        return self.text_encoder.describe()

    @abstractmethod
    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""


def restore_encoder(config: NetworkConfig, description: dict[str, Any]) -> TextEncoder:
    """The encoder of a model's texts. Raises ValueError or KeyError where it is none, or does not fit the settings."""
    found = encoders.restore(description)
    if found.size > getattr(config, "vocabulary", found.size):
        raise ValueError("the vocabulary is larger than the settings say")
    return found
