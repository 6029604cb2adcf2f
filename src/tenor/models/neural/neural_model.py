"""The common part of the models of neural families, in Keras or ONNX: encode texts, and check what was saved."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject, RecordError
from tenor.models.base import Arrays
from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import shapes
from tenor.models.tabular import row_encoder
from tenor.tasks import Floats, Task
from tenor.text.encoded import Encoded, TextEncoder

HEAD_PREFIX = "logits/"
"""The names of the weights of a head start with it."""
SECOND_SEGMENT = "embeddings/second_segment"
"""The vector that is added to the tokens of the second of two texts."""
FEATURE_KERNEL = "features/kernel"
"""The name of the weights of features beside the texts."""

_ROWS = 24
_LONGEST_ROW = 1 << 15  # where the settings have no limit


@dataclass(frozen=True)
class NeuralModel(ABC):
    """A neural family's model.

    Attributes:
        family: Its family.
        task: The task.
        config: The family's settings.
        text_encoder: The encoder that turns texts into ids.
        feature_kernel: (features, outputs) weights of the features beside the texts, which add to the logits of the
            network; None: rows have only texts.
    """

    family: NetworkFamily
    task: Task
    config: NetworkConfig
    text_encoder: TextEncoder
    feature_kernel: Floats | None = field(default=None, kw_only=True)

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits (texts, outputs)."""
        return self.score(self.encode(texts))

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Turn texts into ids, truncated as the settings say."""
        return self.text_encoder.encode(texts, self.config.max_length, self.config.inference_truncation)

    @property
    def max_row_length(self) -> int:
        """Ids in the longest row."""
        return self.text_encoder.max_row_length(self.config.max_length)

    def encoder(self) -> JsonObject:
        """The description of the text encoder, for `encoder.json`."""
        return self.text_encoder.to_dict()

    def to_outputs(self, logits: Floats) -> Floats:
        """Turn logits into the outputs by which two runtimes are compared: probabilities, or standardised values."""
        return logits if not self.task.has_labels else self.task.probabilities(logits)

    def score(self, encoded: Encoded) -> Floats:
        """Logits (texts, outputs) of rows that are already encoded."""
        logits = self.score_texts(encoded)
        if self.feature_kernel is None or encoded.features is None:
            return logits
        return logits + row_encoder.feature_logits(encoded.features, self.feature_kernel)

    @abstractmethod
    def score_texts(self, encoded: Encoded) -> Floats:
        """Logits (texts, outputs) by the network alone, which reads the ids of texts."""


def random_rows(model: NeuralModel, seed: int = 0) -> Encoded:
    """Rows of random ids, of lengths from 0 to the longest, to compare two runtimes on without texts."""
    random = np.random.default_rng(seed)
    longest = min(model.max_row_length, _LONGEST_ROW)
    lengths: npt.NDArray[np.int64] = np.geomspace(1, longest + 1, _ROWS).astype(np.int64) - 1
    ids = random.integers(1, model.text_encoder.size, lengths.sum()).astype(np.int32)
    return Encoded(ids, np.concatenate([[0], lengths.cumsum()]), np.arange(len(lengths)), 0)


def restore_encoder(family: NetworkFamily, config: NetworkConfig, description: JsonObject) -> TextEncoder:
    """Restore a saved text encoder.

    Args:
        family: The network's family.
        config: The family's settings.
        description: The content of `encoder.json`.

    Raises:
        ValueError: The description is wrong, or does not fit the settings.
    """
    encoder = row_encoder.restore(description)
    weights = dict(family.shapes(config, 1))
    n_ids = next(iter(weights.values()))[0]
    second_offset = n_ids if SECOND_SEGMENT in weights else 0
    if row_encoder.second_offset(encoder) != second_offset:
        raise RecordError(
            "encoder.json", "second_offset", tr("it must be {number:,}, as the settings say", number=second_offset)
        )
    n_ids += second_offset
    if encoder.size > n_ids:
        raise RecordError(
            "encoder.json",
            "",
            tr("it has ids up to {size:,}, and the network {n_ids:,} of them", size=encoder.size - 1, n_ids=n_ids),
        )
    n_special = encoder.n_special_tokens
    if n_special >= config.max_length:
        raise RecordError(
            "encoder.json",
            "",
            tr("it has {n_special:,} special tokens, which leave no room for a text", n_special=n_special),
        )
    return encoder


def check_weights(
    family: NetworkFamily, config: NetworkConfig, arrays: Arrays, task: Task | None, n_features: int = 0
) -> None:
    """Compare the names and shapes of weights with the settings.

    Args:
        family: The network's family.
        config: The family's settings.
        arrays: Name -> weights.
        task: The task; None: the weights are those of an encoder without a head.
        n_features: Features of a row beside its texts.

    Raises:
        ValueError: An array is missing, unexpected, or of another shape.
    """
    expected = family.shapes(config, 1 if task is None else task.n_outputs)
    if task is not None and n_features:
        expected = itertools.chain(expected, [(FEATURE_KERNEL, (n_features, task.n_outputs))])
    if task is None:
        expected = ((name, shape) for name, shape in expected if not name.startswith(HEAD_PREFIX))
    shapes.check_arrays(expected, arrays)
