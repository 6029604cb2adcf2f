"""The quick validation of `ngram`: what its settings leave open is tried on a part of the training texts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from tenor.config.settings import require
from tenor.data.blocks import Rows
from tenor.data.text_source import text_source
from tenor.models.base import Examples
from tenor.models.linear import solver
from tenor.models.ngram import features
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.features import Weighting
from tenor.models.ngram.model import Config
from tenor.tasks import Floats, SingleLabel, Task
from tenor.text import ngrams
from tenor.text.ngrams import NgramCounts

_TRIAL_ENTRIES = 2_000_000  # the quick validation sees about this many counts, so its time does not grow with the data
_TRIAL_TEXTS = 500
_TRIAL_MOST = 200_000  # texts, where they are on disk
_TRIAL_CLASS = 20  # texts of a class; where there is no room for so many of every class, some classes are tried
_FEWEST_CLASSES = 10
_VALIDATION = 0.5  # to measure is cheap, and much of the choice would be noise with fewer texts
# Orders of the n-grams of tokens and of characters.
_FIRST_GRAMS = (1, 2), ()
_OTHER_GRAMS = ((1,), ()), ((1, 2, 3), ())
_CHARACTER_GRAMS = ((), (1, 2, 3)), ((1, 2), (3, 4, 5))
CHARACTERS = 5_000_000
"""N-grams of characters are tried on training texts of up to this many characters in all."""

_FIRST_STRENGTH = {"naive-bayes": 0.3, "tf-idf": 30.0, "tf-idf-naive-bayes": 30.0}
_FIRST_STRENGTH_OF_SETS = {"naive-bayes": 0.3, "tf-idf": 10 / 3, "tf-idf-naive-bayes": 10 / 3}
_STRENGTH_STEP = 3.0
_STRENGTH_MOVES = 5


def drawn(texts: int, seed: int, on_disk: bool) -> Rows:
    """Which of so many texts the quick validation sees, in the order that they are drawn in."""
    random = np.random.default_rng((seed, 1))
    many = on_disk and texts > _TRIAL_MOST
    return random.choice(texts, _TRIAL_MOST, replace=False) if many else random.permutation(texts)


def sample_of(examples: Examples, seed: int) -> Examples:
    """The texts that were `drawn` from training texts on this machine, in that order."""
    if not text_source(examples.texts).on_disk:
        taken = examples.take(drawn(len(examples), seed, on_disk=False))
        return replace(taken, validation=examples.validation)
    order = drawn(len(examples), seed, on_disk=True)
    rising = np.sort(order)  # read one after the other
    return examples.take(rising).in_memory().take(np.searchsorted(rising, order))


def characters(texts: Sequence[str]) -> int:
    """Characters of texts; the counting ends where they are more than CHARACTERS."""
    size = 0
    for text in texts:
        size += len(text)
        if size > CHARACTERS:
            break
    return size


def choose(
    sample: Callable[[], Examples], size: Callable[[], int], task: Task, config: Config, seed: int
) -> tuple[Config, list[dict[str, Any]]]:
    """Fill in what `config` leaves open: for each weighting the best strength, then the n-grams for the best weighting.

    Settings are compared on the trial's second part by log loss, which is far less noisy than accuracy; where a text
    has several labels by F1; where numbers are learned by the squared error. Other n-grams than the first have to be
    better by more than the standard error of the difference, since they cost time.

    Args:
        sample: Tells the texts that were `drawn`, in that order.
        size: Tells how many characters the training texts have in all, as `characters` does.
        task: What is predicted.
        config: The settings.
        seed: Seed of the draw.

    Returns:
        The settings, and a row for each that was tried.
    """
    open_grams = config.word_ngrams is None and config.char_ngrams is None
    orders, characters = _FIRST_GRAMS if open_grams else (config.word_ngrams or (), config.char_ngrams or ())
    start = replace(config, word_ngrams=orders, char_ngrams=characters)
    weightings = get_args(Weighting) if config.weighting is None else (config.weighting,)
    if not task.has_labels:  # the others weigh by how often the classes use an n-gram
        require(config.weighting in (None, "tf-idf"), "weighting", "must be tf-idf where numbers are learned")
        weightings = ("tf-idf",)
    if not open_grams and None not in (config.weighting, config.C):
        return start, []
    trial = _Trial(sample(), start, seed)
    best = min((_climb(trial, replace(start, weighting=weighting)) for weighting in weightings), key=trial.loss)
    if open_grams:
        grams = (*_OTHER_GRAMS, *(_CHARACTER_GRAMS if size() <= CHARACTERS else ()))
        others = [trial.with_grams(best, orders, characters) for orders, characters in grams]
        chosen = min([best, *(other for other in others if trial.clearly_better(other, best))], key=trial.loss)
        if chosen is not best and task.is_multilabel:
            chosen = _climb(trial, replace(chosen, C=None), chosen.C)
        best = chosen
    return best, trial.tried


def _climb(trial: "_Trial", config: Config, first: float | None = None) -> Config:
    """The best strength for this weighting, by steps of 3 while the loss falls: from a usual one up or else down; from
    `first`, which was the best with fewer n-grams, only down: many n-grams that fit closely cost the rare labels.
    """
    assert config.weighting is not None
    if config.C is not None:
        return config
    usual = _FIRST_STRENGTH_OF_SETS if trial.task.is_multilabel else _FIRST_STRENGTH
    best = replace(config, C=first or usual[config.weighting])
    for step in (_STRENGTH_STEP, 1 / _STRENGTH_STEP) if first is None else (1 / _STRENGTH_STEP,):
        begin = best
        for _ in range(_STRENGTH_MOVES):
            assert best.C is not None
            moved = replace(best, C=best.C * step)
            if trial.loss(moved) >= trial.loss(best):
                break
            best = moved
        if best != begin:
            break
    return best


def _of_some_classes(examples: Examples, config: Config, order: Rows) -> tuple[Examples, Rows]:
    """Of thousands of classes, so many that a trial sees enough texts of each; `order` is that of the texts."""
    task = examples.task
    if not task.is_single_label:
        return examples, order
    some = examples.take(order[:_TRIAL_TEXTS])
    entries = max(1, len(ngram_model.count_ngrams(some.texts, config).buckets) / max(1, len(some)))
    # Time grows with classes times texts.
    most = max(_FEWEST_CLASSES, int(math.sqrt(3 * _TRIAL_ENTRIES / (_TRIAL_CLASS * entries))))
    if len(task.labels) <= most:
        return examples, order
    numbers = np.unique(examples.targets[order], return_index=True)
    chosen = np.sort(numbers[0][np.argsort(numbers[1])[:most]])  # those of the first texts, as they are in random order
    parts = [_of_classes(part, chosen, rows) for part, rows in _parts(examples, order)]
    return replace(parts[0], validation=parts[1] if parts[1:] and len(parts[1]) else None), np.arange(len(parts[0]))


def _parts(examples: Examples, order: Rows) -> list[tuple[Examples, Rows]]:
    validation = examples.validation
    return [(examples, order)] + ([] if validation is None else [(validation, np.arange(len(validation)))])


def _of_classes(examples: Examples, chosen: Rows, order: Rows) -> Examples:
    """The examples of these classes alone, in this order."""
    found = examples.take(order[np.isin(examples.targets[order], chosen)])
    task = SingleLabel(tuple(examples.task.labels[number] for number in chosen))
    return replace(found, task=task, targets=np.searchsorted(chosen, found.targets).astype(np.int32))


class _Trial:
    """The quick validation: of a sample of the texts, a part to fit on and a part to measure on."""

    def __init__(self, examples: Examples, config: Config, seed: int) -> None:
        examples, order = _of_some_classes(examples, config, np.arange(len(examples)))
        self.task = examples.task
        lengths = np.array([len(examples.texts[row]) for row in order])
        some = examples.take(order[:_TRIAL_TEXTS])
        per_character = len(ngram_model.count_ngrams(some.texts, config).buckets) / max(1, lengths[: len(some)].sum())
        cost = self.task.n_outputs / (12 if self.task.is_multilabel else 3)  # rare labels need more texts
        entries = int(_TRIAL_ENTRIES / max(1.0, cost))
        room = np.searchsorted(np.cumsum(lengths) * per_character, entries)
        order = order[: max(int(room), _TRIAL_TEXTS)]
        if examples.validation is not None:
            others = np.random.default_rng((seed, 1)).permutation(len(examples.validation))[: len(order)]
            self.fitted, self.measured = examples.take(order), examples.validation.take(others)
        else:
            self.fitted, self.measured = examples.take(order).split(_VALIDATION, seed)
        if not len(self.measured):  # very few rows, or all of them linked
            half = int(len(order) * _VALIDATION)
            self.fitted, self.measured = (examples.take(part) for part in (order[half:], order[:half]))
        self.targets = self.task.output_targets(self.fitted.targets)
        self.counts: dict[Config, tuple[NgramCounts, ...]] = {}
        self.prepared: tuple[Any, ...] = (None,)  # the features of the last n-grams and weighting
        self.losses: dict[Config, Floats] = {}
        self.tried: list[dict[str, Any]] = []

    def loss(self, config: Config) -> float:
        """Loss of these settings on the part to measure on."""
        return float(self._losses(config).mean())

    def with_grams(self, config: Config, orders: tuple[int, ...], characters: tuple[int, ...]) -> Config:
        """The settings with other n-grams. Where a text's features are not scaled to length 1, more of them fit closer,
        so the strength is less.
        """
        other = replace(config, word_ngrams=orders, char_ngrams=characters)
        if config.weighting != "naive-bayes" or config.C is None:
            return other
        entries, others = (len(self._counted(each)[0].buckets) for each in (config, other))
        return replace(other, C=config.C * entries / max(others, 1))

    def clearly_better(self, config: Config, other: Config) -> bool:
        """Whether the log loss of `config` is lower by more than the standard error of the difference."""
        gain = self._losses(other) - self._losses(config)
        return float(gain.mean()) > float(gain.std() / np.sqrt(len(gain)))

    def _losses(self, config: Config) -> Floats:
        if config not in self.losses:
            self.losses[config] = self._measure(config)
        return self.losses[config]

    def _counted(self, config: Config) -> tuple[NgramCounts, ...]:
        grams = replace(config, weighting=None, C=None)
        if grams not in self.counts:
            self.counts[grams] = tuple(
                ngram_model.count_ngrams(part.texts, config) for part in (self.fitted, self.measured)
            )
        return self.counts[grams]

    def _measure(self, config: Config) -> Floats:
        assert config.weighting is not None
        weighted = replace(config, C=None)
        counts, others = self._counted(config)
        if self.prepared[0] != weighted:
            prepared = features.fit_features(counts, self.targets, config.weighting, config.min_df)
            selected = features.select_columns(others, ngrams.bucket_positions(prepared.buckets), len(prepared.buckets))
            matrix = features.apply_weighting(selected, config.weighting, prepared.idf)
            self.prepared = weighted, prepared, matrix
        _, prepared, matrix = self.prepared
        model = ngram_model.fit_weights(prepared, self.targets, self.task, self.fitted.weights, config)
        logits = solver.logits(matrix, model.linear)
        losses = self.task.selection_losses(self.measured.targets, logits)
        self.tried.append(
            {
                "word_ngrams": " ".join(map(str, config.word_ngrams or ())),
                "char_ngrams": " ".join(map(str, config.char_ngrams or ())),
                "weighting": config.weighting,
                "C": config.C,
                "loss": float(losses.mean()),
                **self.task.training_metrics(self.measured.targets, logits),
            }
        )
        return losses
