"""The layers of a Transformer encoder: embeddings and blocks of multi-head self-attention and feed-forward.

Vaswani et al. (2017), "Attention Is All You Need"; pre-norm blocks: Xiong et al. (2020); LoRA: Hu et al. (2022).
`transformer` trains the layers from scratch, `pretrained` starts from weights that were trained elsewhere.

Values are (batch, time, width). Ids are (batch, time), with 0 for padding on the right; no token attends to padding.
"""

import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from tenor.models.neural.block_shape import MASKED_SCORE, BlockShape
from tenor.models.neural.keras_types import Shape, Tensor
from tenor.models.neural.tensor_ops import dense, gelu, layer_norm

_EMBEDDING_STD = 0.02  # of new embeddings


class Embeddings(keras.layers.Layer):  # type: ignore[misc]
    """Ids (batch, time) -> values (batch, time, width): token plus position, normalised, projected to `width`.

    Args:
        tokens: Number of token ids.
        positions: Length of the longest row.
        width: Width of the values.
        inner: Width of the tables; None: `width` (Lan et al., 2020).
        epsilon: Epsilon of the normalisation; None: no normalisation.
        dropout: Share of the values that training drops.
        sinusoidal: Initialise positions with sines and cosines, so that close positions start similar.
        **options: Options of a Keras layer.
    """

    def __init__(
        self,
        tokens: int,
        positions: int,
        width: int,
        inner: int | None = None,
        epsilon: float | None = 1e-12,
        dropout: float = 0.0,
        sinusoidal: bool = False,
        **options: object,
    ) -> None:
        super().__init__(**options)
        self.tokens, self.positions, self.width = tokens, positions, width
        self.inner, self.epsilon, self.sinusoidal = inner or width, epsilon, sinusoidal
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, _: Shape) -> None:
        """Create the weights."""
        # autocast=False: mixed precision would cast the whole table, and the gradient would not be one of few rows.
        normal = keras.initializers.RandomNormal(stddev=_EMBEDDING_STD)
        positions = _sinusoids if self.sinusoidal else normal
        self.token = self.add_weight((self.tokens, self.inner), normal, name="token", autocast=False)
        self.position = self.add_weight((self.positions, self.inner), positions, name="position", autocast=False)
        if self.epsilon is not None:
            self.scale = self.add_weight((self.inner,), "ones", name="scale")
            self.shift = self.add_weight((self.inner,), "zeros", name="shift")
        if self.inner != self.width:
            self.kernel = self.add_weight((self.inner, self.width), "glorot_uniform", name="kernel")
            self.bias = self.add_weight((self.width,), "zeros", name="bias")

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        """Embed ids (batch, time)."""
        values = ops.take(self.token, ids, axis=0) + self.position[: ops.shape(ids)[1]]
        values = ops.cast(values, self.compute_dtype)
        if self.epsilon is not None:
            values = layer_norm(values, self.scale, self.shift, self.epsilon)
        values = self.dropout(values, training=training)
        return dense(values, self.kernel, self.bias) if self.inner != self.width else values

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return (*shape, self.width)


