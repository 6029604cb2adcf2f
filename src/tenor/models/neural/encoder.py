"""The layers of a Transformer encoder: embeddings and blocks of multi-head self-attention and feed-forward.

Vaswani et al. (2017), "Attention Is All You Need"; pre-norm blocks: Xiong et al. (2020); LoRA: Hu et al. (2022).
`transformer` trains them from scratch, `pretrained` starts from weights that were learned elsewhere.

Values are (batch, time, width); `ids` are (batch, time), 0 for padding on the right, which no token attends to.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

_DEVIATION = 0.02  # of embeddings at the start
MASKED_SCORE = -30_000.0  # exp of it is 0 in float32 and in bfloat16, and it is no infinity


class Embeddings(keras.layers.Layer):  # type: ignore[misc]
    """Ids (batch, time) -> values (batch, time, width): token plus position, normalised, and brought to `width`.

    Args:
        tokens: Ids there are.
        positions: Longest row.
        width: Width of the values.
        inner: Width of the tables, where it is another (Lan et al., 2020).
        epsilon: Of the normalisation; None does not normalise.
        dropout: Share of the values that are dropped in training.
        sinusoidal: Start the table of positions as sines and cosines, so that near positions start alike.
    """

    def __init__(
        self,
        tokens: int,
        positions: int,
        width: int,
        inner: int | None = None,
        epsilon: float | None = 1e-12,
        dropout: float = 0.0,
        waves: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.tokens, self.positions, self.width = tokens, positions, width
        self.inner, self.epsilon, self.sinusoidal = inner or width, epsilon, waves
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, _: Any) -> None:
        # Not cast as a whole under mixed precision: the gradient of the rows that are used is that of few rows then.
        normal = keras.initializers.RandomNormal(stddev=_DEVIATION)
        places = _waves if self.sinusoidal else normal
        self.token = self.add_weight((self.tokens, self.inner), normal, name="token", autocast=False)
        self.position = self.add_weight((self.positions, self.inner), places, name="position", autocast=False)
        if self.epsilon is not None:
            self.scale = self.add_weight((self.inner,), "ones", name="scale")
            self.shift = self.add_weight((self.inner,), "zeros", name="shift")
        if self.inner != self.width:
            self.kernel = self.add_weight((self.inner, self.width), "glorot_uniform", name="kernel")
            self.bias = self.add_weight((self.width,), "zeros", name="bias")

    def call(self, ids: Any, training: bool = False) -> Any:
        values = ops.take(self.token, ids, axis=0) + self.position[: ops.shape(ids)[1]]
        values = ops.cast(values, self.compute_dtype)
        if self.epsilon is not None:
            values = layer_norm(values, self.scale, self.shift, self.epsilon)
        values = self.dropout(values, training=training)
        return dense(values, self.kernel, self.bias) if self.inner != self.width else values

    def compute_output_shape(self, shape: Any) -> Any:
        return (*shape, self.width)


def _waves(shape: tuple[int, int], dtype: Any = None) -> Any:
    """The sines and cosines of Vaswani et al. (2017), (positions, width), as large as the embeddings of tokens."""
    positions, width = shape
    periods = 10_000 ** (2 * np.arange((width + 1) // 2) / width)
    angles = np.arange(positions)[:, None] / periods
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :width]
    return ops.convert_to_tensor(math.sqrt(2) * _DEVIATION * table, dtype or "float32")


class AttentionMask(keras.layers.Layer):  # type: ignore[misc]
    """Ids (batch, time) -> what is added to attention scores, (batch, 1, 1, time): 0, or far below 0 at padding.

    A text without tokens counts as its first position, however wide the batch is.
    """

    def call(self, ids: Any) -> Any:
        outside = ops.logical_and(ops.equal(ids, 0), ops.arange(ops.shape(ids)[1])[None, :] > 0)
        return ops.cast(ops.where(outside, MASKED_SCORE, 0.0), self.compute_dtype)[:, None, None, :]

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], 1, 1, shape[1])


class Block(keras.layers.Layer):  # type: ignore[misc]
    """Self-attention, then feed-forward, each added to its input: (batch, time, width) -> the same.

    Args:
        heads: Heads of the attention; they share the width.
        hidden: Width of the feed-forward layer.
        activation: Of the feed-forward layer: a name that Keras knows, or `gelu_tanh` for the approximation of GELU.
        norm_first: Normalise the input of each part (pre-norm) rather than the sum (post-norm).
        epsilon: Of the normalisations.
        dropout: Share of the values of each part that are dropped in training. Attention weights are never dropped.
        lora_rank: Rank of what LoRA adds to the attention's query, key and value, while all else is frozen; 0 is off.
        repeats: How often the encoder applies this one block (Lan et al., 2020).
    """

    def __init__(
        self,
        heads: int,
        hidden: int,
        activation: str = "gelu",
        norm_first: bool = False,
        epsilon: float = 1e-12,
        dropout: float = 0.0,
        rank: int = 0,
        times: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.heads, self.hidden, self.activation = heads, hidden, activation
        self.norm_first, self.epsilon, self.lora_rank, self.repeats = norm_first, epsilon, rank, times
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, values_shape: Any, padding_shape: Any) -> None:
        width = values_shape[-1]
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

    def _weight(self, name: str, shape: tuple[int, ...], initializer: str) -> Any:
        """A weight that is learned, or, beside those of LoRA, stays as it is."""
        return self.add_weight(shape, initializer, trainable=not self.lora_rank, name=name)

    def call(self, values: Any, padding: Any, training: bool = False) -> Any:
        if self.norm_first:
            attended = self._attend(self._norm("attention", values), padding)
            values = values + self.dropout(attended, training=training)
            fed = self._feed_forward(self._norm("feed_forward", values))
            return values + self.dropout(fed, training=training)
        attended = self.dropout(self._attend(values, padding), training=training)
        values = self._norm("attention", values + attended)
        fed = self.dropout(self._feed_forward(values), training=training)
        return self._norm("feed_forward", values + fed)

    def attention(self, values: Any, padding: Any) -> Any:
        """The attention weights softmax(Q K^T / sqrt(d)), (batch, heads, time, time); each row sums to 1."""
        if self.norm_first:
            values = self._norm("attention", values)
        query, key, _ = self._split(values)
        return self._weights(query, key, padding)

    def _attend(self, values: Any, padding: Any) -> Any:
        query, key, value = self._split(values)
        mixed = ops.transpose(ops.matmul(self._weights(query, key, padding), value), (0, 2, 1, 3))
        return dense(ops.reshape(mixed, ops.shape(values)), self.attended, self.attended_bias)

    def _split(self, values: Any) -> Any:
        """Query, key and value, (batch, heads, time, width / heads) each."""
        batch, time = ops.shape(values)[:2]
        width = values.shape[-1]
        together = dense(values, self.query_key_value, self.query_key_value_bias)
        if self.lora_rank:
            together = together + dense(dense(values, self.lora_in), self.lora_out)
        for part in ops.split(together, 3, axis=-1):
            yield ops.transpose(ops.reshape(part, (batch, time, self.heads, width // self.heads)), (0, 2, 1, 3))

    def _weights(self, query: Any, key: Any, padding: Any) -> Any:
        scaled = query * ops.cast(1 / math.sqrt(query.shape[-1]), query.dtype)
        scores = ops.matmul(scaled, ops.transpose(key, (0, 1, 3, 2))) + padding
        if scores.shape[-1] == 1:  # texts of one token, of which Keras warns
            return ops.ones_like(scores)
        return ops.softmax(scores, axis=-1)

    def _feed_forward(self, values: Any) -> Any:
        hidden = dense(values, self.up, self.up_bias)
        if self.activation == "gelu":
            hidden = gelu(hidden)
        elif self.activation == "gelu_tanh":
            hidden = ops.gelu(hidden, approximate=True)
        else:
            hidden = keras.activations.get(self.activation)(hidden)
        return dense(hidden, self.down, self.down_bias)

    def _norm(self, name: str, values: Any) -> Any:
        return layer_norm(values, getattr(self, f"{name}_scale"), getattr(self, f"{name}_shift"), self.epsilon)

    def compute_output_shape(self, values_shape: Any, padding_shape: Any) -> Any:
        return values_shape


class LayerNorm(keras.layers.Layer):  # type: ignore[misc]
    """Layer normalisation (Ba et al., 2016)."""

    def __init__(self, epsilon: float, **options: Any) -> None:
        super().__init__(**options)
        self.epsilon = epsilon

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight((shape[-1],), "ones", name="scale")
        self.shift = self.add_weight((shape[-1],), "zeros", name="shift")

    def call(self, values: Any) -> Any:
        return layer_norm(values, self.scale, self.shift, self.epsilon)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def dense(values: Any, kernel: Any, bias: Any = None) -> Any:
    """Values (batch, time, in) times a kernel (in, out), plus a bias (out,); quickest as one matrix of tokens."""
    flat = ops.matmul(ops.reshape(values, (-1, values.shape[-1])), ops.cast(kernel, values.dtype))
    if bias is not None:
        flat = flat + ops.cast(bias, values.dtype)
    return ops.reshape(flat, (*ops.shape(values)[:-1], ops.shape(kernel)[-1]))


def gelu(values: Any) -> Any:
    """GELU, x * Phi(x) (Hendrycks and Gimpel, 2016), exact; computed in float32 at least."""

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def run(values: Any) -> Any:
        wide = ops.cast(values, _wide(values))
        share = 0.5 * (1 + ops.erf(wide * math.sqrt(0.5)))
        slope = share + wide * ops.exp(-0.5 * wide * wide) * (1 / math.sqrt(2 * math.pi))
        slope = ops.cast(slope, values.dtype)

        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            return (arguments[0] if upstream is None else upstream) * slope

        return ops.cast(wide * share, values.dtype), gradient

    return run(values)


def layer_norm(values: Any, scale: Any, shift: Any, epsilon: float) -> Any:
    """Mean 0 and variance 1 along the last axis, then scaled and shifted; computed in float32 at least."""

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def run(values: Any, scale: Any, shift: Any) -> Any:
        wide = ops.cast(values, _wide(values))
        centred = wide - ops.mean(wide, axis=-1, keepdims=True)
        inverse = ops.rsqrt(ops.mean(centred * centred, axis=-1, keepdims=True) + epsilon)
        unit = centred * inverse

        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            up = ops.cast(arguments[0] if upstream is None else upstream, wide.dtype)
            scaled = up * scale
            along = ops.mean(scaled * unit, axis=-1, keepdims=True)
            below = inverse * (scaled - ops.mean(scaled, axis=-1, keepdims=True) - unit * along)
            axes = tuple(range(len(values.shape) - 1))
            return ops.cast(below, values.dtype), ops.sum(up * unit, axis=axes), ops.sum(up, axis=axes)

        return ops.cast(unit * scale + shift, values.dtype), gradient

    wide = _wide(values)
    return run(values, ops.cast(ops.convert_to_tensor(scale), wide), ops.cast(ops.convert_to_tensor(shift), wide))


def attention_weights(model: Any, ids: Any) -> list[Any]:
    """The attention weights of each block of an encoder for ids (batch, time): [(batch, heads, time, time), ...]."""
    layers = {kind: [layer for layer in model.layers if isinstance(layer, kind)] for kind in _KINDS}
    values, padding = layers[Embeddings][0](ids), layers[AttentionMask][0](ids)
    found = []
    for block in layers[Block]:
        for _ in range(block.repeats):
            found.append(block.attention(values, padding))
            values = block(values, padding)
    return found


_KINDS = (Embeddings, AttentionMask, Block)


def _wide(values: Any) -> str:
    return "float64" if keras.backend.standardize_dtype(values.dtype) == "float64" else "float32"
