"""Linear models on sparse features: logistic regression (sigmoid, softmax) and least squares (identity).

Minimises  C * sum of losses + 1/2 |V|^2  over V and an unpenalised intercept b, where logits = X (scale * V) + b. The
loss is the cross-entropy, or half the squared error for the identity. `scale` gives every feature (and class) its own
regularisation, which is how naive-Bayes weighting enters (Wang and Manning, 2012, "Baselines and Bigrams").

`lbfgs.minimise` does the search. Two changes here make it several times faster. It begins at the intercept that gives
each output its share of the rows; otherwise rare labels would cost tens of steps. And it runs over U = V / D, with D
from the diagonal of the Hessian there, so that frequent and rare features have about the same curvature.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.callbacks import Callback
from tenor._core.threads import available_cores
from tenor.models.linear import lbfgs
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.loss import Loss, OutputTargets, inner_product_for, make_loss
from tenor.models.linear.matrices import Matrix, multiply, sum_of_squares
from tenor.tasks import Activation, Floats

_MIN_RATE = 1e-4  # a rarer output begins with this share of the rows


class LinearWeights(NamedTuple):
    """The weights of a linear model.

    Attributes:
        weights: (features, outputs) float32, with `scale` multiplied in.
        intercept: (outputs,) float32.
    """

    weights: Floats
    intercept: Floats


class Penalty(NamedTuple):
    """The penalty of the weights.

    Attributes:
        C: Weight of the loss against the penalty, as in scikit-learn; larger values fit closer.
        scale: (features, outputs) or (features, 1), above; None: 1 everywhere.
    """

    C: float
    scale: Floats | None = None


class Problem(NamedTuple):
    """A linear model to fit, apart from its rows.

    Attributes:
        squares: (features, 1) weighted sum of squares of each feature.
        shape: (rows, outputs).
        activation: Activation of the outputs.
        penalty: The penalty of the weights.
    """

    squares: npt.NDArray[np.floating[Any]]
    shape: tuple[int, int]
    activation: Activation
    penalty: Penalty


def logits(features: Matrix, model: LinearWeights) -> Floats:
    """Logits of shape (rows, outputs)."""
    return np.asarray(multiply(features, model.weights) + model.intercept, np.float32)


def fit(
    features: Matrix,
    targets: Floats | OutputTargets,
    activation: Activation,
    penalty: Penalty,
    weights: Floats | None = None,
    stop: StopRule = lbfgs.DEFAULT_STOP,
    callback: Callback | None = None,
) -> LinearWeights:
    """Fit weights of shape (features, outputs).

    Args:
        features: (rows, features) float32.
        targets: (rows, outputs) what the outputs should be after the activation.
        activation: Activation of the outputs.
        penalty: The penalty of the weights.
        weights: (rows,) how much each row counts; None: 1 everywhere.
        stop: When the search ends.
        callback: Gets the progress of the steps.
    """
    row_weights = np.broadcast_to(np.float32(1), targets.shape[0]) if weights is None else weights
    squares = sum_of_squares(features, row_weights)
    with ThreadPoolExecutor(available_cores()) as pool:
        loss = make_loss(pool, features, targets, activation, row_weights)
        return solve(loss, Problem(squares, targets.shape, activation, penalty), stop, callback)


def solve(
    loss: Loss,
    problem: Problem,
    stop: StopRule = lbfgs.DEFAULT_STOP,
    callback: Callback | None = None,
) -> LinearWeights:
    """Fit weights to the rows behind a loss, wherever these are.

    Args:
        loss: The loss over the rows.
        problem: The rest of the problem.
        stop: When the search ends.
        callback: Gets the progress of the steps.
    """
    (rows, outputs), columns, (C, scale) = problem.shape, len(problem.squares), problem.penalty
    if scale is None:
        scale = np.ones((columns, 1), np.float32)
    intercept, curvature = _starting_point(loss.residual_sum() / np.float32(rows), problem.activation)
    start = np.zeros((columns + 1, outputs), np.float32)
    start[-1] = intercept
    loss.set_direction(start)
    gradient = loss.step(np.ones((1, 1), np.float32))
    diagonal = np.asarray(1 / np.sqrt(1 / C + curvature * problem.squares * scale * scale), np.float32)
    scaling = np.concatenate([diagonal * scale, 1 / np.sqrt(rows * curvature[None])], dtype=np.float32)
    penalty = np.concatenate([diagonal * diagonal / np.float32(C), np.zeros((1, outputs), np.float32)])
    gradient *= scaling
    scaled = lbfgs.ScaledProblem(loss, scaling, penalty, inner_product_for(problem.activation))
    table = lbfgs.minimise(scaled, gradient, stop, callback or Callback())
    table *= scaling
    return LinearWeights(table[:-1].copy(), table[-1] + intercept)


def _starting_point(mean_residual: Floats, activation: Activation) -> tuple[Floats, Floats]:
    """The intercept that gives each output its share of the rows, and the loss's curvature by each logit there.

    On GoEmotions 20 steps from there come within 0.1% of the least loss; from an intercept of 0, within 15%.

    Args:
        mean_residual: (outputs,) outputs minus targets at logits of 0, averaged over the rows.
        activation: Activation of the outputs.

    Returns:
        (outputs,) each.
    """
    if activation == "identity":
        return -mean_residual, np.ones_like(mean_residual)
    even = 0.5 if activation == "sigmoid" else 1 / len(mean_residual)
    rate = np.clip(even - mean_residual, _MIN_RATE, 1 - _MIN_RATE)
    intercept = np.log(rate / (1 - rate)) if activation == "sigmoid" else np.log(rate) - np.log(rate).mean()
    return np.asarray(intercept), rate * (1 - rate)
