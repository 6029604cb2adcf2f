"""Optimizers with a schedule, a learning rate per layer, and fast updates of large tables."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from tenor.models.network_config import NetworkConfig
from tenor.models.neural.keras_types import Array, Tensor

_TABLES = ("embeddings", "token")  # names of the variables that hold the vectors of tokens
_TOKENS = 1024  # tokens in a batch; the rates of the vectors were chosen for this size
LearningRateScale = Callable[[str], float]
"""Path of a variable -> its factor on the learning rate."""


def build_optimizer(
    config: NetworkConfig,
    total_steps: int,
    learning_rate_scale: LearningRateScale | None = None,
    token_frequencies: Array | None = None,
) -> keras.optimizers.Optimizer:
    """Build the optimizer of a run.

    Args:
        config: The settings.
        total_steps: Batches in the run.
        learning_rate_scale: Path of a variable -> its factor on the learning rate; None: 1 for all.
        token_frequencies: (ids,) occurrences of each token per batch, all above 0, for `frequency_power`; their sum is
            the size of a batch. None: the vectors of all tokens have the same learning rate.
    """
    schedule = WarmupDecay(config.learning_rate, round(config.warmup * total_steps), total_steps)
    kinds = keras.optimizers
    kind, options = {
        "adam": (kinds.Adam, {}),
        "adamw": (kinds.AdamW, {"weight_decay": 0.01}),
        "sgd": (kinds.SGD, {}),
        "momentum": (kinds.SGD, {"momentum": 0.9}),
        "rmsprop": (kinds.RMSprop, {}),
    }[config.optimizer]
    layerwise = type(kind.__name__, (_Layerwise, kind), {})
    parts = config.gradient_accumulation if config.gradient_accumulation > 1 else None
    optimizer = layerwise(schedule, global_clipnorm=config.clip_norm, gradient_accumulation_steps=parts, **options)
    optimizer.learning_rate_scale = _with_embedding_rate(learning_rate_scale or (lambda _: 1.0), config.embedding_rate)
    optimizer.schedule = schedule
    if config.frequency_power and token_frequencies is not None:
        optimizer.token_rates = _token_rates(token_frequencies, config.frequency_power)
    if config.optimizer == "adamw":
        # No weight decay for biases, scales, shifts and tables (Devlin et al., 2019).
        optimizer.exclude_from_weight_decay(var_names=["bias", "scale", "shift", "token", "position", "embedding"])
    return optimizer


def _token_rates(frequencies: Array, power: float) -> Array:
    """(ids,) factor on the learning rate of each token's vector."""
    return np.asarray(frequencies**-power * frequencies.sum() / _TOKENS, np.float32)


def _with_embedding_rate(scale: LearningRateScale, embedding_rate: float) -> LearningRateScale:
    """Multiply the learning rate of the vectors of tokens."""
    return lambda path: scale(path) * (embedding_rate if path.rsplit("/")[-1] in _TABLES else 1.0)


