"""The fields that a model reads, and how a row of several fields is one string.

Everything between reading and encoding handles a row as one string: splits, duplicates, texts on disk, workers,
batches, caches. With one text field the string is the text. With more, the values follow each other in the order of
the fields, with SEPARATOR between them; a missing value is empty. Families split the string where they encode it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record

FieldKind = Literal["text", "number", "category", "date"]

MAX_FIELDS = 1_000
"""Fields of a model, at most."""
MAX_NAME_CHARACTERS = 1_000
"""Characters of the name of a field, at most."""
_KINDS: dict[str, FieldKind] = {"text": "text", "number": "number", "category": "category", "date": "date"}
SEPARATOR = "\x1f"
"""The character between two values of a row: the unit separator of ASCII, which is a blank inside a value."""


def strip_values(row: str) -> str:
    """The row without whitespace around its values. `str.strip` alone would take SEPARATOR for whitespace too."""
    return SEPARATOR.join(map(str.strip, row.split(SEPARATOR)))


@dataclass(frozen=True)
class Field:
    """One column that a model reads.

    Attributes:
        name: The name of the column.
        kind: How its values are encoded.
        decimal: The decimal mark of numbers that are written in text, `.` or `,`.
    """

    name: str
    kind: FieldKind = "text"
    decimal: str = "."

    def to_dict(self) -> JsonObject:
        """The field as JSON."""
        return {"name": self.name, "kind": self.kind} | ({"decimal": self.decimal} if self.decimal != "." else {})


@dataclass(frozen=True)
class Fields:
    """The columns that a model reads, in the order of their values in a row.

    Attributes:
        columns: The text fields, then the others; at least one text field.
        is_pair: Whether there are two text fields and their relation is the label, as with duplicate questions.
    """

    columns: tuple[Field, ...] = (Field("text"),)
    is_pair: bool = False

    @property
    def texts(self) -> tuple[Field, ...]:
        """The text fields."""
        return tuple(field for field in self.columns if field.kind == "text")

    @property
    def features(self) -> tuple[Field, ...]:
        """The numbers, categories and dates beside the text."""
        return tuple(field for field in self.columns if field.kind != "text")

    @property
    def is_single_text(self) -> bool:
        """Whether a row is a text and nothing else, which is then the string itself."""
        return len(self.columns) == 1

    def join(self, values: Sequence[str]) -> str:
        """The row with these values, one for each column; a missing value is an empty string."""
        if self.is_single_text:
            return values[0]
        return SEPARATOR.join(value.replace(SEPARATOR, " ") for value in values)

    def split(self, row: str) -> list[str]:
        """The values of a row. A row with too few values has empty ones at its end."""
        if self.is_single_text:
            return [row]
        values = row.split(SEPARATOR, len(self.columns) - 1)
        return values + [""] * (len(self.columns) - len(values))

    def union(self, other: "Fields") -> "Fields":
        """The fields of both, each name once; those of this one first among texts and among features."""
        if self.is_single_text and other.is_single_text:
            return self
        columns = list({field.name: field for field in (*other.columns, *self.columns)}.values())
        known = [field.name for field in (*self.columns, *other.columns)]
        columns.sort(key=lambda field: (field.kind != "text", known.index(field.name)))
        return Fields(tuple(columns))

    def select(self, row: str, fields: "Fields") -> str:
        """A row with some of these fields. A field that these lack is empty."""
        if fields.columns == self.columns or (self.is_single_text and fields.is_single_text):
            return row
        values = dict(zip((field.name for field in self.columns), self.split(row), strict=True))
        return fields.join([values.get(field.name, "") for field in fields.columns])

    def fill(self, text: str) -> str:
        """A row with this text in each text field, and without features."""
        return self.join([text if field.kind == "text" else "" for field in self.columns])

    def display(self, row: str) -> str:
        """A row for people: the text, or `title: ... | body: ...` without empty fields."""
        if self.is_single_text:
            return row
        pairs = zip(self.columns, self.split(row), strict=True)
        return " | ".join(f"{field.name}: {value.strip()}" for field, value in pairs if value.strip())

    def to_value(self, row: str) -> str | dict[str, str]:
        """A row for JSON: the text, or the values by the names of the fields."""
        if self.is_single_text:
            return row
        return {field.name: value for field, value in zip(self.columns, self.split(row), strict=True)}

    def to_dict(self) -> JsonObject:
        """The fields as JSON."""
        return {
            "columns": [field.to_dict() for field in self.columns],
            "is_pair": self.is_pair,
        }

    @classmethod
    def from_record(cls, record: Record) -> "Fields":
        """The fields that `to_dict` wrote. Raises RecordError, a ValueError, for anything else."""
        record.refuse_unknown({"columns", "is_pair"})
        columns = []
        for each in record.records("columns", MAX_FIELDS):
            each.refuse_unknown({"name", "kind", "decimal"})
            decimal = each.choice("decimal", (".", ",")) if "decimal" in each.values else "."
            name, kind = each.string("name", MAX_NAME_CHARACTERS), _KINDS[each.choice("kind", _KINDS)]
            if decimal != "." and kind != "number":
                raise each.error("decimal", tr("only a number has a decimal mark"))
            columns.append(Field(name, kind, decimal))
        fields = cls(tuple(columns), record.boolean("is_pair"))
        if not fields.texts or fields.columns != (*fields.texts, *fields.features):
            raise record.error("columns", tr("the text fields must come first, and there must be one"))
        if len({field.name for field in fields.columns}) != len(fields.columns):
            raise record.error("columns", tr("a name occurs twice"))
        if fields.is_pair and len(fields.texts) != 2:
            raise record.error("is_pair", tr("a pair has two text fields"))
        return fields


SINGLE_TEXT = Fields()
"""A row that is a text and nothing else."""
