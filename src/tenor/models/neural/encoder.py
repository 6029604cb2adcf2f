"""The blocks of a Transformer encoder: multi-head self-attention and feed-forward, with the parts of `BlockShape`.

Vaswani et al. (2017), "Attention Is All You Need"; pre-norm blocks: Xiong et al. (2020); LoRA: Hu et al. (2022).
`transformer` trains the layers from scratch, `pretrained` starts from weights that were trained elsewhere.

Values are (batch, time, width). Ids are (batch, time), with 0 for padding on the right; no token attends to padding.
"""

import functools
from collections.abc import Iterator

import keras
from keras import ops

from tenor.models.neural.block_shape import MASKED_SCORE, BlockShape
from tenor.models.neural.embeddings import AttentionMask, Embeddings, RelativeBias, RelativeEmbeddings
from tenor.models.neural.keras_types import KerasLayer, Shape, Tensor
from tenor.models.neural.tensor_ops import by_pair, dense, gelu, layer_norm, rms_norm, rotate


class Block(keras.layers.Layer):  # type: ignore[misc]
    """Self-attention, then feed-forward, each added to its input: (batch, time, width) -> the same.

    Args:
        shape: What it computes.
        dropout: Share of the output of each sub-layer that training drops. Attention weights are never dropped.
        lora_rank: Rank of the LoRA weights of query, key and value; all other weights are frozen then. 0 is off.
        repeats: How often the encoder applies this block (Lan et al., 2020).
        checkpointing: Whether training keeps the input of the block alone, and computes the rest again for the
            gradient (Chen et al., 2016). Only without dropout, since that would differ the second time.
        **options: Options of a Keras layer.
    """

    def __init__(
        self,
        shape: BlockShape,
        dropout: float = 0.0,
        lora_rank: int = 0,
        repeats: int = 1,
        checkpointing: bool = False,
        **options: object,
    ) -> None:
        super().__init__(**options)
        assert not (checkpointing and dropout)
        self.shape, self.lora_rank, self.repeats, self.checkpointing = shape, lora_rank, repeats, checkpointing
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, values_shape: Shape, padding_shape: Shape, positions_shape: Shape | None = None) -> None:
        """Create the weights."""
        width = values_shape[-1]
        assert width is not None
        for name, shape in self.shape.weights(width):
            initializer = "glorot_uniform" if len(shape) == 2 else "ones" if name.endswith("_scale") else "zeros"
            weight = self.add_weight(shape, initializer, trainable=not self.lora_rank, name=name)
            setattr(self, name, weight)
        if self.lora_rank:
            for (name, shape), initializer in zip(
                self.shape.lora_weights(width, self.lora_rank), ("he_uniform", "zeros"), strict=True
            ):
                setattr(self, name, self.add_weight(shape, initializer, name=name))

    def call(self, values: Tensor, padding: Tensor, positions: Tensor | None = None, training: bool = False) -> Tensor:
        """Apply the block.

        Args:
            values: (batch, time, width).
            padding: Addend of the scores, from `AttentionMask` or `RelativeBias`.
            positions: Vectors of distances, from `RelativeEmbeddings`.
            training: Whether to drop values.
        """
        if self.checkpointing and training:
            recomputed = keras.remat(functools.partial(self._apply, training=True))
            return recomputed(values, padding) if positions is None else recomputed(values, padding, positions)
        return self._apply(values, padding, positions, training=training)

    def _apply(self, values: Tensor, padding: Tensor, positions: Tensor | None = None, *, training: bool) -> Tensor:
        if self.shape.norm_first:
            attended = self._attend(self._norm("attention", values), padding, positions)
            values = values + self.dropout(attended, training=training)
            fed = self._feed_forward(self._norm("feed_forward", values))
            return values + self.dropout(fed, training=training)
        attended = self.dropout(self._attend(values, padding, positions), training=training)
        values = self._norm("attention", values + attended)
        fed = self.dropout(self._feed_forward(values), training=training)
        return self._norm("feed_forward", values + fed)

    def attention(self, values: Tensor, padding: Tensor, positions: Tensor | None = None) -> Tensor:
        """The attention weights softmax(Q K^T / sqrt(d)), (batch, heads, time, time); each row sums to 1."""
        if self.shape.norm_first:
            values = self._norm("attention", values)
        query, key, _ = self._split(values)
        return self._weights(query, key, padding, positions)

    def _attend(self, values: Tensor, padding: Tensor, positions: Tensor | None) -> Tensor:
        query, key, value = self._split(values)
        weights = self._weights(query, key, padding, positions)
        mixed = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return self._dense("attended", ops.reshape(mixed, ops.shape(values)))

    def _split(self, values: Tensor) -> Iterator[Tensor]:
        """Query, key and value, (batch, heads, time, width / heads) each."""
        batch, time = ops.shape(values)[:2]
        width = values.shape[-1]
        projected = self._dense("query_key_value", values)
        if self.lora_rank:
            projected = projected + dense(dense(values, self.lora_in), self.lora_out)
        for part in ops.split(projected, self.shape.parts(width), axis=-1):
            heads = ops.reshape(part, (batch, time, -1, width // self.shape.heads))
            groups = width // part.shape[-1]
            yield ops.transpose(ops.repeat(heads, groups, axis=2) if groups > 1 else heads, (0, 2, 1, 3))

    def _weights(self, query: Tensor, key: Tensor, padding: Tensor, positions: Tensor | None) -> Tensor:
        width = query.shape[-1] * self.shape.heads
        scale = ops.cast(1 / self.shape.score_divisor(width), query.dtype)
        if self.shape.rotary_base is not None:
            frequencies = self.shape.rotary_frequencies(width)
            query, key = rotate(query, frequencies), rotate(key, frequencies)
        scaled = query * scale
        scores = ops.matmul(scaled, ops.transpose(key, (0, 1, 3, 2)))
        if positions is not None:
            scores = scores + self._position_scores(scaled, key, positions, scale)
        scores = scores + padding
        if self.shape.window is not None:
            scores = scores + self._outside_window(scores)
        if scores.shape[-1] == 1:  # Keras warns about a softmax over one token
            return ops.ones_like(scores)
        return ops.softmax(scores, axis=-1)

    def _position_scores(self, scaled: Tensor, key: Tensor, positions: Tensor, scale: Tensor) -> Tensor:
        """Queries times the positions of keys, and keys times the positions of queries, (batch, heads, time, time)."""
        of_queries, of_keys, _ = self._split(ops.cast(positions, scaled.dtype)[None])
        content_to_position = ops.matmul(scaled, ops.transpose(of_keys, (0, 1, 3, 2)))
        reverse = ops.flip(of_queries * scale, axis=2)  # by the distance of a query from a key
        position_to_content = ops.matmul(key, ops.transpose(reverse, (0, 1, 3, 2)))
        return by_pair(content_to_position) + ops.transpose(by_pair(position_to_content), (0, 1, 3, 2))

    def _outside_window(self, scores: Tensor) -> Tensor:
        """Addend for tokens that are too far apart, (time, time)."""
        steps = ops.arange(ops.shape(scores)[-1])
        outside = ops.abs(steps[:, None] - steps[None, :]) > self.shape.window
        return ops.cast(ops.where(outside, MASKED_SCORE, 0.0), scores.dtype)

    def _feed_forward(self, values: Tensor) -> Tensor:
        hidden = self._dense("up", values)
        if not self.shape.gated:
            return self._dense("down", _activate(self.shape.activation, hidden))
        gate, hidden = ops.split(hidden, 2, axis=-1)
        return self._dense("down", _activate(self.shape.activation, gate) * hidden)

    def _dense(self, name: str, values: Tensor) -> Tensor:
        return dense(values, getattr(self, name), getattr(self, f"{name}_bias", None))

    def _norm(self, name: str, values: Tensor) -> Tensor:
        if name == "attention" and not self.shape.attention_norm:
            return values
        return _normalise(self.shape, values, getattr(self, f"{name}_scale"), getattr(self, f"{name}_shift", None))

    def compute_output_shape(
        self, values_shape: Shape, padding_shape: Shape, positions_shape: Shape | None = None
    ) -> Shape:
        """The shape of the output."""
        return values_shape


class Norm(keras.layers.Layer):  # type: ignore[misc]
    """The normalisation above the blocks: layer normalisation (Ba et al., 2016), or that of `shape`.

    Args:
        shape: A block's shape, with the kind and the epsilon.
        **options: Options of a Keras layer.
    """

    def __init__(self, shape: BlockShape, **options: object) -> None:
        super().__init__(**options)
        self.shape = shape

    def build(self, shape: Shape) -> None:
        """Create the weights."""
        self.scale = self.add_weight((shape[-1],), "ones", name="scale")
        if self.shape.has_shift:
            self.shift = self.add_weight((shape[-1],), "zeros", name="shift")

    def call(self, values: Tensor) -> Tensor:
        """Normalise values (..., width)."""
        return _normalise(self.shape, values, self.scale, getattr(self, "shift", None))

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return shape


class ConvolutionResidual(keras.layers.Layer):  # type: ignore[misc]
    """Add an activated convolution of the embeddings to the values of the first block, and normalise the sum.

    DeBERTa v2 (He et al., 2021) has this layer between its first two blocks.

    Args:
        size: Tokens that the convolution sees; an odd number.
        activation: Activation of the convolution.
        epsilon: Epsilon of the normalisation.
        **options: Options of a Keras layer.
    """

    def __init__(self, size: int, activation: str, epsilon: float, **options: object) -> None:
        super().__init__(**options)
        self.size, self.activation, self.epsilon = size, activation, epsilon

    def build(self, values_shape: Shape, embedded_shape: Shape, ids_shape: Shape) -> None:
        """Create the weights."""
        width = values_shape[-1]
        self.kernel = self.add_weight((self.size, width, width), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((width,), "zeros", name="bias")
        self.scale = self.add_weight((width,), "ones", name="scale")
        self.shift = self.add_weight((width,), "zeros", name="shift")

    def call(self, values: Tensor, embedded: Tensor, ids: Tensor) -> Tensor:
        """Add the convolution of `embedded` to values, both (batch, time, width)."""
        first = ops.arange(ops.shape(ids)[1])[None, :] == 0
        inside = ops.logical_or(ops.not_equal(ids, 0), first)[:, :, None]
        kernel = ops.cast(self.kernel, values.dtype)
        convolved = ops.conv(ops.where(inside, embedded, 0.0), kernel, padding="same") + self.bias
        return layer_norm(values + _activate(self.activation, convolved), self.scale, self.shift, self.epsilon)

    def compute_output_shape(self, values_shape: Shape, embedded_shape: Shape, ids_shape: Shape) -> Shape:
        """The shape of the output."""
        return values_shape


def _activate(name: str, values: Tensor) -> Tensor:
    """Apply an activation: a Keras name, or `gelu_tanh` for the approximation of GELU."""
    if name == "gelu":
        return gelu(values)
    if name == "gelu_tanh":
        return ops.gelu(values, approximate=True)
    return keras.activations.get(name)(values)


def _normalise(shape: BlockShape, values: Tensor, scale: Tensor, shift: Tensor | None) -> Tensor:
    """Normalise values (..., width) as a block of this shape does."""
    if shape.norm == "rms":
        return rms_norm(values, scale, shape.epsilon)
    return layer_norm(values, scale, shift, shape.epsilon)


def attention_weights(model: keras.Model, ids: Tensor) -> list[Tensor]:
    """The attention weights of each block of an encoder, [(batch, heads, time, time), ...], for ids (batch, time)."""

    def find(kind: type) -> KerasLayer:
        return next((layer for layer in model.layers if isinstance(layer, kind)), None)

    embeddings, mask, bias, relative = map(find, (Embeddings, AttentionMask, RelativeBias, RelativeEmbeddings))
    convolution = find(ConvolutionResidual)
    embedded, padding = embeddings(ids), mask(ids)
    padding = padding if bias is None else bias(padding)
    positions = () if relative is None else (relative(ids),)
    values, weights = embedded, []
    for block in (layer for layer in model.layers if isinstance(layer, Block)):
        for _ in range(block.repeats):
            weights.append(block.attention(values, padding, *positions))
            values = block(values, padding, *positions)
        if block.name == "block_0" and convolution is not None:
            values = convolution(values, embedded, ids)
    return weights
