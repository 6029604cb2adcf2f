"""Labels as annotation tools write them."""

import json
from collections.abc import Iterator
from dataclasses import replace

from tenor._core.language import tr
from tenor.data.io import text_lines
from tenor.data.io.chunks import Cell, Chunk, Table
from tenor.errors import DataError, Location

_TRUE = 0.5  # from which score on a category of spaCy applies
_ANSWERS = {"accept", "reject", "ignore"}  # of Prodigy
_CHOICES = '{"choices"'


def to_labels(labels: list[Cell], at: Location) -> list[Cell]:
    """The values of a label column as labels and lists of labels.

    spaCy writes the categories as `{"A": 1, "B": 0}`, Label Studio several choices as `{"choices": ["A", "B"]}` (in CSV
    as a string), doccano annotations as `[{"label": "A"}]`, fastText `__label__A __label__B`.

    Args:
        labels: The values.
        at: The place of the first one.

    Raises:
        DataError: A label marks a part of its text, `[start, end, name]`, as doccano writes it.
    """
    return [_to_label(label, at, row) for row, label in enumerate(labels, at.row or 1)]


def label_column(source: Table) -> str | None:
    """The column that an annotation tool writes its labels to, if the table comes from one."""
    first = source.peek() if "cats" in source.columns else None
    if first is not None and any(isinstance(value, (dict, list)) for value in first.columns["cats"]):
        return "cats"
    return None


def accepted(source: Table) -> Table:
    """The table with the labels that Prodigy's `answer` accepts; unchanged if it does not come from Prodigy.

    Options that were accepted are the labels. Of one label that is accepted or rejected, the classes are `X` and
    `not X`. Rows that were ignored, and rejected ones of several labels, have no label.
    """
    columns = set(source.columns)
    first = source.peek() if "answer" in columns and columns & {"accept", "label"} else None
    if first is None or not all(isinstance(each, str) and each in _ANSWERS for each in first.columns["answer"]):
        return source
    has_options = "accept" in columns
    names = set() if has_options else {name for name in first.columns["label"] if isinstance(name, str)}
    no = f"not {names.pop()}" if len(names) == 1 else None

    def chunks() -> Iterator[Chunk]:
        for chunk in source.chunks:
            values, answers = chunk.columns["accept" if has_options else "label"], chunk.columns["answer"]
            labels = [
                value if answer == "accept" else no if answer == "reject" else None
                for value, answer in zip(values, answers, strict=True)
            ]
            yield Chunk(chunk.row, {**chunk.columns, "label": labels})

    notes = [
        *source.notes,
        tr("{name}: the labels are those that Prodigy's column 'answer' accepts.", name=source.name),
    ]
    names_of_columns = list(dict.fromkeys([*source.columns, "label"]))
    return replace(source, columns=names_of_columns, chunks=chunks(), notes=notes, schema=None)


def _to_label(label: Cell, at: Location, row: int) -> Cell:
    if isinstance(label, str):
        if text_lines.is_labelled(label):
            return text_lines.label_of(label)
        return _choices(label) if label.lstrip().startswith(_CHOICES) else label
    if isinstance(label, dict):
        if list(label) == ["choices"] and isinstance(label["choices"], list):
            return label["choices"]
        if label and all(_is_score(score) for score in label.values()):
            return [name for name, score in label.items() if score is not None and score >= _TRUE]
        return label
    if isinstance(label, list) and any(isinstance(item, (list, dict)) for item in label):
        items = [item for item in label if isinstance(item, dict)]
        if len(items) == len(label) and all(_is_whole_text(item) for item in items):
            return list(dict.fromkeys(item["label"] for item in items))
        raise DataError(
            tr("the labels mark parts of the text: {label!r:.60}.", label=label),
            tr("Export a project that classifies whole texts."),
            Location(at.file, row, at.column),
        )
    return label


def _choices(label: str) -> Cell:
    """The choices in a string of JSON; the string if it is something else."""
    try:
        parsed = json.loads(label)
    except (ValueError, RecursionError):
        return label
    choices = parsed.get("choices") if isinstance(parsed, dict) and list(parsed) == ["choices"] else None
    return choices if isinstance(choices, list) and all(isinstance(each, str) for each in choices) else label


def _is_score(value: Cell) -> bool:
    """Whether a value says how far a category applies: a boolean, or a number from 0 to 1."""
    return value is None or (isinstance(value, (bool, int, float)) and 0 <= value <= 1)


def _is_whole_text(annotation: dict[str, Cell]) -> bool:
    """Whether an annotation has a label and no place in the text."""
    keys = {"start", "end", "start_offset", "end_offset"}
    return isinstance(annotation.get("label"), (str, int)) and not keys & set(annotation)
