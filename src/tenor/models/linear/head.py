"""The head of a network with a frozen encoder: a linear model on features that are computed once."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tenor.data.blocks import Rows
from tenor.models.linear import solver
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.matrices import Matrix
from tenor.models.linear.solver import LinearWeights, Penalty
from tenor.tasks import Floats, Targets, Task

_C_CANDIDATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # on features of variance 1
_FIRST_C = 0.01
_TUNED_C = 0.003  # of an encoder that was tuned on the same texts, whose choice would fit too closely
_MIN_ROWS_TO_CHOOSE = 24  # with fewer, a choice would be noise
_FOLDS = 5
_SCALES = tuple(2.0**power for power in np.arange(-2, 4.25, 0.5).tolist())
_MAX_ITER, _TOL = 150, 1e-4  # closer fits predict no better
_MAX_ROWS_TO_CHOOSE = 10_000


class Head(NamedTuple):
    """A fitted head.

    Attributes:
        weights: The kernel (width, outputs) and the bias (outputs,) of a dense layer from features to logits.
        C: Its regularisation.
        candidates: For each regularisation that was tried, its `C` and its log loss.
    """

    weights: LinearWeights
    C: float
    candidates: list[dict[str, float]]


class LabelledFeatures:
    """Features of texts with their labels, to fit heads to.

    Args:
        features: (texts, width).
        targets: What `task.encode` makes of the labels.
        task: What is predicted.
        weights: (texts,) how much each counts.
        others: (texts, others) features beside those of the network, sparse; None: there are none.
    """

    def __init__(
        self, features: Floats, targets: Targets, task: Task, weights: Floats, others: Matrix | None = None
    ) -> None:
        # One scale for all: scales of single features would be noise where texts are few.
        deviation = np.float32((features - features.mean(axis=0)).std() + 1e-6)
        self._deviation = np.full(features.shape[1], deviation)
        if others is not None:
            # These are standardised already.
            features = np.concatenate([features, others.toarray()], axis=1)
            self._deviation = np.append(self._deviation, np.ones(others.shape[1], np.float32))
        self._mean = features.mean(axis=0)
        self._scaled = (features - self._mean) / self._deviation
        self._targets, self._task, self._weights = targets, task, weights
        self._output_targets = task.output_targets(targets)

    def __len__(self) -> int:
        return len(self._scaled)

    def fit_tuned(self) -> Head:
        """Fit a head to features of an encoder that was tuned on the same texts: nothing is chosen."""
        return self._fit(_TUNED_C, [])

    def fit_frozen(self, folds: Sequence[tuple[Rows, Rows]]) -> Head:
        """Fit a head to features of a frozen encoder. With enough texts, cross-validation chooses its regularisation.

        C becomes larger while the loss falls by more than the standard error of that fall, or else smaller. The loss is
        that of logits with their best scale, since calibration scales them.

        Args:
            folds: For each fold the rows to fit, and those to score.
        """
        folds = [(fitted, scored) for fitted, scored in folds if len(fitted) and len(scored)]
        if len(self) < _MIN_ROWS_TO_CHOOSE or not folds:
            return self._fit(_FIRST_C, [])
        first, losses = _C_CANDIDATES.index(_FIRST_C), {_FIRST_C: self._losses(_FIRST_C, folds)}
        best = _FIRST_C
        for direction in (_C_CANDIDATES[first + 1 :], _C_CANDIDATES[:first][::-1]):
            for C in direction if best == _FIRST_C else ():
                losses[C] = self._losses(C, folds)
                fall = losses[best] - losses[C]
                if not fall.mean() > fall.std() / math.sqrt(len(fall)):
                    break
                best = C
        return self._fit(best, [{"C": C, "loss": float(losses[C].mean())} for C in sorted(losses)])

    def score_fold(self, C: float, fitted: Rows, scored: Rows) -> Floats:
        """Logits of the rows `scored`, (scored, outputs), by a head that is fitted to the rows `fitted`."""
        return solver.logits(self._scaled[scored], self._solve(C, fitted))

    def _losses(self, C: float, folds: Sequence[tuple[Rows, Rows]]) -> Floats:
        """(texts,) losses of all folds."""
        logits = np.concatenate([self.score_fold(C, fitted, scored) for fitted, scored in folds])
        targets = self._targets[np.concatenate([scored for _, scored in folds])]
        scales = _SCALES if self._task.has_labels else (1.0,)
        scaled = [self._task.losses(targets, np.float32(scale) * logits) for scale in scales]
        return min(scaled, key=lambda losses: float(losses.mean()))

    def _fit(self, C: float, candidates: list[dict[str, float]]) -> Head:
        kernel, bias = self._solve(C, slice(None))
        kernel = kernel / self._deviation[:, None]
        return Head(LinearWeights(kernel, bias - self._mean @ kernel), C, candidates)

    def _solve(self, C: float, rows: slice | Rows) -> LinearWeights:
        targets, weights = self._output_targets[rows], self._weights[rows]
        return solver.fit(
            self._scaled[rows], targets, self._task.activation, Penalty(C), weights, StopRule(_MAX_ITER, _TOL)
        )


def random_folds(n_rows: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Folds of rows in random order; of many rows, of a sample."""
    sample = np.random.default_rng(seed).permutation(n_rows)[:_MAX_ROWS_TO_CHOOSE]
    return [(np.setdiff1d(sample, part), part) for part in np.array_split(sample, _FOLDS)]
