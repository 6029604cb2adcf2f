"""Steps of a Keras model, compiled once for batches of every shape.

TensorFlow traces a step for the first shape, for the second, and once more for both: seconds each, which is most of
the time with few texts. Here it traces once for any shape. JAX compiles each shape for itself, so it gets few of them.
On JAX the variables stay on the device between steps, because assigning each of them takes longer than a step on a GPU.
"""

import contextlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import keras
import numpy as np

from tenor.models.neural import parallel, precision
from tenor.models.neural.keras_types import Array, Tensor
from tenor.text.batches import Batch

# Measured: 4 to 7 s per shape on 2 cores, where MiniLM trains on 2,000 tokens a second; 6 to 10 s on a GPU, where a
# step of 4,096 tokens took 12 ms.
_COMPILE_COST, _COMPILE_COST_ON_ACCELERATOR = 16e3, 2e6
_WORTH_TRACING = 8  # batches; with fewer, operations one by one take less time than tracing


def any_shape() -> bool:
    """Whether the backend compiles a step for every shape at once."""
    return bool(keras.backend.backend() == "tensorflow")


def shape_compile_cost() -> float:
    """The time to compile one more shape, as a number of tokens that the network trains on in that time."""
    if any_shape():
        return 0.0
    return _COMPILE_COST_ON_ACCELERATOR if precision.has_accelerator() else _COMPILE_COST


class CompileTime:
    """The time that a run compiles: the first step of each shape, less a later one of the same shape."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, int], float] = {}
        self._fastest: dict[tuple[int, int], float] = {}

    def add(self, shape: tuple[int, int], seconds: float) -> None:
        """Count a step of a batch of `shape`, (width, rows)."""
        if shape not in self._first:
            self._first[shape] = seconds
        else:
            self._fastest[shape] = min(seconds, self._fastest.get(shape, seconds))

    @property
    def compiled(self) -> dict[tuple[int, int], float]:
        """Shape -> seconds to compile it, for shapes whose first step took more than twice the time of a later one."""
        steps = self._fastest.items()
        return {shape: self._first[shape] - step for shape, step in steps if self._first[shape] > 2 * step}


class StepResult(NamedTuple):
    """The result of one training step.

    Attributes:
        loss: Loss of the batch.
        metric: The metric of the batch.
        learning_rate: Learning rate.
        gradient_norm: Norm of the gradient before clipping.
    """

    loss: float
    metric: float
    learning_rate: float
    gradient_norm: float


class TrainingStep:
    """The training step of a compiled model. The model keeps what was traced or compiled for its next `TrainingStep`.

    On JAX, the model's variables are valid only between `synchronise` and the next step.
    """

    def __init__(
        self, keras_model: keras.Model, metric: str, arrays: tuple[Array | Sequence[Array], Array, Array]
    ) -> None:
        """Prepare the step.

        Args:
            keras_model: The compiled model.
            metric: Name of its metric.
            arrays: Inputs, targets and weights of a batch; all batches have the same ranks and types.
        """
        self._model, self._metric = keras_model, metric
        self._state: list[list[Tensor]] | None = None  # on JAX: values of all variables, until `synchronise`
        self._is_first = keras_model.train_function is None
        if not any_shape() or not self._is_first:
            return
        import tensorflow as tf

        def step(*batch: Tensor) -> tuple[dict[str, Tensor], Tensor]:
            logs = keras_model.train_step(batch)
            # In the graph, since outside of it this takes as long as a step of a small model.
            keras_model.reset_metrics()
            return logs, keras.ops.convert_to_tensor(keras_model.optimizer.norm_and_rate)

        build_metrics(keras_model, arrays[1], arrays[2])
        keras_model.train_function = tf.function(step, input_signature=_any_shape_of(arrays), autograph=False)

    def step(self, inputs: Array | Sequence[Array], targets: Array, weights: Array) -> StepResult:
        """Train on one batch."""
        if any_shape():
            logs, norm_and_rate = self._model.train_function(inputs, targets, weights)
            norm, rate = norm_and_rate.numpy().tolist()
            loss, metric = float(logs["loss"]), float(logs[self._metric])
            return StepResult(loss=loss, metric=metric, learning_rate=rate, gradient_norm=norm)
        if self._is_first or parallel.count() > 1:  # Keras creates its metrics in the first step
            self._is_first = False
            loss, metric = self._model.train_on_batch(inputs, targets, sample_weight=weights)
            norm, rate = np.asarray(self._model.optimizer.norm_and_rate).tolist()
            return StepResult(loss=float(loss), metric=float(metric), learning_rate=rate, gradient_norm=norm)
        return self._step_on_jax(inputs, targets, weights)

    def _step_on_jax(self, inputs: Array | Sequence[Array], targets: Array, weights: Array) -> StepResult:
        import jax

        if self._state is None:
            self._state = [[variable.value for variable in group] for group in self._variables()]
        self._state[-1] = [np.zeros(variable.shape, variable.dtype) for variable in self._model.metrics_variables]
        batch = jax.device_put((inputs, targets, weights))
        logs, state = self._model.train_function(tuple(self._state), iter([batch]))
        self._state = [list(group) for group in state]
        norm_and_rate = self._state[2][self._norm_and_rate_index]
        loss, metric, (norm, rate) = jax.device_get((logs["loss"], logs[self._metric], norm_and_rate))
        return StepResult(loss=float(loss), metric=float(metric), learning_rate=float(rate), gradient_norm=float(norm))

    def synchronise(self) -> None:
        """Assign the current values to the model's variables."""
        if self._state is not None:
            for group, values in zip(self._variables(), self._state, strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            self._state = None

    def _variables(self) -> list[list[keras.Variable]]:
        """The variables in the order of the state of Keras' compiled step."""
        model = self._model
        return [
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        ]

    @cached_property
    def _norm_and_rate_index(self) -> int:
        optimizer = self._model.optimizer
        return next(index for index, each in enumerate(optimizer.variables) if each is optimizer.norm_and_rate)


def trace_test_step(keras_model: keras.Model, arrays: tuple[Array | Sequence[Array], Array, Array]) -> None:
    """Trace the step of `test_on_batch` once for any shape, where the backend can.

    Args:
        keras_model: A compiled model.
        arrays: Inputs, targets and weights of a batch; all batches have the same ranks and types.
    """
    if not any_shape() or keras_model.test_function is not None:
        return
    import tensorflow as tf

    build_metrics(keras_model, arrays[1], arrays[2])
    traced = tf.function(
        lambda *batch: keras_model.test_step(batch), input_signature=_any_shape_of(arrays), autograph=False
    )
    keras_model.test_function = lambda data: traced(*next(data))


def build_metrics(keras_model: keras.Model, targets: Array, weights: Array) -> None:
    """Create the variables of a compiled model's loss and metrics, on zeros.

    Keras would trace the whole network for that, before it traces the step.

    Args:
        keras_model: The model.
        targets: Targets of a batch.
        weights: Their weights.
    """
    sizes = zip(keras_model.output_shape, (*targets.shape, 2), strict=False)  # Keras would drop an axis of size 1
    outputs = keras.ops.zeros([known or of_targets for known, of_targets in sizes], keras_model.output.dtype)
    keras_model.compute_metrics(None, np.zeros_like(targets), outputs, weights)
    keras_model.compute_loss(None, np.zeros_like(targets), outputs, weights)
    keras_model.reset_metrics()


def _any_shape_of(arrays: tuple[Array | Sequence[Array], Array, Array]) -> Any:
    """The specification of arrays of the same ranks and types."""
    import tensorflow as tf

    return keras.tree.map_structure(lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), arrays)


