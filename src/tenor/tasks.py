"""Tasks: one label per text, several labels, or a number; from labels to targets and back.

A task turns labels into targets, targets into what each output of a model should be, and outputs (logits) into
probabilities or values. Families know the number of outputs and their activation, and nothing else of the task.
"""

import typing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tenor._core.records import Record

Kind = Literal["binary", "multiclass", "multilabel", "regression"]
Activation = Literal["sigmoid", "softmax", "identity"]
Floats = npt.NDArray[np.float32]
Targets = npt.NDArray[Any]
"""Classes: (texts,) int32; LabelSet: (texts, labels) float32 of 0 and 1; Value: (texts,) float32."""

_LARGEST_LOSS = 16.2  # -log 1e-7: one sure mistake does not make a mean meaningless
_LARGEST_VALUE = 3e38  # of float32
_STRATA = 10


@dataclass(frozen=True)
class SingleLabel:
    """One label out of a fixed list.

    Attributes:
        labels: Names of the classes, sorted; column k of the probabilities belongs to `labels[k]`.
    """

    labels: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return "binary" if len(self.labels) == 2 else "multiclass"

    @property
    def n_outputs(self) -> int:
        """Width of the head: 1 logit for two classes (that of the second label), else one logit a class."""
        return 1 if len(self.labels) == 2 else len(self.labels)

    @property
    def activation(self) -> Activation:
        return "sigmoid" if len(self.labels) == 2 else "softmax"

    def encode(self, labels: Sequence[str]) -> Targets:
        """Turn label names into their positions in `labels`, (texts,) int32."""
        position = {label: index for index, label in enumerate(self.labels)}
        return np.fromiter((position[label] for label in labels), np.int32, len(labels))

    def output_targets(self, targets: Targets) -> Floats:
        """What the outputs should be after the activation, (texts, outputs)."""
        if self.n_outputs == 1:
            return targets[:, None].astype(np.float32)
        desired = np.zeros((len(targets), self.n_outputs), np.float32)
        desired[np.arange(len(targets)), targets] = 1
        return desired

    def probabilities(self, logits: Floats) -> Floats:
        """Turn logits of shape (texts, outputs) into probabilities of shape (texts, classes).

        Sigmoid for two classes, softmax for more; both are safe for logits of any size.
        """
        if self.n_outputs == 1:
            positive = _sigmoid(logits)
            return np.concatenate([1 - positive, positive], axis=1).astype(np.float32)
        wide = logits.astype(np.float64)
        wide = np.exp(wide - wide.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(wide / wide.sum(axis=1, keepdims=True), np.float32)

    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """-log of the probability of each text's class, (texts,), in nats."""
        right = self.probabilities(logits)[np.arange(len(targets)), targets]
        return np.asarray(-np.log(np.maximum(right, np.exp(-_LARGEST_LOSS))), np.float32)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        """The figure that people follow while a model is trained."""
        return {"accuracy": float((self.probabilities(logits).argmax(axis=1) == targets).mean())}

    def strata(self, targets: Targets) -> Targets:
        """(texts,) groups of like texts, of which each part of the data gets its share."""
        return targets

    def sample_weights(self, targets: Targets, wanted: "dict[str, float] | Literal['balanced']") -> Floats:
        """(texts,) how much each text counts, 1 on average.

        Args:
            targets: (texts,) classes.
            wanted: Weight of a class by its name, 1 where it has none; `balanced`: all classes count the same.
        """
        return self.class_weights(np.bincount(targets, minlength=len(self.labels)), wanted)[targets]

    def class_weights(self, counts: npt.NDArray[np.int64], wanted: "dict[str, float] | Literal['balanced']") -> Floats:
        """(classes,) how much a text of each class counts, as in `weights`; `counts` are the texts of each class."""
        if wanted == "balanced":
            of_class = 1 / np.maximum(counts, 1)
        else:
            of_class = np.array([wanted.get(label, 1.0) for label in self.labels])
        return np.asarray(of_class / (of_class @ counts / counts.sum()), np.float32)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "labels": list(self.labels)}


