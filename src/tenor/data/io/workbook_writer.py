"""Writing Excel workbooks (`.xlsx`), chunk by chunk, with openpyxl.

Strings are cells of text, so no spreadsheet computes them. Excel holds fewer rows, columns and characters than other
formats; what does not fit is refused, never cut.
"""

import contextlib
import datetime
import json
import math
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from tenor._core.language import mark, tr
from tenor.data.io.arrow_writer import WriteChunk
from tenor.data.io.chunks import Chunk
from tenor.errors import DataError, Location, missing_extra

MAX_ROWS, MAX_COLUMNS, MAX_CHARACTERS = 1_048_576, 16_384, 32_767
"""What a sheet of Excel holds: rows with the header, columns, and UTF-16 units in a cell."""

_EXACT_INTEGERS = 10**15  # Excel keeps 15 digits
_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_OTHER_FORMAT = mark("Choose .csv, .jsonl or .parquet.")


def require_installed() -> None:
    """Raise MissingExtraError if openpyxl is not installed."""
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise missing_extra(tr("A workbook (.xlsx)"), "excel") from None


@contextlib.contextmanager
def open_workbook_writer(stream: IO[bytes], name: str, columns: list[str]) -> Iterator[WriteChunk]:
    """Open a stream for writing a workbook with one sheet. The block gets a function that writes a chunk.

    Args:
        stream: The stream, which stays open.
        name: The file's name for messages.
        columns: Names of the columns, which the first row gets.

    Raises:
        DataError: There are more rows, columns or characters than Excel holds.
        MissingExtraError: openpyxl is not installed.
    """
    require_installed()
    import openpyxl
    from openpyxl.writer.excel import ExcelWriter

    if len(columns) > MAX_COLUMNS:
        raise DataError(
            tr(
                "{name}: Excel holds {max_columns:,} columns, and there are {n_columns:,}.",
                name=name,
                max_columns=MAX_COLUMNS,
                n_columns=len(columns),
            ),
            tr(_OTHER_FORMAT),
        )
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("Sheet1")
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, column, Location(name)) for column in columns])
    n_rows = 1

    def write(chunk: Chunk) -> None:
        nonlocal n_rows
        rows = zip(*(chunk.columns[column] for column in columns), strict=True)
        for number, row in enumerate(rows, n_rows):
            if number >= MAX_ROWS:
                problem = tr(
                    "Excel holds {max_rows:,} rows below the header, and there are more.", max_rows=MAX_ROWS - 1
                )
                raise DataError(tr("{place}: {problem}", place=name, problem=problem), tr(_OTHER_FORMAT))
            places = (Location(name, number, column) for column in columns)
            sheet.append([_cell(sheet, value, at) for value, at in zip(row, places, strict=True)])
        n_rows += len(chunk)

    try:
        yield write
    except BaseException:
        with contextlib.suppress(OSError, ValueError):  # the first error is the one to report
            sheet.close()
        raise
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:  # `workbook.save` leaves it open on a full disk
        ExcelWriter(workbook, archive).save()


def _cell(sheet: Any, value: object, at: Location) -> Any:
    """A cell with a value: numbers, dates and truth values as such, all others as text; None if it is empty."""
    from openpyxl.cell import WriteOnlyCell

    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < _EXACT_INTEGERS):
        return WriteOnlyCell(sheet, value)
    if isinstance(value, datetime.date) and value.year >= 1900 and getattr(value, "tzinfo", None) is None:
        return WriteOnlyCell(sheet, value)
    text = escaped(
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value)
    )
    if len(text) + sum(character > "\uffff" for character in text) > MAX_CHARACTERS:
        problem = tr(
            "the value has {n_value:,} characters, and a cell of Excel holds {max_characters:,}.",
            n_value=len(str(value)),
            max_characters=MAX_CHARACTERS,
        )
        raise DataError(problem, tr(_OTHER_FORMAT), at)
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # openpyxl takes `=...` for a formula and `#N/A` for an error
    return cell


def escaped(text: str) -> str:
    """A text for a cell: what XML cannot hold becomes `_x0008_`, as in Excel (ISO/IEC 29500-1, ST_Xstring)."""
    text = _ESCAPED.sub(lambda match: f"_x005F{match[0]}", text)
    return _CONTROL.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def unescaped(text: str) -> str:
    """The text of a cell, where `_x0008_` stands for a character that XML cannot hold."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[0][2:6], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)
