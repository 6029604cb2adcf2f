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
from tenor.models.ngram.model import Config as Config
from tenor.tasks import Floats, Targets, Task
from tenor.text import ngrams
from tenor.text.ngrams import NgramCounts

FOLDS, _MOST_FOLDS = 4, 20
"""Folds, each in turn left out of a fit, to see how probable labels look for texts that are new. One of `_SCORED` texts
is enough; the smaller its share, the more the model that scores it is like the one that is saved."""

_SCORED = 5_000  # so many of these texts are enough, but where rare labels need thresholds
_SCORED_SETS = 20_000  # and there, where the texts are on disk
_SCORED_CELLS, _FEWEST_SCORED = 1 << 24, 1_000  # of many classes, fewer texts do: they are scored for each class
_FOLDED = 100_000  # texts on disk; of more than these, no second model is fitted to see how the first does


def fit(examples: Examples, config: Config, context: FitContext) -> Fitted:
    """Choose what `config` leaves open, then fit on all texts.

    Both are done with `examples.validation` where that is given. Else what is held out for calibration is scored by
    models that have learned from three quarters of the texts or more, unless the settings say not to; of many texts on
    disk, a few are held out from the model itself, which it does not miss.
    """
    begin, seed, callback = time.perf_counter(), context.seed, context.callback
    task, texts = examples.task, examples.texts
    chosen, tried = selection.choose(
        lambda: selection.sample_of(examples, seed), lambda: selection.characters(texts), task, config, seed
    )
    after_choice = time.perf_counter()
    fresh: Examples | None = None
    share = holdout_share(len(examples), task) if text_source(texts).on_disk else None
    if examples.validation is not None:
        examples, fresh = examples.train_validation_split(0, seed)
    elif share is not None:
        examples, fresh = examples.split(share, seed)
    counts = ngram_model.count_ngrams(examples.texts, chosen, callback)
    after_encoding = time.perf_counter()
    model = ngram_model.fit(counts, examples.targets, task, examples.weights, chosen, callback)
    after_fit = time.perf_counter()
    held_out = None
    if fresh is None and config.calibrated:
        held_out = _held_out(examples, counts, chosen, seed)
    elif fresh is not None:
        held_out = HeldOut(np.array(fresh.targets), model.logits(list(fresh.texts)))
    timing = {
        "choose_s": after_choice - begin,
        "encode_s": after_encoding - after_choice,
        "fit_s": after_fit - after_encoding,
        "calibrate_s": time.perf_counter() - after_fit,
    }
    return Fitted(task, model, chosen, timing, tried, held_out)


def _held_out(examples: Examples, counts: NgramCounts, config: Config, seed: int) -> HeldOut | None:
    if len(examples) < FOLDS:
        return None
    task, targets = examples.task, examples.targets
    folds = calibration_folds(list(examples.texts), targets, task, seed, examples.groups)
    scored = np.concatenate([rows for _, rows in folds])
    return HeldOut(targets[scored], out_of_fold_logits(counts, targets, task, examples.weights, config, folds)[scored])


def holdout_share(texts: int, task: Task) -> float | None:
    """Which share of so many texts on disk is held out from the model to see what it says of new ones; None: other
    models are fitted for that, since the texts are too few.
    """
    return None if texts <= _FOLDED else (_SCORED_SETS if task.is_multilabel else _SCORED) / texts


def calibration_folds(
    texts: Sequence[str], targets: Targets, task: Task, seed: int, groups: split.Groups | None = None
) -> list[tuple[Rows, Rows]]:
    """Texts that each of these other models learns from, and those that it scores."""
    count = wanted = FOLDS  # rare labels need all texts
    if not task.is_multilabel:
        count = max(FOLDS, min(len(texts) // _SCORED, _MOST_FOLDS))
        wanted = math.ceil(_SCORED * count / len(texts))
    folds = split.folds(texts, task.strata(targets), count, seed, groups)[:wanted]
    most = max(_FEWEST_SCORED, _SCORED_CELLS // task.n_outputs) // len(folds)
    random = np.random.default_rng((seed, 4))
    return [(kept, rows if len(rows) <= most else np.sort(random.permutation(rows)[:most])) for kept, rows in folds]


def out_of_fold_logits(
    counts: NgramCounts,
    targets: Targets,
    task: Task,
    weights: Floats,
    config: Config,
    folds: Sequence[tuple[Rows, Rows]],
) -> Floats:
    """What models say of the texts that they have not learned from, (texts, outputs) logits.

    Args:
        counts: Counts of all texts.
        targets: What `task.encode` makes of their labels.
        task: What is predicted.
        weights: (texts,) how much each counts.
        config: Settings of which none is left open.
        folds: Texts to learn from and texts to score; a text is scored once at most, those that never are get zeros.
    """
    logits = np.zeros((len(targets), task.n_outputs), np.float32)
    for learned, scored in folds:
        model = ngram_model.fit(ngrams.take(counts, learned), targets[learned], task, weights[learned], config)
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
