"""`TextClassifier` and `TextRegressor`: scikit-learn estimators over all families."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from tenor import explanation, tracking
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor._core.warn import warn_caller
from tenor.checks.context import CheckContext
from tenor.config import settings
from tenor.data import field_columns, frames, row_reader
from tenor.data.dataset import Dataset
from tenor.data.field_columns import ColumnNames
from tenor.data.fields import SINGLE_TEXT
from tenor.data.label_arrays import (
    LabelsLike,
    LabelValues,
    as_indicators,
    as_list,
    is_missing,
    read_labels,
    read_weights,
)
from tenor.data.label_values import LARGEST_NUMBER
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError, FieldWarning, SettingsError, counted, rows_phrase
from tenor.evaluation.conformal import DEFAULT_COVERAGE
from tenor.explanation import Explanation
from tenor.inference.bundle import Bundle
from tenor.inference.predictor import Predictor, check_texts
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.tasks import Floats, Label, LabelArray, MultiLabel, Regression, SingleLabel, Targets, Task
from tenor.training import fitting, folding
from tenor.training.class_weight import sample_weights

TextsLike: TypeAlias = Any
"""A sequence of strings: a list, an array, or a column of a pandas, polars or Arrow table. Or rows of several fields: a
table of pandas, polars or Arrow, or a list of dicts."""
WeightsLike: TypeAlias = Sequence[float] | npt.NDArray[np.floating[Any]] | None
"""Weights of texts."""
Tags: TypeAlias = Any
"""scikit-learn's `sklearn.utils.Tags`, which has no types."""


