"""A saved or trained model -> labels and probabilities for raw texts: the one path of every prediction."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor import bundle
from tenor.bundle import Bundle
from tenor.errors import DataError
from tenor.tasks import Floats


class Predictor:
    """Predicts with a trained model.

    Attributes:
        bundle: The model and all that is known of it.
        classes_: (classes,) labels, in the order of the columns of `predict_proba`.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.classes_ = np.array(bundle.task.labels)

    @property
    def columns(self) -> tuple[str | None, str | None]:
        """Columns of the texts and of the labels in the training data."""
        return self.bundle.about.get("text_column"), self.bundle.about.get("label_column")

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Probabilities of shape (texts, classes), float32. An empty text is allowed; an empty list gives no rows.

        Raises:
            DataError: An element is not a string.
        """
        texts = check_texts(texts)
        if not texts:
            return np.zeros((0, len(self.classes_)), np.float32)
        return self.bundle.task.probabilities(self.bundle.model.logits(texts))

    def predict(self, texts: Sequence[str]) -> npt.NDArray[Any]:
        """The most probable label of each text, (texts,)."""
        return np.asarray(self.classes_[self.predict_proba(texts).argmax(axis=1)])

    def label(self, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
        """The most probable label of each text and its probability."""
        probabilities = self.predict_proba(texts)
        best = probabilities.argmax(axis=1)
        scores = probabilities[np.arange(len(best)), best]
        labels = self.bundle.task.labels
        return ((labels[index], score) for index, score in zip(best.tolist(), scores.tolist(), strict=True))

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Write the model to a folder. Raises BundleError when that exists already, unless `overwrite`."""
        bundle.save(self.bundle, Path(folder), overwrite)


def load(folder: str | Path) -> Predictor:
    """Read a model that was saved. Raises BundleError when it is damaged or no model."""
    return Predictor(bundle.load(Path(folder)))


def check_texts(texts: Any) -> list[str]:
    """A list of the texts. Raises DataError for one string in place of a list, or an element that is no string."""
    if isinstance(texts, (str, bytes)):
        raise DataError("one string was given in place of a list of texts.", "Put it into a list: [text].")
    if hasattr(texts, "columns") or isinstance(texts, dict) or getattr(texts, "ndim", 1) != 1:
        raise DataError(f"a {type(texts).__name__} was given in place of texts.", "Give one column: table['text'].")
    texts = texts.tolist() if hasattr(texts, "tolist") else list(texts)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"text {index} is {type(text).__name__} {text!r:.40}, not a string.", "Give strings.")
    return list(texts)
