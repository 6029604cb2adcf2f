"""`ngram`: hashed n-grams of tokens and of characters, and a linear model, in seconds.

N-grams of characters see what words have in common (endings, compounds, misspellings), and punctuation; on few or short
texts they add much. There are several times as many of them as of words, so on much text they are not tried.

Three weightings of the counts:

    naive-bayes         presence of the n-gram, times the log-ratio of how often the classes use it
                        (Wang and Manning, 2012, "Baselines and Bigrams")
    tf-idf              (1 + log count) times inverse document frequency, each text scaled to length 1
    tf-idf-naive-bayes  tf-idf, times the log-ratio

None wins everywhere, and neither does any one set of n-grams or strength of regularisation, so what the settings leave
open is chosen by a quick validation on a part of the training texts.
"""

import math
import time
from collections.abc import Sequence

import numpy as np

from tenor.data import split
from tenor.data.blocks import Rows
from tenor.data.text_source import text_source
from tenor.models.base import Examples, Fitted, HeldOut
from tenor.models.context import FitContext
from tenor.models.family import LinearFamily
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram import selection
from tenor.models.ngram.config import Config as Config
from tenor.tasks import Floats, Targets, Task
from tenor.text import ngrams
from tenor.text.ngrams import NgramCounts

MIN_FOLDS, _MAX_FOLDS = 4, 20
"""Folds for calibration. The more there are, the more the models that score a fold are like the one that is saved."""

_SCORED_TEXTS = 5_000  # this many are enough, except where rare labels need thresholds
_SCORED_TEXTS_MULTILABEL = 20_000  # and there, where the texts are on disk
_SCORED_CELLS, _MIN_SCORED_TEXTS = 1 << 24, 1_000  # with many classes, fewer texts: there is a score for each class
_MAX_ROWS_FOR_FOLDS = 100_000  # texts on disk; with more, the model leaves out some texts, and there are no folds


def fit(examples: Examples, config: Config, context: FitContext) -> Fitted:
    """Choose the settings that `config` leaves open, then fit on all texts.

    Both use `examples.validation` where it is given. Otherwise models that leave out a fold score texts for
    calibration, unless `config.calibrated` is False. Of many texts on disk, the model itself leaves out a few.
    """
    started_at, seed, callback = time.perf_counter(), context.seed, context.callback
    task, texts = examples.task, examples.texts
    chosen, candidates = selection.choose_settings(
        lambda: selection.draw_sample(examples, seed), lambda: selection.count_characters(texts), task, config, seed
    )
    chosen_at = time.perf_counter()
    left_out: Examples | None = None
    share = holdout_share(len(examples), task) if text_source(texts).on_disk else None
    if examples.validation is not None:
        examples, left_out = examples.train_validation_split(0, seed)
    elif share is not None:
        examples, left_out = examples.split(share, seed)
    counts = ngram_model.count_ngrams(examples.texts, chosen, callback)
    encoded_at = time.perf_counter()
    model = ngram_model.fit(counts, examples.targets, task, examples.weights, chosen, callback)
    fitted_at = time.perf_counter()
    held_out = None
    if left_out is not None:
        held_out = HeldOut(np.array(left_out.targets), model.logits(list(left_out.texts)))
    elif config.calibrated:
        held_out = _score_folds(examples, counts, chosen, seed)
    timing = {
        "choose_s": chosen_at - started_at,
        "encode_s": encoded_at - chosen_at,
        "fit_s": fitted_at - encoded_at,
        "calibrate_s": time.perf_counter() - fitted_at,
    }
    return Fitted(task, model, chosen, timing, candidates, held_out)


def _score_folds(examples: Examples, counts: NgramCounts, config: Config, seed: int) -> HeldOut | None:
    if len(examples) < MIN_FOLDS:
        return None
    folds = calibration_folds(list(examples.texts), examples.targets, examples.task, seed, examples.groups)
    logits = out_of_fold_logits(counts, examples, config, folds)
    scored = np.concatenate([rows for _, rows in folds])
    return HeldOut(examples.targets[scored], logits[scored])


def holdout_share(n_rows: int, task: Task) -> float | None:
    """The share of texts on disk that the model leaves out for calibration.

    Returns:
        The share; None: the texts are few, and models that leave out a fold are fitted instead.
    """
    if n_rows <= _MAX_ROWS_FOR_FOLDS:
        return None
    return (_SCORED_TEXTS_MULTILABEL if task.is_multilabel else _SCORED_TEXTS) / n_rows


def calibration_folds(
    texts: Sequence[str], targets: Targets, task: Task, seed: int, groups: split.Groups | None = None
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


def out_of_fold_logits(
    counts: NgramCounts, examples: Examples, config: Config, folds: Sequence[tuple[Rows, Rows]]
) -> Floats:
    """Logits by models that were not trained on the texts: (texts, outputs).

    Args:
        counts: Counts of all texts.
        examples: The examples.
        config: Settings, none of them open.
        folds: Rows to fit and rows to score. A row is scored once at most; rows that are never scored get zeros.
    """
    targets, task, weights = examples.targets, examples.task, examples.weights
    logits = np.zeros((len(targets), task.n_outputs), np.float32)
    for fitted, scored in folds:
        model = ngram_model.fit(ngrams.take(counts, fitted), targets[fitted], task, weights[fitted], config)
        logits[scored] = model.score(ngrams.take(counts, scored))
    return logits


FAMILY = LinearFamily(
    name="ngram",
    summary="Counts of word and character n-grams and a linear model; seconds.",
    paper="Wang and Manning, 2012",
    config=Config,
    fit_model=fit,
    restore_model=ngram_model.restore,
)
