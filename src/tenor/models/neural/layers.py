"""Keras layers that Keras does not have."""

from typing import Any

import keras
from keras import ops


class Pool(keras.layers.Layer):  # type: ignore[misc]
    """One vector a text from one a token: values (batch, time, width) and ids (batch, time) -> (batch, width).

    Ids of 0 are padding on the right and take no part. A text without tokens counts as its first position.

    Args:
        mode: `first` or `last` (value at that token), `mean` or `max`.
    """

    def __init__(self, how: str, **options: Any) -> None:
        super().__init__(**options)
        self.mode = how

    def call(self, values: Any, ids: Any) -> Any:
        lengths = ops.maximum(ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1), 1)
        if self.mode == "first":
            return values[:, 0]
        if self.mode == "last":
            return ops.squeeze(ops.take_along_axis(values, (lengths - 1)[:, None, None], axis=1), axis=1)
        inside = (ops.arange(ops.shape(ids)[1])[None, :] < lengths[:, None])[:, :, None]
        if self.mode == "max":
            return ops.max(ops.where(inside, values, -1e9), axis=1)
        return ops.sum(ops.where(inside, values, 0.0), axis=1) / ops.cast(lengths, values.dtype)[:, None]

    def compute_output_shape(self, values_shape: Any, ids_shape: Any) -> Any:
        return (values_shape[0], values_shape[2])


class ZeroPadding(keras.layers.Layer):  # type: ignore[misc]
    """Makes the values at padding 0: (batch, time, width) and ids (batch, time) -> (batch, time, width)."""

    def call(self, values: Any, ids: Any) -> Any:
        return ops.where(ops.not_equal(ids, 0)[:, :, None], values, 0.0)

    def compute_output_shape(self, values_shape: Any, ids_shape: Any) -> Any:
        return values_shape


class ReverseSequence(keras.layers.Layer):  # type: ignore[misc]
    """Turns each text around: values (batch, time, width) and ids (batch, time) -> (batch, time, width).

    Padding stays on the right; the values there are any.
    """

    def call(self, values: Any, ids: Any) -> Any:
        lengths = ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1)
        position = ops.maximum(lengths[:, None] - 1 - ops.arange(ops.shape(ids)[1])[None, :], 0)
        return ops.take_along_axis(values, position[:, :, None], axis=1)

    def compute_output_shape(self, values_shape: Any, ids_shape: Any) -> Any:
        return values_shape


class ChronoBias(keras.initializers.Initializer):  # type: ignore[misc]
    """Biases of an LSTM, (4 * units,) in the order i, f, c, o, with which its cells remember 1 to `longest` steps.

    The forget bias is log(u) with u uniform in [1, longest - 1], the input bias its negative, the others 0
    (Tallec and Ollivier, 2018, "Can recurrent neural networks warp time?").
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.seed = keras.random.SeedGenerator()

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        units = shape[0] // 4
        high = max(self.longest - 1.0, 1.001)
        forget = ops.log(keras.random.uniform((units,), 1.0, high, dtype=dtype, seed=self.seed))
        zeros = ops.zeros((units,), dtype)
        return ops.concatenate([-forget, forget, zeros, zeros], axis=0)
