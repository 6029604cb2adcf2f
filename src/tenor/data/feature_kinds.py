"""What the features of a table are: numbers, categories or dates, by their values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tenor._core.language import mark, tr
from tenor.data import field_values
from tenor.data.fields import Field, FieldKind
from tenor.data.io.chunks import Cell, Chunk
from tenor.data.number_formats import NumberFormatDetector
from tenor.errors import DataError, Location, counted

_AN_ID = mark("each row has another value, as in a column of ids")
_SHARE = 0.95  # of the values must be numbers, or dates, for a feature to be one; the others then count as missing
_MIN_ROWS = 20  # below this, different values in all rows say nothing
_MAX_DISTINCT = 1 << 20  # values that are remembered
_ID_NAMES = frozenset({"id", "index", "idx", "uuid", "guid", "row", "编号", "序号"})
KINDS: tuple[FieldKind, ...] = ("number", "category", "date")
"""The kinds of a feature."""


@dataclass
class FeatureSummary:
    """What the values of a column are like.

    Attributes:
        name: The column.
        kind: Its kind if it was named with one; None: the values decide.
        filled: Rows with a value.
        missing: Rows without one.
    """

    name: str
    kind: FieldKind | None = None
    filled: int = 0
    missing: int = 0
    _numbers: int = 0
    _format: NumberFormatDetector = field(default_factory=NumberFormatDetector)
    _dates: int = 0
    _has_leading_zero: bool = False
    _is_counting: bool = True  # each value is the one before plus 1
    _last: float | None = None
    _distinct: set[str] = field(default_factory=set)

    def add(self, values: Iterable[Cell]) -> None:
        """Count more values."""
        for value in values:
            if field_values.is_missing(value):
                self.missing += 1
                continue
            self.filled += 1
            number = field_values.number_string(value) or field_values.number_string(value, ",")
            if number is not None:
                self._numbers += 1
                self._format.add([value] if isinstance(value, str) else ())
                self._has_leading_zero |= isinstance(value, str) and _has_leading_zero(value.strip())
            elif field_values.date_string(value) is not None:
                self._dates += 1
            self._follow(None if number is None else float(number))
            if len(self._distinct) < _MAX_DISTINCT:
                self._distinct.add(field_values.category_string(value) or str(value))

    def _follow(self, number: float | None) -> None:
        follows = number is not None and (self._last is None or number == self._last + 1)
        self._is_counting, self._last = self._is_counting and follows, number

    def field(self) -> Field:
        """The column with its kind."""
        if self.kind is not None:
            return Field(self.name, self.kind, self._decimal if self.kind == "number" else ".")
        if self._numbers >= _SHARE * self.filled and not self._has_leading_zero:
            return Field(self.name, "number", self._decimal)
        return Field(self.name, "date" if self._dates >= _SHARE * self.filled else "category")

    @property
    def _decimal(self) -> str:
        """The decimal mark of the numbers; a comma that may be either separates thousands."""
        number_format = self._format.result()
        return (number_format.decimal if number_format else "") or "."

    def fault(self) -> str | None:
        """Why the column is useless as a feature, as the end of a sentence; None: it is not."""
        if not self.filled:
            return tr("it is empty in every row")
        if len(self._distinct) == 1 and not self.missing:
            return tr("every row has the value {value!r:.40}", value=next(iter(self._distinct)))
        if self.filled < _MIN_ROWS or len(self._distinct) < min(self.filled, _MAX_DISTINCT):
            return None
        name, kind = self.name.strip().lower(), self.field().kind
        if self._is_counting or kind == "category" or (kind == "number" and (name in _ID_NAMES or name[-3:] == "_id")):
            return tr(_AN_ID)
        return None

    @property
    def is_unreadable(self) -> bool:
        """Whether the column was named as a number or a date, and no value can be read as one."""
        readable = {"number": self._numbers, "date": self._dates}
        return self.kind in readable and self.filled > 0 and not readable[self.kind]

    @property
    def example(self) -> str:
        """A value of the column."""
        return min(self._distinct, default="")

    def describe(self) -> str:
        """The column and its kind for people, such as `country: category (12 values)`."""
        kind = self.field().kind
        more = counted(len(self._distinct), "value") if kind == "category" else ""
        if kind == "number" and (number_format := self._format.result(".")) and not number_format.is_plain:
            more = number_format.describe()
        if more:
            return tr("{name}: {kind} ({details})", name=self.name, kind=tr(kind), details=more)
        return tr("{name}: {kind}", name=self.name, kind=tr(kind))


def split_kind(name: str, columns: Sequence[str]) -> tuple[str, FieldKind | None]:
    """The column and the kind of a feature that may be named as `store:category`; None: the values decide."""
    column, colon, word = name.rpartition(":")
    for kind in KINDS:
        if colon and word == kind and name not in columns:
            return column, kind
    return name, None


def summarise(chunks: Iterable[Chunk], features: Sequence[tuple[str, FieldKind | None]]) -> list[FeatureSummary]:
    """Read the columns of features once; each has its name and, if it was named with one, its kind."""
    summaries = [FeatureSummary(name, kind) for name, kind in features]
    for chunk in chunks:
        for each in summaries:
            each.add(chunk.columns[each.name])
    return summaries


def require_useful(summaries: Sequence[FeatureSummary], name: str) -> None:
    """Raise DataError where a feature that was named is useless; `name` is the table's."""
    for each in summaries:
        if each.is_unreadable:
            raise DataError(
                tr(
                    "no value of the feature {name!r} can be read as a {kind}: {example!r:.40}, for one.",
                    name=each.name,
                    kind=tr(each.kind or ""),
                    example=each.example,
                ),
                tr("Name it as {name}:category, or without a kind, which its values then decide.", name=each.name),
                Location(name, column=each.name),
            )
        if fault := each.fault():
            is_id = fault == tr(_AN_ID)
            what = tr("an id tells nothing about new rows") if is_id else tr("it tells nothing")
            text = tr(" If it is text, name it with `text=...`.") if is_id else ""
            raise DataError(
                tr("the feature {name!r} is useless: {fault}, and {what}.", name=each.name, fault=fault, what=what),
                tr("Leave it out of `features=...`.{text}", text=text),
                Location(name, column=each.name),
            )


def _has_leading_zero(text: str) -> bool:
    """Whether a number is written as codes are, such as 01234."""
    return len(text) > 1 and text[0] == "0" and text.isdecimal()
