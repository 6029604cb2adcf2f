"""Tasks for an evaluation whose rows have labels that the model does not know: it gives them the probability 0."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tenor.tasks.base import Activation, Floats, Kind, Label, Task
from tenor.tasks.multi_label import MultiLabel
from tenor.tasks.single_label import SingleLabel

UnknownLabels = Literal["error", "wrong", "drop"]
"""Test rows whose label was not in the training data are an error, count as wrong predictions, or are left out."""


class _WithUnknownLabels:
    """What both kinds of task have in common.

    Attributes:
        known: The model's task.
        labels: Its labels, and after them those that the model does not know.
    """

    known: Task
    labels: tuple[str, ...]

    @property
    def n_outputs(self) -> int:
        """That of the model."""
        return self.known.n_outputs

    def probabilities(self, logits: Floats) -> Floats:
        """Those of the model, and 0 for each label that it does not know, (texts, labels)."""
        return _widened(self.known.probabilities(logits), len(self.labels), 0.0)

    def nonconformity(self, logits: Floats) -> Floats:
        """That of the model, and NaN for each label that it does not know: no set contains it."""
        return _widened(self.known.nonconformity(logits), len(self.labels), np.nan)


@dataclass(frozen=True)
class _SingleLabel(_WithUnknownLabels, SingleLabel):
    """A task whose last labels the model does not know."""

    known: SingleLabel = field(kw_only=True)

    @property
    def kind(self) -> Kind:
        """That of the model."""
        return self.known.kind

    @property
    def activation(self) -> Activation:
        """That of the model."""
        return self.known.activation


@dataclass(frozen=True)
class _MultiLabel(_WithUnknownLabels, MultiLabel):
    """A task whose last labels the model does not know."""

    known: MultiLabel = field(kw_only=True)

    def losses(self, targets: Floats, logits: Floats) -> Floats:
        """Binary cross-entropy, where the logit of a label that the model does not know is very low."""
        return super().losses(targets, _widened(logits, len(self.labels), -80.0))


def with_unknown_labels(task: Task, labels: Iterable[Label]) -> Task:
    """The task with the names in `labels` that it lacks after its own; itself if it lacks none.

    Args:
        task: The task of a model.
        labels: Labels of texts.
    """
    names = {name for label in labels for name in task.label_names(label)} - set(task.labels)
    if not names:
        return task
    all_labels = (*task.labels, *sorted(names))
    if isinstance(task, SingleLabel):
        return _SingleLabel(all_labels, known=task)
    assert isinstance(task, MultiLabel)
    thresholds = (*(task.thresholds or (0.5,) * len(task.labels)), *(1.0,) * len(names))
    return _MultiLabel(all_labels, thresholds, task.never_none, known=task)


def _widened(columns: Floats, width: int, value: float) -> Floats:
    """The columns, followed by columns of this value."""
    return np.pad(columns, ((0, 0), (0, width - columns.shape[1])), constant_values=np.float32(value))
