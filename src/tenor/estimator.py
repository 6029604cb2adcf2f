"""`TextClassifier`: the scikit-learn contract over the families."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from tenor import bundle, models, settings
from tenor.bundle import Bundle
from tenor.errors import DataError, SettingsError
from tenor.predictor import Predictor, check_texts
from tenor.tasks import Floats, Task
from tenor.watch import Watcher


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts.

    Works with `clone`, `cross_val_score`, `Pipeline` and `GridSearchCV` of scikit-learn. `X` is a sequence of strings.

    Args:
        family: Name of the model family, such as `ngram` or `lstm`.
        settings: Settings of the family that differ from its defaults, such as `{"epochs": 3}`.
        random_state: Seed of everything random.

    Attributes:
        classes_: (classes,) labels, in the order of the columns of `predict_proba`.
        predictor_: The trained model.
    """

    def __init__(
        self, family: str = "ngram", settings: dict[str, Any] | None = None, random_state: int | None = 0
    ) -> None:
        self.family = family
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on texts and their labels.

        Raises:
            DataError: A text is not a string, the lengths differ, or there is one class only.
            SettingsError: The family or a setting is unknown.
        """
        texts = check_texts(X)
        labels = np.asarray(y)
        if labels.ndim != 1 or len(labels) != len(texts):
            raise DataError(
                f"there are {len(texts)} texts and labels of shape {labels.shape}.", "Give one label a text."
            )
        if labels.dtype.kind == "f" and not np.array_equal(labels, np.round(labels)):
            raise DataError("a label is no whole number.", "Unknown label type: continuous. Give classes.")
        try:
            self.classes_, targets = np.unique(labels, return_inverse=True)
        except TypeError:
            raise DataError("the labels are of several types.", "Give all of them as strings.") from None
        if len(self.classes_) < 2:
            raise DataError(
                f"there is only one class: {self.classes_.tolist()}.", "Give texts of at least two classes."
            )
        family = models.find(self.family)
        config = settings.make(family.config, self.settings or {}, "settings")
        bundle.need(family)
        task = Task(tuple(str(label) for label in self.classes_))
        seed = self._seed()
        if family.fit is not None:
            fitted = family.fit(texts, targets.astype(np.int32), task, config, seed)
        else:
            from tenor import training

            fitted = training.fit(family, texts, targets.astype(np.int32), task, config, seed, Watcher())
        about = {"text_column": "text", "label_column": "label", "seed": seed}
        metrics = {"timing": fitted.timing}
        self.predictor_ = Predictor(Bundle(family, fitted.config, task, fitted.model, about, metrics, fitted.history))
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of shape (texts, classes)."""
        check_is_fitted(self)
        return self.predictor_.predict_proba(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable label of each text, (texts,)."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write the model to a folder, from which `tenor.load` reads it; labels are strings there."""
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
        raise SettingsError(f"random_state is {state!r}.", "Give a whole number from 0 to 2^32 - 1, or None.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        return tags
