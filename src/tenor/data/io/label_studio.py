"""Exports of Label Studio -> rows: the data of each task and the choices of its annotators."""

from collections.abc import Iterable, Iterator
from typing import Any

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.data.io.limits import require_few_columns
from tenor.errors import DataError, Location, RowNumbers, listed, rows_phrase

Row = JsonObject


def is_export(first: Row) -> bool:
    """Whether an object is a task: it has `data` and a list of annotations, which early versions call completions."""
    return isinstance(first.get("data"), dict) and isinstance(_given(first), list)


class Export:
    """Tasks as rows: the data, and a column for each question.

    A task without an annotation has None there; cancelled annotations do not count. If there is one question, its
    column is named `label`, unless the data have such a column.

    Args:
        tasks: The exported tasks; they are iterated here, and again for the rows.
        name: The file's name for messages.

    Attributes:
        columns: The columns of the rows.

    Raises:
        DataError: The tasks have another form, their annotations are not choices, or those of a task differ.
    """

    def __init__(self, tasks: Iterable[Row], name: str) -> None:
        self._tasks = tasks
        self._labels: list[dict[str, object]] = []  # for each task, by question
        first, in_data, questions = list[str](), dict[str, None](), dict[str, None]()
        kinds, differing = dict[str, None](), dict[str, RowNumbers]()
        for row, task in enumerate(tasks, 1):
            labels = {
                question: _agreed_label(choices) for question, choices in _answers(task, Location(name, row)).items()
            }
            for question in [question for question, label in labels.items() if label is _DISAGREEMENT]:
                differing.setdefault(question, RowNumbers()).append(row)
            self._labels.append(labels)
            questions.update(dict.fromkeys(labels))
            in_data.update(dict.fromkeys(task["data"]))
            first = first or list(in_data)
            require_few_columns(len(in_data) + len(questions), Location(name))
            if not questions:
                kinds.update((str(result.get("type")), None) for result in _results(task))
        if kinds and not questions:
            raise DataError(
                tr("{name}: the annotations are not choices but {kinds}.", name=name, kinds=listed(sorted(kinds))),
                tr("Export a project that classifies whole texts."),
            )
        self._columns = {question: question for question in questions}
        if len(questions) <= 1 and "label" not in in_data:
            self._columns = dict.fromkeys(questions, "label") or {"label": "label"}
        for column in self._columns.values():
            if column in in_data:
                raise DataError(
                    tr(
                        "{name}: {column!r:.200} is the name of both a question and a field of the data.",
                        name=name,
                        column=column,
                    ),
                    tr("Rename one of them."),
                )
        self.columns = list(dict.fromkeys([*first, *self._columns.values(), *in_data]))
        for question, column in self._columns.items():
            if split := differing.get(question):
                raise DataError(
                    tr("the annotations of the task differ ({split}).", split=rows_phrase(split)),
                    tr("Settle on one in Label Studio, or cancel the others."),
                    Location(name, split[0], column),
                )

    def rows(self) -> Iterator[Row]:
        """The rows, with a value for each of `columns` that the task has."""
        for task, labels in zip(self._tasks, self._labels, strict=True):
            yield {**task["data"], **{column: labels.get(question) for question, column in self._columns.items()}}


def as_label(choices: list[object]) -> object:
    """One choice as a string, several as a list, none as None."""
    return choices if len(choices) > 1 else choices[0] if choices else None


def _answers(task: Row, at: Location) -> dict[str, list[list[str]]]:
    """For each question the choices of each annotation that answers it. Raises DataError if the task is broken."""
    answers: dict[str, list[list[str]]] = {}
    try:
        dict(task["data"])
        for annotation in _annotations(task):
            of_one: dict[str, list[str]] = {}
            for result in annotation["result"]:
                if result.get("type") == "choices":
                    choices = result["value"]["choices"]
                    if not all(isinstance(choice, str) for choice in choices):
                        raise TypeError
                    of_one.setdefault(str(result["from_name"]), []).extend(choices)
            for question, choices in of_one.items():
                answers.setdefault(question, []).append(choices)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(
            tr("this is not a task as Label Studio exports it."),
            tr("Export the project as JSON or JSON-MIN, unchanged."),
            at,
        ) from None
    return answers


def _annotations(task: Row) -> list[Row]:
    """The annotations that were not cancelled."""
    return [annotation for annotation in _given(task) if not annotation.get("was_cancelled")]


def _given(task: Row) -> Any:
    """The annotations of a task; None if there are none."""
    return task.get("annotations", task.get("completions"))


def _results(task: Row) -> list[Row]:
    """The results of all annotations."""
    return [result for annotation in _annotations(task) for result in annotation["result"]]


_DISAGREEMENT = object()


def _agreed_label(given: list[list[str]]) -> object:
    """The label that all annotations give, or _DISAGREEMENT if they differ."""
    if len({frozenset(choices) for choices in given}) > 1:
        return _DISAGREEMENT
    return as_label(list(dict.fromkeys(given[0])))
