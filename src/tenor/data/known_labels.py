"""Labels of other rows than those of training: matched to the labels that a model knows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tenor._core.language import tr
from tenor.data.dataset import Dataset
from tenor.data.label_lists import parse_list_of_one
from tenor.data.label_names import match_names, rename_labels, spelling_note
from tenor.data.label_source import label_source
from tenor.errors import DataError, Location, counted, listed, rows_phrase
from tenor.tasks import Label, Task, UnknownLabels


def match_spellings(data: Dataset, known: Sequence[str]) -> tuple[Dataset, str]:
    """The rows with their labels spelt like the known ones, and a sentence on what changed; else an empty one."""
    data = _without_lists(data, known)
    distinct = _distinct(data)
    names = (name for label in distinct for name in ((label,) if isinstance(label, str) else label))
    spellings = match_names(names, known)
    if not spellings:
        return data, ""
    renamed = label_source(data.labels).rename(rename_labels(distinct, spellings))
    return replace(data, labels=list(renamed)), tr(
        "{place}: {problem}", place=data.name, problem=spelling_note(spellings)
    )


def _without_lists(data: Dataset, known: Sequence[str]) -> Dataset:
    """The rows with the labels that strings such as `['pos']` hold, if all labels are such lists and no known one is.

    The labels of training data are read in the same way, unless their task is given.
    """
    if data.kind == "multilabel":
        return data
    distinct = _distinct(data)
    items: dict[Label, Label] = {label: item for label in distinct if (item := parse_list_of_one(label)) is not None}
    if not items or len(items) < len(distinct) or any(parse_list_of_one(label) is not None for label in known):
        return data
    return replace(data, labels=list(label_source(data.labels).rename(items)))


def _distinct(data: Dataset) -> list[Label]:
    return [] if data.kind == "regression" else label_source(data.labels).distinct()


def match_labels(data: Dataset, task: Task, unknown_labels: UnknownLabels = "error") -> tuple[Dataset, list[str]]:
    """Spell the labels as the task does, and decide on rows with an unknown label.

    Args:
        data: The rows.
        task: The task, with the known labels.
        unknown_labels: What happens to rows with a label that the task does not have. `wrong` keeps them.

    Returns:
        The rows, and a sentence for each thing that was changed.

    Raises:
        DataError: A label is unknown and must not be, or no row has a known label.
    """
    data, note = match_spellings(data, task.labels)
    notes = [note] if note else []
    names = {name for label in _distinct(data) for name in task.label_names(label)}
    unknown = names - set(task.labels)
    if not unknown:
        return data, notes
    is_unknown = {label: any(name in unknown for name in task.label_names(label)) for label in set(data.labels)}
    rows = [row for row, label in enumerate(data.labels) if is_unknown[label]]
    if unknown_labels == "error" or len(rows) == len(data):
        raise _unknown_error(data, task, rows, sorted(unknown))
    have = counted(len(rows), "row has a label", "rows have labels")
    counts = Counter(name for row in rows for name in task.label_names(data.labels[row]) if name in unknown)
    shown = listed([f"{name} {count:,}" for name, count in counts.most_common()])
    consequence = tr("they count as wrong") if unknown_labels == "wrong" else tr("they are left out")
    notes.append(
        tr(
            "{name}: {have} that the training data do not have ({shown}); {consequence}.",
            name=data.name,
            have=have,
            shown=shown,
            consequence=consequence,
        )
    )
    if unknown_labels == "drop":
        data = data.take(np.setdiff1d(np.arange(len(data)), rows))
    return data, notes


def _unknown_error(data: Dataset, task: Task, rows: list[int], unknown: list[str]) -> DataError:
    was = (
        tr("the label {unknown!r} was", unknown=unknown[0])
        if len(unknown) == 1
        else tr("the labels {unknown} were", unknown=listed(unknown, 5))
    )
    numbers = [data.row_number(row) for row in rows]
    known = tr("Known labels: {labels}.", labels=listed(task.labels))
    remedy = (
        tr(
            "{known} No row has one of them: is {label_column!r} the column of the labels? Name it with `label=...`.",
            known=known,
            label_column=data.label_column,
        )
        if len(rows) == len(data)
        else tr(
            "{known} Count these rows as wrong with `unknown_labels='wrong'`, or leave them out with "
            "`unknown_labels='drop'`.",
            known=known,
        )
    )
    return DataError(
        tr("{was} not in the training data ({numbers}).", was=was, numbers=rows_phrase(numbers)),
        remedy,
        Location(data.name, column=data.label_column),
    )
