"""Losses on logits; loss and gradient are finite for logits of any size.

Each loss takes targets (the desired outputs after the activation) and logits, both (batch, outputs), and returns
(batch,).
"""

from collections.abc import Callable

from keras import ops

from tenor.models.neural.keras_types import Tensor
from tenor.tasks import Activation

Loss = Callable[[Tensor, Tensor], Tensor]
"""(targets, logits) -> (batch,) losses."""

_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "sigmoid": ops.sigmoid,
    "softmax": ops.softmax,
    "identity": lambda logits: logits,
}


def cross_entropy(activation: Activation, label_smoothing: float = 0.0, focal: float = 0.0) -> Loss:
    """Softmax: -sum of target * log p. Sigmoid: -(t log p + (1 - t) log(1 - p)), the mean over the outputs.

    Args:
        activation: `softmax` or `sigmoid`.
        label_smoothing: Share of the target that goes evenly to all classes; with the sigmoid, to yes and no
            (Szegedy et al., 2016).
        focal: Each term is scaled by (1 - p)^focal (Lin et al., 2017, "Focal Loss for Dense Object Detection").

    Returns:
        The loss.
    """

    def terms(targets: Tensor, logs: Tensor) -> Tensor:
        if focal:
            # 1 - p is kept above 0, where the power has a gradient; at 0 the term is 0 anyway.
            logs = logs * ops.power(ops.maximum(-ops.expm1(logs), 1e-12), focal)
        return -targets * logs

    def softmax(targets: Tensor, logits: Tensor) -> Tensor:
        targets = ops.cast(targets, logits.dtype) * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
        return ops.sum(terms(targets, ops.log_softmax(logits, axis=-1)), axis=-1)

    def sigmoid(targets: Tensor, logits: Tensor) -> Tensor:
        targets = ops.cast(targets, logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
        both = terms(targets, ops.log_sigmoid(logits)) + terms(1 - targets, ops.log_sigmoid(-logits))
        return ops.mean(both, axis=-1)

    return softmax if activation == "softmax" else sigmoid


def squared_error(activation: Activation) -> Loss:
    """The squared error: mean over the outputs of (activation(logit) - target)^2."""
    return _error(activation, ops.square)


def absolute_error(activation: Activation) -> Loss:
    """The absolute error: mean over the outputs of |activation(logit) - target|."""
    return _error(activation, ops.abs)


def huber(activation: Activation) -> Loss:
    """Mean over the outputs of e^2 / 2 where |e| <= 1, else |e| - 1/2, with e = activation(logit) - target.

    One outlier does not outweigh many small errors (Huber, 1964).
    """

    def penalty(error: Tensor) -> Tensor:
        size = ops.abs(error)
        return ops.where(size <= 1, ops.square(error) / 2, size - 0.5)

    return _error(activation, penalty)


def _error(activation: Activation, penalty: Callable[[Tensor], Tensor]) -> Loss:
    activate = _ACTIVATIONS[activation]

    def loss(targets: Tensor, logits: Tensor) -> Tensor:
        return ops.mean(penalty(activate(logits) - ops.cast(targets, logits.dtype)), axis=-1)

    return loss
