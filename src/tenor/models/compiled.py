"""Steps of a Keras model, compiled once for batches of every shape.

TensorFlow traces a step for the first shape it meets, for the second, and once more for what they have in common:
seconds each, which is most of the time where texts are few. Here it is told at once that any shape may come. JAX
compiles each shape for itself and is left alone.
"""

from typing import Any

import keras
import numpy as np

from tenor.models import parallel

_WORTH_TRACING = 8  # batches; fewer are computed operation by operation in less time than tracing takes


def any_shape() -> bool:
    """Whether a step can be compiled for every shape at once."""
    return bool(keras.backend.backend() == "tensorflow")


def train_step(keras_model: Any, arrays: tuple[Any, Any, Any]) -> None:
    """Have `train_on_batch` of a model that was just compiled take any shapes.

    Args:
        keras_model: The model.
        arrays: Inputs, targets and weights of a batch, of the ranks and types that all batches have.
    """
    if not any_shape():
        return
    import tensorflow as tf

    shapes = keras.tree.map_structure(lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), arrays)
    step = tf.function(lambda *batch: keras_model.train_step(batch), input_signature=shapes)
    keras_model.train_function = lambda data: step(*next(data))


def predict(keras_model: Any, batches: int) -> Any:
    """Ids (batch, time) -> what the model gives, to be called for so many batches."""
    traced = keras_model.predict_function is not None
    if any_shape() and not traced:
        import tensorflow as tf

        if batches < _WORTH_TRACING:
            return lambda ids: np.asarray(keras_model(ids, training=False))
        ids = tf.TensorSpec((None, None), tf.int32)
        call = tf.function(lambda ids: keras_model(ids, training=False), input_signature=(ids,))
        keras_model.predict_function = lambda data: call(*data[0])
    return lambda ids: parallel.predict(keras_model, ids)