@dataclass(frozen=True)
class MultiLabel:
    """Any number of labels out of a fixed list.

    Attributes:
        labels: Names of the labels, sorted.
        thresholds: (labels,) probability from which on a text gets a label; empty before they are chosen: 0.5.
        never_none: Every text has a label: one that reaches no threshold gets the label that comes closest.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    never_none: bool = False
    kind: Kind = "multilabel"
    activation: Activation = "sigmoid"

    @property
    def n_outputs(self) -> int:
        return len(self.labels)

    def encode(self, labels: Sequence[Sequence[str]]) -> Targets:
        """Turn sets of label names into (texts, labels) of 0 and 1."""
        position = {label: index for index, label in enumerate(self.labels)}
        targets = np.zeros((len(labels), len(self.labels)), np.float32)
        for row, names in enumerate(labels):
            targets[row, [position[name] for name in names]] = 1
        return targets

    def output_targets(self, targets: Targets) -> Floats:
        return targets

    def probabilities(self, logits: Floats) -> Floats:
        """(texts, labels): of each label by itself."""
        return np.asarray(_sigmoid(logits), np.float32)

    def label_indicators(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """(texts, labels): which labels each text gets."""
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
        return np.asarray(np.minimum(terms, _LARGEST_LOSS).mean(axis=1), np.float32)

    def one_minus_f1(self, targets: Targets, logits: Floats) -> Floats:
        """1 - F1 of the labels of each text, (texts,), at the one threshold that serves all labels best.

        Two models may have equal cross-entropy, most of it from labels that hardly any text has, and differ in this.
        """
        probabilities = self.probabilities(logits)
        common = best_threshold(targets.ravel() > 0, probabilities.ravel())
        chosen = replace(self, thresholds=(common,) * len(self.labels)).label_indicators(probabilities)
        right, both = (chosen * targets).sum(axis=1), chosen.sum(axis=1) + targets.sum(axis=1)
        return np.asarray(np.where(both > 0, 1 - 2 * right / np.maximum(both, 1), 0), np.float32)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        chosen = self.label_indicators(self.probabilities(logits))
        found = float((chosen * targets).sum())
        return {"micro_f1": 2 * found / max(float(chosen.sum() + targets.sum()), 1.0)}

    def strata(self, targets: Targets) -> Targets:
        """The rarest label of each text, since a rare one is easily left out of a part; -1 where there is none."""
        frequency = targets.sum(axis=0)
        rarest = np.where(targets > 0, frequency, np.inf)
        return np.where(targets.any(axis=1), rarest.argmin(axis=1), -1)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "thresholds": list(self.thresholds),
            "never_none": self.never_none,
        }


@dataclass(frozen=True)
class Regression:
    """A number. Models learn it less `mean`, divided by `std`, so that its unit does not matter.

    Attributes:
        mean: Mean of the training texts' values.
        std: Their standard deviation.
    """

    mean: float = 0.0
    std: float = 1.0
    labels: tuple[str, ...] = ()
    kind: Kind = "regression"
    activation: Activation = "identity"
    n_outputs: int = 1

    def encode(self, labels: Sequence[float]) -> Targets:
        """(texts,) the values."""
        return np.asarray(labels, np.float32)

    def output_targets(self, targets: Targets) -> Floats:
        return np.asarray((targets[:, None] - self.mean) / self.std, np.float32)

    def values(self, logits: Floats) -> Floats:
        """Turn outputs of shape (texts, 1) into values, (texts,)."""
        return np.asarray(logits[:, 0].astype(np.float64) * self.std + self.mean, np.float32)

    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """Squared error of each text in units of the variance, (texts,)."""
        return np.asarray(np.square(logits - self.output_targets(targets))[:, 0], np.float32)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        return {"mean_absolute_error": float(np.abs(self.values(logits) - targets).mean())}

    def strata(self, targets: Targets) -> Targets:
        """The tenth that each value belongs to."""
        edges = np.quantile(targets, np.arange(1, _STRATA) / _STRATA) if len(targets) else np.zeros(0)
        return np.searchsorted(edges, targets)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "centre": self.mean, "spread": self.std}


Task = SingleLabel | MultiLabel | Regression


def from_labels(kind: Kind, labels: Sequence[Any]) -> Task:
    """The task that labelled texts set.

    Args:
        kind: `binary` and `multiclass` are told apart by the labels.
        labels: A name, a tuple of names, or a number for each text.
    """
    if kind == "regression":
        values = np.asarray(labels, np.float64)
        return Regression(float(values.mean()), float(values.std()) or 1.0)
    if kind == "multilabel":
        names = sorted({name for row in labels for name in row})
        return MultiLabel(tuple(names), never_none=all(labels))
    return SingleLabel(tuple(sorted(set(labels))))


def from_dict(description: dict[str, Any]) -> Task:
    """The task that `describe` tells of. Raises RecordError, a ValueError, where it tells of none."""
    record = Record(description, "tenor.json", "task")
    if record.choice("kind", typing.get_args(Kind)) == "regression":
        value = Regression(record.number("centre", -_LARGEST_VALUE, _LARGEST_VALUE), record.number("spread"))
        if not 0 < value.std <= _LARGEST_VALUE:
            raise record.error("spread", f"it is {value.std:g}, not above 0 and at most {_LARGEST_VALUE:g}")
        return value
    labels = tuple(record.texts("labels"))
    if len(set(labels)) != len(labels):
        raise record.error("labels", "one stands there twice")
    if description["kind"] != "multilabel":
        if len(labels) < 2:
            raise record.error("labels", "there are fewer than two")
        return SingleLabel(labels)
    if not labels:
        raise record.error("labels", "there is none")
    thresholds = record.items("thresholds")
    if len(thresholds) not in (0, len(labels)) or not all(type(each) is float and 0 < each < 1 for each in thresholds):
        raise record.error("thresholds", "they are not one a label, above 0 and below 1")
    return MultiLabel(labels, tuple(thresholds), record.flag("never_none"))


def best_threshold(truth: npt.NDArray[np.bool_], probabilities: Floats) -> float:
    """The threshold with the highest F1 over decisions, (n,): halfway between the probabilities next to it."""
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order].astype(np.float64)
    right = truth[order].cumsum()
    f1 = 2 * right / (np.arange(1, len(order) + 1) + right[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = 0  # no threshold stands between equal probabilities
    best = int(f1.argmax())
    after = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + after) / 2)


def _sigmoid(logits: Floats) -> npt.NDArray[np.float64]:
    wide = logits.astype(np.float64)
    odds = np.exp(-np.abs(wide))
    return np.asarray(np.where(wide >= 0, 1 / (1 + odds), odds / (1 + odds)))
