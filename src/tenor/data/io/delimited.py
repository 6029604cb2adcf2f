"""Delimited files (`.csv`, `.tsv`): a header if there is one, then rows."""

import contextlib
import csv
import itertools
import re
from collections.abc import Generator, Iterator, Sequence

from tenor._core.language import tr
from tenor.data.io import dialect as dialects
from tenor.data.io import header, limits, preamble
from tenor.data.io import lines as text
from tenor.data.io.chunks import Table, chunked, distinct_names
from tenor.data.io.dialect import Dialect
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.lines import Lines
from tenor.errors import DataError, Location, RowNumbers, counted, listed, rows_phrase

_QUOTED = re.compile('"[^"]*"')
_OPEN_QUOTE = re.compile('"[^"]*$')
_MIN_LINES = 4  # of a field that may have swallowed rows, where its first line does not say so


def read(lines: Lines, delimiters: str, options: FileOptions = RECOGNISED) -> Table:
    """Open a delimited file.

    Args:
        lines: The file.
        delimiters: Candidates for the delimiter, the usual one first.
        options: What quotes are, and whether there is a header; the rest is for other files.

    Raises:
        DataError: The file is empty, or its header cannot be used. Later faults are raised while the chunks are read.
    """
    dialect, first, notes = _open(lines, delimiters, options)
    if first is None:
        raise DataError(
            tr("{name}: the file is empty.", name=lines.name), tr("Give a file with a header line and rows.")
        )
    limits.require_few_columns(len(first), Location(lines.name))
    has_header = options.header
    below = _sample(lines, dialect) if has_header is not False else []
    if header.lacks_first_name(first, below):
        first, has_header = ["row_id", *first], True
        notes.append(tr("the header has one name fewer than the rows: the first column is read as 'row_id'."))
    if has_header is None and any(name.strip() in options.names for name in first if not name.strip().isdigit()):
        has_header = True
    if has_header is None:
        has_header = not header.is_data(first, below)
        if has_header:
            _require_names(first, below, lines.name)
        if not has_header:
            notes.append(
                tr(
                    "the first line looks like data, so the columns are named by their numbers, 1 to "
                    "{n_first} (`header=True`: it has their names).",
                    n_first=len(first),
                )
            )
        elif below and not header.is_clearly_names(first):
            names = listed([name for name in first if name.strip()])
            notes.append(
                tr("the first line is taken for names of columns: {names} (`header=False`: it is a row).", names=names)
            )
    columns = distinct_names(
        [name.strip("\ufeff").strip() for name in first] if has_header else list(map(str, range(1, len(first) + 1)))
    )

    def rows() -> Iterator[list[str]]:
        wrong, fields = RowNumbers(), 0
        for row in itertools.islice(_records(lines, dialect, has_header), int(has_header), None):
            if len(row) > len(columns) and not any(row[len(columns) :]):
                del row[len(columns) :]  # delimiters at the end of a line
            if len(row) != len(columns):
                fields = fields or len(row)
                wrong.append(lines.row)
            elif not wrong:
                yield row
        if wrong:
            raise DataError(
                tr(
                    "the row has {fields} and the header has {n_columns} ({wrong}).",
                    fields=counted(fields, "field"),
                    n_columns=len(columns),
                    wrong=rows_phrase(wrong),
                ),
                _remedy_for_width(columns, fields),
                Location(lines.name, wrong[0]),
            )

    return Table(
        lines.name,
        columns,
        chunked(rows(), columns),
        needs_bom=lines.marked,
        notes=[*lines.notes, *(tr("{place}: {problem}", place=lines.name, problem=note) for note in notes)],
        has_header=has_header,
        line_numbers=lines.line_numbers,
    )


def _remedy_for_width(columns: Sequence[str], fields: int) -> str:
    """What to do about rows that have another number of fields than the header."""
    quotes = tr('Put quotes around fields that hold a delimiter, as in "a, b".')
    if len(columns) > 1 or fields < 2:
        return quotes
    title = tr(
        "The first line, {columns!r:.60}, names one column: remove lines above the names, or use quotes.",
        columns=columns[0],
    )
    return dialects.separator_hint(columns) or f"{title} {quotes}"


