"""Excel workbooks (`.xlsx`): one sheet as a table, read row by row with openpyxl.

Cells become text as a CSV file would have them: 5, not 5.0; dates in ISO form; a formula's last result. A workbook is a
ZIP archive of XML, so its expansion is bounded before any of it is parsed.
"""

import contextlib
import datetime
import itertools
import warnings
import zipfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tenor._core.language import tr
from tenor.data import column_names
from tenor.data.io import header, limits
from tenor.data.io.archive import DAMAGED
from tenor.data.io.chunks import Cell, Table, chunked, distinct_names
from tenor.data.io.file_options import FileOptions
from tenor.data.io.limits import FREE_BYTES, Expansion
from tenor.data.io.line_numbers import LineNumbers
from tenor.data.io.open_file import UNREADABLE
from tenor.data.io.workbook_writer import require_installed, unescaped
from tenor.errors import DataError, Location, listed

_FAILURES = (*DAMAGED, *UNREADABLE, ValueError, KeyError, IndexError, TypeError, AttributeError, SyntaxError)
"""What openpyxl and the XML parser raise for a damaged workbook; SyntaxError is the base of `ParseError`."""


_CELL_BYTES = 8
_TAG_BYTES = 16  # that a tag of XML counts for: each takes a microsecond, even an empty one
_BLOCK_BYTES = 1 << 20
_MAX_ROWS = 1 << 20  # of a sheet of Excel; openpyxl fills the gap before a row with a larger number
_SHEET_ROWS = 20  # that show whether a sheet is a table


class _Record(NamedTuple):
    """A row of a sheet that has a value.

    Attributes:
        line: Its number in the sheet, from 1.
        cells: Its cells, without the empty ones at their end.
    """

    line: int
    cells: list[str | None]


def read(path: Path, name: str, options: FileOptions) -> Table:
    """Open a workbook.

    Args:
        path: The workbook.
        name: Its name for messages.
        options: The sheet, and whether it has a header.

    Raises:
        DataError: The workbook is damaged, expands too much, or has no such sheet or no rows.
        MissingExtraError: openpyxl is not installed.
    """
    _require_bounded(path, name)
    with _sheets(path, name) as sheets:
        titles = list(sheets)
        if options.sheet is not None and options.sheet not in titles:
            raise DataError(
                tr("{name}: there is no sheet {sheet!r}.", name=name, sheet=options.sheet),
                tr("Sheets: {titles}.", titles=listed(titles)),
            )
        chosen = [options.sheet] if options.sheet is not None else titles
        first_rows = {
            title: [row.cells for row in itertools.islice(_rows(sheets[title], path, name), _SHEET_ROWS)]
            for title in chosen
        }
    with_rows = [title for title in chosen if first_rows[title]]
    if not with_rows:
        raise DataError(tr("{name}: the file is empty.", name=name), tr("Give a sheet with a header line and rows."))
    # Other sheets are title pages or notes: they have a single row, or lines of text in one column.
    tables = [title for title in with_rows if _is_table(first_rows[title], options.names)]
    several_rows = [title for title in with_rows if len(first_rows[title]) > 1]
    title = [*tables, *several_rows, *with_rows][0]
    others, notes = [each for each in with_rows if each != title], list[str]()
    if others:
        notes.append(
            tr(
                "{name}: the sheet {title!r} is read; {with_rows} too has rows (`sheet=...`).",
                name=name,
                title=title,
                with_rows=listed(others),
            )
        )
    with contextlib.closing(_records(path, name, title)) as records:
        sample = [record.cells for record in itertools.islice(records, header.MAX_ROWS + 1)]
    n_titles = _title_rows(sample) if options.header is None else 0
    if n_titles:
        above = listed([str(next(filter(None, row))) for row in sample[:n_titles]])
        notes.append(tr("{name}: not read, as titles above the table: {above}.", name=name, above=above))
        sample = sample[n_titles:]
    first = [cell or "" for cell in sample[0]]
    has_header = options.header
    if has_header is None:
        has_header = any(cell in options.names for cell in first) or not header.is_data(
            first, [[cell or "" for cell in row] for row in sample[1:]]
        )
    width = max(map(len, sample))
    if has_header:
        names = [cell.strip() for cell in first] + [""] * (width - len(first))
    else:
        names = list(map(str, range(1, width + 1)))
        notes.append(
            tr(
                "{name}: the first row looks like data, so the columns are named by their numbers, 1 to {width}.",
                name=name,
                width=width,
            )
        )
    columns, line_numbers = distinct_names(names), LineNumbers()
    if has_header and (without_results := _formulas_without_results(path, name, title, columns, sample, n_titles)):
        notes.append(
            tr(
                "{name}: the formulas in {columns} have no saved results and are read as empty cells. Open the "
                "workbook in Excel or LibreOffice, and save it.",
                name=name,
                columns=listed(list(map(repr, without_results))),
            )
        )

    def rows() -> Iterator[list[Cell]]:
        for number, record in enumerate(_records(path, name, title), int(not has_header) - n_titles):
            if number < 1:
                continue
            row = record.cells
            line_numbers.add(number, record.line)
            if len(row) > width:
                raise DataError(
                    tr("the row has {n_row} cells and the first rows have {width}.", n_row=len(row), width=width),
                    tr("Give the column a name in the first row, or remove the cell."),
                    Location(name, number),
                )
            yield [*row, *[None] * (width - len(row))]

    return Table(name, columns, chunked(rows(), columns), notes=notes, has_header=has_header, line_numbers=line_numbers)


