"""Rows -> files, chunk by chunk. A file appears under its name when it is whole."""

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
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from tenor._core import atomic
from tenor.data.io.chunks import Chunk, Table
from tenor.data.io.formats import BINARY, COMPRESSED, WRITTEN, suffix
from tenor.errors import DataError, SettingsError, WriteError

Write = Callable[[Chunk], None]

# What begins a formula, also in its full-width form; OWASP, "CSV Injection".
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?", re.ASCII)


def require_writable(path: Path) -> None:
    """Raise DataError where the name's ending is no format that can be written, or the folder is missing."""
    kind = suffix(path)
    if kind not in WRITTEN or (path.suffix.lower() in COMPRESSED and kind in BINARY):
        raise DataError(f"{path}: files ending in {path.suffix!r} cannot be written.", f"Give {', '.join(WRITTEN)}.")
    if path.parent.exists() and not path.parent.is_dir():
        raise DataError(f"{path}: {path.parent} is a file, not a folder.", "Choose another name.")
    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist.", "Make it first.")


def refuse_input(out: Path, inputs: Iterable[Path]) -> None:
    """Raise DataError where the file to write is one of the inputs, under whichever name, or standard input."""
    if not out.exists():
        return
    status = out.stat()
    if any(source.exists() and os.path.samestat(status, source.stat()) for source in inputs):
        raise DataError(f"{out}: this is an input, and those are never changed.", "Choose another file.")
    if (read := _of_stream(sys.stdin)) is not None and os.path.samestat(status, read):
        raise DataError(f"{out}: this is standard input, and inputs are never changed.", "Choose another file.")


def refuse_printing_into(inputs: Iterable[Path]) -> None:
    """Raise DataError where standard output is a file that is read, as reading it would not end."""
    written = _of_stream(sys.stdout)
    if written is None or not stat.S_ISREG(written.st_mode):
        return
    read = [_of_stream(sys.stdin), *(source.stat() for source in inputs if source.exists())]
    if any(status is not None and os.path.samestat(written, status) for status in read):
        raise DataError("standard output is a file that is read, too.", "Write to another file.")


def _of_stream(stream: Any) -> os.stat_result | None:
    """What the system says of an open stream; None where there is none, or none of the system."""
    try:
        return None if stream is None else os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return None


@contextlib.contextmanager
def open_writer(
    path: Path,
    columns: list[str],
    source: Table | None = None,
    found: Sequence[str] = (),
    escape_formulas: bool = False,
) -> Iterator[Write]:
    """Open a file for writing in the format of its name; the block gets a function that writes a chunk.

    Text formats are also packed, as `.gz` or `.zst`. Equal chunks give equal bytes. `.csv` and `.tsv` are UTF-8, with a
    byte order mark where the source is not plain UTF-8: Excel takes UTF-8 without one for the encoding of the country.

    Args:
        path: The file; what is there is replaced when the block ends well.
        columns: Names of the columns.
        source: The table that columns come from; in Parquet and Arrow they keep the types that they have there.
        found: The columns that `.txt` holds, which has no header; none given: all. The last of them holds numbers, the
            others strings or lists.
        escape_formulas: In `.csv` and `.tsv`, put an apostrophe before what a spreadsheet would take for a formula.

    Raises:
        DataError: The format is unknown, or the file cannot be written (the disk is full, say); what was there is kept.
    """
    require_writable(path)
    kind = suffix(path)
    packing = path.suffix.lower() if path.suffix.lower() in COMPRESSED else None
    try:
        if kind in BINARY:
            with atomic.atomic_write(path) as stream, _arrow(stream, kind, columns, source, found) as write:
                yield write
        else:
            marked = source is not None and source.needs_bom and kind in (".csv", ".tsv")
            with atomic.atomic_write(path) as file, _text(file, packing, "utf-8-sig" if marked else "utf-8") as text:
                yield text_writer(text, kind, columns, found, escape_formulas)
    except OSError as error:
        raise WriteError(
            f"{path}: the file cannot be written: {error.strerror or error}.",
            "Nothing was changed there. Free some space or choose another file (`out=...`).",
        ) from None


def require_formulas(kind: str) -> None:
    """Raise SettingsError where files of a kind, such as `.jsonl`, have no cells that a spreadsheet would compute."""
    if kind not in (".csv", ".tsv"):
        raise SettingsError(
            "`escape_formulas=True` is for .csv and .tsv, which spreadsheets open.",
            "Leave it out, or choose such a name.",
        )


