"""What is predicted: the size of a model's head, its activation, and how outputs become probabilities."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["binary", "multiclass"]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """One label out of a fixed list.

    Attributes:
        labels: Names of the classes, sorted; column k of the probabilities belongs to `labels[k]`.
    """

    labels: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return "binary" if len(self.labels) == 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """Width of the head: 1 logit for two classes (that of the second label), else one logit a class."""
        return 1 if len(self.labels) == 2 else len(self.labels)

    def probabilities(self, logits: Floats) -> Floats:
        """Turn logits of shape (n, outputs) into probabilities of shape (n, classes).

        Sigmoid for two classes, softmax for more; both are safe for logits of any size.
        """
        wide = logits.astype(np.float64)
        if self.kind == "binary":
            odds = np.exp(-np.abs(wide))
            positive = np.where(wide >= 0, 1 / (1 + odds), odds / (1 + odds))
            return np.concatenate([1 - positive, positive], axis=1).astype(np.float32)
        wide = np.exp(wide - wide.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(wide / wide.sum(axis=1, keepdims=True), np.float32)

    def encode(self, labels: list[str]) -> npt.NDArray[np.int32]:
        """Turn label names into their positions in `labels`, shape (n,)."""
        position = {label: index for index, label in enumerate(self.labels)}
        return np.fromiter((position[label] for label in labels), np.int32, len(labels))
