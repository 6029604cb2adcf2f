"""Values of a column -> times that can be sorted.

Dates are ISO 8601 (2024-11-18), have other marks in that order (2024/11/18, 2024.11.18, 2024年11月18日), or have the
year last: 18.11.2024, 18/11/2024 or 11/18/2024. With points the day comes first. With `/` or `-` and the year last, a
number above 12 shows the order of the whole column.
"""

import datetime
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tenor._core.language import mark, tr
from tenor.errors import DataError, Location

DateOrder = Literal["day", "month"]
"""Which number comes first in dates with the year last."""

_YEAR_FIRST = re.compile(r"(\d{4})\s*([-/.年])\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_TIME = re.compile(r"(.*?\S)(?:\s+|T)(\d{1,2}:\d{2}.*)")
_MAX_CHARACTERS = 100  # of a date with a time of day
_REMEDY = mark("Give every row a number, or every row a date such as 2024-03-01, 2024/3/1, 2024年3月1日 or 1.3.2024.")


@dataclass(frozen=True)
class Times:
    """Times of rows.

    Attributes:
        values: A number for each value, which rises with time.
        note: A sentence on the order of day and month, if the column had to show it; else empty.
    """

    values: list[float]
    note: str = ""


def parse(values: Sequence[object], numbers: Sequence[int], name: str, column: str) -> Times:
    """Read times: all numbers, such as seconds or years, or all dates. One without a time zone is taken as UTC.

    Args:
        values: The values.
        numbers: The number of each row, for messages.
        name: The table's name for messages.
        column: The column's name for messages.

    Raises:
        DataError: A value is missing or is not a time, numbers and dates are mixed, or it is not clear which number of
            the dates is the day.
    """
    order = _date_order(values, numbers, name, column)
    times = []
    kinds: dict[str, int] = {}
    for value, row in zip(values, numbers, strict=True):
        kind, time = _as_number(value) or _as_date(value, order) or ("", 0.0)
        kinds.setdefault(kind, row)
        if not kind or len(kinds) > 1:
            not_a_time, mixed = tr("is not a valid time"), tr("is a {kind}, and the rows before are not", kind=tr(kind))
            problem = tr("{value!r:.40} {fault}.", value=value, fault=mixed if kind else not_a_time)
            raise DataError(problem, tr(_REMEDY), Location(name, row, column))
        times.append(time)
    words = {"day": tr("day, month and year"), "month": tr("month, day and year")}
    return Times(
        times,
        tr("{column!r}: dates are read as {words}, as some of them show.", column=column, words=words[order])
        if order
        else "",
    )


def _date_order(values: Sequence[object], numbers: Sequence[int], name: str, column: str) -> DateOrder | None:
    """The order that ambiguous dates of a column have; None if it has none. Raises DataError if it does not show."""
    shown: dict[DateOrder, int] = {}
    first_ambiguous: tuple[int, object] | None = None
    for value, row in zip(values, numbers, strict=True):
        parts = _year_last(value)
        if parts is None or parts[1] == ".":
            continue
        first_ambiguous = first_ambiguous or (row, value)
        if parts[0] > 12 >= parts[2]:
            shown.setdefault("day", row)
        elif parts[2] > 12 >= parts[0]:
            shown.setdefault("month", row)
    if len(shown) > 1:
        raise DataError(
            tr(
                "the day comes first in row {day_row}, and the month in row {month_row}.",
                day_row=shown["day"],
                month_row=shown["month"],
            ),
            tr("Write all dates in one order, such as 2024-03-01."),
            Location(name, max(shown.values()), column),
        )
    if not shown and first_ambiguous is not None:
        row, value = first_ambiguous
        raise DataError(
            tr(
                "{value!r:.40} may begin with the day or the month, and no date of the column shows which.", value=value
            ),
            tr("Write the dates as 2024-03-01, or with points as day.month.year."),
            Location(name, row, column),
        )
    return next(iter(shown), None)


def _year_last(value: object) -> tuple[int, str, int, int] | None:
    """The first number, the mark, the second number and the year of a date with the year last; None for others."""
    if not isinstance(value, str):
        return None
    match = _YEAR_LAST.fullmatch(split_time(value.strip())[0])
    return (int(match[1]), match[2], int(match[3]), int(match[4])) if match else None


def split_time(text: str) -> tuple[str, str]:
    """A date and the time of day after it, which may be empty."""
    match = _TIME.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    return (match[1], match[2]) if match else (text, "")


def _as_number(value: object) -> tuple[str, float] | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return ("number", number) if math.isfinite(number) else None


def _as_date(value: object, order: DateOrder | None) -> tuple[str, float] | None:
    if isinstance(value, str):
        value = parse_date(value, order)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime.datetime):
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    return "date", (aware - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)).total_seconds()


def parse_date(text: str, order: DateOrder | None = None) -> datetime.datetime | None:
    """The date, and time of day if there is one, that a text spells; None for other texts.

    Args:
        text: The text.
        order: What comes first in dates such as 3/4/2024; None: they are not read.
    """
    text = text.strip()
    date, time = split_time(text)
    if match := _YEAR_FIRST.fullmatch(date):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
    elif parts := _year_last(date):
        day_first = parts[1] == "." or order == "day"
        if not day_first and order is None:
            return None
        day, month = (parts[0], parts[2]) if day_first else (parts[2], parts[0])
        year = parts[3]
    else:
        try:
            return datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
    try:
        padded = f"T{time.zfill(len(time) + (time[1] == ':'))}" if time else ""
        return datetime.datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}{padded}")
    except ValueError:
        return None