def text_writer(
    stream: IO[str], kind: str, columns: list[str], found: Sequence[str] = (), escape_formulas: bool = False
) -> Write:
    """A function that writes chunks to an open stream as `.csv`, `.tsv`, `.jsonl` or `.txt` (`found`, with tabs).

    Args:
        stream: The stream.
        kind: Ending of the format.
        columns: Names of the columns.
        found: The columns that `.txt` holds.
        escape_formulas: As in `open_writer`.
    """
    if kind in (".jsonl", ".ndjson"):

        def write_objects(chunk: Chunk) -> None:
            rows = zip(*chunk.columns.values(), strict=True)
            stream.writelines(f"{_json(dict(zip(columns, row, strict=True)))}\n" for row in rows)

        return write_objects
    if kind == ".txt":
        columns = list(found or columns)
    # Lines end with LF, but the writer is told CR LF: it puts quotes only around what stands in its line end.
    ended = SimpleNamespace(write=lambda record: stream.write(f"{record[:-2]}\n"))
    writer = csv.writer(ended, delimiter="," if kind == ".csv" else "\t", lineterminator="\r\n")
    cell = _guarded if escape_formulas and kind != ".txt" else _cell
    if kind != ".txt":
        writer.writerow(map(cell, columns))

    def write_rows(chunk: Chunk) -> None:
        writer.writerows(zip(*([cell(value) for value in chunk.columns[name]] for name in columns), strict=True))

    return write_rows


@contextlib.contextmanager
def _text(file: IO[bytes], packing: str | None, encoding: str) -> Iterator[IO[str]]:
    """A stream of text into an open file, which stays open, through what packs it."""
    with os.fdopen(os.dup(file.fileno()), "wb") as copy:
        packed: Any = copy
        if packing == ".gz":
            packed = gzip.GzipFile("", "wb", 6, copy, mtime=0)  # no name and no time: equal rows give equal bytes
        elif packing == ".zst":
            import pyarrow

            packed = pyarrow.CompressedOutputStream(copy, "zstd")
        with io.TextIOWrapper(packed, encoding=encoding, newline="") as stream:
            yield stream


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return _json(value)
    return value


def _guarded(value: Any) -> Any:
    """A cell that no spreadsheet computes: text that begins like a formula has an apostrophe before it."""
    cell = _cell(value)
    formula = isinstance(cell, str) and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if formula else cell


def _json(value: Any) -> str:
    """As JSON, which has neither NaN nor infinities: they become null."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):  # tuples: the entries of a map of Arrow
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def _arrow(
    stream: IO[bytes], kind: str, columns: list[str], source: Table | None, found: Sequence[str]
) -> Iterator[Write]:
    import pyarrow
    import pyarrow.ipc
    import pyarrow.parquet

    make = pyarrow.parquet.ParquetWriter if kind == ".parquet" else pyarrow.ipc.new_file
    schema = None if source is None else source.schema
    types = {} if schema is None else {name: schema.field(name).type for name in schema.names}
    writer: Any = None
    written: Any = None

    def write(chunk: Chunk) -> None:
        nonlocal writer, written
        try:
            if writer is None:
                for name in columns:  # what is empty in all of the first rows does not tell what it holds
                    guess = None if name in types else pyarrow.array(chunk.columns[name]).type
                    held = pyarrow.float64() if name == columns[-1] else pyarrow.string()
                    if guess == pyarrow.list_(pyarrow.null()):
                        types[name] = pyarrow.list_(held)
                    elif guess == pyarrow.null() and name in found:
                        types[name] = held
            table = pyarrow.table({name: pyarrow.array(chunk.columns[name], types.get(name)) for name in columns})
            if writer is None:
                writer, written = make(stream, table.schema), table.schema
            writer.write_table(table.cast(written))
        except (pyarrow.ArrowException, OverflowError) as error:
            raise DataError(
                f"a column does not fit {kind.removeprefix('.').capitalize()}: {error}.", "Write .jsonl instead."
            ) from None

    try:
        yield write
        if writer is None:  # no row: the file has its columns all the same, the score last
            guesses = {name: pyarrow.string() for name in columns[:-1]} | {columns[-1]: pyarrow.float64()}
            writer = make(stream, pyarrow.schema(list((guesses | types).items())))
    except BaseException:
        if writer is not None:
            with contextlib.suppress(OSError, ValueError):  # the first error is the one to tell of
                writer.close()
        raise
    writer.close()
