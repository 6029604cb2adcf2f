"""Calibrated probabilities: four in five predictions with probability 0.8 are right.

The logits are divided by a temperature (Guo et al., 2017, "On Calibration of Modern Neural Networks"). With one label
per text, the probabilities are then mixed with a small share of the uniform distribution (Zhang et al., 2020,
"Mix-n-Match"). A temperature alone cannot fit both clear texts and wrong labels. Neither changes which label wins.
Numbers have no probabilities.

Both are fitted to predictions for held-out texts. A prior draws them towards no change: the fewer texts, the more.
"""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonObject, Record
from tenor._core.threads import parallel_map
from tenor.data.blocks import block_slices, map_blocks
from tenor.tasks import Floats, Targets, Task

N_BINS = 15

_Wide = npt.NDArray[np.float64]

_MOST_LOGITS, _MIN_TEXTS = 200_000, 1_000  # enough to fit two numbers; with thousands of classes, this many texts
_LOG_SLOPES = -3, 3
_SLOPES = 0.01, 100.0  # allowed in a model that is loaded
# The prior, in nats of the summed loss: for the square of a log slope of 1, and for a floor of 1.
_SLOPE_PRIOR, _FLOOR_PRIOR = 2.0, 20.0


@dataclass(frozen=True)
class Calibration:
    """Turns the logits of a model into those of calibrated probabilities.

    Attributes:
        slope: The inverse of the temperature, above 0. Logits are multiplied by it.
        floor: Share of the uniform distribution over the classes.
    """

    slope: float = 1.0
    floor: float = 0.0

    def apply(self, logits: Floats, task: Task) -> Floats:
        """The logits of calibrated probabilities, (texts, outputs). They increase with `logits`, of the same shape."""
        return map_blocks(lambda block: self._apply(block, task), logits)

    def _apply(self, logits: Floats, task: Task) -> Floats:
        wide = logits.astype(np.float64) * self.slope
        if not self.floor:
            return wide.astype(np.float32)
        if task.n_outputs == 1:
            both = _log_mixed(np.concatenate([np.zeros_like(wide), wide], axis=1), self.floor)
            return (both[:, 1:] - both[:, :1]).astype(np.float32)
        return _log_mixed(wide, self.floor).astype(np.float32)

    def describe(self) -> dict[str, float]:
        """The calibration as JSON; `restore` reads it."""
        return asdict(self)


def restore(description: JsonObject, task: Task) -> Calibration:
    """The calibration that `Calibration.describe` described. Raises RecordError, a ValueError, for a wrong value."""
    record = Record(description, "tenor.json", "calibration")
    return Calibration(record.number("slope", *_SLOPES), record.number("floor", 0.0, task.max_uniform_share))


def fit(targets: Targets, logits: Floats, task: Task) -> Calibration | None:
    """Fit a calibration: minimise the log loss.

    Args:
        targets: The labels of held-out texts, at least one, as `task.encode` gives them.
        logits: (texts, outputs).
        task: The task.

    Returns:
        The calibration; None for numbers.
    """
    step = min(-(-logits.size // _MOST_LOGITS), max(1, len(logits) // _MIN_TEXTS))
    decisions = task.class_logits(targets[::step], logits[::step])
    return None if decisions is None else _fit(*decisions, task.max_uniform_share)


def _fit(targets: npt.NDArray[np.int64], logits: _Wide, highest_floor: float) -> Calibration:
    from scipy.optimize import minimize

    rows, classes = logits.shape
    true = logits[np.arange(rows), targets]

    def loss(point: _Wide) -> tuple[float, _Wide]:
        """The mean loss with the prior, and its gradient, at a log slope and a floor."""
        slope, floor = np.exp(point[0]), point[1]
        softmax = _softmax(logits * slope)
        softmax_true = softmax[np.arange(rows), targets]
        mixed = (1 - floor) * softmax_true + floor / classes + 1e-300
        by_slope = (1 - floor) * softmax_true * (true - (softmax * logits).sum(axis=1)) * slope / mixed
        by_floor = (1 / classes - softmax_true) / mixed
        total = -np.log(mixed).sum() + _SLOPE_PRIOR * point[0] ** 2 + _FLOOR_PRIOR * floor
        gradient = [2 * _SLOPE_PRIOR * point[0] - by_slope.sum(), _FLOOR_PRIOR - by_floor.sum()]
        return total / rows, np.array(gradient) / rows

    start = np.array([0, min(0.01, highest_floor)])
    optimum = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_LOG_SLOPES, (0, highest_floor)]).x
    return Calibration(float(np.exp(optimum[0])), float(optimum[1]))


def calibration_metrics(targets: Targets, logits: Floats, task: Task) -> JsonObject:
    """How far probabilities are from observed frequencies.

    Args:
        targets: The labels of n texts, n at least 1, as `task.encode` gives them.
        logits: (n, outputs).
        task: The task.

    Returns:
        `expected_calibration_error`: the mean distance between confidence and accuracy over 15 bins of equal width,
        weighted by their texts (Naeini et al., 2015; Guo et al., 2017). `brier_score`: the mean squared error (Brier,
        1950), summed over the classes if there are more than two. `reliability`: `confidence`, `accuracy` and `count`
        of each bin that is not empty. Confidence is the highest probability of a text; with several labels per text,
        the probability of each label.
    """
    blocks = list(parallel_map(lambda rows: _sums(targets[rows], logits[rows], task), block_slices(*logits.shape)))
    table = np.sum([sums for sums, _ in blocks], axis=0)
    squares = sum(square for _, square in blocks)
    counts = table[0]
    filled = np.flatnonzero(counts)
    mean_confidence, accuracy = table[1:, filled] / counts[filled]
    distance = np.abs(mean_confidence - accuracy)
    return {
        "expected_calibration_error": float((distance * counts[filled]).sum() / counts.sum()),
        "brier_score": squares / len(logits),
        "reliability": [
            {"confidence": float(one), "accuracy": float(other), "count": int(size)}
            for one, other, size in zip(mean_confidence, accuracy, counts[filled], strict=True)
        ],
    }


def _sums(targets: Targets, logits: Floats, task: Task) -> tuple[_Wide, float]:
    """By bin the number of decisions, sum of confidence, and right ones: (3, bins); and the sum of Brier scores."""
    probabilities = task.probabilities(logits)
    confidence, right = task.decisions(targets, probabilities)
    bins = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    table = [np.bincount(bins, each, N_BINS) for each in (None, confidence.astype(np.float64), right)]
    return np.array(table, np.float64), task.brier_score(targets, probabilities) * len(logits)


def _softmax(logits: _Wide) -> _Wide:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _log_mixed(logits: _Wide, floor: float) -> _Wide:
    """Log of the softmax, mixed with a share of the uniform distribution."""
    return np.asarray(np.log((1 - floor) * _softmax(logits) + floor / logits.shape[1]))
