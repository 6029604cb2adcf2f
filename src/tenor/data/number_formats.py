"""Numbers as people write them: `4,362`, `12,5`, `31.8%`, `$1,234.00`, `1.234,50 €`, `(1,200)`.

One value may be ambiguous: `4,362` is 4362 in English and 4.362 in German. So the values of a column are read together,
and a column that stays ambiguous is reported as such. A percentage is the number before its sign.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tenor._core.language import tr

_CURRENCIES = {"US$": "$", "USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "RMB": "¥", "元": "¥", "JPY": "円"}
_CURRENCIES |= {name: name for name in ("CHF", "$", "€", "£", "¥", "₹", "₩", "₽", "円")}
_CURRENCY = "|".join(map(re.escape, _CURRENCIES))
_NUMBER = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>{_CURRENCY})?\s*(?P<sign_after>[+-])?"
    rf"(?P<digits>(?:\d[\d.,' ]*)?\d|[.,]\d+)(?P<exponent>[eE][+-]?\d+)?[.,]?"
    rf"\s*(?P<percent>%)?\s*(?P<after>{_CURRENCY})?\s*(?P<close>\))?",
    re.ASCII,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[,.' ]\d{2,3})*[,.' ]\d{3}")  # groups of two are Indian: 12,34,567
_MINUS = str.maketrans({"−": "-", "–": "-", "’": "'", "\u00a0": " ", "\u202f": " "})
MAX_CHARACTERS = 60
"""A longer value is not taken for a number."""


class NumberFormat(NamedTuple):
    """How the numbers of a column are written.

    Attributes:
        decimal: The decimal mark, `.` or `,`; empty if the values fit both.
        is_percent: Whether a percent sign follows every value.
        is_plain: Whether `float` reads every value unchanged.
        example: A value that `float` does not read; empty if the format is plain.
    """

    decimal: str = "."
    is_percent: bool = False
    is_plain: bool = True
    example: str = ""

    def parse(self, value: str) -> float | None:
        """The number that a value spells in this format; None for other values and an open decimal mark."""
        parts = _parts(value)
        if parts is None or not self.decimal:
            return None
        digits, decimal = parts.digits, self.decimal
        whole, _, fraction = digits.partition(decimal)
        if decimal in fraction or "," in fraction or "." in fraction or "'" in fraction or " " in fraction:
            return None
        if not (whole.isdigit() or not whole or _THOUSANDS.fullmatch(whole)) or len(set(whole) & set(",.' ")) > 1:
            return None
        whole = re.sub("[,.' ]", "", whole)
        number = float(f"{whole or '0'}.{fraction or '0'}{parts.exponent}")
        if not math.isfinite(number):
            return None
        return -number if parts.is_negative else number

    def describe(self) -> str:
        """One phrase for a message: how the example is read."""
        number = self.parse(self.example)
        what = tr(" (percent)") if self.is_percent else ""
        return (
            tr("{example!r} is read as {number:.10g}{what}", example=self.example, number=number, what=what)
            if number is not None
            else ""
        )


class _Parts(NamedTuple):
    """The parts of one written number."""

    digits: str
    exponent: str
    is_negative: bool
    is_percent: bool
    currency: str


@dataclass
class NumberFormatDetector:
    """Collects what the values of a column say about their format; blank values say nothing.

    Attributes:
        is_numeric: Whether all values so far may be numbers.
    """

    is_numeric: bool = True
    _n_values: int = 0
    _n_percent: int = 0
    _is_plain: bool = True
    _example: str = ""
    _currencies: set[str] = field(default_factory=set)
    _decimals: set[str] = field(default_factory=set)
    _has_open_comma: bool = False
    _has_small_whole: bool = False

    def add(self, values: Iterable[str]) -> None:
        """Take more values into account."""
        for value in values:
            if self.is_numeric and value.strip():
                self._add(value)

    def _add(self, value: str) -> None:
        parts = _parts(value)
        decimal = None if parts is None else _decimal_mark(parts.digits)
        if parts is None or decimal is None:
            self.is_numeric = False
            return
        self._n_values += 1
        self._n_percent += parts.is_percent
        if parts.currency:
            self._currencies.add(parts.currency)
        if decimal == "?":
            self._has_open_comma = True
        elif decimal:
            self._decimals.add(decimal)
        elif parts.digits.isdigit() and len(parts.digits) <= 3:
            self._has_small_whole = True
        if not _is_plain(value):
            if self._is_plain or (decimal == "," and "," not in self._example):
                self._example = value.strip()
            self._is_plain = False

    def result(self, decimal: str | None = None) -> NumberFormat | None:
        """The format of the column; None if a value is not a number, or the values contradict each other.

        Args:
            decimal: The decimal mark if it is known; it settles an ambiguous column, and no other mark fits then.
        """
        mixed = 0 < self._n_percent < self._n_values or len(self._currencies) > 1 or len(self._decimals) > 1
        if not self.is_numeric or not self._n_values or mixed:
            return None
        mark = next(iter(self._decimals), "")
        if decimal and mark and mark != decimal:
            return None
        if not mark and self._has_open_comma:
            mark = decimal or ("." if self._has_small_whole else "")
        elif not mark:
            mark = "."
        return NumberFormat(
            decimal=mark,
            is_percent=self._n_percent > 0,
            is_plain=self._is_plain and mark == ".",
            example=self._example,
        )


def detect_number_format(values: Iterable[str], decimal: str | None = None) -> NumberFormat | None:
    """The format of the numbers in a column.

    Args:
        values: The values; blank ones are skipped.
        decimal: The decimal mark if it is known.

    Returns:
        The format, whose `decimal` is empty if the column is ambiguous; None if it is not a column of numbers.
    """
    detector = NumberFormatDetector()
    detector.add(values)
    return detector.result(decimal)


def _parts(value: str) -> _Parts | None:
    """The parts of a written number; None for anything else."""
    if len(value) > MAX_CHARACTERS:
        return None
    folded = unicodedata.normalize("NFKC", value.translate(_MINUS)).translate(_MINUS).strip()
    match = _NUMBER.fullmatch(folded)
    if match is None or (match["open"] is None) != (match["close"] is None):
        return None
    if (match["before"] and match["after"]) or (match["sign"] and match["sign_after"]):
        return None
    digits = match["digits"]
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return None  # a code such as 007
    is_negative = match["open"] is not None or "-" in (match["sign"], match["sign_after"])
    currency = _CURRENCIES.get(match["before"] or match["after"] or "", "")
    return _Parts(digits, match["exponent"] or "", is_negative, match["percent"] is not None, currency)


def _decimal_mark(digits: str) -> str | None:
    """The decimal mark that some digits show: empty if they show none, `?` if a comma may be either, None if they are
    not a number. A point with three digits behind it is a decimal mark unless the column says otherwise.
    """
    commas, points = digits.count(","), digits.count(".")
    groups = set(digits) & {"'", " "}
    if len(groups) > 1:
        return None
    if commas and points:
        mark = "," if digits.rfind(",") > digits.rfind(".") else "."
        return mark if digits.count(mark) == 1 and _is_grouped(digits.split(mark)[0]) else None
    if not commas and not points:
        return "" if digits.isdigit() or _is_grouped(digits) else None
    mark, other = (",", ".") if commas else (".", ",")
    whole, _, fraction = digits.partition(mark)
    if max(commas, points) > 1:
        return other if _is_grouped(digits) and not groups else None
    if groups:
        return mark if _is_grouped(whole) and fraction.isdigit() else None
    if len(fraction) != 3 or len(whole) > 3 or whole in ("", "0"):
        return mark
    return "?" if mark == "," else ""


def _is_grouped(digits: str) -> bool:
    """Whether digits have no mark, or marks between groups of three (or Indian ones) alone."""
    marks = set(digits) - set("0123456789")
    return digits.isdigit() or (len(marks) == 1 and _THOUSANDS.fullmatch(digits) is not None)


def _is_plain(value: str) -> bool:
    """Whether `float` reads a value."""
    try:
        return math.isfinite(float(value)) and "_" not in value
    except ValueError:
        return False
