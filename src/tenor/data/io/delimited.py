"""CSV (`.csv`, `.tsv`): a header, then rows, with quotes as in RFC 4180."""

import contextlib
import csv
import itertools
import re
from collections.abc import Generator, Iterator

from tenor.data.io import limits
from tenor.data.io import lines as text
from tenor.data.io.chunks import Table, chunked, require_distinct
from tenor.data.io.lines import Lines
from tenor.errors import DataError, Location, RowNumbers, counted, rows_phrase

_NAMED = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_QUOTED = re.compile('"[^"]*(?:"|$)')


def read(lines: Lines, delimiters: str) -> Table:
    """Open a delimited file.

    Args:
        lines: The file.
        delimiters: Candidates; the first one that is in the header outside quotes is used.

    Raises:
        DataError: The file is empty, or its header cannot be used. Later faults are raised while the chunks are read.
    """
    with contextlib.closing(_records(lines, delimiters)) as records:
        header = next(records, None)
    if header is None:
        raise DataError(f"{lines.name}: the file is empty.", "Give a file with a header line and rows.")
    columns = [column.strip() for column in header]
    limits.require_few_columns(len(columns), Location(lines.name))
    require_distinct(columns, lines.name)

    def rows() -> Iterator[list[str]]:
        wrong, fields = RowNumbers(), 0
        for row in itertools.islice(_records(lines, delimiters), 1, None):
            if len(row) != len(columns):
                fields = fields or len(row)
                wrong.append(lines.row)
            elif not wrong:
                yield row
        if wrong:
            raise DataError(
                f"the row has {counted(fields, 'field')} and the header has {len(columns)} ({rows_phrase(wrong)}).",
                'Put quotes around fields that hold a delimiter, as in "a, b".',
                Location(lines.name, wrong[0]),
            )

    return Table(lines.name, columns, chunked(rows(), columns), needs_bom=lines.marked)


def _records(lines: Lines, delimiters: str) -> Generator[list[str], None, None]:
    """The header, then the rows. A blank line is skipped, but in a table with one column it is an empty field."""
    csv.field_size_limit(text.MAX_LINE_BYTES)
    width = 0
    with lines.read(row=-1) as decoded:
        first = next((line for line in decoded if line.strip("\r\n")), "")
        named = _NAMED.fullmatch(first.strip("\r\n"))  # how Excel names the delimiter
        if named:
            first = next((line for line in decoded if line.strip("\r\n")), "")
        bare = _QUOTED.sub("", first)
        delimiter = (
            named[1] if named else next((delimiter for delimiter in delimiters if delimiter in bare), delimiters[0])
        )
        record_lines = _RecordLines(itertools.chain([first], decoded), delimiter, lines)
        reader = csv.reader(record_lines, delimiter=delimiter, strict=True)
        while (record := _next(reader, lines)) is not None:
            record_lines.characters = record_lines.fields = 0
            if record or width == 1:
                lines.row, width = lines.row + 1, width or len(record)
                yield record or [""]


class _RecordLines:
    """The lines of a file. It raises DataError if one record, which quotes may spread over many lines, is too large.

    Attributes:
        characters: Characters of the record so far.
        fields: Delimiters of the record so far, those in quotes included.
    """

    def __init__(self, decoded: Iterator[str], delimiter: str, lines: Lines) -> None:
        self._decoded, self._delimiter, self._lines = decoded, delimiter, lines
        self.characters = self.fields = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._decoded:
            self.characters += len(line)
            self.fields += line.count(self._delimiter)
            if self.characters > text.MAX_LINE_BYTES:
                raise text.too_long("row", self._lines.at())
            if self.fields > limits.MAX_VALUES:
                raise DataError(
                    f"a row has more than {limits.MAX_VALUES:,} delimiters.",
                    "Check that every quote is closed, and that this is a table.",
                    self._lines.at(),
                )
            yield line


def _next(reader: Iterator[list[str]], lines: Lines) -> list[str] | None:
    """The next record, or None at the end. Raises DataError if the quoting is broken."""
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