def _sinusoids(shape: tuple[int, int], dtype: str | None = None) -> Tensor:
    """The sines and cosines of Vaswani et al. (2017), (positions, width), with the std of token embeddings."""
    positions, width = shape
    periods = 10_000 ** (2 * np.arange((width + 1) // 2) / width)
    angles = np.arange(positions)[:, None] / periods
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :width]
    return ops.convert_to_tensor(math.sqrt(2) * _EMBEDDING_STD * table, dtype or "float32")


class AttentionMask(keras.layers.Layer):  # type: ignore[misc]
    """Ids (batch, time) -> addend of the attention scores, (batch, 1, 1, time): 0, or `MASKED_SCORE` at padding.

    A text without tokens keeps its first position, so that the width of the batch does not matter.
    """

    def call(self, ids: Tensor) -> Tensor:
        """Compute the addend for ids (batch, time)."""
        outside = ops.logical_and(ops.equal(ids, 0), ops.arange(ops.shape(ids)[1])[None, :] > 0)
        return ops.cast(ops.where(outside, MASKED_SCORE, 0.0), self.compute_dtype)[:, None, None, :]

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return (shape[0], 1, 1, shape[1])


class Block(keras.layers.Layer):  # type: ignore[misc]
    """Self-attention, then feed-forward, each added to its input: (batch, time, width) -> the same.

    Args:
        shape: Heads, widths and normalisation.
        dropout: Share of the output of each sub-layer that training drops. Attention weights are never dropped.
        lora_rank: Rank of the LoRA weights of query, key and value; all other weights are frozen then. 0 is off.
        repeats: How often the encoder applies this block (Lan et al., 2020).
        **options: Options of a Keras layer.
    """

    def __init__(
        self, shape: BlockShape, dropout: float = 0.0, lora_rank: int = 0, repeats: int = 1, **options: object
    ) -> None:
        super().__init__(**options)
        self.heads, self.hidden, self.activation = shape.heads, shape.hidden, shape.activation
        self.norm_first, self.epsilon = shape.norm_first, shape.epsilon
        self.lora_rank, self.repeats = lora_rank, repeats
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, values_shape: Shape, padding_shape: Shape) -> None:
        """Create the weights."""
        width = values_shape[-1]
        assert width is not None
        for name, (rows, columns) in {
            "query_key_value": (width, 3 * width),
            "attended": (width, width),
            "up": (width, self.hidden),
            "down": (self.hidden, width),
        }.items():
            setattr(self, name, self._weight(name, (rows, columns), "glorot_uniform"))
            setattr(self, f"{name}_bias", self._weight(f"{name}_bias", (columns,), "zeros"))
        for name in ("attention", "feed_forward"):
            setattr(self, f"{name}_scale", self._weight(f"{name}_scale", (width,), "ones"))
            setattr(self, f"{name}_shift", self._weight(f"{name}_shift", (width,), "zeros"))
        if self.lora_rank:
            self.lora_in = self.add_weight((width, self.lora_rank), "he_uniform", name="lora_in")
            self.lora_out = self.add_weight((self.lora_rank, 3 * width), "zeros", name="lora_out")

    def _weight(self, name: str, shape: tuple[int, ...], initializer: str) -> keras.Variable:
        """A weight that is trained, unless LoRA is on."""
        return self.add_weight(shape, initializer, trainable=not self.lora_rank, name=name)

    def call(self, values: Tensor, padding: Tensor, training: bool = False) -> Tensor:
        """Apply the block to values (batch, time, width); `padding` comes from `AttentionMask`."""
        if self.norm_first:
            attended = self._attend(self._norm("attention", values), padding)
            values = values + self.dropout(attended, training=training)
            fed = self._feed_forward(self._norm("feed_forward", values))
            return values + self.dropout(fed, training=training)
        attended = self.dropout(self._attend(values, padding), training=training)
        values = self._norm("attention", values + attended)
        fed = self.dropout(self._feed_forward(values), training=training)
        return self._norm("feed_forward", values + fed)

    def attention(self, values: Tensor, padding: Tensor) -> Tensor:
        """The attention weights softmax(Q K^T / sqrt(d)), (batch, heads, time, time); each row sums to 1."""
        if self.norm_first:
            values = self._norm("attention", values)
        query, key, _ = self._split(values)
        return self._weights(query, key, padding)

    def _attend(self, values: Tensor, padding: Tensor) -> Tensor:
        query, key, value = self._split(values)
        mixed = ops.transpose(ops.matmul(self._weights(query, key, padding), value), (0, 2, 1, 3))
        return dense(ops.reshape(mixed, ops.shape(values)), self.attended, self.attended_bias)

    def _split(self, values: Tensor) -> Iterator[Tensor]:
        """Query, key and value, (batch, heads, time, width / heads) each."""
        batch, time = ops.shape(values)[:2]
        width = values.shape[-1]
        projected = dense(values, self.query_key_value, self.query_key_value_bias)
        if self.lora_rank:
            projected = projected + dense(dense(values, self.lora_in), self.lora_out)
        for part in ops.split(projected, 3, axis=-1):
            yield ops.transpose(ops.reshape(part, (batch, time, self.heads, width // self.heads)), (0, 2, 1, 3))

    def _weights(self, query: Tensor, key: Tensor, padding: Tensor) -> Tensor:
        scaled = query * ops.cast(1 / math.sqrt(query.shape[-1]), query.dtype)
        scores = ops.matmul(scaled, ops.transpose(key, (0, 1, 3, 2))) + padding
        if scores.shape[-1] == 1:  # Keras warns about a softmax over one token
            return ops.ones_like(scores)
        return ops.softmax(scores, axis=-1)

    def _feed_forward(self, values: Tensor) -> Tensor:
        hidden = dense(values, self.up, self.up_bias)
        if self.activation == "gelu":
            hidden = gelu(hidden)
        elif self.activation == "gelu_tanh":
            hidden = ops.gelu(hidden, approximate=True)
        else:
            hidden = keras.activations.get(self.activation)(hidden)
        return dense(hidden, self.down, self.down_bias)

    def _norm(self, name: str, values: Tensor) -> Tensor:
        return layer_norm(values, getattr(self, f"{name}_scale"), getattr(self, f"{name}_shift"), self.epsilon)

    def compute_output_shape(self, values_shape: Shape, padding_shape: Shape) -> Shape:
        """The shape of the output."""
        return values_shape


class LayerNorm(keras.layers.Layer):  # type: ignore[misc]
    """Layer normalisation (Ba et al., 2016).

    Args:
        epsilon: Added to the variance.
        **options: Options of a Keras layer.
    """

    def __init__(self, epsilon: float, **options: object) -> None:
        super().__init__(**options)
        self.epsilon = epsilon

    def build(self, shape: Shape) -> None:
        """Create the weights."""
        self.scale = self.add_weight((shape[-1],), "ones", name="scale")
        self.shift = self.add_weight((shape[-1],), "zeros", name="shift")

    def call(self, values: Tensor) -> Tensor:
        """Normalise values (..., width)."""
        return layer_norm(values, self.scale, self.shift, self.epsilon)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return shape


def attention_weights(model: keras.Model, ids: Tensor) -> list[Tensor]:
    """The attention weights of each block of an encoder, [(batch, heads, time, time), ...], for ids (batch, time)."""
    embeddings = next(layer for layer in model.layers if isinstance(layer, Embeddings))
    mask = next(layer for layer in model.layers if isinstance(layer, AttentionMask))
    values, padding = embeddings(ids), mask(ids)
    weights = []
    for block in (layer for layer in model.layers if isinstance(layer, Block)):
        for _ in range(block.repeats):
            weights.append(block.attention(values, padding))
            values = block(values, padding)
    return weights
