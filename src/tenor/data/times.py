"""Values of a column -> times that can be sorted."""

import datetime
import math
from collections.abc import Sequence

from tenor.errors import DataError, Location


def parse(values: Sequence[object], numbers: Sequence[int], name: str, column: str) -> list[float]:
    """Read times: all numbers, such as seconds or years, or all dates.

    A date is a date of Parquet, or ISO 8601 such as 2024-03-01 or 2024-03-01T12:30:00+08:00. One without a time zone is
    taken as UTC.

    Args:
        values: The values.
        numbers: The number of each row, for messages.
        name: The table's name for messages.
        column: The column's name for messages.

    Returns:
        A number for each value, which rises with time.

    Raises:
        DataError: A value is missing or is not a time, or numbers and dates are mixed.
    """
    times = []
    kinds: dict[str, int] = {}
    for value, row in zip(values, numbers, strict=True):
        kind, time = _as_number(value) or _as_date(value) or ("", 0.0)
        kinds.setdefault(kind, row)
        if not kind or len(kinds) > 1:
            not_a_time, mixed = "is not a valid time", f"is a {kind}, and the rows before are not"
            problem = f"{value!r:.40} {mixed if kind else not_a_time}"
            raise DataError(
                f"{problem}.",
                "Give every row a number, or every row a date such as 2024-03-01 or 2024-03-01T12:30:00.",
                Location(name, row, column),
            )
        times.append(time)
    return times


def _as_number(value: object) -> tuple[str, float] | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return ("number", number) if math.isfinite(number) else None


def _as_date(value: object) -> tuple[str, float] | None:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime.datetime):
        return None
    aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    return "date", (aware - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)).total_seconds()
