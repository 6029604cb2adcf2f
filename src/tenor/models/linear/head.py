"""The head of a network with a frozen encoder: a linear model on features that are computed once."""

import numpy as np
import numpy.typing as npt

from tenor.models.linear import solver
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.solver import LinearWeights, Penalty
from tenor.tasks import Floats, Targets, Task

_C_CANDIDATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0)  # on features of variance 1
_DEFAULT_C = 0.003
_MIN_ROWS_TO_CHOOSE = 200  # with fewer, a choice would be noise
_FOLDS = 5
_MAX_ITER = 300
_MAX_ROWS_TO_CHOOSE = 10_000


def fit(
    features: Floats, targets: Targets, task: Task, weights: Floats, seed: int, choose: bool = True
) -> tuple[LinearWeights, list[dict[str, float]]]:
    """Fit the head. With enough texts, cross-validation chooses its regularisation.

    Args:
        features: (texts, width).
        targets: What `task.encode` makes of the labels.
        task: What is predicted.
        weights: (texts,) how much each counts.
        seed: Seed of the folds.
        choose: Whether to choose the regularisation. If the encoder was trained on the same texts, the choice would
            be too weak.

    Returns:
        The kernel (width, outputs) and the bias (outputs,) of a dense layer from features to logits; and for each
        candidate its `C` and its log loss.
    """
    # One scale for all: scales of single features would be noise where texts are few.
    mean = features.mean(axis=0)
    deviation = np.float32((features - mean).std() + 1e-6)
    scaled, output_targets = (features - mean) / deviation, task.output_targets(targets)

    def solve(rows: slice | npt.NDArray[np.int64], C: float) -> LinearWeights:
        return solver.fit(
            scaled[rows], output_targets[rows], task.activation, Penalty(C), weights[rows], StopRule(_MAX_ITER)
        )

    C, candidates = _DEFAULT_C, []
    if choose and len(features) >= _MIN_ROWS_TO_CHOOSE:
        sample = np.random.default_rng(seed).permutation(len(features))[:_MAX_ROWS_TO_CHOOSE]
        for candidate in _C_CANDIDATES:
            losses = []
            for part in np.array_split(sample, _FOLDS):
                model = solve(np.setdiff1d(sample, part), candidate)
                losses.append(task.losses(targets[part], solver.logits(scaled[part], model)))
            candidates.append({"C": candidate, "loss": float(np.concatenate(losses).mean())})
        C = min(candidates, key=lambda row: row["loss"])["C"]
    kernel, bias = solve(slice(None), C)
    kernel = kernel / deviation
    return LinearWeights(kernel, bias - mean @ kernel), candidates
