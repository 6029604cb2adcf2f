"""The choice of `ngram` settings that are left open, by quick validation on a part of the training texts."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tenor._core.language import tr
from tenor.config.settings import require
from tenor.data.blocks import Rows
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.data.text_source import text_source
from tenor.models.base import Examples
from tenor.models.linear.class_pairs import MIN_CLASSES
from tenor.models.ngram import field_selection
from tenor.models.ngram.config import Config
from tenor.models.ngram.features import Weighting
from tenor.models.ngram.trial import Trial
from tenor.tasks import Task

Ngrams = tuple[tuple[int, ...], tuple[int, ...]]
"""Lengths of n-grams of words and of characters."""

_WORDS: tuple[Ngrams, ...] = ((1, 2), ()), ((1,), ())
_WITH_CHARACTERS: tuple[Ngrams, ...] = ((1, 2), (3, 4, 5)), ((1, 2), (1, 2, 3))

MAX_CHARACTERS = 5_000_000
"""N-grams of characters are tried if the training texts have at most this many characters in all."""

_SAMPLE_ROWS = 200_000  # texts, where they are on disk
_FEW_TEXTS = 1_000  # with fewer texts, n-grams of characters are the first candidate
_RARE_NGRAMS = 10_000  # with fewer texts, n-grams of a single text are features too
_ROWS_OF_MANY_CLASSES = 40_000  # texts of the trial that chooses C with as many classes as possible
_MAX_C_OF_MANY_CLASSES = 64.0  # where words separate all training texts, each larger C is as good but takes more steps
_WEIGHTINGS: tuple[Weighting, ...] = "tf-idf", "tf-idf-naive-bayes", "naive-bayes"
_LEAST_C = {"naive-bayes": 0.004, "tf-idf": 0.5, "tf-idf-naive-bayes": 0.5}
_C_FACTOR, _C_STEPS, _C_AROUND = 2.0, 11, (0.5, 1.0, 2.0)
_PATIENCE = 2  # a path of C ends when the loss is not clearly below that two values before


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
    n_rows: int,
    fields: Fields = SINGLE_TEXT,
) -> tuple[Config, list[dict[str, str | float | None]]]:
    """Choose the settings that `config` leaves open: C for each weighting, then the n-grams for the best weighting.

    Settings are compared by log loss, which is far less noisy than accuracy; in multilabel tasks by F1, and for numbers
    by the squared error. Of the n-grams, the first are kept whose loss is within the standard error of the least.

    Args:
        sample: Returns the texts of `sample_rows`, in that order.
        characters: Returns how many characters the training texts have in all, as `count_characters` does.
        task: What is predicted.
        config: The settings.
        seed: Seed of the split.
        n_rows: Number of training texts.
        fields: The columns of a row.

    Returns:
        The settings, and a row for each candidate.

    Raises:
        SettingsError: The weighting does not fit the task, or a setting does not fit the fields.
    """
    ngrams_are_open = config.word_ngrams is None and config.char_ngrams is None
    candidates: tuple[Ngrams, ...] = ((config.word_ngrams or (), config.char_ngrams or ()),)
    if ngrams_are_open:
        with_characters = _WITH_CHARACTERS if characters() <= MAX_CHARACTERS else ()
        candidates = (*with_characters, _WORDS[0]) if n_rows < _FEW_TEXTS else (*_WORDS, *with_characters)
    start = replace(config, word_ngrams=candidates[0][0], char_ngrams=candidates[0][1])
    start = replace(start, min_df=config.min_df or (1 if n_rows < _RARE_NGRAMS else 2))
    start = field_selection.first_settings(start, fields)
    fields_are_open = (start.field_buckets, start.feature_scale) != (config.field_buckets, config.feature_scale)
    weightings = _WEIGHTINGS if config.weighting is None else (config.weighting,)
    if task.is_single_label and task.n_outputs >= MIN_CLASSES and config.weighting is None:
        weightings = ("tf-idf",)  # with few texts of a class, log-ratios were worse on all sets
    if not task.has_labels:  # the other weightings use how often the classes have an n-gram
        require(config.weighting in (None, "tf-idf"), "weighting", tr("must be tf-idf for a regression"))
        weightings = ("tf-idf",)
    if not ngrams_are_open and not fields_are_open and None not in (config.weighting, config.C):
        return start, []
    trial = Trial(sample(), start, seed)
    best = _search_c(trial, replace(start, weighting=weightings[0]))
    others = [_search_near(trial, replace(best, weighting=weighting), best, config.C) for weighting in weightings[1:]]
    best = min([best, *others], key=trial.loss)
    best = field_selection.choose(trial, best, config)
    others = [replace(best, word_ngrams=words, char_ngrams=chars) for words, chars in candidates[1:]]
    best = _first_of_the_best(trial, [best, *(_search_near(trial, other, best, config.C) for other in others)])
    if not task.is_single_label or trial.task.n_outputs < MIN_CLASSES or config.C is not None:
        return best, trial.rows
    return _search_c_of_more_classes(trial, best, sample(), seed)


def _first_of_the_best(trial: Trial, candidates: Sequence[Config]) -> Config:
    """The first candidate whose loss is not clearly above the least; the order is by cost."""
    best = min(candidates, key=trial.loss)
    return next(each for each in candidates if each is best or not trial.is_clearly_better(best, each))


def _search_c(trial: Trial, config: Config) -> Config:
    """The best C for the weighting of `config`, on a path that rises until the loss does; a C that is set stays."""
    assert config.weighting is not None
    if config.C is not None:
        return config
    return _search_path(trial, config, [_LEAST_C[config.weighting] * _C_FACTOR**step for step in range(_C_STEPS)])


def _search_c_of_more_classes(
    trial: Trial, best: Config, sample: Examples, seed: int
) -> tuple[Config, list[dict[str, str | float | None]]]:
    """C for the n-grams that were chosen with some of the classes: the more classes, the larger is the best C.

    Returns:
        The settings, and a row for each candidate of both trials.
    """
    max_classes = _ROWS_OF_MANY_CLASSES * len(sample.task.labels) // len(sample)
    if min(max_classes, len(sample.task.labels)) <= trial.task.n_outputs:
        return best, trial.rows
    larger = Trial(sample, best, seed, max_classes)
    assert best.C is not None
    path = [best.C * _C_FACTOR**step for step in range(_C_STEPS)]
    best = _search_path(larger, best, [C for C in path if C in (best.C, min(C, _MAX_C_OF_MANY_CLASSES))])
    return best, trial.rows + larger.rows


def _search_near(trial: Trial, config: Config, other: Config, fixed: float | None) -> Config:
    """The best C near that of other n-grams, or of another weighting; `fixed`: a C that is set.

    Where the features of a text are not scaled to length 1, more of them fit closer, so C becomes smaller.
    """
    assert config.weighting is not None and other.weighting is not None and other.C is not None
    if fixed is not None:
        return replace(config, C=fixed)
    middle = other.C * _LEAST_C[config.weighting] / _LEAST_C[other.weighting]
    if config.weighting == other.weighting == "naive-bayes":
        middle /= trial.relative_entries(config, other)
    return _search_path(trial, config, [middle * factor for factor in _C_AROUND])


def _search_path(trial: Trial, config: Config, path: Sequence[float]) -> Config:
    """The least C whose loss is not clearly above the lowest. The path ends where a larger C gains nothing clear.

    For several labels per text, differences of F1 are too noisy for that: there, the lowest loss decides.
    """
    measured: list[Config] = []
    for candidate in trial.measure_path(config, path):
        measured.append(candidate)
        if len(measured) > _PATIENCE:
            earlier = measured[-1 - _PATIENCE]
            gains = trial.loss(candidate) < trial.loss(earlier)
            if not (gains if trial.task.is_multilabel else trial.is_clearly_better(candidate, earlier)):
                break
    return min(measured, key=trial.loss) if trial.task.is_multilabel else _first_of_the_best(trial, measured)
