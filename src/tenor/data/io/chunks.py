"""Tables as chunks of rows, which every reader returns, so that a file of any size takes little memory."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor.data.io.limits import size_of
from tenor.data.io.line_numbers import LineNumbers
from tenor.errors import Location

if TYPE_CHECKING:
    import pyarrow

CHUNK_ROWS = 2048
"""Rows in a chunk, at most."""
CHUNK_CHARACTERS = 4_000_000
"""Characters in a chunk, about."""


Cell: TypeAlias = Any
"""A value of a table: what its file can hold, such as a string, a number, a list, or None."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table.

    Attributes:
        row: The number of the first one, from 1; the header does not count.
        columns: The values of each column, by name.
    """

    row: int
    columns: dict[str, list[Cell]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


@dataclass(frozen=True)
class Table:
    """A table. It is read while `chunks` is iterated, which is possible once.

    Attributes:
        name: The file's name for messages.
        columns: Names of the columns.
        chunks: The rows.
        schema: The Arrow schema of a Parquet or Arrow file; None for other formats.
        file_starts: For a table in several files: the number of the first row of each file read so far, and the
            file's name. Empty for one file.
        needs_bom: Whether the text file has a byte order mark or is not UTF-8, as spreadsheets write it.
        notes: What was recognised in the file where another reading is possible, as sentences for the user.
        has_header: Whether the file names its columns; else their names are numbers from 1.
        line_numbers: The line of each row of a delimited file or of a sheet; None for other formats and for several
            files.
    """

    name: str
    columns: list[str]
    chunks: Iterator[Chunk]
    schema: "pyarrow.Schema | None" = None
    file_starts: list[tuple[int, str]] = field(default_factory=list)
    needs_bom: bool = False
    notes: list[str] = field(default_factory=list)
    has_header: bool = True
    line_numbers: LineNumbers | None = None

    def peek(self) -> Chunk | None:
        """The first rows, which `chunks` still gives; None if there are none. Call it before `chunks` is read."""
        chunks = iter(self.chunks)
        first = next(chunks, None)
        if first is not None:
            object.__setattr__(self, "chunks", itertools.chain([first], chunks))
        return first

    def at(self, row: int, column: str | None = None) -> Location:
        """The place of a row that has been read; if there are several files, in its own file."""
        for first, name in reversed(self.file_starts):
            if first <= row:
                return Location(name, row - first + 1, column)
        return Location(self.name, row, column)


def chunked(rows: Iterable[list[Cell]], columns: list[str]) -> Iterator[Chunk]:
    """Rows as chunks of limited size; each row has its values in the order of the columns."""
    first, held, size, width = 1, [], 0, 8 * len(columns)
    for row in rows:
        held.append(row)
        size += width + sum(len(value) if isinstance(value, str) else size_of(value) for value in row)
        if len(held) == CHUNK_ROWS or size > CHUNK_CHARACTERS:
            yield Chunk(first, _transpose(held, columns))
            first, held, size = first + len(held), [], 0
    if held:
        yield Chunk(first, _transpose(held, columns))


def distinct_names(columns: list[str]) -> list[str]:
    """The names of columns, made distinct: repeated and blank ones get the number of their column, from 1.

    So `label,label` is `label (column 1)` and `label (column 2)`, and no reader takes one of them for the other.
    """
    counts = Counter(columns)
    return [
        column if counts[column] == 1 else f"{column} (column {number})".lstrip()
        for number, column in enumerate(columns, 1)
    ]


def _transpose(rows: list[list[Cell]], columns: list[str]) -> dict[str, list[Cell]]:
    return {column: [row[index] for row in rows] for index, column in enumerate(columns)}
