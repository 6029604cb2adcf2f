"""Losses of logits, computed so that logits of any size give a finite loss and gradient.

With one output the activation is the sigmoid and the target 0 or 1; with more it is softmax and the target one-hot. All
take targets and logits of shape (batch, outputs) and return (batch,).
"""

from collections.abc import Callable
from typing import Any

from keras import ops

Loss = Callable[[Any, Any], Any]


def cross_entropy(label_smoothing: float = 0.0, focal: float = 0.0) -> Loss:
    """-sum of target * log p; binary: -(t log p + (1 - t) log(1 - p)).

    Args:
        label_smoothing: Share of the target that is spread evenly over the classes (Szegedy et al., 2016).
        focal: Each term is scaled by (1 - p)^focal (Lin et al., 2017, "Focal Loss for Dense Object Detection").
    """

    def loss(targets: Any, logits: Any) -> Any:
        targets = ops.cast(targets, logits.dtype)
        if logits.shape[-1] == 1:
            targets = targets * (1 - label_smoothing) + label_smoothing / 2
            targets = ops.concatenate([1 - targets, targets], axis=-1)
            logs = ops.concatenate([ops.log_sigmoid(-logits), ops.log_sigmoid(logits)], axis=-1)
        else:
            targets = targets * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
            logs = ops.log_softmax(logits, axis=-1)
        terms = targets * logs
        if focal:
            # 1 - p above 0, where the power has a gradient; below it the term is 0 in any case.
            terms = terms * ops.power(ops.maximum(-ops.expm1(logs), 1e-12), focal)
        return -ops.sum(terms, axis=-1)

    return loss


def squared_error(activation: Callable[[Any], Any]) -> Loss:
    """Mean over the outputs of (activation(logit) - target)^2; with the identity it is the loss of regression."""

    def loss(targets: Any, logits: Any) -> Any:
        return ops.mean(ops.square(activation(logits) - ops.cast(targets, logits.dtype)), axis=-1)

    return loss
