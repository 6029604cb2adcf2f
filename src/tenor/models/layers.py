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
