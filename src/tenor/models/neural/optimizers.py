"""Optimizers with a schedule, a learning rate of its own for each layer, and quick updates of large tables."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from tenor.models.base import NetworkConfig

LearningRateScale = Callable[[str], float]


def build_optimizer(config: NetworkConfig, steps: int, rate: LearningRateScale | None = None) -> Any:
    """The optimizer of a run of that many steps.

    Args:
        config: Says which, and its settings.
        steps: Batches in the run.
        rate: Path of a variable -> share of the learning rate that it gets; None gives all of them all of it.
    """
    schedule = WarmupDecay(config.learning_rate, round(config.warmup * steps), steps)
    kinds = keras.optimizers
    kind, options = {
        "adam": (kinds.Adam, {}),
        "adamw": (kinds.AdamW, {"weight_decay": 0.01}),
        "sgd": (kinds.SGD, {}),
        "momentum": (kinds.SGD, {"momentum": 0.9}),
        "rmsprop": (kinds.RMSprop, {}),
    }[config.optimizer]
    optimizer = _by_layer(kind)(schedule, global_clipnorm=config.clip_norm, **options)
    optimizer.rate, optimizer.settle = rate or (lambda _: 1.0), schedule.set_total_steps
    optimizer.horizon = (schedule.warmup_steps, schedule.steps)
    if config.optimizer == "adamw":
        # What scales, shifts or stands in a table is not pulled to 0 (Devlin et al., 2019).
        optimizer.exclude_from_weight_decay(var_names=["bias", "scale", "shift", "token", "position", "embedding"])
    return optimizer


def _by_layer(kind: Any) -> Any:
    adam = kind in (keras.optimizers.Adam, keras.optimizers.AdamW)

    class ByLayer(kind):  # type: ignore[misc]
        rate: LearningRateScale
        horizon: tuple[Any, Any]

        def build(self, variables: Any) -> None:
            super().build(variables)
            self.seen = self.add_variable((2,), name="seen")  # norm of the gradient before clipping, learning rate
            self.rates = [self.rate(variable.path) for variable in variables]
            # As variables of the optimizer they are no constants of what JAX compiles.
            for variable in self.horizon:
                self._track_variable(variable)

        def _clip_gradients(self, gradients: Any) -> Any:
            """Keras would make the gradient of the rows that occur in a batch one of the whole table."""
            gradients = [_merged(each, adam) if hasattr(each, "indices") else each for each in gradients]
            squares = [ops.sum(ops.square(_values(each))) for each in gradients if each is not None]
            norm = ops.sqrt(ops.sum(ops.stack(squares)))
            self.seen.assign(ops.stack([norm, ops.cast(self._get_current_learning_rate(), norm.dtype)]))
            if self.global_clipnorm is None:
                return gradients
            scale = self.global_clipnorm / ops.maximum(norm, self.global_clipnorm)
            return [None if gradient is None else _scaled(gradient, scale) for gradient in gradients]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            learning_rate = learning_rate * self.rates[self._get_variable_index(variable)]
            if hasattr(gradient, "indices"):
                self._update_rows(gradient, variable, learning_rate)
            elif adam and keras.backend.backend() == "tensorflow":
                self._update_all(gradient, variable, learning_rate)
            else:
                super().update_step(gradient, variable, learning_rate)

        def _update_all(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            """Adam in one pass over the weights; operation by operation it reads and writes them a dozen times."""
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

        def _update_rows(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            """Adam for the rows of a table that occur in the batch; the others keep weights and moments.

            A gradient with rows is TensorFlow's; elsewhere the gradient is that of the whole table.
            """
            import tensorflow as tf

            rows, slope = gradient.indices, gradient.values
            step = tf.cast(self.iterations + 1, slope.dtype)
            index = self._get_variable_index(variable)
            mean, square = self._momentums[index].value, self._velocities[index].value
            first = self.beta_1 * tf.gather(mean, rows) + (1 - self.beta_1) * slope
            second = self.beta_2 * tf.gather(square, rows) + (1 - self.beta_2) * slope * slope
            scale = learning_rate * tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
            mean.scatter_update(tf.IndexedSlices(first, rows))
            square.scatter_update(tf.IndexedSlices(second, rows))
            variable.scatter_sub(tf.IndexedSlices(scale * first / (tf.sqrt(second) + self.epsilon), rows))

    ByLayer.__name__ = kind.__name__
    return ByLayer


def _merged(gradient: Any, by_rows: bool) -> Any:
    """The gradient of some rows of a table (`tf.IndexedSlices`) with each of them once, or that of the whole table."""
    import tensorflow as tf

    if not by_rows:
        return tf.convert_to_tensor(gradient)
    rows, place = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def _scaled(gradient: Any, scale: Any) -> Any:
    if not hasattr(gradient, "indices"):
        return gradient * scale
    import tensorflow as tf

    return tf.IndexedSlices(gradient.values * scale, gradient.indices, gradient.dense_shape)


def _values(gradient: Any) -> Any:
    return gradient.values if hasattr(gradient, "indices") else gradient


class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Linear warm-up, then linear decay to 0."""

    def __init__(self, peak: float, warmup_steps: int, steps: int) -> None:
        self.peak = peak
        # Variables, so that the number of steps can be settled when the first of them have been timed.
        self.warmup_steps, self.steps = (
            keras.Variable(1.0, trainable=False, name=name) for name in ("warmup", "steps")
        )
        self.set_total_steps(warmup_steps, steps)

    def set_total_steps(self, warmup_steps: int, steps: int) -> None:
        """Another number of steps."""
        self.warmup_steps.assign(max(1, warmup_steps))
        self.steps.assign(steps)

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        falling = (self.steps - step) / ops.maximum(self.steps - self.warmup_steps, 1.0)
        return self.peak * ops.minimum((step + 1) / self.warmup_steps, ops.maximum(falling, 0.0))
