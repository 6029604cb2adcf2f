"""The head of a network whose encoder is frozen: a logistic regression on features that are computed once."""

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

from tenor.models.family import Targets
from tenor.tasks import Floats

_STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0)  # C on features of variance 1
_USUAL_STRENGTH = 0.003
_FEWEST_ROWS = 200  # with fewer, a choice would be noise
_FOLDS = 5
_ITERATIONS = 1_000
_CHOICE_ROWS = 10_000


def fit(features: Floats, targets: Targets, outputs: int, seed: int) -> tuple[Floats, Floats, list[dict[str, Any]]]:
    """Fit the head; its regularisation is chosen by cross-validation where there are enough texts for that.

    Args:
        features: (texts, width).
        targets: (texts,) classes.
        outputs: Width of the head.
        seed: Of the folds.

    Returns:
        The kernel (width, outputs) and the bias (outputs,) of a dense layer from features to logits, and a row for each
        strength that was tried.
    """
    # One scale for all: those of single features would be noise where texts are few.
    mean = features.mean(axis=0)
    deviation = (features - mean).std() + 1e-6
    scaled = (features - mean) / deviation
    strength = _USUAL_STRENGTH
    tried: list[dict[str, Any]] = []
    sample = np.random.default_rng(seed).permutation(len(targets))[:_CHOICE_ROWS]
    # Each fold needs a text of each class, so the choice leaves out classes that have too few.
    sample = sample[np.bincount(targets[sample])[targets[sample]] >= _FOLDS]
    if len(np.unique(targets[sample])) >= 2 and len(sample) >= _FEWEST_ROWS:
        splits = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
        for candidate in _STRENGTHS:
            model = LogisticRegression(C=candidate, max_iter=_ITERATIONS)
            scores = cross_val_score(model, scaled[sample], targets[sample], cv=splits, scoring="neg_log_loss")
            tried.append({"strength": candidate, "log_loss": float(-scores.mean())})
        strength = min(tried, key=lambda row: row["log_loss"])["strength"]
    found = LogisticRegression(C=strength, max_iter=_ITERATIONS).fit(scaled, targets)
    kernel = np.zeros((features.shape[1], outputs))
    kernel[:] = found.coef_.T / deviation
    bias = found.intercept_ - mean @ kernel
    return kernel.astype(np.float32), bias.astype(np.float32), tried
