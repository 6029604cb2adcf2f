"""`.csv` and `.tsv`: a header, then rows, with quotes as in RFC 4180."""

import contextlib
import csv
import itertools
import re
from collections.abc import Generator, Iterator
from typing import Any

from tenor.data.lines import LONGEST_LINE, Lines
from tenor.data.rows import Table, chunked, require_distinct
from tenor.errors import DataError, Location, counted, rows_phrase

_NAMED = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_QUOTED = re.compile('"[^"]*(?:"|$)')


def read(lines: Lines, delimiters: str) -> Table:
    """Open a delimited file; of several `delimiters`, it is the first that stands in the header outside quotes."""
    with contextlib.closing(_records(lines, delimiters)) as records:
        header = next(records, None)
    if header is None:
        raise DataError(f"{lines.name}: the file is empty.", "Give a file with a header line and rows.")
    columns = [column.strip() for column in header]
    require_distinct(columns, lines.name)

    def rows() -> Iterator[list[str]]:
        wrong: list[tuple[int, int]] = []
        for row in itertools.islice(_records(lines, delimiters), 1, None):
            if len(row) != len(columns):
                wrong.append((lines.row, len(row)))
            elif not wrong:
                yield row
        if wrong:
            found = rows_phrase([number for number, _ in wrong])
            raise DataError(
                f"the row has {counted(wrong[0][1], 'field')} and the header has {len(columns)} ({found}).",
                'Put quotes around fields that hold a delimiter, as in "a, b".',
                Location(lines.name, wrong[0][0]),
            )

    return Table(lines.name, columns, chunked(rows(), columns), marked=lines.marked)


def _records(lines: Lines, delimiters: str) -> Generator[list[str], None, None]:
    """The header, then the rows. A blank line is no row; where there is one column, it is one with an empty field."""
    csv.field_size_limit(LONGEST_LINE)
    width = 0
    with lines.read(row=-1) as decoded:
        first = next((line for line in decoded if line.strip("\r\n")), "")
        named = _NAMED.fullmatch(first.strip("\r\n"))  # Excel's way to name the delimiter
        if named:
            first = next((line for line in decoded if line.strip("\r\n")), "")
        bare = _QUOTED.sub("", first)
        delimiter = (
            named[1] if named else next((delimiter for delimiter in delimiters if delimiter in bare), delimiters[0])
        )
        reader = csv.reader(itertools.chain([first], decoded), delimiter=delimiter, strict=True)
        while (record := _next(reader, lines)) is not None:
            if record or width == 1:
                lines.row, width = lines.row + 1, width or len(record)
                yield record or [""]


def _next(reader: Any, lines: Lines) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        if "new-line character" in str(error):
            raise DataError(
                "there is a carriage return (CR) outside quotes.",
                "Put quotes around the field, or save the file with line ends LF or CR LF.",
                lines.at(),
            ) from None
        raise DataError(
            f"the quoting is broken: {error}.",
            'Close every quote, and write a quote inside a quoted field twice ("").',
            lines.at(),
        ) from None
