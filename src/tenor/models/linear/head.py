"""The head of a network whose encoder is frozen: a linear model on features that are computed once."""

from typing import Any

import numpy as np

from tenor.models.linear import solver
from tenor.models.linear.solver import Linear
from tenor.tasks import Floats, Targets, Task

_STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0)  # C on features of variance 1
_USUAL_STRENGTH = 0.003
_FEWEST_ROWS = 200  # with fewer, a choice would be noise
_FOLDS = 5
_ITERATIONS = 300
_CHOICE_ROWS = 10_000


def fit(
    features: Floats, targets: Targets, task: Task, weights: Floats, seed: int, choose: bool = True
) -> tuple[Linear, list[dict[str, Any]]]:
    """Fit the head; its regularisation is chosen by cross-validation where there are enough texts for that.

    Args:
        features: (texts, width).
        targets: What `task.encode` makes of their labels.
        task: What is predicted.
        weights: (texts,) how much each counts.
        seed: Of the folds.
        choose: Whether to choose its regularisation; where the encoder has learned from the same texts that would be
            chosen too weak.

    Returns:
        The kernel (width, outputs) and the bias (outputs,) of a dense layer from features to logits, and a row for each
        strength that was tried.
    """
    # One scale for all: those of single features would be noise where texts are few.
    mean = features.mean(axis=0)
    deviation = np.float32((features - mean).std() + 1e-6)
    scaled, desired = (features - mean) / deviation, task.output_targets(targets)

    def solve(rows: Any, strength: float) -> Linear:
        return solver.fit(
            scaled[rows], desired[rows], task.activation, strength, weights=weights[rows], iterations=_ITERATIONS
        )

    strength, tried = _USUAL_STRENGTH, []
    if choose and len(features) >= _FEWEST_ROWS:
        sample = np.random.default_rng(seed).permutation(len(features))[:_CHOICE_ROWS]
        for candidate in _STRENGTHS:
            losses = []
            for part in np.array_split(sample, _FOLDS):
                model = solve(np.setdiff1d(sample, part), candidate)
                losses.append(task.losses(targets[part], solver.logits(scaled[part], model)))
            tried.append({"C": candidate, "loss": float(np.concatenate(losses).mean())})
        strength = min(tried, key=lambda row: row["loss"])["C"]
    kernel, bias = solve(slice(None), strength)
    kernel = kernel / deviation
    return Linear(kernel, bias - mean @ kernel), tried
