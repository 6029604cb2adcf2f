"""The values of a label column -> the kind of task, and the labels.

Tenor infers the task only where a wrong guess would be noticed. A text has several labels if its value is a list, a
JSON list, or has a separator that was named; a single label among lists is a list of one. Whole numbers of many
different values are ambiguous, so the user has to call them classes or amounts.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from tenor._core.language import mark, tr
from tenor.data import label_units
from tenor.data.label_lists import is_certain_list, is_list, parse_json_list, parse_list
from tenor.data.label_names import canonical_spellings
from tenor.data.label_values import (
    LARGEST_NUMBER,
    LabelColumn,
    LabelValue,
    all_numbers,
    is_fraction,
    to_name,
    to_names,
    to_number,
    to_numbers,
)
from tenor.data.number_formats import detect_number_format
from tenor.errors import DataError, Location, counted, rows_phrase
from tenor.tasks import Kind

MAX_NUMERIC_CLASSES = 20
"""Whole numbers of at most this many different values are taken as classes."""

SINGLE_ITEM_NOTE = mark("each list has one label, taken as such (`task='multilabel'`: as sets).")

_MAX_SLIPS = 0.1  # share of values that count as slips if all others are of one kind
_SEPARATOR = re.compile(r"[;|；]")


class ParsedLabels(NamedTuple):
    """Labels of rows.

    Attributes:
        kind: The kind of task.
        values: For each row a class, a tuple of labels or a number; None where there is no label.
        note: One sentence on what was inferred, if another reading is possible; else empty.
        decimal: The decimal mark of numbers that are not written as Python writes them; None for all others.
    """

    kind: Kind
    values: list[LabelValue]
    note: str = ""
    decimal: str | None = None


def parse_labels(values: list[object], column: LabelColumn, first: int = 1) -> ParsedLabels:
    """Infer the task from the values of a label column, and convert them to labels.

    Args:
        values: One for each row: a string, a number, a boolean, a list of these, or None.
        column: The column, with its task and its separator if they are known.
        first: Number of the first row, for messages.

    Raises:
        DataError: A value does not fit the task, or the task is ambiguous.
    """
    task, separator = column.task, column.separator
    values = [None if column.is_missing(value) else value for value in values]
    present = [value for value in values if value is not None]
    if separator is not None and task not in (None, "multilabel"):
        raise DataError(
            tr("a label separator was given, but the task is {task}, which has one label per text.", task=task),
            tr("Leave out `label_separator=...` or `task=...`."),
        )
    bracket_note = ""
    if task in (None, "multilabel") and separator is None and _are_lists(present):
        bracket_note = _bracket_note(present)
        values = [parse_list(value) if isinstance(value, str) else value for value in values]
    lists = [value for value in values if isinstance(value, list)]
    if task in (None, "multilabel") and separator is None and len(lists) == len(present):
        _refuse_indicators(lists, column)
    if separator is not None or task == "multilabel" or (task is None and any(len(value) > 1 for value in lists)):
        sets = [to_names(value, column, row) for row, value in enumerate(values, first)]
        note = f"{bracket_note} {multilabel_note(Counter(sets), separator)}".strip()
        return ParsedLabels("multilabel", list(sets), note)
    if lists and (task is None or all(len(value) <= 1 for value in lists)):
        # Annotation tools write single labels as lists of one. An empty list means no label here.
        items = [next(iter(value), None) if isinstance(value, list) else value for value in values]
        parsed = parse_labels(items, column, first)
        return parsed._replace(note=parsed.note or tr(SINGLE_ITEM_NOTE)) if task is None else parsed
    if lists:
        at = next(at for at, value in enumerate(values) if isinstance(value, list))
        raise DataError(
            tr("the label is a list {values!r:.40}, but the task is {task}.", values=values[at], task=task),
            tr("Give one label per row; lists of several labels need a multilabel task."),
            column.at(at + first),
        )
    if task in (None, "regression") and (written := _written_numbers(values, column)) is not None:
        return written
    if task == "regression":
        return ParsedLabels("regression", to_numbers(values, column, first))
    return _parse_classes_or_numbers(values, column, first)


def _are_lists(values: list[object]) -> bool:
    """Whether all values are strings that hold lists, and not all of them may be words in brackets."""
    return bool(values) and all(map(is_list, values)) and any(map(is_certain_list, values))


def _refuse_indicators(lists: list[list[object]], column: LabelColumn) -> None:
    """Raise DataError for lists such as `[1, 0, 0]` in all rows: they mark labels by their place, and have no names."""
    lengths = set(map(len, lists))
    is_indicator = len(lengths) == 1 and min(lengths) > 1
    if len(lists) > 1 and is_indicator and all(str(item) in ("0", "1") for value in lists for item in value):
        raise DataError(
            tr("labels such as {label} mark classes by their place in a list.", label=str(lists[0])[:60]),
            tr("Write the names of the labels, or give each class a column of 0 and 1 (repeat `label=...`)."),
            column.at(),
        )


def _bracket_note(values: list[object]) -> str:
    """The note on lists that are not JSON."""
    other = next((value for value in values if isinstance(value, str) and parse_json_list(value) is None), None)
    return (
        ""
        if other is None
        else tr("labels such as {other!r:.60} are read as lists (`task='multiclass'`: as names).", other=other)
    )


def _written_numbers(values: list[object], column: LabelColumn) -> ParsedLabels | None:
    """`parse_labels` for numbers as people write them, such as `4,362`, `12,5` or `31.8%`; None for other values.

    A few whole numbers with a sign, such as `5%`, are classes unless the task is regression.
    """
    present = [value for value in values if value is not None]
    strings = [value for value in present if isinstance(value, str)]
    number_format = detect_number_format(strings, column.decimal) if len(strings) == len(present) else None
    if number_format is None or number_format.is_plain:
        return None
    if not number_format.decimal:
        as_grouped, as_decimal = (detect_number_format(strings, mark) for mark in ".,")
        raise DataError(
            tr(
                "the labels are numbers such as {example!r}, whose comma may stand before thousands or "
                "before decimals.",
                example=number_format.example,
            ),
            tr(
                "Choose one: `decimal='.'` ({as_grouped}), or `decimal=','` ({as_decimal}); if they are "
                "names, use `task='multiclass'`.",
                as_grouped=as_grouped and as_grouped.describe(),
                as_decimal=as_decimal and as_decimal.describe(),
            ),
            column.at(),
        )
    numbers: list[LabelValue] = [number_format.parse(value) if isinstance(value, str) else None for value in values]
    different = {number for number in numbers if isinstance(number, float)}
    if column.task is None and len(different) <= MAX_NUMERIC_CLASSES and all(map(float.is_integer, different)):
        return None
    if None in map(number_format.parse, strings) or any(abs(number) >= LARGEST_NUMBER for number in different):
        return None
    note = tr("the labels are numbers: {formats}.", formats=number_format.describe())
    if column.task is None:
        note = f"{regression_note(min(different), max(different))} {number_format.describe()}."
    return ParsedLabels("regression", numbers, note, number_format.decimal)


def _parse_classes_or_numbers(values: list[object], column: LabelColumn, first: int) -> ParsedLabels:
    """`parse_labels` for one label per row: classes, or numbers if the task is open and some are not whole."""
    numbers = set[float]()
    if column.task is None:
        _refuse_slips(values, column, first)
        numbers = all_numbers([value for value in values if value is not None])
    if not all(number.is_integer() for number in numbers):
        note = regression_note(min(numbers), max(numbers))
        return ParsedLabels("regression", to_numbers(values, column, first), note)
    if len(numbers) > MAX_NUMERIC_CLASSES:
        raise DataError(
            tr(
                "the labels are whole numbers of {n_numbers:,} different values: classes or amounts?",
                n_numbers=len(numbers),
            ),
            tr("Choose one: `task='multiclass'`, or `task='regression'`."),
            column.at(),
        )
    unit_note = ""
    if column.task is None:
        names_in_file = {str(value) for value in values if value is not None}
        unit_note = label_units.note(names_in_file, MAX_NUMERIC_CLASSES, column.at())
    names = [to_name(value, column, row) for row, value in enumerate(values, first)]
    classes = {name for name in names if name is not None}
    if column.task == "binary":
        spellings = canonical_spellings(classes)
        require_two_classes({spellings.get(name, name) for name in classes}, column.at())
    return ParsedLabels(single_label_kind(classes), list(names), unit_note or numeric_classes_note(numbers))


def single_label_kind(classes: Collection[str]) -> Kind:
    """The kind of task with one of these classes for each text."""
    return "binary" if len(classes) == 2 else "multiclass"


def require_two_classes(classes: Collection[str], at: Location) -> None:
    """Raise DataError if there are more than the two classes of a binary task."""
    if len(classes) > 2:
        raise DataError(
            tr("there are {n_classes:,} different labels, and a binary task has two.", n_classes=len(classes)),
            tr("Leave out `task=...`."),
            at,
        )


def numeric_classes(names: Collection[str]) -> set[float] | None:
    """The different numbers, if any, that the names of classes spell; None if they are rather amounts.

    Amounts are many different numbers, or numbers that are not whole.
    """
    numbers = all_numbers(names)
    amounts = len(numbers) > MAX_NUMERIC_CLASSES or not all(number.is_integer() for number in numbers)
    return None if amounts else numbers


def regression_note(least: float, greatest: float) -> str:
    """The note for numbers that are learned as numbers, if the task was inferred."""
    return tr(
        "the labels are numbers from {least:g} to {greatest:g}: their values are learned "
        "(`task='multiclass'`: as classes).",
        least=least,
        greatest=greatest,
    )


def numeric_classes_note(numbers: Collection[float]) -> str:
    """The note for whole numbers that are taken as classes, if the task was inferred."""
    if len(numbers) <= 2:
        return ""
    return tr(
        "the labels are whole numbers of {n_numbers} values, taken as classes (`task='regression'`: as amounts).",
        n_numbers=len(numbers),
    )


def multilabel_note(rows: Mapping[tuple[str, ...] | None, int], separator: str | None) -> str:
    """The note for sets of labels.

    Args:
        rows: How many rows each set has.
        separator: The separator that was named.
    """
    notes = []
    if empty := rows.get(()):
        notes.append(tr("no label applies to {empty} with an empty set of labels.", empty=counted(empty, "row")))
    names = (name for labels in rows for name in labels or ())
    if separator is None and (suspicious := next(filter(_SEPARATOR.search, names), "")):
        notes.append(
            tr(
                "{suspicious!r} is taken as the name of one label (`label_separator=...` splits it).",
                suspicious=suspicious,
            )
        )
    return " ".join(notes)


def _refuse_slips(values: list[object], column: LabelColumn, first: int) -> None:
    """Refuse a few values that differ in kind from nearly all others: one slip would change the task of the column."""
    rows = [at for at, value in enumerate(values) if value is not None]
    for what, fits in (("number", is_fraction), ("list", is_list)):
        slips = [at for at in rows if not fits(values[at]) and (what == "list" or to_number(values[at]) is None)]
        n_fitting = sum(fits(values[at]) for at in rows)
        if n_fitting and 0 < len(slips) <= _MAX_SLIPS * len(rows):
            raise DataError(
                tr(
                    "the label {values!r:.40} is not a {what}, and nearly all others are ({slips}).",
                    values=values[slips[0]],
                    what=what,
                    slips=rows_phrase([at + first for at in slips]),
                ),
                tr(
                    "Fix it, or leave such rows out with `missing_labels={values!r:.40}`; if the labels "
                    "are names, use `task='multiclass'`.",
                    values=str(values[slips[0]]),
                ),
                column.at(slips[0] + first),
            )
