"""One value of a label column: is it missing, a number, a list of labels, or a name?"""

import math
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal

from tenor._core.language import tr
from tenor.data import label_units
from tenor.data.io.limits import require_few_labels, require_short_label
from tenor.data.label_lists import parse_list
from tenor.errors import DataError, Location, rows_phrase
from tenor.tasks import Kind

LabelValue = str | tuple[str, ...] | float | None
"""A label as Tenor uses it: a class, a set of labels, a number, or None where there is none."""

LARGEST_NUMBER = 1e30
"""Numbers from this size on are refused: their squares would soon overflow float32 arithmetic."""
EXACT_INTEGERS = 1 << 53
"""Whole numbers below it are exact as floats."""
_ZEROS = re.compile(r"[+-]?0\d+")


@dataclass(frozen=True)
class LabelColumn:
    """A label column, with its task and separator if they are known.

    Attributes:
        table: The table's name, for messages.
        column: The column's name, for messages.
        task: The task; None: infer it from the values.
        separator: Separator of the labels in one cell; None: labels are lists, or single labels.
        missing: The keys (`label_key`) of labels that stand for a missing one.
        decimal: The decimal mark of numbers if it is known.
    """

    table: str
    column: str
    task: Kind | None = None
    separator: str | None = None
    missing: frozenset[str] = frozenset()
    decimal: str | None = None

    def is_missing(self, value: object) -> bool:
        """Whether a value stands for no label: None, NaN, blank, or a marker of this column."""
        if is_missing(value):
            return True
        return bool(self.missing) and not isinstance(value, list) and label_key(str(value)) in self.missing

    def at(self, row: int | None = None) -> Location:
        """The place of a row, for messages; None: the whole column."""
        return Location(self.table, row, self.column)

    def of_task(self, task: Kind) -> "LabelColumn":
        """The same column with this task."""
        return replace(self, task=task, separator=self.separator if task == "multilabel" else None)


def is_missing(value: object) -> bool:
    """Whether a value stands for no label: None, NaN or blank."""
    return (
        value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and value != value)
    )


def to_number(value: object) -> float | None:
    """The number that a value is or spells; None for names such as 007 and for numbers that are too large."""
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


def label_key(name: str) -> str:
    """What all spellings of a label share: without case, further blanks and full-width forms; 1 for 1.0 and 01."""
    plain = " ".join(unicodedata.normalize("NFKC", name).split()).casefold()
    number = to_number(plain)
    if number is None and _ZEROS.fullmatch(plain):
        number = float(plain)
    if number is None or abs(number) >= EXACT_INTEGERS:
        return plain
    return str(int(number)) if number.is_integer() else repr(number)


def all_numbers(values: Collection[object]) -> set[float]:
    """The different numbers that values are or spell; none if a value is not a number."""
    numbers = set()
    for value in values:
        number = to_number(value)
        if number is None:
            return set()
        numbers.add(number)
    return numbers


def is_fraction(value: object) -> bool:
    """Whether a value is or spells a number that is not whole."""
    number = to_number(value)
    return number is not None and not number.is_integer()


def to_names(value: object, column: LabelColumn, row: int) -> tuple[str, ...] | None:
    """The labels in one cell, each once, in their order. An empty list means that no label applies.

    Raises:
        DataError: There are too many, or one cannot be a label.
    """
    if value is None:
        return None
    if isinstance(value, str) and column.separator is not None:
        items_in_brackets = parse_list(value)
        value = value.split(column.separator) if items_in_brackets is None else items_in_brackets
    items = value if isinstance(value, list) else [value]
    require_few_labels(len(items), column.at(row))
    names = [to_name(item, column, row) for item in items if not column.is_missing(item)]
    return tuple(dict.fromkeys(name for name in names if name is not None))


def to_name(value: object, column: LabelColumn, row: int) -> str | None:
    """The name of a class.

    Raises:
        DataError: The value cannot be a label.
    """
    if value is None:
        return None
    if isinstance(value, str):
        require_short_label(len(value), column.at(row))
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    inside = next(iter(value)) if isinstance(value, dict) and value else None
    by_key = ""
    if inside is not None:
        by_key = tr(
            "Name a key inside the objects with `label={column}.{key}`.", column=column.column, key=f"{inside:.60}"
        )
    raise DataError(
        tr("the label is {name__} {value!r:.40}.", name__=type(value).__name__, value=value),
        f"{tr('Give labels as strings, numbers, or lists of these.')} {by_key}".rstrip(),
        column.at(row),
    )


def to_numbers(values: list[object], column: LabelColumn, first: int) -> list[LabelValue]:
    """The values as numbers for regression; `first` is the number of the first row.

    Raises:
        DataError: A value is not a number, or too large.
    """
    numbers = [to_number(value) if value is not None else None for value in values]
    wrong = [at for at, value in enumerate(values) if value is not None and numbers[at] is None]
    if wrong:
        raise DataError(
            tr(
                "the label {values!r:.40} is not a number below {largest_number:g} ({wrong}).",
                values=values[wrong[0]],
                largest_number=LARGEST_NUMBER,
                wrong=rows_phrase([at + first for at in wrong]),
            ),
            tr("Write plain numbers in one unit; leave out `task=...` for classes.")
            if label_units.unit(str(values[wrong[0]]))
            else tr("Regression needs a number in every row; leave out `task=...` for classes."),
            column.at(wrong[0] + first),
        )
    return list(numbers)
