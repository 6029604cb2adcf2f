"""A Keras model with the encoder of its texts: raw texts in, logits out."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from tenor._core.callbacks import Callback
from tenor.models.attribution import Attribution, Shares, spread
from tenor.models.base import Arrays, NetworkConfig
from tenor.models.family import NetworkFamily
from tenor.models.neural import compiled, gradients, neural_model, parallel
from tenor.models.neural.neural_model import NeuralModel
from tenor.tasks import Floats, Task
from tenor.text import batches
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded, TextEncoder

_PREDICT_TOKENS = 4  # times the tokens of a training batch: without gradients there is room for more


@dataclass(frozen=True)
class Network(NeuralModel):
    """A neural family's model, in Keras."""

    keras_model: keras.Model

    def score(self, encoded: Encoded) -> Floats:
        """Logits of shape (texts, outputs) of texts that are ids already."""
        return self._predict(self.keras_model, encoded)

    def features(self, encoded: Encoded, callback: Callback) -> Floats:
        """What the head sees of each text, (texts, width)."""
        return self._predict(self._below_head, encoded, callback)

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """What the characters of each text add to a weighted sum of its logits, by integrated gradients."""
        return gradients.attribute(self, texts, directions)

    def attention(self, text: str) -> Shares | None:
        """How much attention each character gets in each block, (blocks, characters): the mean over heads and tokens.

        None where the network has no attention. Special tokens get the rest: what is missing to 1.
        """
        if not any(layer.name == "block_0" for layer in self.keras_model.layers):
            return None
        from tenor.models.neural import encoder

        encoded = self.encode([text])
        spans = self.text_encoder.spans(text, self.config.max_length, self.config.inference_truncation)
        rows = []
        for begin, end in itertools.pairwise(encoded.row_offsets):
            if begin < end:
                found = encoder.attention_weights(self.keras_model, encoded.ids[None, begin:end])
                rows.append(np.stack([np.asarray(weights)[0].mean(axis=(0, 1), dtype=np.float64) for weights in found]))
        if not rows:
            return np.zeros((0, len(text)))
        blocks = np.concatenate(rows, axis=1) / len(rows)
        return np.stack([spread(spans, block, len(text)) for block in blocks])

    def represent(self, texts: Sequence[str]) -> Floats:
        """What the head sees of each text, scaled to length 1: (texts, width)."""
        found = self.features(self.encode(texts), Callback())
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12), np.float32)

    @cached_property
    def integration_path(self) -> gradients.IntegrationPath:
        """The way along which gradients are integrated."""
        return gradients.IntegrationPath(self.keras_model, gradients.baseline_id(self.text_encoder))

    @cached_property
    def _below_head(self) -> keras.Model:
        return keras.Model(self.keras_model.input, self.keras_model.get_layer("logits").input)

    def _predict(self, keras_model: keras.Model, encoded: Encoded, callback: Callback | None = None) -> Floats:
        done = 0
        result = np.zeros((len(encoded.lengths), keras_model.output_shape[-1]), np.float32)
        made = self.batches(encoded)
        predict = compiled.predict_function(keras_model, len(made))
        for batch in made:
            rows = len(batch.rows)
            ids = encoded.pad(batch.rows, batch.width)
            if missing := parallel.padded_size(batch.size) - rows:
                ids = np.pad(ids, ((0, missing), (0, 0)))
            result[batch.rows] = predict(ids)[:rows]
            done += rows
            if callback is not None:
                callback.on_progress("features", done, len(result), {})
        return encoded.mean_by_text(result)

    def batches(self, encoded: Encoded) -> list[Batch]:
        """The batches in which texts are predicted; their sizes are those that they are filled up to."""
        tokens = self.config.batch_tokens * _PREDICT_TOKENS
        if compiled.any_shape():
            return compiled.pad_batch_sizes(batches.batches_by_length(encoded.lengths, tokens))
        return compiled.pad_batch_sizes(self.sequential_batches(encoded.lengths, tokens))

    def sequential_batches(self, lengths: npt.NDArray[np.int64], tokens: int) -> list[Batch]:
        """Batches of rows of these lengths, of few widths where each shape is compiled."""
        return batches.sequential_batches(
            lengths, tokens, batches.choose_widths(lengths, self.max_row_length, compiled.shape_compile_cost())
        )

    def arrays(self) -> Arrays:
        return {variable.path: to_numpy(variable) for variable in self.keras_model.weights}

    def graphs(self) -> dict[str, bytes]:
        return {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled as what a bundle holds: Keras does not pickle the schedule of the learning rate.
        return restore, (self.family, self.config, self.encoder(), dict(self.arrays()), self.task)


class PretrainedWeights(NamedTuple):
    """A pretrained encoder that training starts from.

    Attributes:
        text_encoder: How texts become ids.
        arrays: Its weights, by the paths of the network's variables.
    """

    text_encoder: TextEncoder
    arrays: Arrays


def to_numpy(variable: Any) -> npt.NDArray[Any]:
    """A copy of a Keras variable's value."""
    return np.asarray(variable).copy()


def restore(
    family: NetworkFamily, config: NetworkConfig, encoder: dict[str, Any], arrays: Arrays, task: Task
) -> Network:
    """The network that `Network.encoder` and `Network.arrays` describe. Raises ValueError where they disagree."""
    neural_model.check_weights(family, config, arrays, task)
    text_encoder = neural_model.restore_encoder(family, config, encoder)
    model = family.build(config, task)
    for variable in model.weights:
        variable.assign(arrays[variable.path])
    return Network(family, task, config, text_encoder, model)
