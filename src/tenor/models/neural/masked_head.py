"""Masked-language modelling: a head on an encoder that predicts the masked tokens.

Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers". The head is a dense layer, a
normalisation, and the transposed table of token embeddings (weight tying: Press and Wolf, 2017). In training it
chooses among a sample of the tokens (sampled softmax: Jean et al., 2015, "On Using Very Large Target Vocabulary for
Neural Machine Translation").
"""

from typing import NamedTuple

import keras
from keras import ops

from tenor.models.neural import precision
from tenor.models.neural.embeddings import Embeddings
from tenor.models.neural.keras_types import Shape, Tensor
from tenor.models.neural.tensor_ops import dense, gelu, layer_norm
from tenor.text.encoded import TextEncoder
from tenor.text.vocabulary import UNKNOWN

_MASKS = ("[MASK]", "<mask>", "<|mask|>")


class MaskedHead(keras.layers.Layer):  # type: ignore[misc]
    """Values (batch, time, width) and positions (batch, masked) -> logits (batch, masked, tokens).

    With candidate tokens (batch, candidates), the logits are those of the candidates of all rows: (batch, masked,
    batch * candidates).

    Args:
        embeddings: The layer whose token table makes the logits.
        **options: Options of a Keras layer.
    """

    def __init__(self, embeddings: Embeddings, **options: object) -> None:
        super().__init__(**options)
        self.embeddings = embeddings

    def build(self, values_shape: Shape, positions_shape: Shape, tokens_shape: Shape | None = None) -> None:
        """Create the weights."""
        inner = self.embeddings.shape.inner
        self.kernel = self.add_weight((values_shape[-1], inner), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((inner,), "zeros", name="bias")
        self.scale = self.add_weight((inner,), "ones", name="scale")
        self.shift = self.add_weight((inner,), "zeros", name="shift")
        self.token_bias = self.add_weight((self.embeddings.shape.tokens,), "zeros", name="token_bias")

    def call(self, values: Tensor, positions: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Predict the tokens at `positions`, among `tokens` or all."""
        masked = ops.take_along_axis(values, positions[:, :, None], axis=1)
        masked = layer_norm(gelu(dense(masked, self.kernel, self.bias)), self.scale, self.shift, 1e-6)
        table, bias = self.embeddings.token, self.token_bias
        if tokens is not None:
            tokens = ops.reshape(tokens, (-1,))
            table, bias = ops.take(table, tokens, axis=0), ops.take(bias, tokens, axis=0)
        return ops.cast(dense(masked, ops.transpose(table), bias), precision.head_dtype())

    def compute_output_shape(
        self, values_shape: Shape, positions_shape: Shape, tokens_shape: Shape | None = None
    ) -> Shape:
        """The shape of the output."""
        return (*positions_shape, self.embeddings.shape.tokens if tokens_shape is None else None)


class MaskedModels(NamedTuple):
    """Two Keras models with the same weights.

    Attributes:
        sampled: Predicts each masked token among a sample, for training. Its inputs are ids, positions, the candidate
            tokens, and the logarithm of the probability of each candidate to be in the sample.
        full: Predicts each masked token among all tokens, for validation. Its inputs are ids and positions.
    """

    sampled: keras.Model
    full: keras.Model


def build_models(encoder: keras.Model, policy: str) -> MaskedModels:
    """Put a head for masked tokens on an encoder.

    Args:
        encoder: A network's Keras model, whose layer `values` gives the values of all tokens.
        policy: The dtype policy of the head.
    """
    positions, tokens = (keras.Input((None,), dtype="int32", name=name) for name in ("positions", "tokens"))
    log_probability = keras.Input((None,), dtype="float32", name="log_chance")
    values = encoder.get_layer("values").output
    with precision.use_dtype_policy(policy):
        head = MaskedHead(encoder.get_layer("embeddings"), name="masked")
    inputs = [encoder.input, positions]
    sampled = head(values, positions, tokens) - ops.reshape(log_probability, (-1,))
    return MaskedModels(
        sampled=keras.Model([*inputs, tokens, log_probability], sampled),
        full=keras.Model(inputs, head(values, positions)),
    )


def mask_id(encoder: TextEncoder) -> int:
    """The id of the mask token; a vocabulary of words has none, so there it is that of unknown words."""
    return UNKNOWN if (mask := own_mask_id(encoder)) is None else mask


def own_mask_id(encoder: TextEncoder) -> int | None:
    """The id of the encoder's mask token; None: it has none."""
    return next((mask for mask in map(encoder.token_id, _MASKS) if mask is not None), None)
