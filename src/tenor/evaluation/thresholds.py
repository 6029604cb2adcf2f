"""Thresholds of labels, chosen on held-out texts: a text gets a label if its probability reaches the threshold.

The best threshold of a rare label is mostly chance, since few texts have it, and a bad threshold floods the predictions
with that label. So each threshold is drawn towards the best common threshold of all labels: the fewer texts, the more.
"""

import numpy as np
import numpy.typing as npt

from tenor.tasks import Floats, best_threshold

_PRIOR_TEXTS = 25.0  # a label with this many texts gets a threshold halfway between its own and that of all labels
_LOWEST, _HIGHEST = 0.005, 0.95


def choose(truth: npt.NDArray[np.bool_], probabilities: Floats) -> tuple[float, ...]:
    """Thresholds with a high F1 of each label.

    Args:
        truth: (texts, labels), which labels each text has.
        probabilities: (texts, labels).

    Returns:
        (labels,) thresholds, drawn together in log-odds.
    """
    if not truth.any():
        return tuple(0.5 for _ in range(truth.shape[1]))
    common: float = _log_odds(best_threshold(truth.ravel(), probabilities.ravel()))
    thresholds: list[float] = []
    for label in range(truth.shape[1]):
        texts = float(truth[:, label].sum())
        own = _log_odds(best_threshold(truth[:, label], probabilities[:, label])) if texts else common
        share = texts / (texts + _PRIOR_TEXTS)
        drawn = 1 / (1 + np.exp(-(share * own + (1 - share) * common)))
        thresholds.append(float(np.clip(drawn, _LOWEST, _HIGHEST)))
    return tuple(thresholds)


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-4), 1 - 1e-4)
    return float(np.log(clipped / (1 - clipped)))
