"""One label for each text: binary and multiclass classification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.errors import listed
from tenor.tasks.base import (
    LARGEST_LOSS,
    Activation,
    Floats,
    Kind,
    Label,
    LabelArray,
    Metric,
    Targets,
    Task,
    label_list_problem,
    sigmoid,
)

_LARGEST_NONCONFORMITY = 80.0  # -log of a probability that float32 cannot tell from 0
_MAX_UNIFORM_SHARE = 0.5

ClassWeight = Mapping[str, float] | Literal["balanced"]


@dataclass(frozen=True)
class SingleLabel(Task):
    """One label out of a fixed list."""

    @property
    def kind(self) -> Kind:
        """`binary` for two classes, else `multiclass`."""
        return "binary" if len(self.labels) == 2 else "multiclass"

    @property
    def n_outputs(self) -> int:
        """1 logit for two classes (that of the second label), else one logit for each class."""
        return 1 if len(self.labels) == 2 else len(self.labels)

    @property
    def activation(self) -> Activation:
        """Sigmoid for two classes, softmax for more."""
        return "sigmoid" if len(self.labels) == 2 else "softmax"

    @property
    def primary_metric(self) -> Metric:
        """Accuracy."""
        return "accuracy"

    @property
    def is_single_label(self) -> bool:
        """True."""
        return True

    @property
    def max_uniform_share(self) -> float:
        """At most one half."""
        return _MAX_UNIFORM_SHARE

    def encode(self, labels: Sequence[str]) -> Targets:
        """Turn label names into their positions in `labels`, (texts,) int32."""
        position = {label: index for index, label in enumerate(self.labels)}
        return np.fromiter((position[label] for label in labels), np.int32, len(labels))

    def decode(self, targets: Targets) -> LabelArray:
        """Names of the classes, (texts,)."""
        return np.asarray(np.array(self.labels)[targets])

    def output_targets(self, targets: Targets) -> Floats:
        """0 and 1, (texts, outputs)."""
        if self.n_outputs == 1:
            return targets[:, None].astype(np.float32)
        result = np.zeros((len(targets), self.n_outputs), np.float32)
        result[np.arange(len(targets)), targets] = 1
        return result

    def probabilities(self, logits: Floats) -> Floats:
        """Turn logits of shape (texts, outputs) into probabilities of shape (texts, classes).

        Sigmoid for two classes, softmax for more; both are safe for logits of any size.
        """
        if self.n_outputs == 1:
            positive = sigmoid(logits)
            return np.concatenate([1 - positive, positive], axis=1).astype(np.float32)
        wide = logits.astype(np.float64)
        wide = np.exp(wide - wide.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(wide / wide.sum(axis=1, keepdims=True), np.float32)

    def scores(self, logits: Floats) -> Floats:
        """Probabilities, (texts, classes)."""
        return self.probabilities(logits)

    def soft_targets(self, logits: Floats) -> Targets:
        """Probabilities, (texts, classes)."""
        return self.probabilities(logits)

    def predict(self, logits: Floats) -> Targets:
        """The most probable class of each text, (texts,)."""
        return np.asarray(self.probabilities(logits).argmax(axis=1))

    def label_indicators(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Which label each text gets, (texts, classes): the most probable one."""
        result = np.zeros(probabilities.shape, bool)
        result[np.arange(len(result)), probabilities.argmax(axis=1)] = True
        return result

    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """-log of the probability of each text's class, (texts,), in nats."""
        of_truth = self.probabilities(logits)[np.arange(len(targets)), targets]
        return np.asarray(-np.log(np.maximum(of_truth, np.exp(-LARGEST_LOSS))), np.float32)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        """`accuracy`."""
        return {"accuracy": float((self.probabilities(logits).argmax(axis=1) == targets).mean())}

    def strata(self, targets: Targets) -> Targets:
        """The classes, (texts,)."""
        return targets

    def sample_weights(self, targets: Targets, class_weight: ClassWeight) -> Floats:
        """The weight of each text, (texts,), 1 on average.

        Args:
            targets: (texts,) classes.
            class_weight: Weight of a class by its name, 1 for a class that it does not name; `balanced`: every class
                has the same total weight.
        """
        return self.class_weights(np.bincount(targets, minlength=len(self.labels)), class_weight)[targets]

    def class_weights(self, counts: npt.NDArray[np.int64], class_weight: ClassWeight) -> Floats:
        """The weight of a text of each class, (classes,), as in `sample_weights`; `counts` are the texts per class."""
        if isinstance(class_weight, Mapping):
            weights = np.array([class_weight.get(label, 1.0) for label in self.labels])
        else:
            weights = 1 / np.maximum(counts, 1)
        return np.asarray(weights / (weights @ counts / counts.sum()), np.float32)

    def class_logits(
        self, targets: Targets, logits: Floats
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]] | None:
        """The class of each text, and its logits; a single logit is that of the second of two classes."""
        wide = logits.astype(np.float64)
        if self.n_outputs == 1:
            wide = np.concatenate([np.zeros_like(wide), wide], axis=1)
        return targets.astype(np.int64), wide

    def decisions(self, targets: Targets, probabilities: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The highest probability of each text, (texts,), and whether that class is right."""
        best = probabilities.argmax(axis=1)
        return probabilities[np.arange(len(best)), best], best == targets

    def brier_score(self, targets: Targets, probabilities: Floats) -> float:
        """Mean over the texts; of two classes the second alone counts."""
        if len(self.labels) == 2:
            return float(np.square(probabilities[:, 1] - targets).mean(dtype=np.float64))
        of_truth = probabilities[np.arange(len(targets)), targets]
        squares = np.einsum("ij,ij->i", probabilities, probabilities, dtype=np.float64)
        return float((squares - 2 * of_truth + 1).mean(dtype=np.float64))

    def metric_terms(self, targets: Targets, predicted: Targets) -> npt.NDArray[np.float64]:
        """Those of accuracy, (texts, 2)."""
        return np.stack([predicted == targets, np.ones(len(targets))], axis=1).astype(np.float64)

    def confidence_in_error(self, targets: Targets, logits: Floats) -> Floats:
        """The probability of the predicted class if it is wrong, (texts,)."""
        probabilities = self.probabilities(logits)
        best = probabilities.argmax(axis=1)
        return np.asarray(np.where(best != targets, probabilities[np.arange(len(best)), best], 0))

    def nonconformity(self, logits: Floats) -> Floats:
        """-log of the probability of each class, (texts, classes)."""
        wide = logits.astype(np.float64)
        if self.n_outputs == 1:
            result = np.concatenate([np.logaddexp(0, wide), np.logaddexp(0, -wide)], axis=1)
        else:
            wide = wide - wide.max(axis=1, keepdims=True, initial=-np.inf)
            result = np.log(np.exp(wide).sum(axis=1, keepdims=True)) - wide
        return np.asarray(np.minimum(result, _LARGEST_NONCONFORMITY), np.float32)

    def label_positions(self, targets: Targets) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Every row, and its class."""
        return np.arange(len(targets)), targets.astype(np.int64)

    def label_matrix(self, targets: Targets) -> npt.NDArray[np.bool_]:
        """One true value in each row, (texts, classes)."""
        return np.asarray(targets[:, None] == np.arange(len(self.labels)))

    def logit_directions(self) -> tuple[npt.NDArray[np.float64], float]:
        """For two classes the logit and its opposite; for more, the logit less the mean of all logits."""
        if self.n_outputs == 1:
            return np.array([[-1.0], [1.0]]), 0.0
        return np.eye(self.n_outputs) - 1 / self.n_outputs, 0.0

    def label_names(self, label: Label) -> tuple[str, ...]:
        """The one name."""
        return (label,)

    def describe_label(self, label: Label) -> str:
        """The name."""
        return str(label)

    def label_problem(self, label: Label) -> str | None:
        """A list is not one label, and the label must be known."""
        if isinstance(label, list):
            return tr("a text has one label: give it alone.")
        return label_list_problem([label], self.labels)

    def describe(self) -> str:
        """`labels: a, b`."""
        return tr("labels: {labels}", labels=listed(self.labels))

    def union(self, other: Task) -> "SingleLabel":
        """The task with the labels of both."""
        return SingleLabel(tuple(sorted({*self.labels, *other.labels})))

    def to_dict(self) -> dict[str, object]:
        """The task as JSON."""
        return {"kind": self.kind, "labels": list(self.labels)}
