"""Masked-language modelling: the encoder of a network, and a head that names the tokens that were masked.

Devlin et al. (2019), "BERT: Pre-training of Deep Bidirectional Transformers". The head is dense, normalised, and the
table of token embeddings turned around (weight tying: Press and Wolf, 2017). In training it chooses among some tokens
alone (sampled softmax: Jean et al., 2015, "On Using Very Large Target Vocabulary for Neural Machine Translation").
"""

from typing import Any

import keras
from keras import ops

from tenor.models.neural import precision
from tenor.models.neural.encoder import Embeddings, dense, gelu, layer_norm
from tenor.text.encoded import TextEncoder
from tenor.text.vocabulary import UNKNOWN

_MASKS = ("[MASK]", "<mask>")


class MaskedHead(keras.layers.Layer):  # type: ignore[misc]
    """Values (batch, time, width) and positions (batch, masked) -> logits (batch, masked, tokens).

    Of all tokens, or of those that are given, (batch, some), those of all rows together: (batch, masked, batch * some).
    """

    def __init__(self, embeddings: Embeddings, **options: Any) -> None:
        super().__init__(**options)
        self.embeddings = embeddings

    def build(self, values_shape: Any, positions_shape: Any, tokens_shape: Any = None) -> None:
        inner = self.embeddings.inner
        self.kernel = self.add_weight((values_shape[-1], inner), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((inner,), "zeros", name="bias")
        self.scale = self.add_weight((inner,), "ones", name="scale")
        self.shift = self.add_weight((inner,), "zeros", name="shift")
        self.token_bias = self.add_weight((self.embeddings.tokens,), "zeros", name="token_bias")

    def call(self, values: Any, positions: Any, tokens: Any = None) -> Any:
        masked = ops.take_along_axis(values, positions[:, :, None], axis=1)
        masked = layer_norm(gelu(dense(masked, self.kernel, self.bias)), self.scale, self.shift, 1e-6)
        table, bias = self.embeddings.token, self.token_bias
        if tokens is not None:
            tokens = ops.reshape(tokens, (-1,))
            table, bias = ops.take(table, tokens, axis=0), ops.take(bias, tokens, axis=0)
        return ops.cast(dense(masked, ops.transpose(table), bias), precision.head_dtype())

    def compute_output_shape(self, values_shape: Any, positions_shape: Any, tokens_shape: Any = None) -> Any:
        return (*positions_shape, self.embeddings.tokens if tokens_shape is None else None)


def build_models(encoder: Any, policy: str) -> tuple[Any, Any]:
    """Two Keras models with the same weights: one that is trained, which chooses among some tokens, and one that
    chooses among all.

    The first takes ids, positions, the tokens, and the logarithm of the chance of each of these to be there, which is
    taken off its logit.

    Args:
        encoder: A network's Keras model, whose layer `values` gives the values of all tokens.
        policy: What the head computes with.
    """
    positions, tokens = (keras.Input((None,), dtype="int32", name=name) for name in ("positions", "tokens"))
    log_chance = keras.Input((None,), dtype="float32", name="log_chance")
    values = encoder.get_layer("values").output
    with precision.use_dtype_policy(policy):
        head = MaskedHead(encoder.get_layer("embeddings"), name="masked")
    inputs = [encoder.input, positions]
    some = head(values, positions, tokens) - ops.reshape(log_chance, (-1,))
    return keras.Model([*inputs, tokens, log_chance], some), keras.Model(inputs, head(values, positions))


def mask_id(encoder: TextEncoder) -> int:
    """The id that stands for a masked token; in a vocabulary of words that of an unknown one."""
    find = getattr(encoder, "token_id", None)
    found = [find(name) for name in _MASKS] if find else []
    return next((mask for mask in found if mask is not None), UNKNOWN)
