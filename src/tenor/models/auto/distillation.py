"""Learning from what another model says of texts, besides their labels or where they have none.

Hinton, Vinyals and Dean (2015), "Distilling the Knowledge in a Neural Network"; of texts without labels: Lee (2013),
"Pseudo-Label". What is learned from the other model are its probabilities, not its decisions, so that what it is unsure
of teaches little.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tenor.evaluation.calibration import Calibration
from tenor.models.base import Examples, Model
from tenor.models.neural.neural_model import NeuralModel
from tenor.tasks import Floats, MultiLabel, SingleLabel, Targets, Task

_OWN = 0.5  # how much the label of a text counts beside what the teacher says of it
_LEAST = 1e-7


@dataclass(frozen=True)
class SoftSingleLabel(SingleLabel):
    """One label a text, of which probabilities are known: targets are (texts, classes) float32."""

    def output_targets(self, targets: Targets) -> Floats:
        return np.asarray(targets[:, 1:] if self.n_outputs == 1 else targets, np.float32)

    def losses(self, targets: Targets, logits: Floats) -> Floats:
        """Cross-entropy, (texts,), in nats."""
        return np.asarray(-(targets * np.log(np.maximum(self.probabilities(logits), _LEAST))).sum(axis=1), np.float32)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        return super().training_metrics(targets.argmax(axis=1), logits)

    def strata(self, targets: Targets) -> Targets:
        return np.asarray(targets.argmax(axis=1))


@dataclass(frozen=True)
class SoftMultiLabel(MultiLabel):
    """Any number of labels, of which probabilities are known: targets are (texts, labels) float32."""

    def one_minus_f1(self, targets: Targets, logits: Floats) -> Floats:
        return self.losses(targets, logits)

    def training_metrics(self, targets: Targets, logits: Floats) -> dict[str, float]:
        return super().training_metrics(np.round(targets), logits)

    def strata(self, targets: Targets) -> Targets:
        return super().strata(np.round(targets))


@dataclass(frozen=True)
class Teacher:
    """A model that others learn from.

    Attributes:
        model: The model.
        task: What it predicts.
        calibration: What makes its probabilities right, found on texts that it has not learned from; None: there is
            nothing to.
    """

    model: Model
    task: Task
    calibration: Calibration | None

    def predict(self, texts: Sequence[str]) -> Targets:
        """The probability of each class or label, (texts, classes or labels), or the value of each text, (texts,)."""
        logits = self.model.logits(texts)
        return self.task.soft_targets(logits if self.calibration is None else self.calibration.apply(logits, self.task))

    def pseudo_label(self, texts: Sequence[str]) -> Examples:
        """Texts without labels as examples to learn from."""
        return Examples(texts, self.predict(texts), _soft(self.task), np.ones(len(texts), np.float32))

    def soften(self, examples: Examples) -> Examples:
        """Labelled texts whose targets lie between their labels and what this model says of them."""
        said = self.predict(examples.texts)
        mixed = _OWN * _certain(examples) + (1 - _OWN) * said
        return replace(examples, targets=np.asarray(mixed, np.float32), task=_soft(self.task))


def concatenate(labelled: Examples, others: Examples) -> Examples:
    """Labelled texts, whose labels stay what they are, and such as a teacher has labelled."""
    targets = labelled.targets if isinstance(labelled.task, type(others.task)) else _certain(labelled)
    groups = labelled.groups
    if groups is not None:
        first = int(groups.max(initial=-1)) + 1
        groups = np.concatenate([groups, np.arange(first, first + len(others))])
    return Examples(
        [*labelled.texts, *others.texts],
        np.concatenate([targets, others.targets]),
        others.task,
        np.concatenate([labelled.weights, others.weights]),
        groups,
    )


def sample_texts(texts: Sequence[str], number: int, seed: int) -> list[str]:
    """So many of the texts, drawn by chance."""
    return [texts[row] for row in np.sort(np.random.default_rng((seed, 2)).permutation(len(texts))[:number])]


def with_task(model: Any, task: Task) -> Any:
    """The model that has learned from soft targets as one of the task itself."""
    return replace(model, task=task) if isinstance(model, NeuralModel) else model


def _soft(task: Task) -> Task:
    """The task whose targets are probabilities; of numbers there is no other."""
    if isinstance(task, SingleLabel):
        return SoftSingleLabel(task.labels)
    if isinstance(task, MultiLabel):
        return SoftMultiLabel(task.labels, task.thresholds, task.never_none)
    return task


def _certain(examples: Examples) -> Targets:
    """The labels as probabilities of 0 and 1."""
    task, targets = examples.task, examples.targets
    return task.label_matrix(targets).astype(np.float32) if task.is_single_label else targets