def pad_batch_sizes(batches: list[Batch]) -> list[Batch]:
    """Set the `size` of each batch to the number of rows that it is padded to.

    Where each shape is compiled, that is the size of a full batch of its width if there is one, else a power of 4.
    """
    if any_shape():
        return [batch._replace(size=len(batch.rows)) for batch in batches]
    full = {batch.width for batch in batches if len(batch.rows) == batch.size}
    sizes = (
        batch.size if batch.width in full else min(_next_power_of_4(len(batch.rows)), batch.size) for batch in batches
    )
    return [batch._replace(size=size) for batch, size in zip(batches, sizes, strict=True)]


def _next_power_of_4(rows: int) -> int:
    """The smallest power of 4 that is `rows` or more."""
    bits = (rows - 1).bit_length()
    return 1 << bits + bits % 2


def full_float32_matmul() -> contextlib.AbstractContextManager[None]:
    """Multiply float32 in full precision inside the block; on a GPU, JAX would round to 11 bits (TF32)."""
    if any_shape():
        return contextlib.nullcontext()
    import jax

    return jax.default_matmul_precision("float32")  # type: ignore[no-any-return]


def predict_function(keras_model: keras.Model, n_batches: int) -> Callable[[Array], Array]:
    """A function from ids (batch, time) to outputs (batch, outputs).

    Args:
        keras_model: The model.
        n_batches: How often the function will be called; few calls are not worth a compilation.
    """
    if any_shape() and keras_model.predict_function is None:
        import tensorflow as tf

        if n_batches < _WORTH_TRACING:
            return lambda ids: np.asarray(keras_model(ids, training=False))
        if not hasattr(keras_model, "traced_call"):
            spec = tf.TensorSpec((None, None), tf.int32)
            keras_model.traced_call = tf.function(
                lambda ids: keras_model(ids, training=False), input_signature=(spec,), autograph=False
            )
        keras_model.predict_function = lambda data: keras_model.traced_call(*data[0])

    def predict(ids: Array) -> Array:
        with full_float32_matmul():
            return parallel.predict(keras_model, ids)

    return predict


def reset_predict_function(keras_model: keras.Model) -> None:
    """Let the next `predict_function` decide again whether compiling is worth it, as with a new model.

    Results may differ in the last digit, and must not depend on earlier runs.
    """
    if any_shape():
        keras_model.predict_function = None
