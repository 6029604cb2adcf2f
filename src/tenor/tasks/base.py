"""The interface of a task: it turns labels into targets, and a model's outputs into probabilities or values."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr

Kind = Literal["binary", "multiclass", "multilabel", "regression"]
Activation = Literal["sigmoid", "softmax", "identity"]
Metric = Literal["accuracy", "micro_f1", "r2"]
Label: TypeAlias = Any
"""The label of one text: a name, a sequence of names, or a number; the task knows which."""
LabelArray: TypeAlias = npt.NDArray[Any]
"""(texts,) labels: names, tuples of names, or numbers."""
Floats: TypeAlias = npt.NDArray[np.float32]
Targets: TypeAlias = npt.NDArray[Any]
"""SingleLabel: (texts,) int32; MultiLabel: (texts, labels) float32 of 0 and 1; Regression: (texts,) float32."""

LARGEST_LOSS = 16.2
"""-log 1e-7, in nats: one confident mistake does not dominate a mean."""


@dataclass(frozen=True)
class Task(ABC):
    """What is predicted.

    A model's raw outputs are called logits, (texts, outputs), for every task.

    Attributes:
        labels: Names of the labels, sorted; column k of the probabilities belongs to `labels[k]`. Empty for numbers.
    """

    labels: tuple[str, ...]

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Name of the task, as users write it."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Width of the last layer."""

    @property
    @abstractmethod
    def activation(self) -> Activation:
        """Function that turns logits into probabilities; `identity` for numbers."""

    @property
    @abstractmethod
    def primary_metric(self) -> Metric:
        """The metric by which models are compared."""

    @property
    def has_labels(self) -> bool:
        """Whether labels are predicted, each with a probability; not so for numbers."""
        return True

    @property
    def is_single_label(self) -> bool:
        """Whether every text has exactly one label."""
        return False

    @property
    def is_multilabel(self) -> bool:
        """Whether a text may have any number of labels."""
        return False

    @property
    def greater_is_better(self) -> bool:
        """Whether the metric of a slice is a score (accuracy, F1); for numbers it is an error."""
        return True

    @property
    def max_uniform_share(self) -> float:
        """How much of the uniform distribution a calibration may mix into the probabilities, from 0 to 1."""
        return 0.0

    @abstractmethod
    def encode(self, labels: Sequence[Label]) -> Targets:
        """Turn the labels of texts into targets."""

    @abstractmethod
    def decode(self, targets: Targets) -> LabelArray:
        """Turn targets back into labels, (texts,): names, tuples of names, or values."""

    @abstractmethod
    def output_targets(self, targets: Targets) -> Floats:
        """The targets of the outputs after the activation, (texts, outputs)."""

    @abstractmethod
    def probabilities(self, logits: Floats) -> Floats:
        """Turn logits into the probability of each label, (texts, labels). Raises SettingsError for numbers."""

    @abstractmethod
    def label_indicators(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Which labels each text gets, (texts, labels)."""

    @abstractmethod
    def scores(self, logits: Floats) -> Floats:
        """The outputs for users: probabilities, (texts, labels), or values, (texts, 1)."""

    @abstractmethod
    def predict(self, logits: Floats) -> Targets:
        """Predicted targets, in the form that `encode` gives."""

    @abstractmethod
    def soft_targets(self, logits: Floats) -> Targets:
        """Targets for a model trained on these predictions: probabilities, (texts, labels), or values, (texts,)."""

    @abstractmethod
    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """Loss of each text, (texts,): cross-entropy in nats, or squared error in units of the variance."""

    def selection_losses(self, targets: Targets, logits: Floats) -> Floats:
        """The loss by which settings are chosen, (texts,); lower is better."""
        return self.losses(targets, logits)

    @abstractmethod
    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        """The metric to watch while a model trains, by its name."""

    @abstractmethod
    def strata(self, targets: Targets) -> Targets:
        """Groups of similar texts, (texts,), for stratified splits."""

    @abstractmethod
    def class_logits(
        self, targets: Targets, logits: Floats
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]] | None:
        """Every decision as one of several classes, to calibrate.

        Returns:
            The true class of each decision, (decisions,), and its logits, (decisions, classes); None for numbers.
        """

    @abstractmethod
    def decisions(self, targets: Targets, probabilities: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The confidence of each decision, (decisions,), and whether it is right, or the label present."""

    @abstractmethod
    def brier_score(self, targets: Targets, probabilities: Floats) -> float:
        """Mean squared error of the probabilities (Brier, 1950), summed over the classes if there are three or more."""

    @abstractmethod
    def metric_terms(self, targets: Targets, predicted: Targets) -> npt.NDArray[np.float64]:
        """Numerator and denominator of each text in accuracy, micro-averaged F1 or the mean absolute error.

        Args:
            targets: The true labels, encoded by `encode`.
            predicted: The predicted labels, likewise.

        Returns:
            (texts, 2); the metric of several texts is the quotient of the sums.
        """

    @abstractmethod
    def confidence_in_error(self, targets: Targets, logits: Floats) -> Floats:
        """How confident a wrong prediction is, (texts,), 0 for a right one; for numbers the absolute error."""

    @abstractmethod
    def nonconformity(self, logits: Floats) -> Floats:
        """How strange each label of each text would be, (texts, labels); see `evaluation.conformal`."""

    @abstractmethod
    def label_positions(self, targets: Targets) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Which labels each text has, as rows and columns, (labels of all texts,) each."""

    @abstractmethod
    def label_matrix(self, targets: Targets) -> npt.NDArray[np.bool_]:
        """Which labels each text has, (texts, labels); (texts, 0) for numbers."""

    @abstractmethod
    def logit_directions(self) -> tuple[npt.NDArray[np.float64], float]:
        """How to explain: the logit of each label as a weighted sum of the outputs.

        Returns:
            (labels, outputs) the weights, and a number that is added to each sum.
        """

    @abstractmethod
    def label_names(self, label: Label) -> tuple[str, ...]:
        """The names in the label of one text: one, several, or none for a number."""

    @abstractmethod
    def describe_label(self, label: Label) -> str:
        """The label of one text, for people."""

    @abstractmethod
    def label_problem(self, label: Label) -> str | None:
        """What is wrong with a label that somebody gave for one text, as a sentence; None: nothing."""

    @abstractmethod
    def describe(self) -> str:
        """What is predicted, for people."""

    @abstractmethod
    def union(self, other: Self) -> "Task":
        """The task with the labels of both, to compare their models."""

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """The task as JSON; `tasks.from_dict` reads it."""


def sigmoid(logits: Floats) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-logits)), safe for logits of any size."""
    wide = logits.astype(np.float64)
    odds = np.exp(-np.abs(wide))
    return np.asarray(np.where(wide >= 0, 1 / (1 + odds), odds / (1 + odds)))


def label_list_problem(given: Sequence[object], known: Sequence[str]) -> str | None:
    """What is wrong with these labels of one text: one is unknown, or one occurs twice."""
    unknown = [each for each in given if each not in known]
    if unknown:
        return tr("the model has no label {unknown!r:.100}.", unknown=unknown[0])
    return tr("a label occurs twice.") if len(set(given)) < len(given) else None
