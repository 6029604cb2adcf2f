"""The layers below the blocks of an encoder: embeddings, and what attention knows of padding and positions.

Ids are (batch, time), with 0 for padding on the right; no token attends to padding.
"""

import math

import keras
import numpy as np
from keras import ops

from tenor.models.neural.block_shape import MASKED_SCORE, EmbeddingShape
from tenor.models.neural.keras_types import Shape, Tensor
from tenor.models.neural.relative_positions import RelativeShape
from tenor.models.neural.tensor_ops import dense, layer_norm

_EMBEDDING_STD = 0.02  # of new embeddings


class Embeddings(keras.layers.Layer):  # type: ignore[misc]
    """Ids (batch, time) -> values (batch, time, width): token plus position, normalised, projected to `width`.

    Args:
        shape: Sizes and normalisation.
        dropout: Share of the values that training drops.
        sinusoidal: Initialise positions with sines and cosines, so that close positions start similar.
        **options: Options of a Keras layer.
    """

    def __init__(
        self, shape: EmbeddingShape, dropout: float = 0.0, sinusoidal: bool = False, **options: object
    ) -> None:
        super().__init__(**options)
        self.shape, self.sinusoidal = shape, sinusoidal
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, _: Shape) -> None:
        """Create the weights."""
        normal = keras.initializers.RandomNormal(stddev=_EMBEDDING_STD)
        initializers = {
            "token": normal,
            "position": _sinusoids if self.sinusoidal else normal,
            "scale": "ones",
            "kernel": "glorot_uniform",
        }
        for name, shape in self.shape.weights():
            # autocast=False: mixed precision would cast all of a table, and its gradient would not be one of few rows.
            autocast = name not in ("token", "position", "second_segment")
            weight = self.add_weight(shape, initializers.get(name, "zeros"), name=name, autocast=autocast)
            setattr(self, name, weight)

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        """Embed ids (batch, time)."""
        if self.shape.second_segment:
            is_second = ops.greater_equal(ids, self.shape.tokens)
            ids = ops.where(is_second, ids - self.shape.tokens, ids)
        values = ops.take(self.token, ids, axis=0)
        if self.shape.positions is not None:
            values = values + self.position[: ops.shape(ids)[1]]
        if self.shape.second_segment:
            values = values + ops.where(is_second[:, :, None], self.second_segment, 0.0)
        values = ops.cast(values, self.compute_dtype)
        if self.shape.epsilon is not None:
            values = layer_norm(values, self.scale, getattr(self, "shift", None), self.shape.epsilon)
        values = self.dropout(values, training=training)
        return dense(values, self.kernel, self.bias) if self.shape.inner != self.shape.width else values

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return (*shape, self.shape.width)


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


class RelativeBias(keras.layers.Layer):  # type: ignore[misc]
    """Add a learned number for each head and distance (Raffel et al., 2020) to the mask of all blocks.

    The mask (batch, 1, 1, time) becomes (batch, heads, time, time).

    Args:
        shape: The buckets of distances.
        heads: Attention heads.
        **options: Options of a Keras layer.
    """

    def __init__(self, shape: RelativeShape, heads: int, **options: object) -> None:
        super().__init__(**options)
        self.shape, self.heads = shape, heads

    def build(self, _: Shape) -> None:
        """Create the weights."""
        normal = keras.initializers.RandomNormal(stddev=_EMBEDDING_STD)
        self.table = self.add_weight((self.shape.rows, self.heads), normal, name="table")

    def call(self, padding: Tensor) -> Tensor:
        """Add the bias to the mask (batch, 1, 1, time)."""
        time = ops.shape(padding)[-1]
        steps = ops.arange(time)
        distances = steps[None, :] - steps[:, None] + self.shape.positions - 1
        buckets = ops.take(ops.convert_to_tensor(self.shape.numbers(), "int32"), distances)
        bias = ops.transpose(ops.take(self.table, buckets, axis=0), (2, 0, 1))
        return padding + ops.cast(bias, padding.dtype)[None]

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return (shape[0], self.heads, shape[-1], shape[-1])


class RelativeEmbeddings(keras.layers.Layer):  # type: ignore[misc]
    """Vectors of the distances between tokens, for disentangled attention (He et al., 2021), shared by all blocks.

    Ids (batch, time) -> (2 * time - 1, width): for distances of a key from a query, from `1 - time` to `time - 1`.

    Args:
        shape: The buckets of distances.
        width: Width of the vectors.
        **options: Options of a Keras layer.
    """

    def __init__(self, shape: RelativeShape, width: int, **options: object) -> None:
        super().__init__(**options)
        self.shape, self.width = shape, width

    def build(self, _: Shape) -> None:
        """Create the weights."""
        normal = keras.initializers.RandomNormal(stddev=_EMBEDDING_STD)
        self.table = self.add_weight((self.shape.rows, self.width), normal, name="table")
        if self.shape.epsilon is not None:
            self.scale = self.add_weight((self.width,), "ones", name="scale")
            self.shift = self.add_weight((self.width,), "zeros", name="shift")

    def call(self, ids: Tensor) -> Tensor:
        """The vectors for ids (batch, time)."""
        time = ops.shape(ids)[1]
        numbers = ops.convert_to_tensor(self.shape.numbers(), "int32")
        first = self.shape.positions - time
        vectors = ops.take(self.table, numbers[first : first + 2 * time - 1], axis=0)
        if self.shape.epsilon is None:
            return vectors
        return layer_norm(vectors, self.scale, self.shift, self.shape.epsilon)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return (None, self.width)