class _Layerwise(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Adds a learning rate per layer and fast updates of tables to the optimizer that is the next base class."""

    learning_rate_scale: LearningRateScale
    schedule: "WarmupDecay"
    token_rates: Array | None = None  # (ids,) factor on the learning rate of the vector of each token

    @property
    def _is_adam(self) -> bool:
        return isinstance(self, keras.optimizers.Adam)  # AdamW is one too

    @property
    def _updates_rows(self) -> bool:
        """Whether only the rows of a table that occur in a batch are updated: exact for SGD, lazy for Adam."""
        return self._is_adam or (isinstance(self, keras.optimizers.SGD) and not self.momentum)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create the variables of the optimizer."""
        super().build(variables)
        # Norm of the gradient before clipping, and learning rate, of the last step.
        self.norm_and_rate = self.add_variable((2,), name="seen")
        self.scales = [self.learning_rate_scale(variable.path) for variable in variables]
        self.row_scales = {
            index: self._row_scales(variable.shape[0], self.token_rates)
            for index, variable in enumerate(variables)
            if self.token_rates is not None and variable.path.rsplit("/")[-1] in _TABLES
        }
        # As variables of the optimizer they are not constants in the programs that JAX compiles.
        for variable in (self.schedule.warmup_steps, self.schedule.steps):
            self._track_variable(variable)

    def _row_scales(self, n_rows: int, token_rates: Array) -> keras.Variable:
        """(rows, 1) factors on the learning rate of the rows of a table."""
        variable = self.add_variable((n_rows, 1), name="row_scales")
        _assign_rates(variable, token_rates)
        return variable

    def restart(self, config: NetworkConfig, total_steps: int, token_frequencies: Array) -> None:
        """Begin another run of the same network and settings: every variable gets the value of a new optimizer.

        Args:
            config: The settings.
            total_steps: Batches in the run.
            token_frequencies: (ids,) occurrences of each token per batch, all above 0.
        """
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, variable.dtype))
        for variable in self.row_scales.values():
            _assign_rates(variable, _token_rates(token_frequencies, config.frequency_power))
        self.set_total_steps(round(config.warmup * total_steps), total_steps)

    def set_total_steps(self, warmup_steps: int, steps: int) -> None:
        """Change the number of steps of the schedule."""
        self.schedule.set_total_steps(warmup_steps, steps)

    def _get_current_learning_rate(self) -> Tensor:
        """The learning rate of this batch. Keras counts each part of a batch as a step of the schedule."""
        return self.schedule(self.iterations)

    def _backend_apply_gradients(self, gradients: Sequence[Tensor | None], variables: Sequence[keras.Variable]) -> None:
        """Add up or apply gradients. The sums over the parts of a batch are dense."""
        self._is_table = [hasattr(gradient, "indices") for gradient in gradients]
        if self.gradient_accumulation_steps:
            gradients = [_merge_rows(each, False) if hasattr(each, "indices") else each for each in gradients]
        super()._backend_apply_gradients(gradients, variables)

    def _clip_gradients(self, gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Clip without a dense gradient for tables if only some of their rows occur in the batch."""
        if self.gradient_accumulation_steps and self._updates_rows:
            pairs = zip(gradients, self._is_table, strict=True)
            gradients = [_rows_of_batch(gradient) if is_table else gradient for gradient, is_table in pairs]
        merged = [_merge_rows(each, self._updates_rows) if hasattr(each, "indices") else each for each in gradients]
        squares = [ops.sum(ops.square(_values(each))) for each in merged if each is not None]
        norm = ops.sqrt(ops.sum(ops.stack(squares)))
        self.norm_and_rate.assign(ops.stack([norm, ops.cast(self._get_current_learning_rate(), norm.dtype)]))
        if self.global_clipnorm is None:
            return merged
        scale = self.global_clipnorm / ops.maximum(norm, self.global_clipnorm)
        return [None if gradient is None else _scale(gradient, scale) for gradient in merged]

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Update one variable."""
        index = self._get_variable_index(variable)
        learning_rate = learning_rate * self.scales[index]
        if index in self.row_scales:
            gradient = _scale_rows(gradient, self.row_scales[index])
        if hasattr(gradient, "indices"):
            self._update_rows(gradient, variable, learning_rate)
        elif self._is_adam and keras.backend.backend() == "tensorflow":
            self._update_all(gradient, variable, learning_rate)
        else:
            super().update_step(gradient, variable, learning_rate)

    def _update_all(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Adam in one pass over the weights; one operation at a time reads and writes them a dozen times."""
        import tensorflow as tf

        index, step = self._get_variable_index(variable), tf.cast(self.iterations + 1, gradient.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _update_rows(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Update the rows of a table that occur in the batch; with Adam, other rows keep weights and moments.

        Only TensorFlow has gradients of some rows.
        """
        import tensorflow as tf

        rows, values = gradient.indices, gradient.values
        if not self._is_adam:
            variable.scatter_sub(tf.IndexedSlices(learning_rate * values, rows))
            return
        step = tf.cast(self.iterations + 1, values.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index].value, self._velocities[index].value
        first = self.beta_1 * tf.gather(mean, rows) + (1 - self.beta_1) * values
        second = self.beta_2 * tf.gather(square, rows) + (1 - self.beta_2) * values * values
        scale = learning_rate * tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        mean.scatter_update(tf.IndexedSlices(first, rows))
        square.scatter_update(tf.IndexedSlices(second, rows))
        variable.scatter_sub(tf.IndexedSlices(scale * first / (tf.sqrt(second) + self.epsilon), rows))


def _assign_rates(row_scales: keras.Variable, token_rates: Array) -> None:
    """Set the factors (rows, 1) of the rows of a table to those of their tokens, (ids,); further rows have 1."""
    scales, rates = np.ones(row_scales.shape, np.float32), token_rates[: row_scales.shape[0]]
    scales[: len(rates), 0] = rates
    row_scales.assign(scales)


def _merge_rows(gradient: Tensor, keep_rows: bool) -> Tensor:
    """Add up the values of equal rows of a `tf.IndexedSlices`; or make it the gradient of the whole table."""
    import tensorflow as tf

    if not keep_rows:
        return tf.convert_to_tensor(gradient)
    rows, position = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def _rows_of_batch(gradient: Tensor) -> Tensor:
    """The rows of a table's gradient that are not 0, as a `tf.IndexedSlices`."""
    import tensorflow as tf

    rows = tf.cast(tf.where(tf.reduce_any(gradient != 0, axis=1))[:, 0], tf.int32)
    return tf.IndexedSlices(tf.gather(gradient, rows), rows, tf.shape(gradient))


def _scale(gradient: Tensor, scale: Tensor) -> Tensor:
    if not hasattr(gradient, "indices"):
        return gradient * scale
    import tensorflow as tf

    return tf.IndexedSlices(gradient.values * scale, gradient.indices, gradient.dense_shape)


def _scale_rows(gradient: Tensor, scales: keras.Variable) -> Tensor:
    """Multiply each row of the gradient of a table by its own factor."""
    if not hasattr(gradient, "indices"):
        return gradient * ops.cast(scales.value, gradient.dtype)
    import tensorflow as tf

    values = gradient.values * tf.cast(tf.gather(scales.value, gradient.indices), gradient.values.dtype)
    return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)


def _values(gradient: Tensor) -> Tensor:
    return gradient.values if hasattr(gradient, "indices") else gradient


class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Linear warm-up, then linear decay to 0.

    Args:
        peak: The highest learning rate.
        warmup_steps: Steps of the warm-up.
        steps: Steps of the run.
    """

    def __init__(self, peak: float, warmup_steps: int, steps: int) -> None:
        self.peak = peak
        # Variables, since the number of steps may change once the first of them have been timed.
        self.warmup_steps, self.steps = (
            keras.Variable(1.0, trainable=False, name=name) for name in ("warmup", "steps")
        )
        self.set_total_steps(warmup_steps, steps)

    def set_total_steps(self, warmup_steps: int, steps: int) -> None:
        """Change the number of steps."""
        self.warmup_steps.assign(max(1, warmup_steps))
        self.steps.assign(steps)

    def __call__(self, step: Tensor) -> Tensor:
        """The learning rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        falling = (self.steps - step) / ops.maximum(self.steps - self.warmup_steps, 1.0)
        return self.peak * ops.minimum((step + 1) / self.warmup_steps, ops.maximum(falling, 0.0))
