"""Tasks: one label per text, several labels, or a number; from labels to targets and back.

A task turns labels into targets, targets into what each output of a model should be, and outputs (logits) into
probabilities or values. Families know the number of outputs and their activation, and nothing else of the task.
"""

import typing
from collections.abc import Sequence

import numpy as np

from tenor._core.language import tr
from tenor._core.records import Record
from tenor.tasks.base import Activation as Activation
from tenor.tasks.base import Floats as Floats
from tenor.tasks.base import Kind as Kind
from tenor.tasks.base import Label as Label
from tenor.tasks.base import LabelArray as LabelArray
from tenor.tasks.base import Metric as Metric
from tenor.tasks.base import Targets as Targets
from tenor.tasks.base import Task as Task
from tenor.tasks.multi_label import MultiLabel as MultiLabel
from tenor.tasks.multi_label import best_threshold as best_threshold
from tenor.tasks.regression import Regression as Regression
from tenor.tasks.single_label import SingleLabel as SingleLabel
from tenor.tasks.unknown_labels import UnknownLabels as UnknownLabels
from tenor.tasks.unknown_labels import with_unknown_labels as with_unknown_labels

_LARGEST_VALUE = 3e38  # of float32


def from_labels(kind: Kind, labels: Sequence[Label]) -> Task:
    """The task of labelled texts.

    Args:
        kind: What to predict. Both `binary` and `multiclass` stand for one label; their number decides.
        labels: A name, a tuple of names, or a number for each text.
    """
    if kind == "regression":
        values = np.asarray(labels, np.float64)
        return Regression(mean=float(values.mean()), std=float(values.std()) or 1.0)
    if kind == "multilabel":
        names = sorted({name for row in labels for name in row})
        return MultiLabel(tuple(names), never_none=all(labels))
    return SingleLabel(tuple(sorted(set(labels))))


def from_dict(description: dict[str, object]) -> Task:
    """The task that `to_dict` wrote. Raises RecordError, a ValueError, for anything else."""
    record = Record(description, "tenor.json", "task")
    if record.choice("kind", typing.get_args(Kind)) == "regression":
        mean, std = record.number("centre", -_LARGEST_VALUE, _LARGEST_VALUE), record.number("spread")
        if not 0 < std <= _LARGEST_VALUE:
            raise record.error(
                "spread",
                tr("it is {std:g}, not above 0 and at most {largest_value:g}", std=std, largest_value=_LARGEST_VALUE),
            )
        return Regression(mean=mean, std=std)
    labels = tuple(record.strings("labels"))
    if len(set(labels)) != len(labels):
        raise record.error("labels", tr("one occurs twice"))
    if description["kind"] != "multilabel":
        if len(labels) < 2:
            raise record.error("labels", tr("there are fewer than two"))
        return SingleLabel(labels)
    if not labels:
        raise record.error("labels", tr("the list is empty"))
    thresholds = record.items("thresholds")
    if len(thresholds) not in (0, len(labels)) or not all(type(each) is float and 0 < each < 1 for each in thresholds):
        raise record.error("thresholds", tr("they are not one for each label, above 0 and below 1"))
    return MultiLabel(labels, tuple(thresholds), record.boolean("never_none"))
