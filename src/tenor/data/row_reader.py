"""Columns of a table -> rows: the texts of one column, or the joined values of several fields."""

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tenor._core.language import join_names, mark, tr
from tenor.config.settings import suggest
from tenor.data import field_columns, field_values
from tenor.data.columns import detect_text_column
from tenor.data.field_columns import ColumnNames
from tenor.data.fields import FieldKind, Fields
from tenor.data.io.chunks import Cell, Chunk, Table
from tenor.errors import DataError, Location, counted, listed

_SIMILAR = 0.75  # of two names, as difflib computes it
_MAX_COMPARED = 1_000


class Misfit(NamedTuple):
    """A value that is not of the kind of its field."""

    row: int
    value: Cell


@dataclass
class RowReader:
    """Reads the rows of a table.

    Attributes:
        fields: The fields of a row.
        columns: The column of each field in the table; None where the table has none, and the field is empty.
        n_rows: Rows read so far.
        missing: For each field, in how many rows it was empty.
        misfits: For each feature, how many values were not of its kind and count as missing.
    """

    fields: Fields
    columns: tuple[str | None, ...]
    n_rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    misfits: Counter[str] = field(default_factory=Counter)
    _first_misfits: dict[str, Misfit] = field(default_factory=dict)

    @property
    def text_columns(self) -> list[str]:
        """The columns of the text fields in the table."""
        pairs = zip(self.fields.columns, self.columns, strict=True)
        return [column for field, column in pairs if field.kind == "text" and column is not None]

    def read(self, source: Table, chunk: Chunk) -> list[Cell]:
        """The rows of a chunk.

        With one text field these are the values of its column as the table has them.

        Raises:
            DataError: A text is not a string, or the value of a feature is a list or an object.
        """
        if self.fields.is_single_text:
            assert self.columns[0] is not None
            return chunk.columns[self.columns[0]]
        self.n_rows += len(chunk)
        values = [self._strings(source, chunk, at) for at in range(len(self.columns))]
        return [self.fields.join(row) for row in zip(*values, strict=True)]

    def _strings(self, source: Table, chunk: Chunk, at: int) -> list[str]:
        """The values of one field as strings, empty where there is none."""
        column, each = self.columns[at], self.fields.columns[at]
        if column is None:
            return [""] * len(chunk)
        strings, empty = [], 0
        for row, value in enumerate(chunk.columns[column], chunk.row):
            text = _text(value) if each.kind == "text" else field_values.to_string(value, each)
            if text is None:
                if each.kind == "text" or isinstance(value, (list, dict)):
                    raise _not_of_kind(value, source.at(row, column), each.kind)
                self.misfits[each.name] += 1
                self._first_misfits.setdefault(each.name, Misfit(row, value))
                text = ""
            elif not text.strip():
                empty += 1
            strings.append(text)
        if empty:
            self.missing[each.name] += empty
        return strings

    def notes(self) -> list[str]:
        """Messages about the rows read so far: columns that are not there, and values that are missing."""
        empty = [
            tr("{name!r} in {count:,}", name=name, count=count)
            for name, count in self.missing.items()
            if count < self.n_rows or count == 1
        ]
        counts = (
            [tr("empty fields: {empty} of {rows}.", empty=join_names(empty), rows=counted(self.n_rows, "row"))]
            if empty
            else []
        )
        return [*self.warnings(), *counts]

    def warnings(self) -> list[str]:
        """What may be a mistake in the rows read so far: a field that is always empty, and values of another kind."""
        absent = [each.name for each, column in zip(self.fields.columns, self.columns, strict=True) if column is None]
        warnings = []
        if absent:
            there_are, fields = (
                (tr("there is no column"), tr("this field is"))
                if len(absent) == 1
                else (tr("there are no columns"), tr("these fields are"))
            )
            warnings.append(
                tr("{there_are} {absent}: {fields} empty.", there_are=there_are, absent=listed(absent), fields=fields)
            )
        for name, count in self.missing.items():
            if count == self.n_rows > 1:
                warnings.append(tr("the field {name!r} is empty in every row.", name=name))
        kinds = {each.name: each.kind for each in self.fields.columns}
        for name, count in self.misfits.items():
            row, value = self._first_misfits[name]
            values = counted(
                count,
                "value cannot be read as a {kind} and counts",
                "values cannot be read as a {kind} and count",
                kind=tr(kinds[name]),
            )
            warnings.append(
                tr(
                    "{name!r}: {values} as missing, such as {value!r:.40} in row {row:,}.",
                    name=name,
                    values=values,
                    value=value,
                    row=row,
                )
            )
        return warnings


def for_table(source: Table, fields: Fields, requested: ColumnNames = None) -> RowReader:
    """The reader of a table for a model.

    Args:
        source: The table.
        fields: The fields of the model.
        requested: Column of the texts, or a column for each text field; None: the columns of the same names, or for a
            model of one text a column that looks like texts.

    Raises:
        DataError: A column is missing and another has a similar name, no text field is there, or the column of the
            texts is not clear.
    """
    texts, columns, name = field_columns.names(requested), source.columns, source.name
    if fields.is_single_text:
        if len(texts) > 1:
            raise DataError(
                tr("`text=...` names {texts}, and the model reads one text.", texts=listed(texts)),
                tr("Name one column."),
            )
        column = detect_text_column(source, texts[0] if texts else None, fields.columns[0].name)
        return RowReader(fields, (column,))
    names = [each.name for each in fields.columns]
    if texts:
        n_texts = len(fields.texts)
        if len(texts) != n_texts:
            raise DataError(
                tr(
                    "{name}: `text=...` names {given}, and the model reads {read}: {names}.",
                    name=name,
                    given=counted(len(texts), "column"),
                    read=counted(n_texts, "text field"),
                    names=listed(names[:n_texts]),
                ),
                tr("Name a column for each, in this order, or none."),
            )
        names[:n_texts] = texts
        for column in texts:
            if column not in columns:
                raise _no_column(column, columns, name)
    present = [column if column in columns else None for column in names]
    free = [column for column in columns if column not in names]
    for column in names:
        if column not in columns and (not any(present[: len(fields.texts)]) or _has_similar(column, free)):
            raise _no_column(column, columns, name)
    return RowReader(fields, tuple(present))


def _has_similar(column: str, columns: Sequence[str]) -> bool:
    """Whether one of the columns may be this one under a slightly different name."""
    lowered = [name.strip().lower() for name in columns[:_MAX_COMPARED]]
    return bool(difflib.get_close_matches(column.strip().lower(), lowered, n=1, cutoff=_SIMILAR))


def _no_column(column: str, columns: Sequence[str], name: str) -> DataError:
    known = suggest(column, list(columns), mark("Columns: {known}."))
    return DataError(
        tr("{name}: there is no column {column!r}, which the model reads.", name=name, column=column),
        tr("{known} Rename the column, or add it and leave it empty where there is no value.", known=known),
    )


def _text(value: Cell) -> str | None:
    if value is None:
        return ""
    return value if isinstance(value, str) else None


def _not_of_kind(value: Cell, at: Location, kind: FieldKind) -> DataError:
    if kind == "text":
        remedy = tr("Name the columns of the texts with `text=...`, and numbers with `features=...`.")
        return DataError(
            tr("the text is {name__} {value!r:.40}, not a string.", name__=type(value).__name__, value=value),
            remedy,
            at,
        )
    remedy = tr("Give one value in each row, or leave the column out of `features=...`.")
    return DataError(tr("the value is a {name__}, not a {kind}.", name__=type(value).__name__, kind=kind), remedy, at)