def _is_table(rows: list[list[str | None]], names: Collection[str]) -> bool:
    """Whether a sheet has rows below names of columns: several columns, or one with the name of a text column."""
    if len(rows) < 2:
        return False
    first, *others = ([cell or "" for cell in row] for row in rows)
    is_text = column_names.role(first[0].strip()) == "text" and not header.is_data(first, others)
    return max(map(len, rows)) > 1 or first[0] in names or is_text


def _formulas_without_results(
    path: Path, name: str, title: str, columns: list[str], sample: list[list[str | None]], n_titles: int
) -> list[str]:
    """The columns that have formulas alone, which no program has calculated. Libraries write such workbooks."""
    filled = {at for row in sample[1:] for at, cell in enumerate(row) if cell is not None}
    if len(sample) < 2 or len(filled) == len(columns):
        return []
    with _sheets(path, name, results=False) as sheets:
        rows = [
            row.cells
            for row in itertools.islice(_rows(sheets[title], path, name), n_titles + 1, n_titles + header.MAX_ROWS)
        ]
    formulas = {at for row in rows for at, cell in enumerate(row) if cell is not None and at not in filled}
    return [column for at, column in enumerate(columns) if at in formulas]


def _title_rows(sample: list[list[str | None]]) -> int:
    """How many rows at the top are titles above the names of the columns."""
    rows = [[cell or "" for cell in row] for row in sample]
    return next((at for at in range(len(rows)) if not header.is_title(rows[at], rows[at + 1 :])), 0)


def _require_bounded(path: Path, name: str) -> None:
    """Raise DataError if a workbook is not one, or its parts together expand to far more than the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            expansion, elements = _expansion(path, name), _expansion(path, name)
            for member in archive.infolist():
                expansion.add(member.file_size)
            for member in archive.infolist():
                with archive.open(member) as part:
                    while block := part.read(_BLOCK_BYTES):
                        elements.add(_TAG_BYTES * block.count(b"<"))
    except (*DAMAGED, *UNREADABLE) as error:
        raise _damaged(name, error) from None


def _expansion(path: Path, name: str) -> Expansion:
    return Expansion(name, path.stat().st_size, FREE_BYTES, tr("Save the sheet as CSV, and give that file."))


@contextlib.contextmanager
def _sheets(path: Path, name: str, results: bool = True) -> Iterator[dict[str, Any]]:
    """The sheets of a workbook by their titles, those that are hidden left out. The workbook is open in the block.

    Cells with formulas have their last results, or the formulas themselves.
    """
    require_installed()
    import openpyxl

    workbook = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on styles and extensions, which do not matter here
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=results, keep_links=False)
        yield {sheet.title: sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"}
    except _FAILURES as error:
        if isinstance(error, DataError):
            raise
        raise _damaged(name, error) from None
    finally:
        if workbook is not None:
            workbook.close()


def _records(path: Path, name: str, title: str) -> Generator[_Record, None, None]:
    """The rows of a sheet that have a value, without the empty cells at their ends."""
    with _sheets(path, name) as sheets:
        yield from _rows(sheets[title], path, name)


def _rows(sheet: Any, path: Path, name: str) -> Iterator[_Record]:
    expansion = _expansion(path, name)
    sheet.reset_dimensions()  # which the file states, and may state wrongly
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for line, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if line > _MAX_ROWS:
                raise DataError(
                    tr(
                        "{name}: the sheet has more than {max_rows:,} rows, the most that Excel has.",
                        name=name,
                        max_rows=_MAX_ROWS,
                    ),
                    tr("Copy or save it again."),
                )
            expansion.add(_CELL_BYTES * len(values))  # openpyxl fills the gap before a cell that is far to the right
            row = [_text(value) for value in values]
            while row and row[-1] is None:
                row.pop()
            if row:
                expansion.add(sum(len(cell or "") for cell in row))
                limits.require_few_columns(len(row), Location(name))
                yield _Record(line, row)


def _text(value: object) -> str | None:
    """A cell as text; None if it is empty."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return unescaped(str(value))


def _damaged(name: str, error: Exception) -> DataError:
    return DataError(
        tr("{name}: this is not a whole Excel workbook: {error}.", name=name, error=error), tr("Copy or save it again.")
    )
