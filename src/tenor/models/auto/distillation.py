"""Distillation: training on the predictions of another model, with labels or without.

Hinton, Vinyals and Dean (2015), "Distilling the Knowledge in a Neural Network"; for unlabelled texts, Lee (2013),
"Pseudo-Label". The targets are probabilities, not decisions, so uncertain predictions teach little.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tenor.evaluation.calibration import Calibration
from tenor.models.base import Examples, Model
from tenor.models.neural.neural_model import NeuralModel
from tenor.tasks import Floats, MultiLabel, SingleLabel, Targets, Task

ModelT = TypeVar("ModelT", bound=Model)

_LABEL_WEIGHT = 0.5  # of the label of a text; the rest is the weight of the teacher's prediction
_MIN_PROBABILITY = 1e-7


@dataclass(frozen=True)
class SoftSingleLabel(SingleLabel):
    """A single label with known probabilities: targets are (texts, classes) float32."""

    def output_targets(self, targets: Targets) -> Floats:
        """Probabilities of the outputs, (texts, outputs) float32."""
        return np.asarray(targets[:, 1:] if self.n_outputs == 1 else targets, np.float32)

    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """Cross-entropy, (texts,), in nats."""
        return np.asarray(
            -(targets * np.log(np.maximum(self.probabilities(logits), _MIN_PROBABILITY))).sum(axis=1), np.float32
        )

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        """Metrics against the most probable class."""
        return super().training_metrics(targets.argmax(axis=1), logits)

    def strata(self, targets: Targets) -> Targets:
        """The most probable class of each text, (texts,)."""
        return np.asarray(targets.argmax(axis=1))


@dataclass(frozen=True)
class SoftMultiLabel(MultiLabel):
    """Several labels with known probabilities: targets are (texts, labels) float32."""

    def one_minus_f1(self, targets: Targets, logits: Floats) -> Floats:
        """The losses, (texts,): F1 needs decisions."""
        return self.losses(targets, logits)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        """Metrics against the labels with a probability above 0.5."""
        return super().training_metrics(np.round(targets), logits)

    def strata(self, targets: Targets) -> Targets:
        """Strata of the labels with a probability above 0.5, (texts,)."""
        return super().strata(np.round(targets))


@dataclass(frozen=True)
class Teacher:
    """A model on whose predictions others are trained.

    Attributes:
        model: The model.
        task: What it predicts.
        calibration: Calibrates its logits; None: they are used without.
    """

    model: Model
    task: Task
    calibration: Calibration | None

    def predict(self, texts: Sequence[str]) -> Targets:
        """The probability of each class or label, (texts, classes or labels), or the value of each text, (texts,)."""
        logits = self.model.logits(texts)
        return self.task.soft_targets(logits if self.calibration is None else self.calibration.apply(logits, self.task))

    def pseudo_label(self, texts: Sequence[str]) -> Examples:
        """Unlabelled texts with their predictions as targets."""
        return Examples(texts, self.predict(texts), _soft(self.task), np.ones(len(texts), np.float32))

    def soften(self, examples: Examples) -> Examples:
        """Labelled texts whose targets are the mean of their labels and the predictions of this model."""
        predictions = self.predict(examples.texts)
        mixed = _LABEL_WEIGHT * _hard_targets(examples) + (1 - _LABEL_WEIGHT) * predictions
        return replace(examples, targets=np.asarray(mixed, np.float32), task=_soft(self.task))


def concatenate(labelled: Examples, pseudo_labelled: Examples) -> Examples:
    """Labelled texts, whose labels stay hard, and texts that a teacher has labelled."""
    targets = labelled.targets if isinstance(labelled.task, type(pseudo_labelled.task)) else _hard_targets(labelled)
    groups = labelled.groups
    if groups is not None:
        first = int(groups.max(initial=-1)) + 1
        groups = np.concatenate([groups, np.arange(first, first + len(pseudo_labelled))])
    return Examples(
        texts=[*labelled.texts, *pseudo_labelled.texts],
        targets=np.concatenate([targets, pseudo_labelled.targets]),
        task=pseudo_labelled.task,
        weights=np.concatenate([labelled.weights, pseudo_labelled.weights]),
        groups=groups,
        fields=labelled.fields,
    )


def sample_texts(texts: Sequence[str], n_texts: int, seed: int) -> list[str]:
    """A random sample of the texts, in their order."""
    return [texts[row] for row in np.sort(np.random.default_rng((seed, 2)).permutation(len(texts))[:n_texts])]


def with_task(model: ModelT, task: Task) -> ModelT:
    """The model with this task, if it is a network that was fitted to soft targets."""
    return replace(model, task=task) if isinstance(model, NeuralModel) else model


def _soft(task: Task) -> Task:
    """The task with probabilities as targets; for regression, the task itself."""
    if isinstance(task, SingleLabel):
        return SoftSingleLabel(task.labels)
    if isinstance(task, MultiLabel):
        return SoftMultiLabel(task.labels, task.thresholds, task.never_none)
    return task


def _hard_targets(examples: Examples) -> Targets:
    """The labels as probabilities of 0 and 1; numbers unchanged."""
    task, targets = examples.task, examples.targets
    return task.label_matrix(targets).astype(np.float32) if task.is_single_label else targets