class _TextEstimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share."""

    family: str
    settings: JsonObject | None
    random_state: int | np.random.RandomState | None
    log: Sequence[str]
    text: ColumnNames
    features: ColumnNames
    pair: bool | None
    fold_chinese: bool | None
    predictor_: Predictor

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a model: not while a call of `fit` has not come to its end."""
        return hasattr(self, "predictor_")

    def _read_rows(self, X: TextsLike) -> list[str]:
        """The texts to train on, or the rows of a table; sets `fields_`. An earlier model is dropped."""
        if hasattr(self, "predictor_"):
            del self.predictor_
        source = frames.as_table(X)
        if source is None:
            if self.text is not None or self.features is not None or self.pair is not None:
                raise SettingsError(
                    tr("`text=...`, `features=...` and `pair=...` name columns, and a list of texts has none."),
                    tr("Give a table or a list of dicts, or leave them out."),
                )
            self.fields_ = SINGLE_TEXT
            return check_texts(X)
        options = ReadOptions(text=self.text, features=self.features, pair=self.pair)
        rows, self.fields_, messages = frames.read_new(source, options)
        for message in messages:
            if not message.startswith("features:"):
                warn_caller(tr("{place}: {problem}", place=source.name, problem=message), FieldWarning)
        return rows

    def _fit(
        self,
        texts: list[str],
        targets: Targets,
        task: Task,
        class_weight: dict[Label, float] | str | None = None,
        unlabelled: TextsLike | None = None,
        sample_weight: WeightsLike = None,
    ) -> None:
        given_weights = read_weights(sample_weight, len(texts))
        family = registry.find(self.family)
        config = family.make_config(family.current_settings(self.settings or {}))
        family.require_installed()
        seed = self._seed()
        if given_weights is not None:  # a text of weight 0 is left out
            rows = np.flatnonzero(given_weights)
            texts, targets, given_weights = [texts[row] for row in rows], targets[rows], given_weights[rows]
        weights = sample_weights(task, targets, class_weight)
        if given_weights is not None:
            weights = weights * given_weights / np.average(given_weights, weights=weights)
        unlabelled_texts = () if unlabelled is None else self._read_unlabelled(unlabelled)
        if unlabelled_texts and not family.uses_unlabelled:
            raise SettingsError(
                tr("{name!r} trains on labelled texts alone.", name=family.name), tr("Use family='auto'.")
            )
        labels = task.decode(targets).tolist() if task.is_single_label else ()
        groups = CheckContext(Dataset(tr("the texts"), texts, labels)).split_groups
        examples = Examples(texts, targets, task, weights, groups, unlabelled_texts, fields=self.fields_)
        with tracking.track(field_columns.names(self.log), Path("runs", self.family), Callback()) as tracker:
            tracker.log_settings({"family": self.family, "seed": seed, **settings.as_dict(config)})
            character_map = folding.choose(
                self.fold_chinese, len(texts), folding.taken_from(texts, targets, task), seed
            )
            context = FitContext(seed=seed, callback=tracker, character_map=character_map)
            fitted = fitting.fit(family, examples, config, context)
            tracker.log_training(settings.as_dict(fitted.config), fitted.history, fitted.timing)
        column = {"text_column": self.fields_.columns[0].name} if self.fields_.is_single_text else {}
        metadata = {**column, "label_column": "label", "seed": seed}
        self.predictor_ = Predictor(Bundle.from_fitted(family, fitted, metadata))

    def _read_unlabelled(self, X: TextsLike) -> list[str]:
        """Texts without labels, with the fields of those with labels."""
        source = frames.as_table(X)
        if source is None:
            return check_texts(X)
        reader = row_reader.for_table(source, self.fields_)
        return [row for chunk in source.chunks for row in frames.rows_of(source, chunk, reader)]

    def explain(self, X: TextsLike, labels: Label | Sequence[Label] | None = None) -> list[Explanation]:
        """Find the words that speak for and against labels, or raise and lower a value.

        Args:
            X: The texts.
            labels: Labels to explain; None: those that each text gets.

        Returns:
            An explanation for each text.
        """
        check_is_fitted(self)
        requested = [labels] if isinstance(labels, str) else labels
        return explanation.explain(self.predictor_, X, None if requested is None else list(map(str, requested)))

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write the model to a folder that `tenor.load` reads. Labels become strings.

        Raises:
            BundleError: The folder exists and `overwrite` is off, or it cannot be written.
        """
        check_is_fitted(self)
        self.predictor_.save(folder, overwrite)

    def _seed(self) -> int:
        state = self.random_state
        if state is None:
            return int(np.random.default_rng().integers(2**32))
        if isinstance(state, np.random.RandomState):
            return int(state.randint(2**31 - 1))
        if isinstance(state, (int, np.integer)) and 0 <= state < 2**32:
            return int(state)
        raise SettingsError(
            tr("random_state is {state!r}.", state=state), tr("Give a whole number from 0 to 2^32 - 1, or None.")
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        return tags


class TextClassifier(ClassifierMixin, _TextEstimator):  # type: ignore[misc]
    """Text classifier with the interface of scikit-learn.

    It works in a `Pipeline`, in `GridSearchCV` and with `cross_val_score`. `X` is a sequence of strings. For one label
    per text, `y` is a sequence of labels. For multi-label data, `y` has a list, tuple or set of labels for each text,
    or is an array, a sparse matrix or a table of 0 and 1 of shape (texts, labels). If every row has exactly one 1, each
    text has one class; predictions keep the form.

    Args:
        family: Name of the model family, such as `ngram` or `lstm`.
        settings: Settings of the family that differ from its defaults, such as `{"epochs": 3}`.
        random_state: Seed of everything random.
        class_weight: `balanced`, or the weight of a class by its label, 1 if it is missing; None: all texts count the
            same.
        log: Where metrics are logged while training: `tensorboard`, `mlflow`; the run has the name of the family.
        text: Column of the texts in a table, or several; None: long strings are texts.
        features: Columns of numbers, categories and dates beside the text, or `all`; None: without `text` all other
            columns, else none.
        pair: Whether the relation of two text fields is the label; None: by their names.
        fold_chinese: Whether traditional Chinese characters are read as simplified ones; None: for Chinese texts, if
            validation shows no loss.

    Attributes:
        classes_: (classes,) labels, in the order of the columns of `predict_proba`.
        predictor_: The trained model.
        fields_: The columns that it reads.
    """

    def __init__(
        self,
        family: str = "ngram",
        settings: JsonObject | None = None,
        random_state: int | np.random.RandomState | None = 0,
        class_weight: dict[Label, float] | str | None = None,
        log: Sequence[str] = (),
        text: ColumnNames = None,
        features: ColumnNames = None,
        pair: bool | None = None,
        fold_chinese: bool | None = None,
    ) -> None:
        self.family = family
        self.settings = settings
        self.random_state = random_state
        self.class_weight = class_weight
        self.log = log
        self.text = text
        self.features = features
        self.pair = pair
        self.fold_chinese = fold_chinese

    def fit(
        self,
        X: TextsLike,
        y: LabelsLike,
        unlabelled: TextsLike | None = None,
        sample_weight: WeightsLike = None,
    ) -> Self:
        """Train on texts and their labels.

        Args:
            X: The texts.
            y: Their labels.
            unlabelled: Texts without labels, which the family `auto` uses if that helps; None: none.
            sample_weight: (texts,) how much each text counts, beside `class_weight`; None: all count the same. A text
                of weight 0 is left out.

        Raises:
            DataError: A text is not a string, the lengths differ, or there is only one class.
            SettingsError: The family or a setting is unknown.
        """
        texts = self._read_rows(X)
        given = read_labels(y)
        labels: LabelsLike = given.values
        if given.is_matrix and labels.shape[1] == 1:
            labels = column_or_1d(labels, warn=True)
            given = LabelValues(labels)
        if len(labels) != len(texts):
            raise DataError(
                tr(
                    "there are {texts} and {labels}.",
                    texts=counted(len(texts), "text"),
                    labels=counted(len(labels), "label"),
                ),
                tr("Give one label per text."),
            )
        if given.is_matrix:
            return self._fit_matrix(texts, given, unlabelled, sample_weight)
        if any(isinstance(each, (list, tuple, set, frozenset)) for each in labels):
            return self._fit_sets(texts, labels, unlabelled, sample_weight)
        missing = [row for row, label in enumerate(labels) if is_missing(label)]
        if missing:
            raise DataError(
                tr("the label is missing ({missing}, counted from 0).", missing=rows_phrase(missing)),
                tr("Give every text a label, or drop it."),
            )
        if len({isinstance(label, (str, bytes)) for label in labels}) > 1:  # NumPy would make strings of all
            raise DataError(tr("the labels are of several types."), tr("Give all of them as strings."))
        labels = np.asarray(labels)
        if labels.ndim != 1:
            raise DataError(
                tr("the labels have the shape {shape}.", shape=labels.shape), tr("Give one label per text.")
            )
        if labels.dtype.kind == "f" and not np.array_equal(labels, np.round(labels)):
            raise DataError(
                tr("a label is not a whole number."),
                tr("Unknown label type: continuous. Give classes, or use TextRegressor for numbers."),
            )
        try:
            self.classes_, targets = np.unique(labels, return_inverse=True)
        except TypeError:
            raise DataError(tr("the labels are of several types."), tr("Give all of them as strings.")) from None
        if not len(self.classes_):
            raise DataError(tr("there are no texts."), tr("Give texts of at least two classes."))
        if len(self.classes_) < 2:
            raise DataError(
                tr("there is only one class: {tolist}.", tolist=self.classes_.tolist()),
                tr("Give texts of at least two classes."),
            )
        self._label_format = "classes"
        self._fit_classes(texts, targets, unlabelled, sample_weight)
        return self

    def _fit_classes(
        self, texts: list[str], targets: Targets, unlabelled: TextsLike | None, sample_weight: WeightsLike
    ) -> None:
        """Fit to (texts,) positions in `classes_`."""
        names = dict(zip(self.classes_.tolist(), map(str, self.classes_), strict=True))
        class_weight = self.class_weight
        if isinstance(class_weight, dict):  # 0, 0.0 and False are the same class, as everywhere in Python
            class_weight = {names.get(label, str(label)): weight for label, weight in class_weight.items()}
        task = SingleLabel(tuple(names.values()))
        self._fit(texts, targets.astype(np.int32), task, class_weight, unlabelled, sample_weight)

    def _fit_matrix(
        self, texts: list[str], given: LabelValues, unlabelled: TextsLike | None, sample_weight: WeightsLike
    ) -> Self:
        """Fit to a column of 0 and 1 for each label. If every text has exactly one 1, each text has one class."""
        targets = as_indicators(given)
        self.classes_ = np.array(range(targets.shape[1]) if given.names is None else given.names)
        self._label_format = "array"
        if len(set(map(str, self.classes_))) < len(self.classes_):
            raise DataError(tr("two columns of labels have the same name."), tr("Give each label its own name."))
        if targets.shape[1] > 1 and len(targets) and (targets.sum(axis=1) == 1).all():
            if (n_used := int(targets.any(axis=0).sum())) < 2:
                raise DataError(
                    tr("only {n_used} of the labels occurs.", n_used=n_used), tr("Give texts of at least two classes.")
                )
            self._fit_classes(texts, targets.argmax(axis=1), unlabelled, sample_weight)
            return self
        self._fit_indicators(texts, targets, unlabelled, sample_weight)
        return self

    def _fit_sets(
        self, texts: list[str], labels: LabelsLike, unlabelled: TextsLike | None, sample_weight: WeightsLike
    ) -> Self:
        _require_sets(labels)
        names = {name for each in labels for name in each}
        try:
            ordered = sorted(names)
        except TypeError:
            raise DataError(tr("the labels are of several types."), tr("Give all of them as strings.")) from None
        position = {name: index for index, name in enumerate(ordered)}
        targets = np.zeros((len(texts), len(ordered)))
        for row, each in enumerate(labels):
            targets[row, [position[name] for name in each]] = 1
        self.classes_, self._label_format = np.array(ordered), "sets"
        self._fit_indicators(texts, targets, unlabelled, sample_weight)
        return self

    def _fit_indicators(
        self,
        texts: list[str],
        targets: npt.NDArray[np.float64],
        unlabelled: TextsLike | None,
        sample_weight: WeightsLike,
    ) -> None:
        """Fit to (texts, classes) of 0 and 1: any number of labels for each text."""
        if not len(self.classes_) or not targets.any():
            raise DataError(tr("no text has a label."), tr("Give texts with labels."))
        task = MultiLabel(tuple(map(str, self.classes_)), never_none=bool(targets.any(axis=1).all()))
        self._fit(texts, targets.astype(np.float32), task, self.class_weight, unlabelled, sample_weight)

    def predict_proba(self, X: TextsLike) -> Floats:
        """Probabilities of shape (texts, classes); for multi-label data, of each label by itself."""
        check_is_fitted(self)
        return self.predictor_.predict_proba(X)

    def predict_set(self, X: TextsLike, coverage: float = DEFAULT_COVERAGE, per_class: bool = False) -> LabelArray:
        """Prediction sets: labels that contain the true one for the share `coverage` of texts.

        This holds for texts like the training texts. For multi-label data, a set contains all true labels.

        Args:
            X: The texts.
            coverage: The share of texts, between 0 and 1.
            per_class: Hold the coverage for the texts of each class.

        Returns:
            (texts,) tuples of labels, the most probable first; a set may be empty.

        Raises:
            SettingsError: `coverage` is not between 0 and 1, or nothing was held out when the model was trained.
        """
        check_is_fitted(self)
        original = dict(zip(self.predictor_.bundle.task.labels, self.classes_.tolist(), strict=True))
        sets = self.predictor_.predict_set(X, coverage, per_class)
        sets[:] = [tuple(original[label] for label in row) for row in sets]
        return sets

    def predict(self, X: TextsLike) -> LabelArray:
        """The most probable label of each text, (texts,).

        For multi-label data: tuples of labels, (texts,), or 0 and 1, (texts, labels), in the form that `fit` received.
        """
        probabilities = self.predict_proba(X)
        if self._label_format == "classes":
            return np.asarray(self.classes_[probabilities.argmax(axis=1)])
        indicators = self.predictor_.bundle.task.label_indicators(probabilities)
        if self._label_format == "array":
            return indicators.astype(np.int64)
        labels = np.empty(len(indicators), object)
        labels[:] = [tuple(self.classes_[row].tolist()) for row in indicators]
        return labels

    def score(
        self, X: TextsLike, y: LabelsLike, sample_weight: Sequence[float] | npt.NDArray[np.float64] | None = None
    ) -> float:
        """Accuracy; for multi-label data the share of texts with exactly the right labels."""
        check_is_fitted(self)
        if self._label_format != "sets":
            given = read_labels(y)
            values = as_indicators(given) if given.is_matrix and self._label_format == "array" else given.values
            return float(super().score(X, values, sample_weight))
        labels = as_list(y)
        _require_sets(labels)
        check_consistent_length(X, labels)
        exact = [set(predicted) == set(true) for predicted, true in zip(self.predict(X), labels, strict=True)]
        return float(np.average(exact, weights=sample_weight))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _require_sets(labels: LabelsLike) -> None:
    """Raise DataError if a text has something else than a set of labels."""
    if not all(isinstance(each, (list, tuple, set, frozenset)) for each in labels):
        raise DataError(tr("the labels of some texts are not a list."), tr("Give a list for each text."))


class TextRegressor(RegressorMixin, _TextEstimator):  # type: ignore[misc]
    """Text regressor with the interface of scikit-learn: it predicts a number for each text.

    Args:
        family: Name of the model family, such as `ngram` or `lstm`.
        settings: Settings of the family that differ from its defaults, such as `{"loss": "huber"}`.
        random_state: Seed of everything random.
        log: Where metrics are logged while training: `tensorboard`, `mlflow`; the run has the name of the family.
        text: Column of the texts in a table, or several; None: long strings are texts.
        features: Columns of numbers, categories and dates beside the text, or `all`; None: without `text` all other
            columns, else none.
        pair: Whether the relation of two text fields is the label; None: by their names.
        fold_chinese: Whether traditional Chinese characters are read as simplified ones; None: for Chinese texts, if
            validation shows no loss.

    Attributes:
        predictor_: The trained model.
        fields_: The columns that it reads.
    """

    def __init__(
        self,
        family: str = "ngram",
        settings: JsonObject | None = None,
        random_state: int | np.random.RandomState | None = 0,
        log: Sequence[str] = (),
        text: ColumnNames = None,
        features: ColumnNames = None,
        pair: bool | None = None,
        fold_chinese: bool | None = None,
    ) -> None:
        self.family = family
        self.settings = settings
        self.random_state = random_state
        self.log = log
        self.text = text
        self.features = features
        self.pair = pair
        self.fold_chinese = fold_chinese

    def fit(
        self,
        X: TextsLike,
        y: LabelsLike,
        unlabelled: TextsLike | None = None,
        sample_weight: WeightsLike = None,
    ) -> Self:
        """Train on texts and their values.

        Args:
            X: The texts.
            y: (texts,) their values, or a table with one column.
            unlabelled: Texts without values, which the family `auto` uses if that helps; None: none.
            sample_weight: (texts,) how much each text counts; None: all count the same. A text of weight 0 is left out.

        Raises:
            DataError: A text is not a string, the lengths differ, or a value is not a finite number.
            SettingsError: The family or a setting is unknown.
        """
        texts = self._read_rows(X)
        given = read_labels(y).values
        try:
            values = np.asarray(given, np.float64)
            values = column_or_1d(values, warn=True) if values.ndim == 2 and values.shape[1] == 1 else values
        except (ValueError, TypeError, OverflowError):
            raise DataError(
                tr("a value is not a number."), tr("Give a number for each text, such as 1.5; in strings with a point.")
            ) from None
        if values.shape != (len(texts),):
            raise DataError(
                tr("there are {n_texts} texts and values of shape {shape}.", n_texts=len(texts), shape=values.shape),
                tr("Give one per text."),
            )
        if not len(values) or not (np.abs(values) < LARGEST_NUMBER).all():
            raise DataError(
                tr(
                    "a value is not finite or above {largest_number:g}, or there is none.",
                    largest_number=LARGEST_NUMBER,
                ),
                tr("Give numbers."),
            )
        task = Regression(mean=float(values.mean()), std=float(values.std()) or 1.0)
        self._fit(texts, values.astype(np.float32), task, None, unlabelled, sample_weight)
        return self

    def predict_interval(self, X: TextsLike, coverage: float = DEFAULT_COVERAGE) -> Floats:
        """Prediction intervals that contain the true value for the share `coverage` of texts.

        This holds for texts like the training texts.

        Args:
            X: The texts.
            coverage: The share of texts, between 0 and 1.

        Returns:
            (texts, 2) the ends of each interval, infinite if too few texts were held out.

        Raises:
            SettingsError: As `TextClassifier.predict_set`.
        """
        check_is_fitted(self)
        return self.predictor_.predict_interval(X, coverage)

    def predict(self, X: TextsLike) -> LabelArray:
        """The value of each text, (texts,)."""
        check_is_fitted(self)
        return self.predictor_.predict(X)
