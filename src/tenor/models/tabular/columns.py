"""One column of numbers, categories or dates -> features. All parameters are those of the training rows."""

import datetime
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.data.fields import FieldKind
from tenor.models.linear.matrices import Matrix
from tenor.tasks import Floats

_BINS = 10
_MAX_BINS = 1_000
_FARTHEST = 5.0  # standard deviations: outliers count no more than that
_MIN_ROWS, _MAX_CATEGORIES = 5, 1_000  # a category in fewer rows, or beyond that many, is a rare one
_MAX_CATEGORY_CHARACTERS = 1_000_000
_LARGEST = 1e300
_MISSING = " is missing"


@dataclass(frozen=True)
class ColumnEncoder(ABC):
    """Turns the values of one column into features. An empty value, or one of another kind, is missing."""

    kind: ClassVar[FieldKind]

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The end of the name of each feature, after the name of the column."""

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.names)

    @abstractmethod
    def encode(self, values: Sequence[str]) -> Matrix:
        """(rows, width) float32, sparse."""

    @abstractmethod
    def to_dict(self) -> JsonObject:
        """The parameters as JSON."""


@dataclass(frozen=True)
class NumberEncoder(ColumnEncoder):
    """A number, standardised by median and quartiles; which tenth of the training rows it is in; whether it is missing.

    Attributes:
        center: The median.
        scale: What the distance from it is divided by.
        edges: Between the bins, rising.
    """

    kind: ClassVar[FieldKind] = "number"
    center: float
    scale: float
    edges: tuple[float, ...]

    @classmethod
    def fit(cls, values: npt.NDArray[np.float64]) -> "NumberEncoder":
        """The encoder for these numbers, (rows,); NaN is missing."""
        present = values[~np.isnan(values)]
        if not len(present):
            return cls(0.0, 1.0, ())
        low, center, high = np.quantile(present, (0.25, 0.5, 0.75)).tolist()
        # With half of the rows at one value the quartiles may coincide.
        scale = (high - low) / 1.349 or float(present.std())
        edges = np.unique(np.quantile(present, np.arange(1, _BINS) / _BINS, method="lower"))
        edges = edges[edges > present.min()]
        return cls(center, scale if math.isfinite(scale) and scale > 0 else 1.0, tuple(edges.tolist()))

    @property
    def names(self) -> tuple[str, ...]:
        """The number, the bins, and one for missing values."""
        lowest = f" below {self.edges[0]:g}" if self.edges else " present"
        return "", lowest, *(f" from {low:g}" for low in self.edges), _MISSING

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.edges) + 3

    def encode(self, values: Sequence[str]) -> Matrix:
        """(rows, width) float32, sparse."""
        return self.encode_numbers(parse_numbers(values))

    def encode_numbers(self, values: npt.NDArray[np.float64]) -> Matrix:
        """(rows, width) float32, sparse, from numbers (rows,); NaN is missing."""
        is_missing = np.isnan(values)
        known = np.where(is_missing, self.center, values)
        distance = np.clip((known - self.center) / self.scale, -_FARTHEST, _FARTHEST)
        column = np.where(is_missing, self.width - 1, 1 + np.searchsorted(self.edges, known, side="right"))
        data = np.stack([distance, np.ones(len(values))], axis=1).astype(np.float32)
        columns = np.stack([np.zeros(len(values), np.int64), column], axis=1)
        return _rows(data, columns, self.width)

    def to_dict(self) -> JsonObject:
        """The parameters as JSON."""
        return {"kind": self.kind, "center": self.center, "scale": self.scale, "edges": list(self.edges)}

    @classmethod
    def from_record(cls, record: Record) -> "NumberEncoder":
        """The encoder that `to_dict` wrote."""
        record.refuse_unknown({"kind", "center", "scale", "edges"})
        edges = []
        for number, value in enumerate(record.items("edges", _MAX_BINS)):
            if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > _LARGEST:
                raise record.error(f"edges[{number}]", tr("it is not a number"))
            edges.append(float(value))
        if edges != sorted(edges):
            raise record.error("edges", tr("they do not rise"))
        return cls(record.number("center", -_LARGEST, _LARGEST), record.number("scale", 1e-300, _LARGEST), tuple(edges))


@dataclass(frozen=True)
class CategoryEncoder(ColumnEncoder):
    """One feature for each frequent category, one for all others, one for missing values.

    Attributes:
        categories: The frequent categories, the most frequent first.
    """

    kind: ClassVar[FieldKind] = "category"
    categories: tuple[str, ...]

    @classmethod
    def fit(cls, values: Sequence[str]) -> "CategoryEncoder":
        """The encoder for these values."""
        counts = Counter(filter(None, values))
        frequent = sorted((-rows, value) for value, rows in counts.items() if rows >= _MIN_ROWS)
        return cls(tuple(value for _, value in frequent[:_MAX_CATEGORIES]))

    @property
    def names(self) -> tuple[str, ...]:
        """The categories, one for all others, and one for missing values."""
        return *(f" = {category}" for category in self.categories), " is another one", _MISSING

    def encode(self, values: Sequence[str]) -> Matrix:
        """(rows, width) float32, sparse."""
        number = {value: at for at, value in enumerate(self.categories)}
        other, number[""] = len(number), len(number) + 1
        column = np.array([number.get(value, other) for value in values], np.int64)
        return _rows(np.ones((len(column), 1), np.float32), column[:, None], self.width)

    def to_dict(self) -> JsonObject:
        """The parameters as JSON."""
        return {"kind": self.kind, "categories": list(self.categories)}

    @classmethod
    def from_record(cls, record: Record) -> "CategoryEncoder":
        """The encoder that `to_dict` wrote."""
        record.refuse_unknown({"kind", "categories"})
        record.items("categories", _MAX_CATEGORIES)
        categories = record.strings("categories")
        if len(set(categories)) < len(categories) or "" in categories:
            raise record.error("categories", tr("one occurs twice or is empty"))
        return cls(tuple(categories))


@dataclass(frozen=True)
class DateEncoder(ColumnEncoder):
    """A date: how late it is, its month, its day of the week and, where there is a time, its hour.

    Attributes:
        days: Encodes the days since 1970-01-01.
        has_hours: Whether a training row has a time of the day.
    """

    kind: ClassVar[FieldKind] = "date"
    days: NumberEncoder
    has_hours: bool

    @classmethod
    def fit(cls, values: Sequence[str]) -> "DateEncoder":
        """The encoder for these values."""
        parts = _date_parts(values)
        return cls(NumberEncoder.fit(parts[:, 0]), bool((parts[:, 3] > 0).any()))

    @property
    def names(self) -> tuple[str, ...]:
        """The days, 12 months, 7 days of the week from Monday and, where there are times, 24 hours."""
        days = (f", days since 1970{name}" for name in self.days.names)
        parts = (("month", 12, 1), ("day of the week", 7, 1), ("hour", 24, 0))[: 2 + self.has_hours]
        return *days, *(f", {part} {start + at}" for part, size, start in parts for at in range(size))

    def encode(self, values: Sequence[str]) -> Matrix:
        """(rows, width) float32, sparse."""
        parts = _date_parts(values)
        sizes = (12, 7, 24)[: 2 + self.has_hours]
        one_hot = [
            scipy.sparse.csr_matrix(np.eye(size, dtype=np.float32)[part.astype(np.int64)] * ~np.isnan(days)[:, None])
            for size, part, days in zip(sizes, np.nan_to_num(parts[:, 1:]).T, [parts[:, 0]] * len(sizes), strict=False)
        ]
        return scipy.sparse.hstack([self.days.encode_numbers(parts[:, 0]), *one_hot], format="csr", dtype=np.float32)

    def to_dict(self) -> JsonObject:
        """The parameters as JSON."""
        return {"kind": self.kind, "days": self.days.to_dict(), "has_hours": self.has_hours}

    @classmethod
    def from_record(cls, record: Record) -> "DateEncoder":
        """The encoder that `to_dict` wrote."""
        record.refuse_unknown({"kind", "days", "has_hours"})
        return cls(NumberEncoder.from_record(record.record("days")), record.boolean("has_hours"))


def fit_column(kind: FieldKind, values: Sequence[str]) -> ColumnEncoder:
    """The encoder of a column of numbers, categories or dates.

    Args:
        kind: What it contains.
        values: Its values in the training rows.
    """
    if kind == "number":
        return NumberEncoder.fit(parse_numbers(values))
    return CategoryEncoder.fit(values) if kind == "category" else DateEncoder.fit(values)


def restore_column(record: Record) -> ColumnEncoder:
    """The encoder that `to_dict` wrote. Raises RecordError, a ValueError, for anything else."""
    kinds = {"number": NumberEncoder, "category": CategoryEncoder, "date": DateEncoder}
    restored: ColumnEncoder = kinds[record.choice("kind", kinds)].from_record(record)  # type: ignore[attr-defined]
    return restored


def parse_numbers(values: Sequence[str]) -> npt.NDArray[np.float64]:
    """(rows,) the numbers; NaN for what is none."""
    return np.array([_number(value) for value in values], np.float64)


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        return math.nan
    return number if abs(number) <= _LARGEST else math.nan


def _date_parts(values: Sequence[str]) -> npt.NDArray[np.float64]:
    """(rows, 4): days since 1970-01-01 with the time as a fraction, month and day of the week from 0, and hour."""
    return np.array([_parts_of(value) for value in values], np.float64).reshape(-1, 4)


def _parts_of(value: str) -> tuple[float, float, float, float]:
    try:
        date = datetime.datetime.fromisoformat(value)
    except ValueError:
        return (math.nan,) * 4
    days = date.toordinal() - datetime.date(1970, 1, 1).toordinal() + (date.hour + date.minute / 60) / 24
    return days, date.month - 1, date.weekday(), date.hour


def _rows(data: Floats, columns: npt.NDArray[np.int64], width: int) -> Matrix:
    """A sparse matrix with the same number of entries in each row."""
    rows, entries = data.shape
    offsets = np.arange(rows + 1) * entries
    return scipy.sparse.csr_matrix((data.ravel(), columns.ravel(), offsets), shape=(rows, width))
