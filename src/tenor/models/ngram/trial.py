"""The quick validation of `ngram` settings: fit on one part of a sample of the training texts, measure on the other."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tenor.data.blocks import Rows
from tenor.models.base import Examples
from tenor.models.linear import solver
from tenor.models.linear.matrices import Matrix
from tenor.models.ngram import features
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.models.ngram.features import Features
from tenor.models.ngram.row_counts import RowCounts, RowEncoder
from tenor.models.tabular import encoder as tabular
from tenor.tasks import Floats, SingleLabel
from tenor.text import ngrams

_MAX_ENTRIES = 2_000_000  # about this many counts are fitted and measured, so the time does not grow with the data
_MIN_TEXTS = 500
_TEXTS_PER_CLASS = 20  # if there is no room for this many texts of every class, the trial uses some classes
_MIN_CLASSES = 10
_VALIDATION = 0.5  # measuring is cheap, and with fewer texts much of the choice would be noise


class _Prepared(NamedTuple):
    """The features for one choice of n-grams and weighting."""

    config: Config
    fitted: Features
    matrix: Matrix  # of the texts that models are measured on


class Trial:
    """Compares settings.

    Args:
        examples: A sample of the training texts, in random order. Models are measured on their validation part, if
            there is one.
        config: The settings to begin with: the first n-grams.
        seed: Seed of the split.

    Attributes:
        task: What is predicted; with some of the classes if there are thousands.
        fitted: The texts that models are fitted to.
        measured: The texts that models are measured on.
        rows: A row for each of the settings that were measured.
    """

    def __init__(self, examples: Examples, config: Config, seed: int) -> None:
        examples, order = _select_classes(examples, config, np.arange(len(examples)))
        self.task = examples.task
        lengths = np.array([len(examples.texts[row]) for row in order])
        some = examples.take(order[:_MIN_TEXTS])
        per_character = len(_count(some, config).ngrams.buckets) / max(1, lengths[: len(some)].sum())
        cost = self.task.n_outputs / (12 if self.task.is_multilabel else 3)  # rare labels need more texts
        entries = int(_MAX_ENTRIES / max(1.0, cost))
        room = np.searchsorted(np.cumsum(lengths) * per_character, entries)
        order = order[: max(int(room), _MIN_TEXTS)]
        if examples.validation is not None:
            rows = np.random.default_rng((seed, 1)).permutation(len(examples.validation))[: len(order)]
            self.fitted, self.measured = examples.take(order), examples.validation.take(rows)
        else:
            self.fitted, self.measured = examples.take(order).split(_VALIDATION, seed)
        if not len(self.measured):  # very few rows, or all of them in one group
            half = int(len(order) * _VALIDATION)
            self.fitted, self.measured = (examples.take(part) for part in (order[half:], order[:half]))
        self.rows: list[dict[str, str | float | None]] = []
        self._targets = self.task.output_targets(self.fitted.targets)
        self._features = tabular.fit(self.fitted.texts, self.fitted.fields)
        self._counts: dict[Config, tuple[RowCounts, RowCounts]] = {}
        self._prepared: _Prepared | None = None  # of the last n-grams and weighting
        self._losses: dict[Config, Floats] = {}

    def loss(self, config: Config) -> float:
        """The mean loss of these settings on the texts that models are measured on."""
        return float(self._losses_of(config).mean())

    def with_ngrams(self, config: Config, word_ngrams: tuple[int, ...], char_ngrams: tuple[int, ...]) -> Config:
        """The settings with other n-grams.

        Where the features of a text are not scaled to length 1, more of them fit closer, so C becomes smaller.
        """
        other = replace(config, word_ngrams=word_ngrams, char_ngrams=char_ngrams)
        if config.weighting != "naive-bayes" or config.C is None:
            return other
        entries, other_entries = (len(self._counts_of(each)[0].ngrams.buckets) for each in (config, other))
        return replace(other, C=config.C * entries / max(other_entries, 1))

    def is_clearly_better(self, config: Config, other: Config) -> bool:
        """Whether the loss of `config` is lower by more than the standard error of the difference."""
        gain = self._losses_of(other) - self._losses_of(config)
        return float(gain.mean()) > float(gain.std() / np.sqrt(len(gain)))

    def _losses_of(self, config: Config) -> Floats:
        if config not in self._losses:
            self._losses[config] = self._measure(config)
        return self._losses[config]

    def _counts_of(self, config: Config) -> tuple[RowCounts, RowCounts]:
        key = replace(config, weighting=None, C=None, feature_scale=None)
        if key not in self._counts:
            encoder = RowEncoder.from_config(config, self.fitted.fields, self._features)
            self._counts[key] = encoder.count(self.fitted.texts), encoder.count(self.measured.texts)
        return self._counts[key]

    def _prepare(self, config: Config) -> _Prepared:
        key = replace(config, C=None)
        if self._prepared is None or self._prepared.config != key:
            assert config.weighting is not None
            fitted_counts, measured_counts = self._counts_of(config)
            fitted = ngram_model.fit_features(fitted_counts, self._targets, config)
            columns = ngrams.bucket_positions(fitted.buckets)
            selected = features.select_columns(measured_counts.ngrams, columns, len(fitted.buckets))
            weighted = features.apply_weighting(selected, config.weighting, fitted.idf)
            matrix = features.append_columns(weighted, measured_counts.features, config.feature_scale or 1.0)
            self._prepared = _Prepared(key, fitted, matrix)
        return self._prepared

    def _measure(self, config: Config) -> Floats:
        _, fitted, matrix = self._prepare(config)
        linear = ngram_model.fit_weights(fitted, self._targets, self.task, self.fitted.weights, config)
        logits = solver.logits(matrix, linear)
        losses = self.task.selection_losses(self.measured.targets, logits)
        self.rows.append(
            {
                "word_ngrams": " ".join(map(str, config.word_ngrams or ())),
                "char_ngrams": " ".join(map(str, config.char_ngrams or ())),
                "weighting": config.weighting,
                "C": config.C,
                **self._of_fields(config),
                "loss": float(losses.mean()),
                **self.task.training_metrics(self.measured.targets, logits),
            }
        )
        return losses

    def _of_fields(self, config: Config) -> dict[str, str | float | None]:
        """The settings of rows with several fields."""
        if self.fitted.fields.is_single_text:
            return {}
        return {"field_buckets": config.field_buckets, "feature_scale": config.feature_scale}


def _count(examples: Examples, config: Config) -> RowCounts:
    """The n-grams of these examples alone."""
    return RowEncoder.from_config(config, examples.fields).count(examples.texts)


def _select_classes(examples: Examples, config: Config, order: Rows) -> tuple[Examples, Rows]:
    """If there are thousands of classes, select as many as leave a trial enough texts of each.

    Args:
        examples: The texts.
        config: The settings to begin with.
        order: The order of the texts.

    Returns:
        The texts of those classes, and their order.
    """
    task = examples.task
    if not task.is_single_label:
        return examples, order
    some = examples.take(order[:_MIN_TEXTS])
    entries = max(1, len(_count(some, config).ngrams.buckets) / max(1, len(some)))
    # The time grows with classes times texts.
    limit = max(_MIN_CLASSES, int(math.sqrt(3 * _MAX_ENTRIES / (_TEXTS_PER_CLASS * entries))))
    if len(task.labels) <= limit:
        return examples, order
    classes, first_rows = np.unique(examples.targets[order], return_index=True)
    chosen = np.sort(classes[np.argsort(first_rows)[:limit]])  # those of the first texts, which are in random order
    selected = _of_classes(examples, chosen, order)
    if examples.validation is not None:
        validation = _of_classes(examples.validation, chosen, np.arange(len(examples.validation)))
        selected = replace(selected, validation=validation if len(validation) else None)
    return selected, np.arange(len(selected))


def _of_classes(examples: Examples, classes: Rows, order: Rows) -> Examples:
    """The examples of these classes, in this order."""
    selected = examples.take(order[np.isin(examples.targets[order], classes)])
    task = SingleLabel(tuple(examples.task.labels[number] for number in classes))
    return replace(selected, task=task, targets=np.searchsorted(classes, selected.targets).astype(np.int32))
