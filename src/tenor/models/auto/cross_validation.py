"""Candidates on few texts: each is fitted to all of them, and scores each text by a model that left it out.

One small validation part would choose by chance. Families that score held-out folds themselves do it here too. A
network is trained again for each fold, until enough texts are scored.
"""

import time
from dataclasses import replace

import numpy as np

from tenor.data.text_source import text_source
from tenor.models.auto import cost
from tenor.models.auto.candidate import Candidate, TrainedCandidate
from tenor.models.base import Examples, FamilyConfig, Fitted
from tenor.models.context import FitContext
from tenor.models.linear import held_out
from tenor.tasks import Floats

FEW_TEXTS = 1_000
"""With fewer texts, candidates are cross-validated."""

_TIMED_TEXTS = 50  # scored once more, for the texts per second
_MIN_SCORED = 200  # texts, or all: a network scores no further fold then


def applies(examples: Examples) -> bool:
    """Whether candidates are cross-validated on these examples."""
    return (
        held_out.MIN_FOLDS <= len(examples) < FEW_TEXTS
        and examples.validation is None
        and not len(examples.unlabelled)  # their predictions would know the labels of all texts
        and not text_source(examples.texts).on_disk
    )


def n_network_folds(n_texts: int) -> int:
    """The number of folds that a network scores."""
    return min(held_out.MIN_FOLDS, -(-_MIN_SCORED * held_out.MIN_FOLDS // n_texts))


def cross_validate(candidate: Candidate, examples: Examples, context: FitContext) -> TrainedCandidate:
    """Fit a candidate to all texts, and score each by a model that left it out.

    A network is fitted to the texts outside the first fold; `Refit` fits it to all texts if the blend needs it.

    Raises:
        TenorError: A setting does not fit the task, or a package is missing.
    """
    started_at, seed = time.perf_counter(), context.seed
    context = replace(context, seed=seed + candidate.seed, seconds=candidate.seconds)
    if candidate.scores_folds:
        fitted = candidate.family.fit(examples, candidate.config_with_folds, context)
        fit_s = time.perf_counter() - started_at
        logits = _own_scores(fitted, examples)
        if logits is None:
            config = replace(fitted.config, **candidate.family.without_holdout)
            _, logits, _ = _score_folds(candidate, config, examples, context, held_out.MIN_FOLDS)
    else:
        n_folds = n_network_folds(len(examples))
        fitted, logits, fit_s = _score_folds(candidate, candidate.config, examples, context, n_folds)
    seconds = time.perf_counter() - started_at
    texts = cost.sample(examples)[:_TIMED_TEXTS]
    started_at = time.perf_counter()
    fitted.model.logits(texts)
    texts_per_s = len(texts) / (time.perf_counter() - started_at)
    inference_cost = cost.inference_cost(fitted, texts)
    return TrainedCandidate(
        candidate=candidate,
        fitted=fitted,
        logits=logits,
        seconds=seconds,
        fit_s=fit_s,
        texts_per_s=texts_per_s,
        latency_ms=inference_cost.latency_ms,
        size_mib=inference_cost.size_mib,
    )


def _own_scores(fitted: Fitted, examples: Examples) -> Floats | None:
    """The family's own held-out scores, (texts, outputs); None: they do not cover all texts."""
    scores = fitted.held_out
    if scores is None or scores.rows is None or len(np.unique(scores.rows)) < len(examples):
        return None
    logits = np.empty((len(examples), examples.task.n_outputs), np.float32)
    logits[scores.rows] = scores.logits
    return logits


def _score_folds(
    candidate: Candidate, config: FamilyConfig, examples: Examples, context: FitContext, n_folds: int
) -> tuple[Fitted, Floats, float]:
    """Fit the first folds. Returns the first model, logits (texts, outputs) with NaN for texts that no model scored,
    and the seconds of the first fit.
    """
    logits = np.full((len(examples), examples.task.n_outputs), np.nan, np.float32)
    seed = context.seed - candidate.seed  # all candidates have the same folds
    folds = held_out.calibration_folds(list(examples.texts), examples.targets, examples.task, seed, examples.groups)
    first, fit_s = None, 0.0
    for fitted_rows, scored_rows in folds[:n_folds]:
        started_at = time.perf_counter()
        fitted = candidate.family.fit(examples.take(fitted_rows), config, context)
        if first is None:
            first, fit_s = fitted, time.perf_counter() - started_at
        logits[scored_rows] = fitted.model.logits([examples.texts[row] for row in scored_rows])
    assert first is not None
    return first, logits, fit_s
