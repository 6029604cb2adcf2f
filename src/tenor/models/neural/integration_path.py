"""A network along a straight line in the space of its ids' vectors, from a baseline to a text; see `gradients`."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tenor.models.attribution import Shares
from tenor.models.neural import compiled
from tenor.models.neural.keras_types import Tensor
from tenor.tasks import Floats

_EMBEDDING_LAYERS = ("embedding", "embeddings")


class Ends(NamedTuple):
    """The ends of the line.

    Attributes:
        start: (rows, time, width) vectors of the baseline.
        difference: (rows, time, width) difference of the text's vectors to them.
    """

    start: Tensor
    difference: Tensor


class Step(Protocol):
    """A compiled network from ids to scores and contributions."""

    def __call__(self, ids: Tensor, baseline: Tensor, alpha: Tensor, directions: Tensor, /) -> tuple[Tensor, Tensor]:
        """Compute scores and contributions at points of the line.

        Args:
            ids: (rows, time).
            baseline: The same, with the baseline's id for every token of the text.
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
        from_vectors = keras.Model([model.input, self._embed.output], model.output)
        on_jax = keras.backend.backend() == "jax"
        self._step = (_compile_on_jax if on_jax else _compile_on_tensorflow)(self._ends, from_vectors)

    def at(
        self,
        ids: npt.NDArray[np.int32],
        baseline: npt.NDArray[np.int32],
        alpha: npt.NDArray[np.float32],
        directions: Floats,
    ) -> tuple[Shares, Shares]:
        """Scores (rows,) at points of the line, and contributions (rows, time) by the gradients there.

        Args:
            ids: (rows, time).
            baseline: The same, with `baseline_id` for every token of the text.
            alpha: (rows,) positions on the line, from 0 to 1.
            directions: (rows, outputs) weights of the logits.
        """
        scores, shares = self._step(ids, baseline, alpha, np.asarray(directions, np.float32))
        return np.asarray(scores, np.float64), np.asarray(shares, np.float64)

    def _ends(self, ids: Tensor, baseline: Tensor) -> Ends:
        end = self._embed(ids, training=False)
        start = self._embed(baseline, training=False)
        if self.baseline_id == 0:
            start = start * 0
        start = ops.where(ops.not_equal(ids, baseline)[:, :, None], start, end)
        return Ends(start, end - start)


def _compile_on_tensorflow(ends: Callable[[Tensor, Tensor], Ends], from_vectors: keras.Model) -> Step:
    """Compile the step, once for batches of every shape."""
    import tensorflow as tf

    def step(ids: Tensor, baseline: Tensor, alpha: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        start, difference = ends(ids, baseline)
        vectors = start + difference * alpha[:, None, None]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(vectors)
            scores = ops.sum(from_vectors([ids, vectors], training=False) * directions, axis=1)
        return scores, ops.sum(tape.gradient(scores, vectors) * difference, axis=2)

    ids, alpha = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.float32)
    directions = tf.TensorSpec((None, from_vectors.output_shape[-1]), tf.float32)
    return tf.function(step, input_signature=(ids, ids, alpha, directions), autograph=False)  # type: ignore[no-any-return]


def _compile_on_jax(ends: Callable[[Tensor, Tensor], Ends], from_vectors: keras.Model) -> Step:
    """Compile the step again for each shape of a batch."""
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

    def in_full_precision(ids: Tensor, baseline: Tensor, alpha: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        with compiled.full_float32_matmul():
            return step(trainable, non_trainable, ids, *ends(ids, baseline), alpha, directions)  # type: ignore[no-any-return]

    return in_full_precision
