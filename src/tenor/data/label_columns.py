"""Several label columns of 0 and 1 -> one column of sets of labels, as multi-label data often come."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tenor._core.language import tr
from tenor.data.io.chunks import Cell, Chunk, Table
from tenor.errors import DataError, listed

_TRUE = {"1", "1.0", "true", "yes", "y", "x"}
_FALSE = {"0", "0.0", "false", "no", "n", ""}
_UNKNOWN = {"-1", "-1.0", "nan", "null", "none"}
_MIN_ROWS = 4  # fewer do not show that columns hold only 0 and 1


def set_column(labels: Sequence[str]) -> str:
    """The name of the column of sets, for messages and for the saved model."""
    return ", ".join(labels)


def join(source: Table, labels: Sequence[str]) -> Table:
    """The table with one more column: the labels of each row whose column says yes.

    A row without a value in any of them, or with -1 in one, is not labelled. Where the columns only mark what applies,
    with `x` and nothing else, such a row has an empty set.

    Args:
        source: The table; its chunks are read by the result.
        labels: The columns, each named like its label.

    Raises:
        DataError: A column is missing or named twice. While the chunks are read: a value is not yes or no.
    """
    for label in labels:
        if labels.count(label) > 1:
            raise DataError(
                tr("{name}: `label=...` names the column {label!r} twice.", name=source.name, label=label),
                tr("Name it once."),
            )
    name, first = set_column(labels), source.peek()
    values = set() if first is None else {_text(value) for label in labels for value in first.columns.get(label, [])}
    has_marks_only = "" in values and len(values) == 2 and values < _TRUE | {""}

    def chunks() -> Iterator[Chunk]:
        for chunk in source.chunks:
            rows = zip(*(chunk.columns[label] for label in labels), strict=True)
            sets = [_set_of(source, labels, row, number) for number, row in enumerate(rows, chunk.row)]
            if has_marks_only:
                sets = [[] if each is None else each for each in sets]
            yield Chunk(chunk.row, {**chunk.columns, name: sets})

    return replace(source, columns=[*source.columns, name], chunks=chunks())


def detect(chunk: Chunk, free: Sequence[str]) -> list[str]:
    """The columns of only 0 and 1, or false and true, if there are two or more and each has both values somewhere.

    Args:
        chunk: The first rows.
        free: The columns that may be labels.
    """
    if len(chunk) < _MIN_ROWS:
        return []
    yes_or_no = []
    for column in free:
        values = {_text(value) for value in chunk.columns[column]}
        if {"0", "1"} <= values <= {"0", "1", "-1", ""} or {"false", "true"} <= values <= {"false", "true", ""}:
            yes_or_no.append(column)
    return yes_or_no if len(yes_or_no) > 1 else []


def _set_of(source: Table, labels: Sequence[str], row: Sequence[Cell], number: int) -> list[str] | None:
    """The labels of a row; None if it is not labelled."""
    chosen, texts = [], [_text(value) for value in row]
    if all(text in _UNKNOWN or not text for text in texts) or any(text in _UNKNOWN for text in texts):
        return None
    for label, text, value in zip(labels, texts, row, strict=True):
        if text in _TRUE:
            chosen.append(label)
        elif text not in _FALSE:
            raise DataError(
                tr("the value is {value!r:.40}, and a column of sets of labels has 0 and 1.", value=value),
                tr("Write 0 or 1 in the columns {labels}, or name one column with `label=...`.", labels=listed(labels)),
                source.at(number, label),
            )
    return chosen


def _text(value: Cell) -> str:
    """A value as lower-case text; nothing for a missing one."""
    if value is None or value != value:
        return ""
    return str(value).strip().lower()
