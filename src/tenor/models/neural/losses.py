"""Losses of logits, computed so that logits of any size give a finite loss and gradient.

All take targets (what the outputs should be after the activation) and logits, both (batch, outputs), and return
(batch,).
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from tenor.tasks import Activation

Loss = Callable[[Any, Any], Any]

_ACTIVATIONS: dict[Activation, Callable[[Any], Any]] = {
    "sigmoid": ops.sigmoid,
    "softmax": ops.softmax,
    "identity": lambda logits: logits,
}


def cross_entropy(activation: Activation, label_smoothing: float = 0.0, focal: float = 0.0) -> Loss:
    """Softmax: -sum of target * log p. Sigmoid: -(t log p + (1 - t) log(1 - p)), the mean over the outputs.

    Args:
        activation: `softmax` or `sigmoid`.
        label_smoothing: Share of the target that is spread evenly over the classes, for the sigmoid over yes and no
            (Szegedy et al., 2016).
        focal: Each term is scaled by (1 - p)^focal (Lin et al., 2017, "Focal Loss for Dense Object Detection").
    """

    def terms(targets: Any, logs: Any) -> Any:
        if focal:
            # 1 - p above 0, where the power has a gradient; below it the term is 0 in any case.
            logs = logs * ops.power(ops.maximum(-ops.expm1(logs), 1e-12), focal)
        return -targets * logs

    def softmax(targets: Any, logits: Any) -> Any:
        targets = ops.cast(targets, logits.dtype) * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
        return ops.sum(terms(targets, ops.log_softmax(logits, axis=-1)), axis=-1)

    def sigmoid(targets: Any, logits: Any) -> Any:
        targets = ops.cast(targets, logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
        both = terms(targets, ops.log_sigmoid(logits)) + terms(1 - targets, ops.log_sigmoid(-logits))
        return ops.mean(both, axis=-1)

    return softmax if activation == "softmax" else sigmoid


def squared_error(activation: Activation) -> Loss:
    """Mean over the outputs of (activation(logit) - target)^2."""
    return _error(activation, ops.square)


def absolute_error(activation: Activation) -> Loss:
    """Mean over the outputs of |activation(logit) - target|."""
    return _error(activation, ops.abs)


def huber(activation: Activation) -> Loss:
    """Mean over the outputs of e^2 / 2 where |e| <= 1, else |e| - 1/2, with e = activation(logit) - target (Huber,
    1964): one far value does not outweigh many near ones.
    """

    def of_error(error: Any) -> Any:
        size = ops.abs(error)
        return ops.where(size <= 1, ops.square(error) / 2, size - 0.5)

    return _error(activation, of_error)


def _error(activation: Activation, of_error: Callable[[Any], Any]) -> Loss:
    activate = _ACTIVATIONS[activation]

    def loss(targets: Any, logits: Any) -> Any:
        return ops.mean(of_error(activate(logits) - ops.cast(targets, logits.dtype)), axis=-1)

    return loss
