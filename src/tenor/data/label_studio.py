"""Tasks of Label Studio -> rows: the data of each task and the choices of those who annotated it."""

from typing import Any

from tenor.errors import DataError, Location, rows_phrase

Row = dict[str, Any]


def is_export(objects: list[Row]) -> bool:
    """Whether the objects are tasks: `data`, and a list of annotations."""
    return isinstance(objects[0].get("data"), dict) and isinstance(objects[0].get("annotations"), list)


def rows(tasks: list[Row], name: str) -> list[Row]:
    """A row a task: the data, and a column for each question that was asked.

    A task that nobody annotated has None there; annotations that were cancelled do not count. Where there is one
    question, its column is named `label`, unless the data have such a column.

    Args:
        tasks: What was exported.
        name: The file's name for messages.

    Raises:
        DataError: The tasks are not of that form, their annotations are no choices, or those of a task differ.
    """
    answers = [_answers(task, Location(name, row)) for row, task in enumerate(tasks, 1)]
    questions = list(dict.fromkeys(question for of_task in answers for question, _ in of_task))
    if not questions:
        kinds = {str(result.get("type")) for task in tasks for result in _results(task)}
        if kinds:
            raise DataError(
                f"{name}: the annotations are no choices but {', '.join(sorted(kinds))}.",
                "Export a project that classifies whole texts.",
            )
    taken = {key for task in tasks for key in task["data"]}
    columns = {question: question for question in questions}
    if len(questions) <= 1 and "label" not in taken:
        columns = dict.fromkeys(questions, "label") or {"label": "label"}
    for column in columns.values():
        if column in taken:
            raise DataError(
                f"{name}: {column!r} is the name of a question and of a field of the data.", "Rename one of them."
            )
    labels = {question: [_agreed(question, of_task) for of_task in answers] for question in columns}
    for question, found in labels.items():
        split = [row for row, label in enumerate(found, 1) if label is _SPLIT]
        if split:
            raise DataError(
                f"the annotations of the task differ ({rows_phrase(split)}).",
                "Settle on one in Label Studio, or cancel the others.",
                Location(name, split[0], columns[question]),
            )
    return [
        {**task["data"], **{column: labels[question][row] for question, column in columns.items()}}
        for row, task in enumerate(tasks)
    ]


def as_label(choices: list[Any]) -> Any:
    """One choice as it is, several as a list, none as None."""
    return choices if len(choices) > 1 else choices[0] if choices else None


def _answers(task: Row, at: Location) -> list[tuple[str, list[str]]]:
    """Question and choices, once for each annotation of the task that answers the question."""
    found: list[tuple[str, list[str]]] = []
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
            found += of_one.items()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(
            "this is no task as Label Studio exports it.", "Export the project as JSON or JSON-MIN, unchanged.", at
        ) from None
    return found


def _annotations(task: Row) -> list[Row]:
    return [annotation for annotation in task["annotations"] if not annotation.get("was_cancelled")]


def _results(task: Row) -> list[Row]:
    return [result for annotation in _annotations(task) for result in annotation["result"]]


_SPLIT = object()


def _agreed(question: str, answers: list[tuple[str, list[str]]]) -> Any:
    """The label that all annotations give; None where there is none, and _SPLIT where they differ."""
    given = [choices for asked, choices in answers if asked == question]
    if len({frozenset(choices) for choices in given}) > 1:
        return _SPLIT
    return as_label(list(dict.fromkeys(given[0]))) if given else None
