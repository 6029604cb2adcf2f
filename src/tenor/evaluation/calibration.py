"""Probabilities that mean what they say: of the texts that get 0.8, four in five are right.

The logits are divided by a temperature (Guo et al., 2017, "On Calibration of Modern Neural Networks"). Where a text has
one label, the probabilities that follow are mixed with a little of the uniform distribution (Zhang et al., 2020,
"Mix-n-Match"): a temperature alone cannot serve both texts that are clear and labels that are wrong. Neither changes
which label wins. Numbers have no probabilities.

Both are fitted to what a model says of texts that it has not learned from, and drawn towards no change, the more the
fewer these are.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor._core.records import Record
from tenor.tasks import Floats, Targets, Task

N_BINS = 15

_Wide = npt.NDArray[np.float64]

_ENTRIES = 200_000  # two numbers need no more logits than this
_LOG_SLOPES = -3, 3
_SLOPES = 0.01, 100.0  # of a model that is loaded
# The prior, as what it adds to the sum of the losses: for the square of a log slope of 1, and for a floor of 1.
_SLOPE_PRIOR, _FLOOR_PRIOR = 2.0, 20.0


@dataclass(frozen=True)
class Calibration:
    """What makes the logits of a model those of calibrated probabilities.

    Attributes:
        slope: What logits are multiplied with, the inverse of the temperature; above 0.
        floor: Share of the uniform distribution over the classes.
    """

    slope: float = 1.0
    floor: float = 0.0

    def apply(self, logits: Floats, task: Task) -> Floats:
        """The logits of calibrated probabilities, of the same shape, (texts, outputs); they rise with the logits."""
        wide = logits.astype(np.float64) * self.slope
        if not self.floor:
            return wide.astype(np.float32)
        if task.n_outputs == 1:
            both = _log_mixed(np.concatenate([np.zeros_like(wide), wide], axis=1), self.floor)
            return (both[:, 1:] - both[:, :1]).astype(np.float32)
        return _log_mixed(wide, self.floor).astype(np.float32)

    def describe(self) -> dict[str, Any]:
        return asdict(self)


def restore(description: dict[str, Any], task: Task) -> Calibration:
    """What `Calibration.describe` tells of. Raises RecordError, a ValueError, where it tells of none."""
    record = Record(description, "tenor.json", "calibration")
    return Calibration(record.number("slope", *_SLOPES), record.number("floor", 0.0, task.max_uniform_share))


def fit(targets: Targets, logits: Floats, task: Task) -> Calibration | None:
    """Fit a calibration by its log loss.

    Args:
        targets: What `task.encode` makes of the labels of texts that the model has not learned from, at least one.
        logits: (texts, outputs), what it says of them.
        task: What is predicted.

    Returns:
        The calibration; None for numbers.
    """
    every = -(-logits.size // _ENTRIES)
    decisions = task.class_logits(targets[::every], logits[::every])
    return None if decisions is None else _fit(*decisions, task.max_uniform_share)


def _fit(targets: npt.NDArray[np.int64], logits: _Wide, highest_floor: float) -> Calibration:
    from scipy.optimize import minimize

    rows, classes = logits.shape
    true = logits[np.arange(rows), targets]

    def loss(point: _Wide) -> tuple[float, _Wide]:
        """The mean loss with the prior, and its gradient, at a log slope and a floor."""
        slope, floor = np.exp(point[0]), point[1]
        shares = _softmax(logits * slope)
        own = shares[np.arange(rows), targets]
        found = (1 - floor) * own + floor / classes + 1e-300
        by_slope = (1 - floor) * own * (true - (shares * logits).sum(axis=1)) * slope / found
        by_floor = (1 / classes - own) / found
        total = -np.log(found).sum() + _SLOPE_PRIOR * point[0] ** 2 + _FLOOR_PRIOR * floor
        slopes = [2 * _SLOPE_PRIOR * point[0] - by_slope.sum(), _FLOOR_PRIOR - by_floor.sum()]
        return total / rows, np.array(slopes) / rows

    first = np.array([0, min(0.01, highest_floor)])
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=[_LOG_SLOPES, (0, highest_floor)]).x
    return Calibration(float(np.exp(found[0])), float(found[1]))


def calibration_metrics(targets: Targets, probabilities: Floats, task: Task) -> dict[str, Any]:
    """How far probabilities are from what they say.

    Args:
        targets: What `task.encode` makes of the labels of n texts, n at least 1.
        probabilities: (n, labels).
        task: Tells single labels from sets.

    Returns:
        `expected_calibration_error`: mean distance between confidence and accuracy over 15 bins of equal width, each
        counting by its texts (Naeini et al., 2015; Guo et al., 2017); `brier_score`: mean squared error (Brier, 1950),
        summed over the classes where there are more than two; `reliability`: `confidence`, `accuracy` and `count` of
        each bin that is not empty. Confidence is the highest probability of a text; where it may have several labels,
        the probability of each of them.
    """
    confidence, right = task.decisions(targets, probabilities)
    number = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    count = np.bincount(number, minlength=N_BINS)
    filled = np.flatnonzero(count)
    sums = (np.bincount(number, each.astype(np.float64), N_BINS) for each in (confidence, right))
    expected, reached = (each[filled] / count[filled] for each in sums)
    return {
        "expected_calibration_error": float((np.abs(expected - reached) * count[filled]).sum() / len(number)),
        "brier_score": task.brier_score(targets, probabilities),
        "reliability": [
            {"confidence": float(one), "accuracy": float(other), "count": int(size)}
            for one, other, size in zip(expected, reached, count[filled], strict=True)
        ],
    }


def _softmax(logits: _Wide) -> _Wide:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _log_mixed(logits: _Wide, floor: float) -> _Wide:
    """Log of the softmax, mixed with a share of the uniform distribution."""
    return np.asarray(np.log((1 - floor) * _softmax(logits) + floor / logits.shape[1]))
