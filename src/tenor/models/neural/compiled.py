"""Steps of a Keras model, compiled once for batches of every shape.

TensorFlow traces a step for the first shape it meets, for the second, and once more for what they have in common:
seconds each, which is most of the time where texts are few. Here it is told at once that any shape may come. JAX
compiles each shape for itself, so it gets few of them; and what a step changes stays where it computes, since to give
each variable of the model its new value takes longer than the step does on a graphics processor.
"""

import contextlib
from functools import cached_property
from typing import Any

import keras
import numpy as np

from tenor.models.neural import parallel, precision
from tenor.text.batches import Batch

# Measured: 4 to 7 s a shape on 2 cores, where MiniLM learns from 2,000 tokens a second; 6 to 10 s on a graphics
# processor, where a step of 4,096 tokens took 12 ms.
_PRICE, _PRICE_ON_DEVICE = 16e3, 2e6
_WORTH_TRACING = 8  # batches; fewer are computed operation by operation in less time than tracing takes


def any_shape() -> bool:
    """Whether a step can be compiled for every shape at once."""
    return bool(keras.backend.backend() == "tensorflow")


def shape_compile_cost() -> float:
    """Tokens that are trained on in the time that one more shape takes to compile, in orders of magnitude."""
    if any_shape():
        return 0.0
    return _PRICE_ON_DEVICE if precision.has_accelerator() else _PRICE


class TrainingStep:
    """The training steps of a model that was just compiled.

    Between `synchronise` and the next step the model's variables may be read and assigned; else, on JAX, they may not.
    """

    def __init__(self, keras_model: Any, metric: str, arrays: tuple[Any, Any, Any]) -> None:
        """Take the model, the name of the metric that is followed, and inputs, targets and weights of a batch, of the
        ranks and types that all batches have.
        """
        self._model, self._metric = keras_model, metric
        self._state: Any = None  # on JAX: the values of all variables, from the first step until `synchronise`
        self._first = True
        if not any_shape():
            return
        import tensorflow as tf

        def step(*batch: Any) -> tuple[Any, Any]:
            logs = keras_model.train_step(batch)
            # For the next step. In the graph, as outside of it that takes as long as a step of a small model.
            keras_model.reset_metrics()
            return logs, keras.ops.convert_to_tensor(keras_model.optimizer.seen)

        shapes = keras.tree.map_structure(lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), arrays)
        self._traced = tf.function(step, input_signature=shapes)
        keras_model.train_function = lambda data: self._traced(*next(data))[0]

    def step(self, inputs: Any, targets: Any, weights: Any) -> tuple[float, ...]:
        """Learn from a batch: its loss and metric, the learning rate, and the norm of the gradient."""
        if self._first or parallel.count() > 1:  # Keras makes its metrics with the first one
            self._first = False
            loss, metric = self._model.train_on_batch(inputs, targets, sample_weight=weights)
            norm, rate = np.asarray(self._model.optimizer.seen).tolist()
            return float(loss), float(metric), rate, norm
        if any_shape():
            logs, seen = self._traced(inputs, targets, weights)
            norm, rate = seen.numpy().tolist()
            return float(logs["loss"]), float(logs[self._metric]), rate, norm
        import jax

        if self._state is None:
            self._state = [[variable.value for variable in some] for some in self._variables()]
        self._state[-1] = [np.zeros(variable.shape, variable.dtype) for variable in self._model.metrics_variables]
        batch = jax.device_put((inputs, targets, weights))
        logs, state = self._model.train_function(tuple(self._state), iter([batch]))
        self._state = [list(some) for some in state]
        seen = self._state[2][self._seen]
        loss, metric, (norm, rate) = jax.device_get((logs["loss"], logs[self._metric], seen))
        return float(loss), float(metric), float(rate), float(norm)

    def synchronise(self) -> None:
        """Give the model's variables the values that they have come to."""
        if self._state is not None:
            for some, values in zip(self._variables(), self._state, strict=True):
                for variable, value in zip(some, values, strict=True):
                    variable.assign(value)
            self._state = None

    def _variables(self) -> list[list[Any]]:
        model = self._model
        return [
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        ]

    @cached_property
    def _seen(self) -> int:
        return next(i for i, each in enumerate(self._model.optimizer.variables) if each is self._model.optimizer.seen)


def pad_batch_sizes(made: list[Batch]) -> list[Batch]:
    """The batches with the rows that they are filled up to as their `size`: where each shape is compiled, as many as a
    full batch of the same width has, or a power of 4.
    """
    if any_shape():
        return [batch._replace(size=len(batch.rows)) for batch in made]
    full = {batch.width for batch in made if len(batch.rows) == batch.size}
    sizes = (batch.size if batch.width in full else min(_power(len(batch.rows)), batch.size) for batch in made)
    return [batch._replace(size=size) for batch, size in zip(made, sizes, strict=True)]


def _power(rows: int) -> int:
    """The lowest power of 4 that is no less."""
    bits = (rows - 1).bit_length()
    return 1 << bits + bits % 2


def full_float32_matmul() -> contextlib.AbstractContextManager[Any]:
    """Inside, products of float32 are float32: JAX would round what goes into them to 11 bits on a GPU (TF32)."""
    if any_shape():
        return contextlib.nullcontext()
    import jax

    return jax.default_matmul_precision("float32")  # type: ignore[no-any-return]


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

    def called(ids: Any) -> Any:
        with full_float32_matmul():
            return parallel.predict(keras_model, ids)

    return called
