"""Values of a feature as strings: a number in one form, a category unchanged, a date in ISO 8601."""

import datetime
import decimal
import math

from tenor.data import times
from tenor.data.fields import Field
from tenor.data.number_formats import NumberFormat

MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})
"""What files write where a feature has no value, in lower case."""


def is_missing(value: object) -> bool:
    """Whether a cell has no value: None, NaN, nothing but blanks, or a usual word for it."""
    if isinstance(value, str):
        return value.strip().lower() in MISSING_WORDS
    return value is None or (isinstance(value, (float, decimal.Decimal)) and not math.isfinite(value))


def to_string(value: object, field: Field) -> str | None:
    """A value of a feature as a string; empty where there is none, None where it is not of the kind of the feature."""
    if is_missing(value):
        return ""
    if field.kind == "number":
        return number_string(value, field.decimal)
    return date_string(value) if field.kind == "date" else category_string(value)


def number_string(value: object, decimal_mark: str = ".") -> str | None:
    """A number in the shortest form that gives it back, without a fraction where it is whole; None for other values.

    Text may have thousands, a percent sign or a currency: `$1,234.00` with the decimal mark `.`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, decimal.Decimal)):
        return None
    number: float | None
    try:
        if isinstance(value, str) and "_" in value:  # Python reads 1_000, files mean a name
            return None
        number = float(value)
    except (ValueError, OverflowError):
        number = NumberFormat(decimal=decimal_mark).parse(value) if isinstance(value, str) else None
    if number is None or not math.isfinite(number):
        return None
    return str(int(number)) if number.is_integer() and abs(number) < 1e16 else repr(number)


def date_string(value: object) -> str | None:
    """A date, or a date with a time, in ISO 8601; None for other values."""
    if isinstance(value, str):
        text = value.strip()
        parsed = None if text.isdecimal() else times.parse_date(text)
        if parsed is None:
            return None
        value = parsed if times.split_time(text)[1] else parsed.date()
    return value.isoformat() if isinstance(value, datetime.date) else None


def category_string(value: object) -> str | None:
    """A category as a string; None for a list or an object."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.date):
        return value.isoformat()
    return number_string(value)
