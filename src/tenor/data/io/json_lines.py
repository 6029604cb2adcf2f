"""JSON Lines (`.jsonl`, `.ndjson`): one JSON object a line."""

import contextlib
import itertools
from collections.abc import Generator, Iterable, Iterator

from tenor._core.language import tr
from tenor.data.io import limits
from tenor.data.io.chunks import CHUNK_ROWS, Cell, Table, chunked
from tenor.data.io.json_text import Row, decode, require_object
from tenor.data.io.lines import Lines
from tenor.errors import DataError, Location


def read(lines: Lines) -> Table:
    """Open a file of objects. The columns are those of the first rows; later rows may leave out some of them.

    Raises:
        DataError: The file is empty, or its first rows are not objects.
    """
    with contextlib.closing(_objects(lines)) as objects:
        columns = columns_of(itertools.islice(objects, CHUNK_ROWS), lines.name)
    if not lines.row:
        raise DataError(
            tr("{name}: the file is empty.", name=lines.name), tr("Give a file with one JSON object a line.")
        )

    def values() -> Iterator[list[Cell]]:
        known = set(columns)
        for row in _objects(lines):
            new = [key for key in row if key not in known]
            if new:
                raise DataError(
                    tr("the key {new!r:.200} is not in the first rows.", new=new[0]),
                    tr("Give every row the same keys, with null where there is no value."),
                    Location(lines.name, lines.row),
                )
            yield [row.get(column) for column in columns]

    return Table(lines.name, columns, chunked(values(), columns), notes=lines.notes)


def columns_of(objects: Iterable[Row], name: str) -> list[str]:
    """All keys of objects, in the order of their first use. Raises DataError if there are too many."""
    columns: dict[str, None] = {}
    for row in objects:
        columns.update(dict.fromkeys(row))
        limits.require_few_columns(len(columns), Location(name))
    return list(columns)


def _objects(lines: Lines) -> Generator[Row, None, None]:
    """The objects of the file, with blank lines skipped."""
    with lines.read() as decoded:
        for line in decoded:
            if line.strip():
                lines.row += 1
                at = Location(lines.name, lines.row)
                yield require_object(decode(line, at, tr("Give one JSON object a line.")), line, at)