def _require_names(first: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> None:
    """Raise DataError if the first line is a title above the names of the columns."""
    if len(first) > 1 and header.is_title(first, rows):
        raise DataError(
            tr(
                "the first line, {first!r:.60}, names one of {n_first} columns: it seems to be a title.",
                first=first[0].strip(),
                n_first=len(first),
            ),
            tr("Remove the lines above the names of the columns; if it has the names, use `header=True`."),
            Location(name),
        )


def _open(lines: Lines, delimiters: str, options: FileOptions) -> tuple[Dialect, list[str] | None, list[str]]:
    """The dialect of a file, its first record if there is one, and notes on the dialect."""
    with lines.read(row=-1) as decoded:
        above = preamble.skip(text.until_fault(decoded))
        dialect, notes = dialects.choose(above.lines, above.delimiter or delimiters, options.quoting)
    if above.n_comments:
        notes.append(tr("not read: {n_comments} with # above the names.", n_comments=counted(above.n_comments, "line")))
    with contextlib.closing(_records(lines, dialect, True)) as records:
        return dialect, next(records, None), notes


def _sample(lines: Lines, dialect: Dialect) -> list[list[str]]:
    """The first rows below the first line, as far as they can be read."""
    rows: list[list[str]] = []
    with contextlib.suppress(DataError), contextlib.closing(_records(lines, dialect, True)) as records:
        for row in itertools.islice(records, 1, header.MAX_ROWS + 1):
            rows.append(row)
    return rows


def _records(lines: Lines, dialect: Dialect, has_header: bool) -> Generator[list[str], None, None]:
    """The header, then the rows. A blank line is skipped, but in a table with one column it is an empty field."""
    width = 0
    with lines.read(row=-int(has_header)) as decoded:
        counted_lines = lines.count_lines(decoded)
        record_lines = _RecordLines(preamble.skip(counted_lines).lines, dialect, lines)
        reader = dialect.reader(record_lines)
        while (record := _next(reader, lines)) is not None:
            record_lines.require_one_row(width)
            begins_at = record_lines.line
            record_lines.start()
            if record or width == 1:
                lines.row, width = lines.row + 1, width or len(record)
                lines.line_numbers.add(lines.row, begins_at)
                yield record or [""]


class _RecordLines:
    """The lines of a file. It raises DataError if one record, which quotes may spread over many lines, is too large.

    Attributes:
        characters: Characters of the record so far.
        fields: Delimiters of the record so far, those in quotes included.
        delimiters: Delimiters in each line of the record.
        first: The first line of the record.
        line: The number of that line.
    """

    def __init__(self, decoded: Iterator[str], dialect: Dialect, lines: Lines) -> None:
        self._decoded, self._dialect, self._lines = decoded, dialect, lines
        self.start()

    def start(self) -> None:
        """Begin a new record."""
        self.characters = self.fields = 0
        self.delimiters: list[int] = []
        self.first = ""
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._decoded:
            if not self.delimiters:
                self.first, self.line = line, self._lines.line
            self.characters += len(line)
            self.delimiters.append(line.count(self._dialect.delimiter))
            self.fields += self.delimiters[-1]
            if self.characters > text.MAX_LINE_BYTES:
                raise text.too_long("row", self._lines.at())
            if self.fields > limits.MAX_VALUES:
                raise DataError(
                    tr("a row has more than {max_values:,} delimiters.", max_values=limits.MAX_VALUES),
                    tr("Check that every quote is closed, and that this is a table."),
                    self._lines.at(),
                )
            yield line

    def require_one_row(self, width: int) -> None:
        """Raise DataError if the record looks like several rows that a quote has swallowed.

        Each of its lines then has as many delimiters as a row. Where no other record of the file has line ends, most
        of them suffice, and in a file with one column a few lines.

        Args:
            width: Fields of a row; 0 before the first one.
        """
        n_lines = len(self.delimiters)
        if n_lines < 2 or not width or self._dialect.is_chosen:
            return
        n_alike = sum(count == width - 1 for count in self.delimiters)
        is_only = self._dialect.multiline_records <= 1
        if width == 1:
            swallows = is_only and n_lines >= _MIN_LINES
        elif n_alike == n_lines:
            # The quote opens before the last field, whose delimiter then stands inside the quotes.
            opened = _OPEN_QUOTE.search(_QUOTED.sub("", self.first))
            opens_early = opened is not None and self._dialect.delimiter in opened[0]
            swallows = opens_early or n_lines >= _MIN_LINES or self._dialect.delimiter == "\t"
        else:
            swallows = is_only and n_lines >= _MIN_LINES and 2 * n_alike >= n_lines
        if swallows:
            raise DataError(
                tr(
                    "a field has {n_lines:,} line ends, and its lines look like rows: a quote seems to be open.",
                    n_lines=n_lines - 1,
                ),
                tr(
                    "Close or double the quote, or read quotes as characters with `quoting='none'`; if "
                    "the field is right, use `quoting='minimal'`."
                ),
                self._lines.at(),
            )


def _next(reader: Iterator[list[str]], lines: Lines) -> list[str] | None:
    """The next record, or None at the end. Raises DataError if the quoting is broken."""
    try:
        return next(reader, None)
    except csv.Error as error:
        if "new-line character" in str(error):
            raise DataError(
                tr("there is a carriage return (CR) outside quotes."),
                tr("Put quotes around the field, or save the file with line ends LF or CR LF."),
                lines.at(),
            ) from None
        raise DataError(
            tr("the quoting is broken: {error}.", error=error),
            tr('Close every quote, and write a quote inside a quoted field twice ("").'),
            lines.at(),
        ) from None
