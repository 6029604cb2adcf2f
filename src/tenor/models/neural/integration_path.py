"""A network along a straight line in the space of its ids' vectors, from a baseline to a text; see `gradients`."""

from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tenor.models.attribution import Shares
from tenor.models.neural import compiled
from tenor.models.neural.keras_types import Tensor
from tenor.tasks import Floats

_EMBEDDING_LAYERS = ("embedding", "embeddings")


class Step(Protocol):
    """A compiled network from ids and vectors to scores and contributions."""

    def __call__(
        self, ids: Tensor, start: Tensor, difference: Tensor, alpha: Tensor, directions: Tensor, /
    ) -> tuple[Tensor, Tensor]:
        """Compute scores and contributions at points of the line.

        Args:
            ids: (rows, time).
            start: (rows, time, width) vectors of the baseline.
            difference: (rows, time, width) difference of the text's vectors to them.
            alpha: (rows,) positions on the line.
            directions: (rows, outputs) weights of the logits.

        Returns:
            Scores (rows,), and contributions (rows, time) if the gradient were the same along the whole line.
        """


class IntegrationPath:
    """The straight line from a baseline to a text, through one network."""

    def __init__(self, model: keras.Model, baseline_id: int) -> None:
        """Take a network.

        Args:
            model: From ids (batch, time) to logits (batch, outputs).
            baseline_id: The id of the baseline's tokens; 0: their vectors are zeros.
        """
        self.baseline_id = baseline_id
        self._embed = next(layer for layer in model.layers if layer.name in _EMBEDDING_LAYERS)
        self._step = _compile_step(keras.Model([model.input, self._embed.output], model.output))

    def ends(self, ids: npt.NDArray[np.int32], baseline: npt.NDArray[np.int32]) -> tuple[Tensor, Tensor]:
        """The vectors of the baseline, and the difference of the text's vectors to them: (rows, time, width) each.

        Args:
            ids: (rows, time).
            baseline: The same, with `baseline_id` for every token of the text.
        """
        end = self._embed(ids, training=False)
        start = self._embed(baseline, training=False)
        if self.baseline_id == 0:
            start = start * 0
        start = ops.where(ops.convert_to_tensor(ids != baseline)[:, :, None], start, end)
        return start, end - start

    def at(
        self, ids: npt.NDArray[np.int32], ends: tuple[Tensor, Tensor], alpha: Floats, directions: Floats
    ) -> tuple[Shares, Shares]:
        """Scores (rows,) at points of the line, and contributions (rows, time) by the gradients there.

        Args:
            ids: (rows, time).
            ends: The result of `ends` for them.
            alpha: (rows,) positions on the line, from 0 to 1.
            directions: (rows, outputs) weights of the logits.
        """
        scores, shares = self._step(ids, *ends, ops.convert_to_tensor(alpha), ops.convert_to_tensor(directions))
        return np.asarray(scores, np.float64), np.asarray(shares, np.float64)


def _compile_step(from_vectors: keras.Model) -> Step:
    """Compile a network from ids and vectors to logits."""
    if keras.backend.backend() == "jax":
        return _compile_step_on_jax(from_vectors)
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(
        ids: Tensor, start: Tensor, difference: Tensor, alpha: Tensor, directions: Tensor
    ) -> tuple[Tensor, Tensor]:
        vectors = start + difference * alpha[:, None, None]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(vectors)
            scores = ops.sum(from_vectors([ids, vectors], training=False) * directions, axis=1)
        return scores, ops.sum(tape.gradient(scores, vectors) * difference, axis=2)

    return step  # type: ignore[no-any-return]


def _compile_step_on_jax(from_vectors: keras.Model) -> Step:
    import jax

    trainable = [variable.value for variable in from_vectors.trainable_variables]
    non_trainable = [variable.value for variable in from_vectors.non_trainable_variables]

    @jax.jit
    def step(
        trainable: Tensor,
        non_trainable: Tensor,
        ids: Tensor,
        start: Tensor,
        difference: Tensor,
        alpha: Tensor,
        directions: Tensor,
    ) -> tuple[Tensor, Tensor]:
        def total(vectors: Tensor) -> tuple[Tensor, Tensor]:
            logits, _ = from_vectors.stateless_call(trainable, non_trainable, [ids, vectors], training=False)
            scores = ops.sum(logits * directions, axis=1)
            return ops.sum(scores), scores

        (_, scores), gradient = jax.value_and_grad(total, has_aux=True)(start + difference * alpha[:, None, None])
        return scores, ops.sum(gradient * difference, axis=2)

    def in_full_precision(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        with compiled.full_float32_matmul():
            return step(trainable, non_trainable, *inputs)  # type: ignore[no-any-return]

    return in_full_precision
