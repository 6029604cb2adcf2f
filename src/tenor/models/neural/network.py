"""A neural family's model in Keras: raw texts in, logits out."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.models.attribution import Attribution, Shares, share_by_character
from tenor.models.base import Arrays
from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import compiled, gradients, neural_model, parallel
from tenor.models.neural.integration_path import IntegrationPath
from tenor.models.neural.keras_types import Array
from tenor.models.neural.neural_model import FEATURE_KERNEL, NeuralModel
from tenor.models.tabular import row_encoder
from tenor.tasks import Floats, Task
from tenor.text import batches
from tenor.text.batches import Batch
from tenor.text.encoded import Encoded, TextEncoder

_PREDICT_TOKENS = 4  # times the tokens of a training batch; without gradients there is memory for more


@dataclass(frozen=True)
class Network(NeuralModel):
    """A neural family's model in Keras.

    Attributes:
        keras_model: The Keras model, from ids (batch, time) to logits (batch, outputs).
    """

    keras_model: keras.Model

    def score_texts(self, encoded: Encoded) -> Floats:
        """Logits (texts, outputs) by the network alone."""
        return self._predict(self.keras_model, encoded)

    def features(self, encoded: Encoded, callback: Callback) -> Floats:
        """The inputs of the head, (texts, width)."""
        return self._predict(self._below_head, encoded, callback)

    def attribute(self, texts: Sequence[str], directions: Floats) -> list[Attribution]:
        """Attribute a weighted sum of each text's logits to its characters, by integrated gradients."""
        return gradients.attribute(self, texts, directions)

    def attention(self, text: str) -> Shares | None:
        """Attention that each character gets in each block, (blocks, characters): the mean over heads and tokens.

        Special tokens get the rest, so a block sums to less than 1.

        Returns:
            The attention; None for a network without attention.
        """
        if not any(layer.name == "block_0" for layer in self.keras_model.layers):
            return None
        from tenor.models.neural import encoder

        encoded = self.encode([text])
        spans = self.text_encoder.spans(text, self.config.max_length, self.config.inference_truncation)
        by_row = []
        for start, end in itertools.pairwise(encoded.row_offsets):
            if start < end:
                weights = encoder.attention_weights(self.keras_model, encoded.ids[None, start:end])
                means = [np.asarray(block)[0].mean(axis=(0, 1), dtype=np.float64) for block in weights]
                by_row.append(np.stack(means))
        if not by_row:
            return np.zeros((0, len(text)))
        blocks = np.concatenate(by_row, axis=1) / len(by_row)
        return np.stack([share_by_character(spans, block, len(text)) for block in blocks])

    def represent(self, texts: Sequence[str]) -> Floats:
        """The inputs of the head, scaled to length 1: (texts, width)."""
        encoded = self.encode(texts)
        features = self.features(encoded, Callback())
        if encoded.features is not None:
            features = np.concatenate([features, encoded.features.toarray()], axis=1)
        lengths = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        return np.asarray(features / lengths, np.float32)

    @cached_property
    def integration_path(self) -> IntegrationPath:
        """The network along the line of integrated gradients."""
        return IntegrationPath(self.keras_model, gradients.baseline_id(self.text_encoder))

    @cached_property
    def _below_head(self) -> keras.Model:
        return keras.Model(self.keras_model.input, self.keras_model.get_layer("logits").input)

    def _predict(self, keras_model: keras.Model, encoded: Encoded, callback: Callback | None = None) -> Floats:
        done = 0
        outputs = np.zeros((len(encoded.lengths), keras_model.output_shape[-1]), np.float32)
        prediction_batches = self.batches(encoded)
        predict = compiled.predict_function(keras_model, len(prediction_batches))
        for batch in prediction_batches:
            rows = len(batch.rows)
            ids = encoded.pad(batch.rows, batch.width)
            if missing := parallel.padded_size(batch.size) - rows:
                ids = np.pad(ids, ((0, missing), (0, 0)))
            outputs[batch.rows] = predict(ids)[:rows]
            done += rows
            if callback is not None:
                callback.on_progress(tr("features"), done, len(outputs), {})
        return encoded.mean_by_text(outputs)

    def expect_predictions(self, encoded: Encoded, times: int) -> None:
        """Compile the network where predicting these rows `times` times is worth it."""
        compiled.predict_function(self.keras_model, times * len(self.batches(encoded)))

    def batches(self, encoded: Encoded) -> list[Batch]:
        """The batches of a prediction; the `size` of each is the number of rows that it is padded to."""
        tokens = self.config.batch_tokens * _PREDICT_TOKENS
        if compiled.any_shape():
            return compiled.pad_batch_sizes(batches.batches_by_length(encoded.lengths, tokens))
        return compiled.pad_batch_sizes(self.sequential_batches(encoded.lengths, tokens))

    def sequential_batches(self, lengths: npt.NDArray[np.int64], tokens: int) -> list[Batch]:
        """Batches of rows in rising order; of few widths, where each shape is compiled.

        Args:
            lengths: (rows,) ids in each row.
            tokens: Tokens in a batch, at most.
        """
        widths = batches.choose_widths(lengths, self.max_row_length, compiled.shape_compile_cost())
        return batches.sequential_batches(lengths, tokens, widths)

    def arrays(self) -> Arrays:
        """The weights, by the paths of their variables."""
        arrays = {variable.path: to_numpy(variable) for variable in self.keras_model.weights}
        return arrays if self.feature_kernel is None else {**arrays, FEATURE_KERNEL: self.feature_kernel}

    def graphs(self) -> dict[str, bytes]:
        """No ONNX graphs."""
        return {}

    def __reduce__(self) -> tuple[Callable[..., "Network"], tuple[object, ...]]:
        # As the parts of a saved model, since Keras does not pickle the schedule of the learning rate.
        return restore, (self.family, self.config, self.encoder(), dict(self.arrays()), self.task)


class PretrainedWeights(NamedTuple):
    """A pretrained encoder that training starts from.

    Attributes:
        text_encoder: The encoder that turns texts into ids.
        arrays: The weights, by the paths of the network's variables.
    """

    text_encoder: TextEncoder
    arrays: Arrays


def to_numpy(variable: keras.Variable) -> Array:
    """Copy the value of a Keras variable."""
    return np.asarray(variable).copy()


def restore(family: NetworkFamily, config: NetworkConfig, encoder: JsonObject, arrays: Arrays, task: Task) -> Network:
    """Restore a saved network.

    Args:
        family: Its family.
        config: The family's settings.
        encoder: The result of `Network.encoder`.
        arrays: The result of `Network.arrays`.
        task: The task.

    Raises:
        ValueError: The encoder or the weights do not fit the settings.
    """
    text_encoder = neural_model.restore_encoder(family, config, encoder)
    neural_model.check_weights(family, config, arrays, task, row_encoder.n_features(text_encoder))
    model = family.build(config, task)
    for variable in model.weights:
        variable.assign(arrays[variable.path])
    return Network(
        family=family,
        task=task,
        config=config,
        text_encoder=text_encoder,
        keras_model=model,
        feature_kernel=arrays.get(FEATURE_KERNEL),
    )
