"""The choice of `ngram` settings that are left open, by quick validation on a part of the training texts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np

from tenor.config.settings import require
from tenor.data.blocks import Rows
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.data.text_source import text_source
from tenor.models.base import Examples
from tenor.models.ngram import field_selection
from tenor.models.ngram.config import Config
from tenor.models.ngram.features import Weighting
from tenor.models.ngram.trial import Trial
from tenor.tasks import Task

# (word_ngrams, char_ngrams)
_FIRST_NGRAMS = (1, 2), ()
_OTHER_NGRAMS = ((1,), ()), ((1, 2, 3), ())
_NGRAMS_WITH_CHARACTERS = ((), (1, 2, 3)), ((1, 2), (3, 4, 5))

MAX_CHARACTERS = 5_000_000
"""N-grams of characters are tried if the training texts have at most this many characters in all."""

_SAMPLE_ROWS = 200_000  # texts, where they are on disk
_FIRST_C = {"naive-bayes": 0.3, "tf-idf": 30.0, "tf-idf-naive-bayes": 30.0}
_FIRST_C_MULTILABEL = {"naive-bayes": 0.3, "tf-idf": 10 / 3, "tf-idf-naive-bayes": 10 / 3}
_C_FACTOR, _C_STEPS = 3.0, 5


def sample_rows(n_rows: int, seed: int, on_disk: bool) -> Rows:
    """The rows that the quick validation uses, in random order: all, or a sample where the texts are on disk.

    Args:
        n_rows: Number of training texts.
        seed: Seed of the draw.
        on_disk: Whether the texts are on disk.
    """
    random = np.random.default_rng((seed, 1))
    if on_disk and n_rows > _SAMPLE_ROWS:
        return random.choice(n_rows, _SAMPLE_ROWS, replace=False)
    return random.permutation(n_rows)


def draw_sample(examples: Examples, seed: int) -> Examples:
    """The texts of `sample_rows` in that order, in memory."""
    if not text_source(examples.texts).on_disk:
        sample = examples.take(sample_rows(len(examples), seed, on_disk=False))
        return replace(sample, validation=examples.validation)
    order = sample_rows(len(examples), seed, on_disk=True)
    ascending = np.sort(order)  # read one after the other
    return examples.take(ascending).in_memory().take(np.searchsorted(ascending, order))


def count_characters(texts: Sequence[str]) -> int:
    """Number of characters in the texts; the count ends above MAX_CHARACTERS."""
    size = 0
    for text in texts:
        size += len(text)
        if size > MAX_CHARACTERS:
            break
    return size


def choose_settings(
    sample: Callable[[], Examples],
    characters: Callable[[], int],
    task: Task,
    config: Config,
    seed: int,
    fields: Fields = SINGLE_TEXT,
) -> tuple[Config, list[dict[str, str | float | None]]]:
    """Choose the settings that `config` leaves open: C for each weighting, then the n-grams for the best weighting.

    Settings are compared on the trial's second part by log loss, which is far less noisy than accuracy; in multilabel
    tasks by F1, and for numbers by the squared error. Other n-grams than the first have to be better by more than the
    standard error of the difference, since they cost time.

    Args:
        sample: Returns the texts of `sample_rows`, in that order.
        characters: Returns how many characters the training texts have in all, as `count_characters` does.
        task: What is predicted.
        config: The settings.
        seed: Seed of the split.
        fields: The columns of a row.

    Returns:
        The settings, and a row for each candidate.

    Raises:
        SettingsError: The weighting does not fit the task, or a setting does not fit the fields.
    """
    ngrams_are_open = config.word_ngrams is None and config.char_ngrams is None
    first = _FIRST_NGRAMS if ngrams_are_open else (config.word_ngrams or (), config.char_ngrams or ())
    start = field_selection.first_settings(replace(config, word_ngrams=first[0], char_ngrams=first[1]), fields)
    fields_are_open = (start.field_buckets, start.feature_scale) != (config.field_buckets, config.feature_scale)
    weightings = get_args(Weighting) if config.weighting is None else (config.weighting,)
    if not task.has_labels:  # the other weightings use how often the classes have an n-gram
        require(config.weighting in (None, "tf-idf"), "weighting", "must be tf-idf for a regression")
        weightings = ("tf-idf",)
    if not ngrams_are_open and not fields_are_open and None not in (config.weighting, config.C):
        return start, []
    trial = Trial(sample(), start, seed)
    best = min((_search_c(trial, replace(start, weighting=weighting)) for weighting in weightings), key=trial.loss)
    best = field_selection.choose(trial, best, config)
    if ngrams_are_open:
        best = _choose_ngrams(trial, best, with_characters=characters() <= MAX_CHARACTERS)
    return best, trial.rows


def _choose_ngrams(trial: Trial, best: Config, with_characters: bool) -> Config:
    """The best settings with any n-grams; `best` has the first ones."""
    candidates = (*_OTHER_NGRAMS, *(_NGRAMS_WITH_CHARACTERS if with_characters else ()))
    alternatives = [trial.with_ngrams(best, word_ngrams, char_ngrams) for word_ngrams, char_ngrams in candidates]
    chosen = min([best, *(other for other in alternatives if trial.is_clearly_better(other, best))], key=trial.loss)
    if chosen is not best and trial.task.is_multilabel:
        chosen = _search_c(trial, replace(chosen, C=None), chosen.C)
    return chosen


def _search_c(trial: Trial, config: Config, first: float | None = None) -> Config:
    """The best C for the weighting of `config`: C is multiplied or divided by 3 while the loss falls.

    Args:
        trial: Compares settings.
        config: The settings; a C that is set stays.
        first: The best C with fewer n-grams: the search only goes down from it, because many n-grams that fit closely
            cost the rare labels. None: the search goes both ways from the usual C.
    """
    assert config.weighting is not None
    if config.C is not None:
        return config
    usual = _FIRST_C_MULTILABEL if trial.task.is_multilabel else _FIRST_C
    best = replace(config, C=first or usual[config.weighting])
    for factor in (_C_FACTOR, 1 / _C_FACTOR) if first is None else (1 / _C_FACTOR,):
        start = best
        for _ in range(_C_STEPS):
            assert best.C is not None
            moved = replace(best, C=best.C * factor)
            if trial.loss(moved) >= trial.loss(best):
                break
            best = moved
        if best != start:
            break
    return best
