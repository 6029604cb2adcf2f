"""Keras layers that Keras does not have."""

from typing import Any

import keras
from keras import ops


class LastStep(keras.layers.Layer):  # type: ignore[misc]
    """Values at a text's last token: (batch, time, width) and ids (batch, time) -> (batch, width).

    Ids of 0 are padding on the right. A text without tokens gives its first position.
    """

    def call(self, values: Any, ids: Any) -> Any:
        lengths = ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1)
        last = ops.maximum(lengths, 1) - 1
        return ops.squeeze(ops.take_along_axis(values, last[:, None, None], axis=1), axis=1)

    def compute_output_shape(self, values_shape: Any, ids_shape: Any) -> Any:
        return (values_shape[0], values_shape[2])


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
