"""Tables in Python as rows of fields: those of pandas, polars or Arrow, dicts of columns, lists of dicts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tenor._core.language import join_names, mark, tr
from tenor.data import column_values, columns, feature_kinds, field_columns, labelled_table
from tenor.data.fields import Fields
from tenor.data.io.chunks import Cell, Chunk, Table
from tenor.data.io.foreign_files import FOR_TABLES
from tenor.data.read_options import ReadOptions
from tenor.data.row_reader import RowReader
from tenor.errors import DataError, listed

_NAME = mark("the table")
_MISSING_TYPES = ("NAType", "NaTType")


def as_table(values: Any) -> Table | None:
    """A table of pandas, polars or Arrow, a dict of columns, or a list of dicts, as a Table; None for others.

    Rows count from 0.

    Raises:
        DataError: A list has dicts and other elements, a column occurs twice, columns differ in length, or the table is
            not computed yet.
    """
    if hasattr(values, "collect") and hasattr(values, "collect_schema") and not hasattr(values, "to_dicts"):
        raise DataError(
            tr("{name} is a LazyFrame of polars, which has no rows yet.", name=tr(_NAME)),
            tr("Call its collect() first."),
        )
    if hasattr(values, "columns") and not isinstance(values, dict):
        names = list(getattr(values, "column_names", values.columns))  # Arrow's `columns` are the values
        cells = {str(name): _cells(values[name]) for name in names if names.count(name) == 1}
        if len(cells) < len(names):
            raise DataError(
                tr("{name}: two columns have the same name.", name=tr(_NAME)), tr("Give each column its own name.")
            )
        return _table(cells)
    if isinstance(values, Mapping) and values and all(map(_is_column, values.values())):
        lengths = {str(name): len(column) for name, column in values.items()}
        if len(set(lengths.values())) > 1:
            described = join_names(f"{name} {length:,}" for name, length in lengths.items())
            raise DataError(
                tr("{name}: the columns have different lengths ({lengths}).", name=tr(_NAME), lengths=described),
                tr("Give each column one value per row."),
            )
        return _table({str(name): _cells(column) for name, column in values.items()})
    if isinstance(values, list) and values and isinstance(values[0], Mapping):
        for index, row in enumerate(values):
            if not isinstance(row, Mapping):
                problem = tr(
                    "row {index}, counted from 0, is {name__} {row!r:.40}, and the rows before are dicts.",
                    index=index,
                    name__=type(row).__name__,
                    row=row,
                )
                raise DataError(problem, tr("Give dicts alone."))
        names = list(dict.fromkeys(str(name) for row in values for name in row))
        return _table({name: _cells([row.get(name) for row in values]) for name in names})
    return None


def read_new(source: Table, options: ReadOptions) -> tuple[list[str], Fields, tuple[str, ...]]:
    """The rows of a table for a new model.

    Without `text` in the options all columns are read: long strings as texts, the others as features.

    Args:
        source: The table, from `as_table`.
        options: The columns of the texts and features.

    Returns:
        The rows, their fields, and what was left out or is missing.

    Raises:
        DataError: A column is missing or useless, no column has texts, or a text is not a string.
    """
    [chunk] = source.chunks
    texts = field_columns.names(options.text)
    features = field_columns.names(options.features)
    if texts:
        field_columns.require_columns(texts, source.columns, tr(_NAME), "text")
    else:
        texts = field_columns.find_pair(source.columns) or _text_columns(chunk, source.columns, features)
        features = features or (field_columns.ALL,)
    is_all = features == (field_columns.ALL,)
    named = field_columns.feature_columns(features, source.columns, texts, tr(_NAME))
    reader, messages = labelled_table.new_reader(texts, named, [chunk], options, tr(_NAME), is_all)
    rows = rows_of(source, chunk, reader)
    return rows, reader.fields, (*messages, *reader.warnings())


def rows_of(source: Table, chunk: Chunk, reader: RowReader) -> list[str]:
    """The rows of a table. Raises DataError where a text is not a string."""
    rows = reader.read(source, chunk)
    for row, value in enumerate(rows):
        if not isinstance(value, str) and (value is not None or reader.fields.is_single_text):
            problem = tr("the text is {name__} {value!r:.40}, not a string.", name__=type(value).__name__, value=value)
            raise DataError(problem, tr("Give strings. Rows count from 0."), source.at(row, reader.columns[0]))
    return rows


def _text_columns(chunk: Chunk, names: list[str], features: tuple[str, ...]) -> tuple[str, ...]:
    """The columns with texts: those with a usual name and strings, and those with long strings that differ."""
    candidates = [name for name in names if name not in {feature_kinds.split_kind(each, names)[0] for each in features}]
    strings = {name: [cell for cell in chunk.columns[name] if isinstance(cell, str)] for name in candidates}
    texts = tuple(name for name in candidates if strings[name] and _has_texts(name, strings[name]))
    if not texts and len(candidates) == 1 and strings[candidates[0]]:
        return (candidates[0],)
    if not texts:
        raise DataError(
            tr("{name}: no column has texts (columns: {names}).", name=tr(_NAME), names=listed(names)),
            tr("Name one with `text=...`. {for_tables}", for_tables=tr(FOR_TABLES)),
        )
    return texts


def _has_texts(name: str, strings: list[str]) -> bool:
    return columns.has_text_name([name]) or column_values.are_texts(strings)


def _is_column(values: object) -> bool:
    return hasattr(values, "__len__") and hasattr(values, "__iter__") and not isinstance(values, (str, bytes, Mapping))


def _table(cells: dict[str, list[Cell]]) -> Table:
    return Table(tr(_NAME), list(cells), iter([Chunk(0, cells)]))


def _cells(column: Any) -> list[Cell]:
    """The values of a column as Python has them, None where there is none."""
    # to_pylist: Arrow; to_list: pandas and polars
    convert = next((name for name in ("to_pylist", "to_list") if hasattr(column, name)), None)
    return [_cell(cell) for cell in (getattr(column, convert)() if convert else column)]


def _cell(cell: Any) -> Cell:
    """A value as Python has it, None where there is none."""
    if isinstance(cell, np.generic):
        # Python's dates have no nanoseconds: `item` would give their number.
        cell = (cell.astype("datetime64[us]") if cell.dtype == "datetime64[ns]" else cell).item()
    return None if _is_missing(cell) else cell


def _is_missing(cell: Cell) -> bool:
    return type(cell).__name__ in _MISSING_TYPES or (isinstance(cell, float) and cell != cell)
