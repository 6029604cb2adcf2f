"""Writing tables, chunk by chunk. A file appears under its name once it is complete."""

import contextlib
import csv
import gzip
import io
import json
import math
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from tenor._core import atomic
from tenor._core.language import join_names, tr
from tenor.data.io import parts
from tenor.data.io.arrow_writer import WriteChunk, open_arrow_writer
from tenor.data.io.chunks import Chunk, Table
from tenor.data.io.formats import ARROW, BINARY, COMPRESSED, COMPRESSED_WRITTEN, WORKBOOKS, WRITTEN, suffix
from tenor.data.io.workbook_writer import open_workbook_writer, require_installed
from tenor.errors import DataError, SettingsError, WriteError

# What a formula begins with, also in its full-width form (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?", re.ASCII)


def require_writable(path: Path) -> None:
    """Raise an error if a file cannot be written.

    Raises:
        DataError: Its format cannot be written, or its folder is missing.
        MissingExtraError: It is a workbook, and openpyxl is not installed.
    """
    kind = suffix(path)
    compression = path.suffix.lower() if path.suffix.lower() in COMPRESSED else None
    if kind not in WRITTEN or (compression and (kind in BINARY or compression not in COMPRESSED_WRITTEN)):
        raise DataError(
            tr("{path}: files ending in {suffix!r} cannot be written.", path=path, suffix=path.suffix),
            tr("Give {written}.", written=join_names(WRITTEN)),
        )
    if kind in WORKBOOKS:
        require_installed()
    if path.parent.exists() and not path.parent.is_dir():
        raise DataError(
            tr("{path}: {parent} is a file, not a folder.", path=path, parent=path.parent), tr("Choose another name.")
        )
    if not path.parent.is_dir():
        raise DataError(
            tr("{path}: the folder {parent} does not exist.", path=path, parent=path.parent), tr("Make it first.")
        )
    parts.refuse_saved_model(path.parent, path)


def refuse_input(out: Path, inputs: Iterable[Path]) -> None:
    """Raise DataError if the output is one of the inputs, under any name, or standard input."""
    if not out.exists():
        return
    status = out.stat()
    if any(source.exists() and os.path.samestat(status, source.stat()) for source in inputs):
        raise DataError(
            tr("{out}: this is an input, and those are never changed.", out=out), tr("Choose another file.")
        )
    if (read := _status(sys.stdin)) is not None and os.path.samestat(status, read):
        raise DataError(
            tr("{out}: this is standard input, and inputs are never changed.", out=out), tr("Choose another file.")
        )


def require_distinct(out: Path, other: Path, option: str, other_option: str) -> None:
    """Raise DataError if two outputs are the same file, under any name of its folder; the options name them."""
    if out.name == other.name and out.parent.resolve() == other.parent.resolve():
        raise DataError(
            tr(
                "{out}: `{option}=...` and `{other_option}=...` name the same file.",
                out=out,
                option=option,
                other_option=other_option,
            ),
            tr("Name two files."),
        )


def refuse_printing_into(inputs: Iterable[Path]) -> None:
    """Raise DataError if standard output is a file that is read: reading it would never end."""
    written = _status(sys.stdout)
    if written is None or not stat.S_ISREG(written.st_mode):
        return
    read = [_status(sys.stdin), *(source.stat() for source in inputs if source.exists())]
    if any(status is not None and os.path.samestat(written, status) for status in read):
        raise DataError(tr("standard output is a file that is read, too."), tr("Write to another file."))


def _status(stream: IO[str] | None) -> os.stat_result | None:
    """The status of an open stream; None if there is none, or it is not a file of the system."""
    try:
        return None if stream is None else os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return None


