"""Any number of labels for each text: multi-label classification."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class MultiLabel(Task):
    """Any number of labels out of a fixed list.

    Attributes:
        thresholds: (labels,) A text gets a label whose probability reaches its threshold; empty before they are
            chosen, which stands for 0.5.
        never_none: Every text has a label: one that reaches no threshold gets the label that comes closest.
    """

    thresholds: tuple[float, ...] = ()
    never_none: bool = False

    @property
    def kind(self) -> Kind:
        """`multilabel`."""
        return "multilabel"

    @property
    def n_outputs(self) -> int:
        """One logit for each label."""
        return len(self.labels)

    @property
    def activation(self) -> Activation:
        """Sigmoid."""
        return "sigmoid"

    @property
    def primary_metric(self) -> Metric:
        """Micro-averaged F1."""
        return "micro_f1"

    @property
    def is_multilabel(self) -> bool:
        """True."""
        return True

    def encode(self, labels: Sequence[Sequence[str]]) -> Targets:
        """Turn sets of label names into (texts, labels) of 0 and 1."""
        position = {label: index for index, label in enumerate(self.labels)}
        targets = np.zeros((len(labels), len(self.labels)), np.float32)
        for row, names in enumerate(labels):
            targets[row, [position[name] for name in names]] = 1
        return targets

    def decode(self, targets: Targets) -> LabelArray:
        """Tuples of label names, (texts,)."""
        names = np.array(self.labels)
        result = np.empty(len(targets), object)
        result[:] = [tuple(names[row].tolist()) for row in targets > 0]
        return result

    def output_targets(self, targets: Targets) -> Floats:
        """The targets."""
        return targets

    def probabilities(self, logits: Floats) -> Floats:
        """The independent probability of each label, (texts, labels)."""
        return np.asarray(sigmoid(logits), np.float32)

    def scores(self, logits: Floats) -> Floats:
        """Probabilities, (texts, labels)."""
        return self.probabilities(logits)

    def soft_targets(self, logits: Floats) -> Targets:
        """Probabilities, (texts, labels)."""
        return self.probabilities(logits)

    def predict(self, logits: Floats) -> Targets:
        """The labels that each text gets, (texts, labels) of 0 and 1."""
        return self.label_indicators(self.probabilities(logits)).astype(np.float32)

    def label_indicators(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Which labels each text gets, (texts, labels)."""
        if not len(probabilities):
            return np.zeros(probabilities.shape, bool)
        thresholds = np.array(self.thresholds or [0.5] * len(self.labels))
        chosen = probabilities >= thresholds
        if self.never_none:
            # Near its threshold is a matter of odds: 0.02 is nearer to 0.04 than 0.3 to 0.5.
            odds = np.log(np.maximum(probabilities, 1e-12) / thresholds)
            chosen[np.arange(len(chosen)), odds.argmax(axis=1)] |= ~chosen.any(axis=1)
        return np.asarray(chosen)

    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """Binary cross-entropy of each text, the mean over the labels, (texts,), in nats."""
        wide = logits.astype(np.float64)
        terms = np.logaddexp(0, wide) - targets * wide
        return np.asarray(np.minimum(terms, LARGEST_LOSS).mean(axis=1), np.float32)

    def one_minus_f1(self, targets: Targets, logits: Floats) -> Floats:
        """1 - F1 of the labels of each text, (texts,), at the one threshold that serves all labels best."""
        probabilities = self.probabilities(logits)
        common = best_threshold(targets.ravel() > 0, probabilities.ravel())
        chosen = replace(self, thresholds=(common,) * len(self.labels)).label_indicators(probabilities)
        correct, both = (chosen * targets).sum(axis=1), chosen.sum(axis=1) + targets.sum(axis=1)
        return np.asarray(np.where(both > 0, 1 - 2 * correct / np.maximum(both, 1), 0), np.float32)

    def selection_losses(self, targets: Targets, logits: Floats) -> Floats:
        """1 - F1. Models of equal cross-entropy, most of it from labels that hardly any text has, may differ in it."""
        return self.one_minus_f1(targets, logits)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        """`micro_f1`."""
        chosen = self.label_indicators(self.probabilities(logits))
        correct = float((chosen * targets).sum())
        return {"micro_f1": 2 * correct / max(float(chosen.sum() + targets.sum()), 1.0)}

    def strata(self, targets: Targets) -> Targets:
        """The rarest label of each text, since a split easily misses a rare one; -1 for a text without labels."""
        frequency = targets.sum(axis=0)
        rarest = np.where(targets > 0, frequency, np.inf)
        return np.where(targets.any(axis=1), rarest.argmin(axis=1), -1)

    def class_logits(
        self, targets: Targets, logits: Floats
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]] | None:
        """Each label of each text is a decision between two classes: the label is absent or present."""
        wide = logits.astype(np.float64).reshape(-1, 1)
        return targets.astype(np.int64).ravel(), np.concatenate([np.zeros_like(wide), wide], axis=1)

    def decisions(self, targets: Targets, probabilities: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The probability of each label of each text, (texts * labels,), and whether the text has it."""
        return probabilities.ravel(), targets.ravel() > 0

    def brier_score(self, targets: Targets, probabilities: Floats) -> float:
        """Mean over all labels of all texts."""
        return float(np.square(probabilities - targets).mean(dtype=np.float64))

    def metric_terms(self, targets: Targets, predicted: Targets) -> npt.NDArray[np.float64]:
        """Those of micro-averaged F1, (texts, 2)."""
        both = (predicted * targets).sum(axis=1)
        return np.stack([2 * both, predicted.sum(axis=1) + targets.sum(axis=1)], axis=1).astype(np.float64)

    def confidence_in_error(self, targets: Targets, logits: Floats) -> Floats:
        """The highest probability of a wrong decision about one of the labels, (texts,)."""
        probabilities, truth = self.probabilities(logits), targets > 0
        wrong = self.label_indicators(probabilities) != truth
        return np.asarray(np.where(wrong, np.where(truth, 1 - probabilities, probabilities), 0).max(axis=1))

    def nonconformity(self, logits: Floats) -> Floats:
        """-log of the probability of each label, divided by the sum of all if that is above 1; (texts, labels)."""
        result = np.logaddexp(0, -logits.astype(np.float64))
        result = result + np.log(np.maximum(np.exp(-result).sum(axis=1, keepdims=True), 1))
        return np.asarray(np.minimum(result, _LARGEST_NONCONFORMITY), np.float32)

    def label_positions(self, targets: Targets) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows and columns of what is not 0."""
        rows, columns = np.nonzero(targets)
        return rows, columns

    def label_matrix(self, targets: Targets) -> npt.NDArray[np.bool_]:
        """Which labels each text has, (texts, labels)."""
        return np.asarray(targets > 0)

    def logit_directions(self) -> tuple[npt.NDArray[np.float64], float]:
        """Each logit by itself."""
        return np.eye(self.n_outputs), 0.0

    def label_names(self, label: Label) -> tuple[str, ...]:
        """All names of the text."""
        return tuple(label)

    def describe_label(self, label: Label) -> str:
        """The names, or a dash for none."""
        return ", ".join(label) or "—"

    def label_problem(self, label: Label) -> str | None:
        """It must be a list of known labels, each once."""
        if not isinstance(label, list):
            return tr("a text may have several labels: give a list.")
        return label_list_problem(label, self.labels)

    def describe(self) -> str:
        """`labels: a, b (any number per text)`."""
        return tr("labels: {labels} (any number per text)", labels=listed(self.labels))

    def union(self, other: Task) -> "MultiLabel":
        """The task with the labels of both, without thresholds."""
        labels = tuple(sorted({*self.labels, *other.labels}))
        return MultiLabel(labels, never_none=bool(labels))

    def to_dict(self) -> dict[str, object]:
        """The task as JSON."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "thresholds": list(self.thresholds),
            "never_none": self.never_none,
        }


def best_threshold(truth: npt.NDArray[np.bool_], probabilities: Floats) -> float:
    """The threshold with the highest F1 over decisions, (n,): halfway between the probabilities next to it."""
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order].astype(np.float64)
    correct = truth[order].cumsum()
    f1 = 2 * correct / (np.arange(1, len(order) + 1) + correct[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = 0  # no threshold separates equal probabilities
    best = int(f1.argmax())
    after = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + after) / 2)
