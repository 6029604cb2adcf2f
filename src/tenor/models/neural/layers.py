"""Layers of the smaller networks that Keras lacks: pooling, padding and reversal by the length of each text."""

import keras
from keras import ops

from tenor.models.neural.block_shape import MIN_MEAN_SQUARE
from tenor.models.neural.keras_types import Shape, Tensor


class Pool(keras.layers.Layer):  # type: ignore[misc]
    """One vector per text: values (batch, time, width) and ids (batch, time) -> (batch, width).

    Padding (id 0, on the right) is left out. A text without tokens keeps its first position.

    Args:
        mode: `first` or `last` (the value at that token), `mean` or `max`.
        **options: Options of a Keras layer.
    """

    def __init__(self, mode: str, **options: object) -> None:
        super().__init__(**options)
        self.mode = mode

    def call(self, values: Tensor, ids: Tensor) -> Tensor:
        """Pool values (batch, time, width) of texts with ids (batch, time)."""
        lengths = ops.maximum(ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1), 1)
        if self.mode == "first":
            return values[:, 0]
        if self.mode == "last":
            return ops.squeeze(ops.take_along_axis(values, (lengths - 1)[:, None, None], axis=1), axis=1)
        inside = (ops.arange(ops.shape(ids)[1])[None, :] < lengths[:, None])[:, :, None]
        if self.mode == "max":
            return ops.max(ops.where(inside, values, -1e9), axis=1)
        return ops.sum(ops.where(inside, values, 0.0), axis=1) / ops.cast(lengths, values.dtype)[:, None]

    def compute_output_shape(self, values_shape: Shape, ids_shape: Shape) -> Shape:
        """The shape of the output."""
        return (values_shape[0], values_shape[2])


class UnitLength(keras.layers.Layer):  # type: ignore[misc]
    """Scale vectors (batch, width) to the length sqrt(width), so that their values are near 1."""

    def call(self, values: Tensor) -> Tensor:
        """Scale vectors (batch, width)."""
        exact = ops.cast(values, "float32")
        mean_square = ops.mean(exact * exact, axis=-1, keepdims=True)
        return ops.cast(exact / ops.sqrt(ops.maximum(mean_square, MIN_MEAN_SQUARE)), values.dtype)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the output."""
        return shape


class ZeroPadding(keras.layers.Layer):  # type: ignore[misc]
    """Set the values at padding to 0: (batch, time, width) and ids (batch, time) -> (batch, time, width)."""

    def call(self, values: Tensor, ids: Tensor) -> Tensor:
        """Set values to 0 where ids are 0."""
        return ops.where(ops.not_equal(ids, 0)[:, :, None], values, 0.0)

    def compute_output_shape(self, values_shape: Shape, ids_shape: Shape) -> Shape:
        """The shape of the output."""
        return values_shape


class ReverseSequence(keras.layers.Layer):  # type: ignore[misc]
    """Reverse each text: values (batch, time, width) and ids (batch, time) -> (batch, time, width).

    Padding stays on the right; the values there are undefined.
    """

    def call(self, values: Tensor, ids: Tensor) -> Tensor:
        """Reverse values along time."""
        lengths = ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1)
        position = ops.maximum(lengths[:, None] - 1 - ops.arange(ops.shape(ids)[1])[None, :], 0)
        return ops.take_along_axis(values, position[:, :, None], axis=1)

    def compute_output_shape(self, values_shape: Shape, ids_shape: Shape) -> Shape:
        """The shape of the output."""
        return values_shape


class ChronoBias(keras.initializers.Initializer):  # type: ignore[misc]
    """Initial biases of an LSTM, (4 * units,) in the order i, f, c, o, whose cells remember 1 to `max_steps` steps.

    The forget bias is log(u) with u uniform in [1, max_steps - 1], the input bias its negative, the others 0
    (Tallec and Ollivier, 2018, "Can recurrent neural networks warp time?").

    Args:
        max_steps: The longest memory, in tokens.
    """

    def __init__(self, max_steps: int) -> None:
        self.max_steps = max_steps
        self.seed = keras.random.SeedGenerator()

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """The biases, of shape (4 * units,)."""
        units = shape[0] // 4
        high = max(self.max_steps - 1.0, 1.001)
        forget = ops.log(keras.random.uniform((units,), 1.0, high, dtype=dtype, seed=self.seed))
        zeros = ops.zeros((units,), dtype)
        return ops.concatenate([-forget, forget, zeros, zeros], axis=0)