@contextlib.contextmanager
def open_writer(
    path: Path,
    columns: list[str],
    source: Table | None = None,
    result_columns: Sequence[str] = (),
    escape_formulas: bool = False,
) -> Iterator[WriteChunk]:
    """Open a file for writing, in the format of its name. The block gets a function that writes a chunk.

    Text formats may be compressed, as `.gz` or `.zst`. Equal chunks give equal bytes, but a workbook holds the time.
    `.csv` and `.tsv` are UTF-8. They get a byte order mark if the source is not plain UTF-8: without one, Excel assumes
    the encoding of the country.

    Args:
        path: The file. An existing one is replaced when the block ends without an error.
        columns: Names of the columns.
        source: The table that columns come from. In Parquet and Arrow they keep their types.
        result_columns: The columns for `.txt`, which has no header; empty: all. The last of them holds numbers, the
            others strings or lists.
        escape_formulas: In `.csv` and `.tsv`, put an apostrophe before text that a spreadsheet would run as a formula.

    Raises:
        DataError: The format is unknown.
        WriteError: The file cannot be written, for instance as the disk is full. An existing file is kept.
    """
    require_writable(path)
    kind = suffix(path)
    compression = path.suffix.lower() if path.suffix.lower() in COMPRESSED else None
    try:
        if kind in WORKBOOKS:
            with atomic.atomic_write(path) as stream, open_workbook_writer(stream, path.name, columns) as write:
                yield write
        elif kind in ARROW:
            with (
                atomic.atomic_write(path) as stream,
                open_arrow_writer(stream, kind, columns, source, result_columns) as write,
            ):
                yield write
        else:
            marked = source is not None and source.needs_bom and kind in (".csv", ".tsv")
            with (
                atomic.atomic_write(path) as file,
                _text(file, compression, "utf-8-sig" if marked else "utf-8") as text,
            ):
                yield text_writer(text, kind, columns, result_columns, escape_formulas)
    except OSError as error:
        raise WriteError(
            tr("{path}: the file cannot be written: {strerror}.", path=path, strerror=error.strerror or error),
            tr("Nothing was changed there. Free some space or choose another file (`out=...`)."),
        ) from None


def require_formulas(kind: str) -> None:
    """Raise SettingsError if files of a kind, such as `.jsonl`, have no cells that a spreadsheet would compute."""
    if kind not in (".csv", ".tsv"):
        raise SettingsError(
            tr("`escape_formulas=True` is for .csv and .tsv, which spreadsheets open."),
            tr("Leave it out, or choose such a name."),
        )


def text_writer(
    stream: IO[str], kind: str, columns: list[str], result_columns: Sequence[str] = (), escape_formulas: bool = False
) -> WriteChunk:
    """A function that writes chunks to an open stream as `.csv`, `.tsv`, `.jsonl` or `.txt` (with tabs).

    Args:
        stream: The stream.
        kind: Ending of the format.
        columns: Names of the columns.
        result_columns: The columns for `.txt`; empty: all.
        escape_formulas: As in `open_writer`.
    """
    if kind in (".jsonl", ".ndjson"):

        def write_objects(chunk: Chunk) -> None:
            rows = zip(*chunk.columns.values(), strict=True)
            stream.writelines(f"{_json(dict(zip(columns, row, strict=True)))}\n" for row in rows)

        return write_objects
    if kind == ".txt":
        columns = list(result_columns or columns)
    # Lines end with LF. The writer gets CR LF, since it quotes only the characters of its line end.
    with_lf = SimpleNamespace(write=lambda record: stream.write(f"{record[:-2]}\n"))
    writer = csv.writer(with_lf, delimiter="," if kind == ".csv" else "\t", lineterminator="\r\n")
    cell = _escaped if escape_formulas and kind != ".txt" else _cell
    if kind != ".txt":
        writer.writerow(map(cell, columns))

    def write_rows(chunk: Chunk) -> None:
        writer.writerows(zip(*([cell(value) for value in chunk.columns[name]] for name in columns), strict=True))

    return write_rows


@contextlib.contextmanager
def _text(file: IO[bytes], compression: str | None, encoding: str) -> Iterator[IO[str]]:
    """A stream of text into an open file, compressed if requested. The file stays open."""
    with os.fdopen(os.dup(file.fileno()), "wb") as copy:
        compressed: Any = copy
        if compression == ".gz":
            compressed = gzip.GzipFile("", "wb", 6, copy, mtime=0)  # no name and no time: equal rows give equal bytes
        elif compression == ".zst":
            import pyarrow

            compressed = pyarrow.CompressedOutputStream(copy, "zstd")
        with io.TextIOWrapper(compressed, encoding=encoding, newline="") as stream:
            yield stream


def _cell(value: object) -> object:
    """A value of a cell: lists and objects become JSON."""
    if isinstance(value, (dict, list)):
        return _json(value)
    return value


def _escaped(value: object) -> object:
    """A value of a cell that no spreadsheet runs: text that looks like a formula gets an apostrophe before it."""
    cell = _cell(value)
    formula = isinstance(cell, str) and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if formula else cell


def unescaped(value: object) -> object:
    """The value of a cell without the apostrophe that `escape_formulas` put before it."""
    is_guarded = isinstance(value, str) and value.startswith("'") and _escaped(value[1:]) == value
    return value[1:] if isinstance(value, str) and is_guarded else value


def _json(value: object) -> str:
    """A value as JSON. NaN and infinities, which JSON has not, become null."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=str)


def _finite(value: object) -> object:
    """A value with null for NaN and infinities."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):  # tuples: the entries of a map of Arrow
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
