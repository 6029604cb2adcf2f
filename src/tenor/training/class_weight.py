"""Weights of classes -> weights of texts."""

from typing import cast

import numpy as np

from tenor._core.language import tr
from tenor.config.settings import require, suggest
from tenor.data.label_names import match_names
from tenor.tasks import Floats, SingleLabel, Targets, Task
from tenor.tasks.single_label import ClassWeight


def sample_weights(task: Task, targets: Targets, class_weight: object) -> Floats:
    """(texts,) how much each text counts, 1 on average.

    Args:
        task: What is predicted.
        targets: The labels, encoded by `task.encode`.
        class_weight: `balanced`: all classes count the same; or the weight of each class by its name, 1 for a class
            without one; None: all texts count the same.

    Raises:
        SettingsError: `class_weight` has another form or an unknown class, or the task has no classes.
    """
    class_weight = _spelt(task, class_weight)
    check_class_weight(task, class_weight)
    if class_weight is None:
        return np.broadcast_to(np.float32(1), len(targets))
    assert isinstance(task, SingleLabel)
    return task.sample_weights(targets, cast(ClassWeight, class_weight))


def _spelt(task: Task, class_weight: object) -> object:
    """The weights with the names of classes spelt as the task does: 1 for 1.0, `true` for TRUE."""
    if not isinstance(class_weight, dict):
        return class_weight
    spellings = match_names(filter(_is_name, class_weight), task.labels)
    return {spellings.get(label, label): weight for label, weight in class_weight.items()}


def _is_name(label: object) -> bool:
    return isinstance(label, str)


def check_class_weight(task: Task, class_weight: object) -> None:
    """Raise SettingsError for weights of classes that do not fit the task."""
    if class_weight is None:
        return
    require(task.is_single_label, "class_weight", tr("is for tasks with one label per text"))
    if class_weight == "balanced":
        return
    require(isinstance(class_weight, dict), "class_weight", tr("must be balanced, or a weight for each class"))
    assert isinstance(class_weight, dict)
    for label, weight in class_weight.items():
        require(
            label in task.labels,
            "class_weight",
            tr("names {label!r}, which is not a label of the data", label=label),
            suggest(label, list(task.labels)),
        )
        is_usable = isinstance(weight, (int, float)) and 0 < weight < float("inf")
        require(is_usable, "class_weight", tr("of {label!r} must be a number above 0", label=label))
