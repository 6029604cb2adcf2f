"""A saved or trained model -> labels and probabilities for raw texts: the one path of every prediction."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.errors import DataError, NotUsedWarning, SettingsError
from tenor.evaluation.conformal import DEFAULT_COVERAGE, Conformal
from tenor.inference import bundle
from tenor.inference.bundle import Bundle
from tenor.tasks import Floats, Regression


class ScoredLabel(NamedTuple):
    """A label and its probability."""

    label: str
    score: float


class Predictor:
    """Predicts with a trained model.

    Attributes:
        bundle: The model and all that is known of it.
        classes_: (classes,) labels, in the order of the columns of `predict_proba`; none where numbers are predicted.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.classes_ = np.array(bundle.task.labels)

    @property
    def columns(self) -> tuple[str | None, str | None]:
        """Columns of the texts and of the labels in the training data."""
        return self.bundle.metadata.get("text_column"), self.bundle.metadata.get("label_column")

    def logits(self, texts: Sequence[str]) -> Floats:
        """The logits of calibrated probabilities; of numbers, what the model says: (texts, outputs), float32.

        An empty text is allowed; an empty list gives no rows.

        Raises:
            DataError: An element is not a string.
            BundleError: The model's weights, or its graph, give no finite number for a text.
        """
        return self.calibrate(self.raw_logits(texts))

    def raw_logits(self, texts: Sequence[str]) -> Floats:
        """What the model says, (texts, outputs), as conformal scores were made from it."""
        texts = check_texts(texts)
        if not texts:
            return np.zeros((0, self.bundle.task.n_outputs), np.float32)
        logits = self.bundle.model.logits(texts)
        bundle.check_logits(logits, len(texts), self.bundle.task)
        return logits

    def calibrate(self, logits: Floats) -> Floats:
        """What `logits` gives, from what `raw_logits` gives."""
        calibration = self.bundle.calibration
        return logits if calibration is None else calibration.apply(logits, self.bundle.task)

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Probabilities of shape (texts, classes), float32; of several labels a text, each by itself.

        Raises:
            DataError: An element is not a string.
            SettingsError: The model predicts numbers.
        """
        task = self.bundle.task
        if not task.has_labels:
            raise SettingsError("the model predicts numbers and has no probabilities.", "Call predict.")
        return task.probabilities(self.logits(texts))

    def predict(self, texts: Sequence[str]) -> npt.NDArray[Any]:
        """The most probable label, the tuple of labels, or the value of each text, (texts,)."""
        return self.predict_from_logits(self.logits(texts))

    def predict_from_logits(self, logits: Floats) -> npt.NDArray[Any]:
        """What `predict` tells of texts with these logits, (texts, outputs)."""
        task = self.bundle.task
        return task.decode(task.predict(logits))

    def predict_set(
        self, texts: Sequence[str], coverage: float = DEFAULT_COVERAGE, per_class: bool = False
    ) -> npt.NDArray[Any]:
        """For each text the labels among which the truth is, (texts,) tuples, the most probable first.

        Of texts like those that the model was tried on, at least the share `coverage` have their label in the set, or
        all of their labels; with `per_class`, also of the texts of each class. A set may be empty.

        Raises:
            DataError: An element is not a string.
            SettingsError: What `promise` refuses, or the model predicts numbers. What `promise` tells is a warning.
        """
        if not self.bundle.task.has_labels:
            raise SettingsError("the model predicts numbers and has no sets of labels.", "Call predict_interval.")
        self._warn(coverage, per_class)
        _, sets = self.predict_scored_sets(texts, coverage, per_class)
        found = np.empty(len(sets), object)
        found[:] = [tuple(scored.label for scored in row) for row in sets]
        return found

    def predict_interval(self, texts: Sequence[str], coverage: float = DEFAULT_COVERAGE) -> Floats:
        """The two ends of an interval that holds the value of each text, (texts, 2), as `predict_set` promises it."""
        if self.bundle.task.has_labels:
            raise SettingsError("the model predicts labels and has no intervals.", "Call predict_set.")
        self._warn(coverage, False)
        return self.predict_values_and_intervals(texts, coverage)[:, 1:]

    def check_coverage(self, coverage: float, per_class: bool = False) -> str:
        """Refuse a coverage that cannot be promised; else what has to be told of it, or nothing.

        Raises:
            SettingsError: It is not between 0 and 1, `per_class` is asked of numbers, or the model has no scores.
        """
        return self._conformal().coverage_warning(self.bundle.task, coverage, per_class)

    def assigned_labels(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Which labels each text gets, (texts, labels), from what `predict_proba` gives."""
        return self.bundle.task.label_indicators(probabilities)

    def predict_scored(self, texts: Sequence[str]) -> list[list[ScoredLabel]]:
        """The labels that each text gets, the most probable first: one, or any number where a text may have several.

        Where the model predicts numbers there are none: call `predict`.
        """
        probabilities = self.predict_proba(texts)
        return self.rank_labels(self.assigned_labels(probabilities), probabilities)

    def predict_scored_sets(
        self, texts: Sequence[str], coverage: float, per_class: bool = False
    ) -> tuple[list[list[ScoredLabel]], list[list[ScoredLabel]]]:
        """What `label` gives, and the labels in the set of each text, the most probable first."""
        task, logits = self.bundle.task, self.raw_logits(texts)
        probabilities = task.probabilities(self.calibrate(logits))
        sets = self.prediction_sets(logits, coverage, per_class)
        return self.rank_labels(self.assigned_labels(probabilities), probabilities), self.rank_labels(
            sets, probabilities
        )

    def prediction_sets(self, raw_logits: Floats, coverage: float, per_class: bool = False) -> npt.NDArray[np.bool_]:
        """Which labels are in the set of each text, (texts, labels), from what `raw_logits` gives."""
        return self._conformal().prediction_sets(raw_logits, self.bundle.task, coverage, per_class)

    def predict_values_and_intervals(self, texts: Sequence[str], coverage: float) -> Floats:
        """(texts, 3): the value of each text and the two ends of its interval."""
        task, logits = self.bundle.task, self.raw_logits(texts)
        return np.concatenate([task.scores(logits), self.prediction_intervals(logits, coverage)], axis=1)

    def prediction_intervals(self, raw_logits: Floats, coverage: float) -> Floats:
        """(texts, 2): the ends of the interval of each text, from what `raw_logits` gives."""
        task = self.bundle.task
        assert isinstance(task, Regression)
        values, reach = task.values(raw_logits), np.float32(self._conformal().half_width(task, coverage))
        return np.stack([values - reach, values + reach], axis=1)

    def _conformal(self) -> Conformal:
        if self.bundle.conformal is None:
            raise SettingsError(
                "the model has no conformal scores, so no coverage can be promised: nothing was held out when it was "
                "trained, or an older Tenor saved it.",
                "Train it again; a network with a validation part.",
            )
        return self.bundle.conformal

    def _warn(self, coverage: float, per_class: bool) -> None:
        if told := self.check_coverage(coverage, per_class):
            warnings.warn(told, stacklevel=3)

    def rank_labels(self, chosen: npt.NDArray[np.bool_], probabilities: Floats) -> list[list[ScoredLabel]]:
        """The chosen labels of each text, the most probable first."""
        labels = self.bundle.task.labels
        row, label = np.nonzero(chosen)
        scores = probabilities[row, label]
        order = np.lexsort((label, -scores, row))
        found: list[list[ScoredLabel]] = [[] for _ in range(len(probabilities))]
        for at, index, score in zip(row[order].tolist(), label[order].tolist(), scores[order].tolist(), strict=True):
            found[at].append(ScoredLabel(labels[index], score))
        return found

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write the model to a folder. Raises BundleError when that exists already, unless `overwrite`."""
        bundle.save(self.bundle, Path(folder), overwrite)


def load(folder: str | Path) -> Predictor:
    """Read a model that was saved; what of it is not used on this machine is a warning.

    Raises:
        BundleError: It is damaged or no model, or gives something else on this machine than where it was made.
    """
    loaded = bundle.load(Path(folder))
    for note in loaded.notes:
        warnings.warn(note, NotUsedWarning, stacklevel=2)
    return Predictor(loaded)


def check_texts(texts: Any) -> list[str]:
    """A list of the texts.

    Args:
        texts: Strings in any container with an order: a list, an array, a column of a pandas, polars or Arrow table,
            or an iterator, which is read to its end.

    Raises:
        DataError: This is one string, a table or no container, or an element is no string.
    """
    if isinstance(texts, (str, bytes)):
        raise DataError("one string was given in place of a list of texts.", "Put it into a list: [text].")
    if hasattr(texts, "columns") or isinstance(texts, (dict, set)) or getattr(texts, "ndim", 1) != 1:
        raise DataError(f"a {type(texts).__name__} was given in place of texts.", "Give one column: table['text'].")
    if not hasattr(texts, "__iter__"):
        raise DataError(f"a {type(texts).__name__} was given in place of texts.", "Give a list of strings.")
    listed = as_list(texts)
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise DataError(f"text {index} is {type(text).__name__} {text!r:.40}, not a string.", "Give strings.")
    return listed


def as_list(values: Any) -> list[Any]:
    """The elements of a list, an array, a column of a pandas, polars or Arrow table, or an iterator."""
    # to_pylist: Arrow; to_list: pandas and polars; tolist: NumPy
    convert = next((name for name in ("to_pylist", "to_list", "tolist") if hasattr(values, name)), None)
    return list(getattr(values, convert)() if convert else values)
