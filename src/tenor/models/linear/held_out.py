"""Held-out scores of a linear family: from validation texts, from texts that are left out, or from folds.

A family calls `leave_out`, fits its model to the rest, and then calls `score_left_out` or, if nothing was left out,
`score_folds`.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tenor.data import split
from tenor.data.blocks import Rows
from tenor.data.split import Groups
from tenor.data.text_source import text_source
from tenor.models.base import Examples, HeldOut, Model
from tenor.tasks import Floats, Targets, Task

MIN_FOLDS, _MAX_FOLDS = 4, 20
"""Folds for calibration. With more folds, the models that score a fold resemble the saved model more."""

_SCORED_TEXTS = 5_000  # this many are enough, except where rare labels need thresholds
_SCORED_TEXTS_MULTILABEL = 20_000  # and there, where the texts are on disk
_SCORED_CELLS, _MIN_SCORED_TEXTS = 1 << 24, 1_000  # with many classes, fewer texts: there is a score for each class
_MAX_ROWS_FOR_FOLDS = 100_000  # texts on disk; with more, the model leaves out some texts, and there are no folds


class FitFold(Protocol):
    """Fits a model to some rows of the training texts and scores others."""

    def __call__(self, fitted: Rows, scored: Rows, /) -> Floats:
        """Logits of the rows `scored`, (scored, outputs), by a model that is fitted to the rows `fitted`."""


def leave_out(examples: Examples, seed: int) -> tuple[Examples, Examples | None]:
    """The examples to fit the model to, and those that it leaves out.

    Returns:
        The examples to fit, and the examples left out: the validation texts, or a few of many texts on disk; None:
        nothing is left out.
    """
    share = holdout_share(len(examples), examples.task) if text_source(examples.texts).on_disk else None
    if examples.validation is None and share is None:
        return examples, None
    return examples.train_validation_split(share or 0, seed)


def score_left_out(model: Model, left_out: Examples) -> HeldOut:
    """The scores of the texts that the model left out."""
    return HeldOut(np.array(left_out.targets), model.logits(list(left_out.texts)))


def score_folds(examples: Examples, fit_fold: FitFold, seed: int) -> HeldOut | None:
    """Scores by further models; each model leaves out a fold.

    Args:
        examples: The examples; their groups stay together.
        fit_fold: Fits a model to some rows of the examples and scores others.
        seed: Seed of the folds.

    Returns:
        The scores; None: there are too few texts, or all are in one group.
    """
    if len(examples) < MIN_FOLDS:
        return None
    folds = calibration_folds(list(examples.texts), examples.targets, examples.task, seed, examples.groups)
    folds = [(fitted, scored) for fitted, scored in folds if len(fitted) and len(scored)]
    if not folds:
        return None
    logits = out_of_fold_logits(examples, folds, fit_fold)
    scored = np.concatenate([rows for _, rows in folds])
    return HeldOut(examples.targets[scored], logits[scored], rows=scored)


def holdout_share(n_rows: int, task: Task) -> float | None:
    """The share of texts on disk that the model leaves out for calibration.

    Returns:
        The share; None: the texts are few, and models that leave out a fold are fitted instead.
    """
    if n_rows <= _MAX_ROWS_FOR_FOLDS:
        return None
    return (_SCORED_TEXTS_MULTILABEL if task.is_multilabel else _SCORED_TEXTS) / n_rows


def calibration_folds(
    texts: Sequence[str], targets: Targets, task: Task, seed: int, groups: Groups | None = None
) -> list[tuple[Rows, Rows]]:
    """Folds for calibration: the rows that a model is fitted to, and those that it scores.

    Args:
        texts: The texts; equal ones stay together.
        targets: What `task.encode` makes of the labels.
        task: What is predicted.
        seed: Seed of the folds.
        groups: (texts,) groups that stay together.
    """
    n_folds = n_scored = MIN_FOLDS  # rare labels need all texts
    if not task.is_multilabel:
        n_folds = max(MIN_FOLDS, min(len(texts) // _SCORED_TEXTS, _MAX_FOLDS))
        n_scored = math.ceil(_SCORED_TEXTS * n_folds / len(texts))
    folds = split.folds(texts, task.strata(targets), n_folds, seed, groups)[:n_scored]
    limit = max(_MIN_SCORED_TEXTS, _SCORED_CELLS // task.n_outputs) // len(folds)
    random = np.random.default_rng((seed, 4))
    return [(kept, rows if len(rows) <= limit else np.sort(random.permutation(rows)[:limit])) for kept, rows in folds]


def out_of_fold_logits(examples: Examples, folds: Sequence[tuple[Rows, Rows]], fit_fold: FitFold) -> Floats:
    """Logits by models that were not trained on the texts: (texts, outputs).

    Args:
        examples: The examples.
        folds: Rows to fit and rows to score. A row is scored once at most; rows that are never scored get zeros.
        fit_fold: Fits a model to some rows of the examples and scores others.
    """
    logits = np.zeros((len(examples), examples.task.n_outputs), np.float32)
    for fitted, scored in folds:
        logits[scored] = fit_fold(fitted, scored)
    return logits
