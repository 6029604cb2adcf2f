"""A Keras model with its vocabulary: raw texts in, logits out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tenor.models.family import Arrays, Family, NetworkConfig
from tenor.tasks import Floats, Task
from tenor.text import batches
from tenor.text.vocabulary import Encoded, Vocabulary

_PREDICT_TOKENS = 4  # times the tokens of a training batch: without gradients there is room for more


@dataclass(frozen=True)
class Network:
    """A neural family's model."""

    family: Family
    task: Task
    config: NetworkConfig
    vocabulary: Vocabulary
    keras_model: keras.Model

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of shape (texts, outputs)."""
        return self.score(self.vocabulary.encode(texts, self.config.maximum_tokens, self.config.keep))

    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""
        result = np.zeros((len(encoded.lengths), self.keras_model.output_shape[-1]), np.float32)
        tokens = self.config.batch_tokens * _PREDICT_TOKENS
        for batch in batches.in_order(encoded.lengths, tokens, self.config.maximum_tokens):
            ids = encoded.pad(batch.rows, batch.width)
            result[batch.rows] = self.keras_model.predict_on_batch(ids)
        return result

    def arrays(self) -> Arrays:
        return {variable.path: to_numpy(variable) for variable in self.keras_model.trainable_variables}

    def encoder(self) -> dict[str, Any]:
        return {"kind": "vocabulary", "tokens": list(self.vocabulary.tokens)}

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled as what a bundle holds: Keras does not pickle the schedule of the learning rate.
        return restore, (self.family, self.config, self.encoder(), dict(self.arrays()), self.task)


def to_numpy(variable: Any) -> npt.NDArray[Any]:
    """A copy of a Keras variable's value."""
    return np.asarray(variable).copy()


def restore(family: Family, config: NetworkConfig, encoder: dict[str, Any], arrays: Arrays, task: Task) -> Network:
    """The network that `Network.encoder` and `Network.arrays` describe. Raises ValueError where they disagree."""
    assert family.build is not None
    model = family.build(config, task)
    expected = {variable.path: variable for variable in model.trainable_variables}
    if sorted(expected) != sorted(arrays):
        raise ValueError("the weights are those of another network")
    for path, variable in expected.items():
        if tuple(variable.shape) != arrays[path].shape:
            raise ValueError(f"the weights {path!r} have another shape than the settings ask for")
        variable.assign(arrays[path])
    tokens = encoder["tokens"]
    if not all(isinstance(token, str) and token for token in tokens):
        raise ValueError("a token of the vocabulary is not a string")
    return Network(family, task, config, Vocabulary(tuple(tokens)), model)
