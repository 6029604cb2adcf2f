"""The quick validation of `ngram` settings, on a sample of the training texts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tenor.data import split
from tenor.data.blocks import Rows
from tenor.models.base import Examples
from tenor.models.linear.class_pairs import MIN_CLASSES
from tenor.models.ngram.config import Config
from tenor.models.ngram.fold import Fold
from tenor.models.ngram.row_counts import RowCounts, RowEncoder
from tenor.tasks import Floats, SingleLabel

_MAX_ENTRIES = 2_000_000  # about this many counts are fitted and measured, so the time does not grow with the data
_MIN_TEXTS = 500
_TEXTS_PER_CLASS = 20  # if there is no room for this many texts of every class, the trial uses some classes
_MIN_CLASSES = 10
_SCALES = tuple(2.0**exponent for exponent in np.arange(-1, 4.5, 0.5))  # of logits
_SCALED_TEXTS, _SCALED_CELLS, _MIN_SCALED_TEXTS = 2_000, 1 << 20, 500
_FOLDS = (500, 4), (6_000, 2)  # (texts, folds): with at most this many texts, one half would be too noisy
_VALIDATION_OF_MANY = 0.25  # with hundreds of classes
_VALIDATION = 0.5  # with more. Measuring is cheap, and with fewer texts much of the choice would be noise


class Trial:
    """Compares settings.

    Args:
        examples: A sample of the training texts, in random order. Models are measured on their validation part, if
            there is one; on few texts by cross-validation; else on one half.
        config: The settings to begin with: the first n-grams.
        seed: Seed of the split.
        max_classes: The trial uses this many classes at most, if there are hundreds.

    Attributes:
        task: What is predicted; with some of the classes if there are thousands.
        folds: What models are fitted to and measured on.
        rows: A row for each of the settings that were measured.
    """

    def __init__(self, examples: Examples, config: Config, seed: int, max_classes: int = MIN_CLASSES) -> None:
        examples, order = _select_classes(examples, config, np.arange(len(examples)), max_classes)
        self.task, self.fields = examples.task, examples.fields
        lengths = np.array([len(examples.texts[row]) for row in order])
        some = examples.take(order[:_MIN_TEXTS])
        per_character = len(_count(some, config).ngrams.buckets) / max(1, lengths[: len(some)].sum())
        cost = self.task.n_outputs / (12 if self.task.is_multilabel else 3)  # rare labels need more texts
        if self._has_many_classes:  # the cost is that of few weights for each n-gram
            cost = 1.0
        entries = int(_MAX_ENTRIES / max(1.0, cost))
        room = np.searchsorted(np.cumsum(lengths) * per_character, entries)
        order = order[: max(int(room), _MIN_TEXTS)]
        self.folds = _make_folds(examples, order, seed, self._has_many_classes)
        self.rows: list[dict[str, str | float | None]] = []
        self._targets = np.concatenate([fold.measured.targets for fold in self.folds])
        self._losses: dict[Config, Floats] = {}

    @property
    def _has_many_classes(self) -> bool:
        return self.task.is_single_label and self.task.n_outputs >= MIN_CLASSES

    def loss(self, config: Config) -> float:
        """The mean loss of these settings on the texts that models are measured on."""
        return float(self._losses_of(config).mean())

    def measure_path(self, config: Config, path: Sequence[float]) -> Iterator[Config]:
        """Measure settings with each C of a path. Returns them one by one; the caller may stop early.

        Args:
            config: The settings apart from C.
            path: Values of C that rise.
        """
        logits = zip(*(fold.logits(config, path) for fold in self.folds), strict=True)
        for C, by_fold in zip(path, logits, strict=False):
            candidate = replace(config, C=C)
            self._add(candidate, np.concatenate(by_fold))
            yield candidate

    def relative_entries(self, config: Config, other: Config) -> float:
        """How many times as many counts the texts have with these settings as with others."""
        entries, others = (len(self.folds[0].counts(each)[0].ngrams.buckets) for each in (config, other))
        return entries / max(others, 1)

    def is_clearly_better(self, config: Config, other: Config) -> bool:
        """Whether the loss of `config` is lower by more than the standard error of the difference."""
        gain = self._losses_of(other) - self._losses_of(config)
        return float(gain.mean()) > float(gain.std() / np.sqrt(len(gain)))

    def _losses_of(self, config: Config) -> Floats:
        if config not in self._losses:
            assert config.C is not None
            for _ in self.measure_path(config, (config.C,)):
                pass
        return self._losses[config]

    def _add(self, config: Config, logits: Floats) -> None:
        logits = self._scale(logits)
        losses = self.task.selection_losses(self._targets, logits)
        self._losses[config] = losses
        self.rows.append(
            {
                "word_ngrams": " ".join(map(str, config.word_ngrams or ())),
                "char_ngrams": " ".join(map(str, config.char_ngrams or ())),
                "weighting": config.weighting,
                "C": config.C,
                **({"classes": self.task.n_outputs} if self._has_many_classes else {}),
                **self._of_fields(config),
                "loss": float(losses.mean()),
                **self.task.training_metrics(self._targets, logits),
            }
        )

    def _scale(self, logits: Floats) -> Floats:
        """Logits of one label per text, times the factor with the least loss, since calibration will find it too."""
        if not self.task.is_single_label:
            return logits
        rows = slice(0, min(_SCALED_TEXTS, max(_MIN_SCALED_TEXTS, _SCALED_CELLS // self.task.n_outputs)))
        losses = [self.task.losses(self._targets[rows], logits[rows] * np.float32(factor)).mean() for factor in _SCALES]
        return np.asarray(logits * np.float32(_SCALES[int(np.argmin(losses))]))

    def _of_fields(self, config: Config) -> dict[str, str | float | None]:
        """The settings of rows with several fields."""
        if self.fields.is_single_text:
            return {}
        return {"field_buckets": config.field_buckets, "feature_scale": config.feature_scale}


def _make_folds(examples: Examples, order: Rows, seed: int, has_many_classes: bool) -> list[Fold]:
    """The validation part against the rest; of few texts, every text is measured once; else one half of the texts.

    Of hundreds of classes one quarter is measured, since few texts of each class are left to train on.
    """
    if examples.validation is not None:
        rows = np.random.default_rng((seed, 1)).permutation(len(examples.validation))[: len(order)]
        return [Fold(examples.take(order), examples.validation.take(rows))]
    some = examples.take(order)
    n_folds = next((folds for most, folds in _FOLDS if len(some) <= most), 1)
    if n_folds > 1 and not has_many_classes:
        strata = examples.task.strata(some.targets)
        rows_of_folds = split.folds(list(some.texts), strata, n_folds, seed, some.groups)
        folds = [Fold(some.take(fitted), some.take(measured)) for fitted, measured in rows_of_folds if len(fitted)]
        if len(folds) == n_folds and all(len(fold.measured) for fold in folds):
            return folds
    fitted, measured = some.split(_VALIDATION_OF_MANY if has_many_classes else _VALIDATION, seed)
    if not len(measured):  # very few rows, or all of them in one group
        half = int(len(order) * _VALIDATION)
        fitted, measured = (examples.take(part) for part in (order[half:], order[: max(half, 1)]))
    return [Fold(fitted, measured)]


def _count(examples: Examples, config: Config) -> RowCounts:
    """The n-grams of these examples alone."""
    return RowEncoder.from_config(config, examples.fields).count(examples.texts)


def _select_classes(examples: Examples, config: Config, order: Rows, max_classes: int) -> tuple[Examples, Rows]:
    """If there are thousands of classes, select as many as leave a trial enough texts of each.

    Args:
        examples: The texts.
        config: The settings to begin with.
        order: The order of the texts.
        max_classes: Maximum number of classes if there are hundreds.

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
    if len(task.labels) >= MIN_CLASSES:  # the model of fewer classes is another one: `linear/class_pairs.py`
        limit = max_classes
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
