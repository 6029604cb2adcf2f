"""Values of the label column -> what kind of task they set, and the labels.

Nothing is guessed that could go wrong in silence: a text has several labels where its value is a list, a JSON list, or
holds a separator that was named (a single label among lists is a list of one); whole numbers of many different values
have to be called classes or amounts.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from tenor.data.io.json_text import require_bounded
from tenor.data.io.limits import require_few_labels
from tenor.errors import DataError, Location, counted, rows_phrase
from tenor.tasks import Kind

MAX_NUMERIC_CLASSES = 20
"""Whole numbers of at most this many different values are taken for classes."""

LARGEST_NUMBER = 1e30
"""Numbers from this size on are refused: their squares would not be finite in float32 arithmetic for long."""

SINGLE_ITEM_NOTE = "each list has one label, taken as such (`task='multilabel'`: as sets)."

_FEW = 0.1  # share of values that are taken for slips where all others are of one kind
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_SEVERAL = re.compile(r"[;|；]")


class ParsedLabels(NamedTuple):
    """Labels of rows.

    Attributes:
        kind: The task that they set.
        values: For each row a name, a tuple of names or a number; None where there is no label.
        note: What was decided, in a sentence, where it could have been otherwise; else empty.
    """

    kind: Kind
    values: list[Any]
    note: str = ""


def parse_labels(
    values: list[Any],
    name: str,
    column: str,
    task: Kind | None = None,
    separator: str | None = None,
    first: int = 1,
) -> ParsedLabels:
    """Tell what the values of a label column mean.

    Args:
        values: One of each row: a string, a number, a boolean, a list of these, or None.
        name: The table's name for messages.
        column: The column's name for messages.
        task: The task asked for; None finds it.
        separator: What stands between the labels of a text; None where the values are lists or single labels.
        first: Number of the first value's row, for messages.

    Raises:
        DataError: A value does not fit the task, or the task cannot be told.
    """
    values = [None if _missing(value) else value for value in values]
    present = [value for value in values if value is not None]
    at = Location(name, column=column)
    if separator is not None and task not in (None, "multilabel"):
        raise DataError(
            f"a separator of labels is named, and the task is {task}, which has one label a text.",
            "Leave out `label_separator=...` or `task=...`.",
        )
    if task in (None, "multilabel") and separator is None and _all_json_lists(present):
        values = [value if value is None else _json_list(value) for value in values]
    lists = [value for value in values if isinstance(value, list)]
    if separator is not None or task == "multilabel" or (task is None and any(len(value) > 1 for value in lists)):
        sets = [_names(value, separator, name, column, row) for row, value in enumerate(values, first)]
        return ParsedLabels("multilabel", sets, multilabel_note(Counter(sets), separator))
    if lists and task is None:
        # One label at most in every row, as annotation tools write single labels: an empty list is no label.
        values = [next(iter(value), None) if isinstance(value, list) else value for value in values]
        found = parse_labels(values, name, column, first=first)
        return found._replace(note=found.note or SINGLE_ITEM_NOTE)
    if lists:
        row = next(row for row, value in enumerate(values) if isinstance(value, list))
        raise DataError(
            f"the label is a list {values[row]!r:.40}, and the task is {task}.",
            "Give one label a row, or leave out `task=...`.",
            Location(name, row + first, column),
        )
    if task == "regression":
        return ParsedLabels("regression", _numbers(values, name, column, first))
    if task is None:
        _refuse_exceptions(values, name, column, first)
    different = _all_numbers(present) if task is None else None
    if different and not all(number.is_integer() for number in different):
        note = regression_note(min(different), max(different))
        return ParsedLabels("regression", _numbers(values, name, column, first), note)
    if different and len(different) > MAX_NUMERIC_CLASSES:
        raise DataError(
            f"the labels are whole numbers of {len(different):,} different values: classes or amounts?",
            "Choose one: `task='multiclass'`, or `task='regression'`.",
            at,
        )
    named = [_name(value, name, column, row) for row, value in enumerate(values, first)]
    classes = {label for label in named if label is not None}
    if task == "binary":
        require_two_classes(classes, at)
    note = numeric_classes_note(different or ())
    return ParsedLabels("binary" if len(classes) == 2 else "multiclass", named, note)


def require_two_classes(classes: Collection[str], at: Location) -> None:
    """Refuse more classes than the two of a binary task."""
    if len(classes) > 2:
        raise DataError(
            f"there are {len(classes):,} different labels, and a binary task has two.", "Leave out `task=...`.", at
        )


def numeric_classes(names: Collection[str]) -> set[float] | None:
    """The different numbers, if any, that the names of classes spell; None where they spell amounts.

    Amounts are many different numbers, or such as are not whole.
    """
    numbers = _all_numbers(names)
    amounts = len(numbers) > MAX_NUMERIC_CLASSES or not all(number.is_integer() for number in numbers)
    return None if amounts else numbers


def regression_note(least: float, greatest: float) -> str:
    """What to say where numbers are learned as such and nobody asked for that."""
    return (
        f"the labels are numbers from {least:g} to {greatest:g}: their values are learned "
        "(`task='multiclass'`: as classes)."
    )


def numeric_classes_note(numbers: Collection[float]) -> str:
    """What to say where numbers are taken for classes and nobody asked for that."""
    if len(numbers) <= 2:
        return ""
    return f"the labels are whole numbers of {len(numbers)} values, taken as classes (`task='regression'`: as amounts)."


def multilabel_note(rows: Mapping[tuple[str, ...] | None, int], separator: str | None) -> str:
    """What to say of sets of labels, of which each has so many rows."""
    notes = []
    if empty := rows.get(()):
        notes.append(f"{counted(empty, 'row has', 'rows have')} an empty list: no label applies to them.")
    parted = next(
        (label for names in rows for label in names or () if separator is None and _SEVERAL.search(label)), ""
    )
    if parted:
        notes.append(f"{parted!r} is taken as the name of one label (`label_separator=...` splits it).")
    return " ".join(notes)


def _all_numbers(values: Collection[Any]) -> set[float]:
    """The different numbers that values are or spell; none where one of the values is no number."""
    numbers = {_number(value) for value in values}
    return set() if None in numbers else numbers  # type: ignore[return-value]


def _missing(value: Any) -> bool:
    return (
        value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and value != value)
    )


def _refuse_exceptions(values: list[Any], name: str, column: str, first: int) -> None:
    """Refuse a few values that are not what nearly all are: one slip would make another task of the whole column."""
    rows = [row for row, value in enumerate(values) if value is not None]
    written = [value for value in values if isinstance(value, str)]
    if len(written) == len(rows) and all(map(_DECIMAL_COMMA.fullmatch, written)) and written:
        raise DataError(
            f"the labels are numbers with a comma, such as {written[0]!r}.",
            "Write a point (0.5); if they are names, use `task='multiclass'`.",
            Location(name, column=column),
        )
    for what, fits in (("number", _fraction), ("list", _listed)):
        others = [row for row in rows if not fits(values[row]) and (what == "list" or _number(values[row]) is None)]
        like = sum(fits(values[row]) for row in rows)
        if like and 0 < len(others) <= _FEW * len(rows):
            raise DataError(
                f"the label {values[others[0]]!r:.40} is no {what}, and nearly all others are "
                f"({rows_phrase([row + first for row in others])}).",
                "Fix it; if the labels are names, use `task='multiclass'`.",
                Location(name, others[0] + first, column),
            )


def _fraction(value: Any) -> bool:
    number = _number(value)
    return number is not None and not number.is_integer()


def _listed(value: Any) -> bool:
    return isinstance(value, str) and _json_list(value) is not None


def _all_json_lists(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, str) and _json_list(value) is not None for value in values)


def _json_list(value: str) -> list[Any] | None:
    if not value.lstrip().startswith("["):
        return None
    try:
        require_bounded(value, Location(""))
        found = json.loads(value)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair could not be written again
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _names(value: Any, separator: str | None, name: str, column: str, row: int) -> tuple[str, ...] | None:
    """The names in one value, each once, in their order; an empty list is a text to which no label applies."""
    if value is None:
        return None
    if isinstance(value, str) and separator is not None:
        value = [] if value.strip() == "[]" else value.split(separator)
    if not isinstance(value, list):
        value = [value]
    require_few_labels(len(value), Location(name, row, column))
    found = [_name(item, name, column, row) for item in value if not _missing(item)]
    return tuple(dict.fromkeys(label for label in found if label is not None))


def _name(value: Any, name: str, column: str, row: int) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    raise DataError(
        f"the label is {type(value).__name__} {value!r:.40}.",
        "Give labels as strings, numbers, or lists of these.",
        Location(name, row, column),
    )


def _number(value: Any) -> float | None:
    """The number that a value is or spells; none for names such as 007 and for what is too large."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    if isinstance(value, str):
        digits = value.strip().lstrip("+-")
        if not digits[:1].isdecimal() and not digits.startswith("."):
            return None
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal():
            return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < LARGEST_NUMBER else None


def _numbers(values: list[Any], name: str, column: str, first: int) -> list[float | None]:
    numbers = [_number(value) if value is not None else None for value in values]
    wrong = [row for row, value in enumerate(values) if value is not None and numbers[row] is None]
    if wrong:
        raise DataError(
            f"the label {values[wrong[0]]!r:.40} is no number below {LARGEST_NUMBER:g} "
            f"({rows_phrase([row + first for row in wrong])}).",
            "Regression needs a number in every row; leave out `task=...` for classes.",
            Location(name, wrong[0] + first, column),
        )
    return numbers
