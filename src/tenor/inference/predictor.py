"""Labels, probabilities and values for raw texts. Every prediction goes through this file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.warn import warn_caller
from tenor.data import frames, row_reader
from tenor.data.fields import SEPARATOR, Fields
from tenor.data.label_arrays import as_list
from tenor.errors import DataError, FieldWarning, NotUsedWarning, SettingsError, listed
from tenor.evaluation.conformal import DEFAULT_COVERAGE, Conformal
from tenor.inference import bundle
from tenor.inference.bundle import Bundle
from tenor.tasks import Floats, LabelArray, Regression

if TYPE_CHECKING:
    from tenor.explanation.texts import Explanation


class ScoredLabel(NamedTuple):
    """A label and its probability."""

    label: str
    score: float


class Predictor:
    """Predicts with a trained model.

    Attributes:
        bundle: The model with its metadata.
        classes_: (classes,) labels, in the order of the columns of `predict_proba`; empty for numbers.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.classes_ = np.array(bundle.task.labels)

    @property
    def fields(self) -> Fields:
        """The columns that a text is joined from."""
        return self.bundle.fields

    @property
    def columns(self) -> tuple[str | None, str | None]:
        """Columns of the texts and of the labels in the training data."""
        return self.bundle.metadata.get("text_column"), self.bundle.metadata.get("label_column")

    def as_rows(self, texts: object) -> list[str]:
        """Texts in the form that the model reads: strings; with several fields, their values joined to strings.

        Args:
            texts: Texts; or a table of pandas, polars or Arrow or a list of dicts, whose columns are found by name.

        Raises:
            DataError: An element is not a string, a column is missing, or the model has several fields and a text was
                given.
        """
        source = frames.as_table(texts)
        if source is None:
            rows = check_texts(texts)
            if not self.fields.is_single_text:
                _require_joined(rows, self.fields)
            return rows
        reader = row_reader.for_table(source, self.fields)
        rows = [row for chunk in source.chunks for row in frames.rows_of(source, chunk, reader)]
        for warning in reader.warnings():
            warn_caller(tr("{place}: {problem}", place=source.name, problem=warning), FieldWarning)
        return rows

    def logits(self, texts: Sequence[str]) -> Floats:
        """Logits of calibrated probabilities; for numbers the model's outputs. (texts, outputs), float32.

        An empty text is allowed. An empty list gives no rows.

        Raises:
            DataError: An element is not a string.
            BundleError: The model's weights, or its graph, give a logit that is not finite.
        """
        return self.calibrate(self.raw_logits(texts))

    def raw_logits(self, texts: Sequence[str]) -> Floats:
        """The model's outputs before calibration, (texts, outputs). Conformal scores come from these.

        Raises:
            DataError: An element is not a string.
            BundleError: A logit is not finite.
        """
        texts = self.as_rows(texts)
        if not texts:
            return np.zeros((0, self.bundle.task.n_outputs), np.float32)
        logits = self.bundle.model.logits(self.bundle.fold(texts))
        bundle.check_logits(logits, len(texts), self.bundle.task)
        return logits

    def calibrate(self, logits: Floats) -> Floats:
        """Turn the result of `raw_logits` into that of `logits`."""
        calibration = self.bundle.calibration
        return logits if calibration is None else calibration.apply(logits, self.bundle.task)

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Probabilities, (texts, classes), float32. With several labels per text, each label has its own.

        Raises:
            DataError: An element is not a string.
            SettingsError: The model predicts numbers.
        """
        task = self.bundle.task
        if not task.has_labels:
            raise SettingsError(tr("the model predicts numbers and has no probabilities."), tr("Call predict."))
        return task.probabilities(self.logits(texts))

    def predict(self, texts: Sequence[str]) -> LabelArray:
        """The most probable label, the tuple of labels, or the value of each text, (texts,).

        Raises:
            DataError: An element is not a string.
        """
        return self.predict_from_logits(self.logits(texts))

    def predict_from_logits(self, logits: Floats) -> LabelArray:
        """The predictions of `predict` for texts with these logits, (texts, outputs)."""
        task = self.bundle.task
        return task.decode(task.predict(logits))

    def predict_set(
        self, texts: Sequence[str], coverage: float = DEFAULT_COVERAGE, per_class: bool = False
    ) -> LabelArray:
        """Prediction sets, (texts,) tuples of labels, the most probable first.

        For texts like the held-out ones, at least the share `coverage` of sets contain the true label, or all true
        labels. A set may be empty. Warns where `check_coverage` does.

        Args:
            texts: The texts.
            coverage: Share of texts whose set contains the true labels, between 0 and 1.
            per_class: Reach the coverage for the texts of each class too.

        Raises:
            DataError: An element is not a string.
            SettingsError: The coverage is not possible, see `check_coverage`, or the model predicts numbers.
        """
        if not self.bundle.task.has_labels:
            raise SettingsError(
                tr("the model predicts numbers and has no sets of labels."), tr("Call predict_interval.")
            )
        self.warn_of_coverage(coverage, per_class)
        _, sets = self.predict_scored_sets(texts, coverage, per_class)
        result = np.empty(len(sets), object)
        result[:] = [tuple(scored.label for scored in row) for row in sets]
        return result

    def predict_interval(self, texts: Sequence[str], coverage: float = DEFAULT_COVERAGE) -> Floats:
        """Prediction intervals: the lower and the upper end for each text, (texts, 2).

        At least the share `coverage` of intervals contain the true value. Warns and raises like `predict_set`.
        """
        if self.bundle.task.has_labels:
            raise SettingsError(tr("the model predicts labels and has no intervals."), tr("Call predict_set."))
        self.warn_of_coverage(coverage, False)
        return self.predict_values_and_intervals(texts, coverage)[:, 1:]

    def check_coverage(self, coverage: float, per_class: bool = False) -> str:
        """Check that a coverage is possible.

        Returns:
            A warning if there are too few held-out texts for it; else an empty string.

        Raises:
            SettingsError: The coverage is not between 0 and 1, `per_class` is set for numbers, or the model has no
                conformal scores.
        """
        return self._conformal().coverage_warning(self.bundle.task, coverage, per_class)

    def assigned_labels(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Which labels each text gets, (texts, labels), by the result of `predict_proba`."""
        return self.bundle.task.label_indicators(probabilities)

    def predict_scored(self, texts: Sequence[str]) -> list[list[ScoredLabel]]:
        """The labels of each text with their probabilities, the most probable first.

        With several labels per text, a text may get none. For numbers call `predict`.

        Raises:
            DataError: An element is not a string.
            SettingsError: The model predicts numbers.
        """
        probabilities = self.predict_proba(texts)
        return self.rank_labels(self.assigned_labels(probabilities), probabilities)

    def predict_scored_sets(
        self, texts: Sequence[str], coverage: float, per_class: bool = False
    ) -> tuple[list[list[ScoredLabel]], list[list[ScoredLabel]]]:
        """The result of `predict_scored`, and the labels in the set of each text, the most probable first."""
        task, logits = self.bundle.task, self.raw_logits(texts)
        probabilities = task.probabilities(self.calibrate(logits))
        sets = self.prediction_sets(logits, coverage, per_class)
        labels = self.rank_labels(self.assigned_labels(probabilities), probabilities)
        return labels, self.rank_labels(sets, probabilities)

    def prediction_sets(self, raw_logits: Floats, coverage: float, per_class: bool = False) -> npt.NDArray[np.bool_]:
        """Which labels are in the set of each text, (texts, labels), by the result of `raw_logits`."""
        return self._conformal().prediction_sets(raw_logits, self.bundle.task, coverage, per_class)

    def predict_values_and_intervals(self, texts: Sequence[str], coverage: float) -> Floats:
        """The value of each text and the two ends of its interval, (texts, 3)."""
        task, logits = self.bundle.task, self.raw_logits(texts)
        return np.concatenate([task.scores(logits), self.prediction_intervals(logits, coverage)], axis=1)

    def prediction_intervals(self, raw_logits: Floats, coverage: float) -> Floats:
        """The two ends of the interval of each text, (texts, 2), by the result of `raw_logits`."""
        task = self.bundle.task
        assert isinstance(task, Regression)
        values, half_width = task.values(raw_logits), np.float32(self._conformal().half_width(task, coverage))
        return np.stack([values - half_width, values + half_width], axis=1)

    def _conformal(self) -> Conformal:
        if self.bundle.conformal is None:
            raise SettingsError(
                tr(
                    "the model has no conformal scores, so it gives no sets or intervals: nothing was "
                    "held out when it was trained, or an older Tenor saved it."
                ),
                tr("Train it again; a network needs validation data."),
            )
        return self.bundle.conformal

    def rank_labels(self, chosen: npt.NDArray[np.bool_], probabilities: Floats) -> list[list[ScoredLabel]]:
        """The chosen labels of each text with their probabilities, the most probable first.

        Args:
            chosen: (texts, labels), which labels to list.
            probabilities: (texts, labels).
        """
        labels = self.bundle.task.labels
        rows, columns = np.nonzero(chosen)
        scores = probabilities[rows, columns]
        order = np.lexsort((columns, -scores, rows))
        ranked: list[list[ScoredLabel]] = [[] for _ in range(len(probabilities))]
        for row, column, score in zip(*(each[order].tolist() for each in (rows, columns, scores)), strict=True):
            ranked[row].append(ScoredLabel(labels[column], score))
        return ranked

    def warn_of_coverage(self, coverage: float, per_class: bool = False) -> None:
        """Warn where `check_coverage` has a warning."""
        if warning := self.check_coverage(coverage, per_class):
            warn_caller(warning)

    def explain(self, texts: Sequence[str], labels: Sequence[str] | None = None) -> "list[Explanation]":
        """Find the words that speak for and against labels, or raise and lower a value.

        Args:
            texts: The texts, or a table whose columns the model reads.
            labels: Labels to explain; None: those that each text gets.

        Returns:
            An explanation for each text.

        Raises:
            DataError: An element is not a string.
            SettingsError: The model does not know a label.
        """
        from tenor.explanation.texts import explain  # a later stage, which only this method needs

        return explain(self, texts, labels)

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Save the model to a folder. Raises BundleError if it exists already, unless `overwrite`."""
        bundle.save(self.bundle, Path(folder), overwrite)


def load(folder: str | Path) -> Predictor:
    """Read a saved model. Warns if a part of it is not used on this machine.

    Raises:
        BundleError: The folder is damaged or not a model, or the model gives other logits on this machine than where it
            was made.
    """
    loaded = bundle.load(Path(folder))
    for note in loaded.notes:
        warn_caller(note, NotUsedWarning)
    return Predictor(loaded)


def _require_joined(rows: list[str], fields: Fields) -> None:
    """Raise DataError where a row is a plain text, not the joined values of the fields."""
    for index, row in enumerate(rows):
        if row.count(SEPARATOR) != len(fields.columns) - 1:
            names = listed([field.name for field in fields.columns])
            raise DataError(
                tr(
                    "text {index}, counted from 0, is a string, and the model reads the fields {names}.",
                    index=index,
                    names=names,
                ),
                tr("Give a table with these columns, or a list of dicts."),
            )


def check_texts(texts: object) -> list[str]:
    """The texts as a list.

    Args:
        texts: Strings in any ordered container: a list, an array of one column, a column of a pandas, polars or Arrow
            table, or an iterator, which is read to its end.

    Raises:
        DataError: `texts` is one string, a table or not a container, or an element is not a string.
    """
    if isinstance(texts, (str, bytes)):
        raise DataError(tr("one string was given instead of a list of texts."), tr("Put it into a list: [text]."))
    if isinstance(texts, np.ndarray) and texts.ndim == 2 and texts.shape[1] == 1:
        texts = texts[:, 0]  # as scikit-learn's resamplers and column transformers pass a column on
    if hasattr(texts, "columns") or isinstance(texts, (dict, set)) or getattr(texts, "ndim", 1) != 1:
        raise DataError(
            tr("a {name__} was given instead of texts.", name__=type(texts).__name__),
            tr("Give one column: table['text']."),
        )
    if not hasattr(texts, "__iter__"):
        raise DataError(
            tr("a {name__} was given instead of texts.", name__=type(texts).__name__), tr("Give a list of strings.")
        )
    values = as_list(texts)
    for index, text in enumerate(values):
        if not isinstance(text, str):
            raise DataError(
                tr(
                    "text {index}, counted from 0, is {name__} {text!r:.40}, not a string.",
                    index=index,
                    name__=type(text).__name__,
                    text=text,
                ),
                tr("Give strings."),
            )
    return values
