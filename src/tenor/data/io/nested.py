"""Keys inside objects as columns: `review.body` is the value of `body` in the objects of the column `review`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tenor.data.io.chunks import Cell, Chunk, Table


def with_columns(source: Table, names: Iterable[str]) -> Table:
    """The table with a column for each name with points that leads into the objects of a column.

    Args:
        source: The table; its chunks are read by the result.
        names: Names that the user or the model asks for. Those of columns, and those that lead nowhere, are ignored.
    """
    nested = [name for name in dict.fromkeys(names) if "." in name and name not in source.columns]
    first = source.peek() if nested else None
    nested = [name for name in nested if first is not None and _parent(source.columns, name) is not None]
    nested = [name for name in nested if first is not None and any(v is not None for v in _values(first.columns, name))]
    if not nested:
        return source

    def chunks() -> Iterator[Chunk]:
        for chunk in source.chunks:
            yield Chunk(chunk.row, {**chunk.columns, **{name: _values(chunk.columns, name) for name in nested}})

    return replace(source, columns=[*source.columns, *nested], chunks=chunks(), schema=None)


def _parent(columns: Iterable[str], name: str) -> str | None:
    """The column that a name begins with, the longest one if there are several."""
    return max((column for column in columns if name.startswith(f"{column}.")), key=len, default=None)


def _values(columns: Mapping[str, list[Cell]], name: str) -> list[Cell]:
    """The values under a name; None where an object or its key is missing."""
    parent = _parent(columns, name) or ""
    path = name[len(parent) + 1 :].split(".")
    values: list[Cell] = columns[parent]
    for key in path:
        values = [value.get(key) if isinstance(value, dict) else None for value in values]
    return values
