"""Files -> rows. A table is read in chunks, so that a file of any size takes a small amount of memory.

Formats, by the end of the file's name: `.csv`, `.tsv`, `.jsonl` (or `.ndjson`), `.parquet`, `.txt` (one text a line)
and a folder of class folders of `.txt` files; the text formats also as `.gz`. Text is UTF-8 (with or without a byte
order mark), UTF-16 with one, or GB18030, which is recognised.
"""

import codecs
import csv
import gzip
import io
import itertools
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tenor.errors import DataError, Location, rows_phrase
from tenor.settings import nearest

CHUNK_ROWS = 2048
CHUNK_CHARACTERS = 4_000_000
LONGEST_LINE = 64 << 20  # bytes; more than this without a line's end is no text file, or a quote that is never closed
FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".txt")

_PEEK = 1 << 20
_UNREADABLE = (OSError, EOFError, zlib.error)  # what a disk or a damaged .gz file raises
Row = dict[str, Any]


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table. `row` is the number of the first one (from 1, a header not counted)."""

    row: int
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


@dataclass(frozen=True)
class Table:
    """A table that is read when `chunks` is iterated, once.

    Attributes:
        name: The file's name for messages.
        columns: Names of the columns.
        chunks: The rows.
        schema: The Arrow schema of a Parquet file, else None.
        stream: The open file, which is closed when the table is used as a context or read to its end.
    """

    name: str
    columns: list[str]
    chunks: Iterator[Chunk]
    schema: Any = None
    stream: Any = None

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_: object) -> None:
        if self.stream is not None:
            self.stream.close()


def suffix(path: Path) -> str:
    """The format of a file by its name, without `.gz`."""
    return (Path(path.stem) if path.suffix.lower() == ".gz" else path).suffix.lower()


def open_table(path: Path) -> Table:
    """Open a file or folder for reading.

    Raises:
        DataError: The file is missing, of an unknown format, empty, or broken. What can only be seen later is raised
            while the chunks are read.
    """
    name = path.name or str(path)
    try:
        if path.is_dir():
            return _folder(path, name)
        found = path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise _unreadable(error, Location(str(path))) from None
    if not found:
        raise DataError(f"{path}: there is no such file.", "Check the path.")
    kind = suffix(path)
    if kind not in FORMATS:
        raise DataError(f"{path}: files ending in {kind!r} cannot be read.", f"Give one of {', '.join(FORMATS)}.")
    if kind == ".parquet":
        return _parquet(path, name)
    try:
        opened: Any = gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(error, Location(str(path))) from None
    stream = io.BufferedReader(opened, _PEEK)
    try:
        if kind in (".csv", ".tsv"):
            read = _delimited(stream, name, "\t" if kind == ".tsv" else ",")
        else:
            read = _lines_table(stream, name) if kind == ".txt" else _json_lines(stream, name)
    except DataError:
        stream.close()
        raise
    return replace(read, chunks=_closing(read.chunks, stream), stream=stream)


def open_lines(stream: Any, name: str) -> Table:
    """One text a line, from an open raw stream of bytes such as standard input."""
    buffered = io.BufferedReader(stream, _PEEK)
    read = _lines_table(buffered, name)
    return replace(read, chunks=_closing(read.chunks, buffered), stream=buffered)


def pick(columns: list[str], wanted: str, name: str, option: str) -> str:
    """The column `wanted`, or a DataError that lists the columns that there are."""
    if wanted not in columns:
        listed = nearest(wanted, columns).replace("Known:", "Columns:")
        raise DataError(f"{name}: there is no column {wanted!r}.", f"{listed} Name one with {option}.")
    return wanted


def _closing(chunks: Iterator[Chunk], stream: io.BufferedReader) -> Iterator[Chunk]:
    try:
        yield from chunks
    finally:
        stream.close()


def _chunked(rows: Iterable[list[Any]], columns: list[str]) -> Iterator[Chunk]:
    first, held, size = 1, [], 0
    for row in rows:
        held.append(row)
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(held) == CHUNK_ROWS or size > CHUNK_CHARACTERS:
            yield Chunk(first, _transpose(held, columns))
            first, held, size = first + len(held), [], 0
    if held:
        yield Chunk(first, _transpose(held, columns))


def _transpose(rows: list[list[Any]], columns: list[str]) -> dict[str, list[Any]]:
    return {column: [row[index] for row in rows] for index, column in enumerate(columns)}


class _Lines:
    """Decoded lines of a text file. `row` is kept by the reader, for errors: rows through, -1 before the header."""

    def __init__(self, stream: io.BufferedReader, name: str, row: int = 0) -> None:
        self.stream: Any = stream
        self.name, self.row, self.position = name, row, 0
        try:
            self.encoding = _encoding(stream.peek(_PEEK))
        except _UNREADABLE as error:
            raise _unreadable(error, Location(name)) from None
        if self.encoding == "utf-16":
            self.stream = io.TextIOWrapper(stream, "utf-16", newline="\n")

    def __del__(self) -> None:
        self.stream.close()  # also where the lines were never asked for

    def __iter__(self) -> Iterator[str]:
        try:
            for raw in self._raw():
                line = raw if isinstance(raw, str) else self._decode(raw)
                if "\0" in line:
                    raise DataError("there is a NUL byte.", "This is no text file, or it is damaged.", self.at())
                yield line
        except _UNREADABLE as error:
            raise _unreadable(error, self.at()) from None
        except UnicodeDecodeError as error:
            raise DataError(f"this is not valid UTF-16: {error.reason}.", "Save it as UTF-8.", self.at()) from None

    def at(self) -> Location:
        """The row that is being read."""
        return Location(self.name, self.row + 1) if self.row >= 0 else Location(f"{self.name}, header")

    def _raw(self) -> Iterator[Any]:
        while raw := self.stream.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE:
                raise DataError(
                    f"a line is longer than {LONGEST_LINE >> 20} MB.", "Check that this is a text file.", self.at()
                )
            yield raw

    def _decode(self, raw: bytes) -> str:
        line = _decode(raw, self.encoding, self.position, self.at())
        self.position += len(raw)
        return line


def _decode(raw: bytes, encoding: str, position: int, at: Location) -> str:
    """Bytes that begin at `position` of a file, without the byte order mark."""
    mark = len(codecs.BOM_UTF8) if position == 0 and encoding == "utf-8" and raw.startswith(codecs.BOM_UTF8) else 0
    try:
        return raw[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {position + mark + error.start} of the file is not valid {encoding.upper()}.",
            "Save the file as UTF-8.",
            at,
        ) from None


def _unreadable(error: Exception, at: Location) -> DataError:
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return DataError(f"this cannot be read: {error.strerror or error}.", "Check the path and its rights.", at)
    return DataError(f"the compressed file is damaged: {error}.", "Copy it again.", at)


def _encoding(head: bytes) -> str:
    """UTF-16 by its mark; GB18030 where the head is not UTF-8 but reads as common Chinese characters; else UTF-8."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        head.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        whole = head[: error.start]
        if error.reason == "unexpected end of data" and (len(head) >= _PEEK // 2 or not whole.isascii()):
            return "utf-8"  # the head ends inside a character
    try:
        text = head.decode("gb18030")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return "utf-8"
        text = head[: error.start].decode("gb18030")
    foreign = [character for character in text if ord(character) > 0x7F]
    common = sum(0x3000 <= ord(character) <= 0x9FFF or 0xFF00 <= ord(character) <= 0xFFEF for character in foreign)
    pairs = sum(_both_high(character) for character in foreign)
    return "gb18030" if foreign and min(common, pairs) >= 0.9 * len(foreign) else "utf-8"


def _both_high(character: str) -> bool:
    encoded = character.encode("gb18030")
    return len(encoded) == 2 and min(encoded) >= 0xA1


def _delimited(stream: io.BufferedReader, name: str, delimiter: str) -> Table:
    csv.field_size_limit(LONGEST_LINE)
    lines = _Lines(stream, name, row=-1)
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    while not (header := _next(reader, lines)):
        if header is None:
            raise DataError(f"{name}: the file is empty.", "Give a file with a header line and rows.")
    lines.row = 0
    columns = [column.strip() for column in header]
    _distinct(columns, name)

    def rows() -> Iterator[list[str]]:
        wrong: list[tuple[int, int]] = []
        while (row := _next(reader, lines)) is not None:
            if not row and len(columns) == 1:
                row = [""]
            if not row:
                continue
            lines.row += 1
            if len(row) != len(columns):
                wrong.append((lines.row, len(row)))
            elif not wrong:
                yield row
        if wrong:
            found = rows_phrase([number for number, _ in wrong])
            raise DataError(
                f"the row has {wrong[0][1]} fields and the header has {len(columns)} ({found}).",
                'Put quotes around fields that hold a delimiter, as in "a, b".',
                Location(name, wrong[0][0]),
            )

    return Table(name, columns, _chunked(rows(), columns))


def _distinct(columns: list[str], name: str) -> None:
    repeated = [column for column, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"{name}: there are two columns named {repeated[0]!r}.", "Give each column its own name.")


def _next(reader: Any, lines: _Lines) -> list[str] | None:
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


def _lines_table(stream: io.BufferedReader, name: str) -> Table:
    lines = _Lines(stream, name)

    def rows() -> Iterator[list[str]]:
        for line in lines:
            lines.row += 1
            yield [line.rstrip("\r\n")]

    return Table(name, ["text"], _chunked(rows(), ["text"]))


def _json_lines(stream: io.BufferedReader, name: str) -> Table:
    lines = _Lines(stream, name)

    def rows() -> Iterator[Row]:
        for line in lines:
            if line.strip():
                lines.row += 1
                yield _json_object(line, Location(name, lines.row))

    # The columns are those of the first rows; a later row may leave some out but bring no new ones.
    iterator = rows()
    head = list(itertools.islice(iterator, CHUNK_ROWS))
    if not head:
        raise DataError(f"{name}: the file is empty.", "Give a file with one JSON object a line.")
    columns = list(dict.fromkeys(key for row in head for key in row))

    def values() -> Iterator[list[Any]]:
        for number, row in enumerate(itertools.chain(head, iterator), 1):
            new = [key for key in row if key not in columns]
            if new:
                raise DataError(
                    f"the key {new[0]!r} is not in the first rows.",
                    "Give every row the same keys, with null where there is no value.",
                    Location(name, number),
                )
            yield [row.get(column) for column in columns]

    return Table(name, columns, _chunked(values(), columns))


def _json_object(line: str, at: Location) -> Row:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DataError("there is half of a surrogate pair.", "Write the character whole.", at) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON: {error}.", "Give one JSON object a line.", at) from None
    if not isinstance(row, dict):
        raise DataError("this is JSON but not an object.", 'Give lines such as {"text": "..."}.', at)
    return row


def _parquet(path: Path, name: str) -> Table:
    import pyarrow
    import pyarrow.parquet

    failures = (pyarrow.ArrowException, OSError, ValueError)  # ValueError: a name that is not UTF-8

    def damaged(error: Exception) -> DataError:
        return DataError(f"{name}: this is not a whole Parquet file: {error}.", "Copy or write it again.")

    try:
        file = pyarrow.parquet.ParquetFile(path)
        columns = list(file.schema_arrow.names)
    except failures as error:
        raise damaged(error) from None
    _distinct(columns, name)

    def chunks() -> Iterator[Chunk]:
        row = 1
        try:
            for batch in file.iter_batches(CHUNK_ROWS):
                arrays = zip(columns, batch.columns, strict=True)
                yield Chunk(row, {column: _values(array, Location(name, row, column)) for column, array in arrays})
                row += batch.num_rows
        except DataError:
            raise
        except failures as error:
            raise damaged(error) from None

    return Table(name, columns, chunks(), file.schema_arrow)


def _values(array: Any, first: Location) -> list[Any]:
    """An Arrow array as Python values; `first` is the place of its first one."""
    import pyarrow

    failures = (ValueError, OverflowError, KeyError, pyarrow.ArrowException)  # bad UTF-8, dates past the year 9999
    try:
        return list(array.to_pylist())
    except failures:
        pass
    values = []
    for row, value in enumerate(array, first.row or 1):
        try:
            values.append(value.as_py())
        except failures as error:
            at = Location(first.file, row, first.column)
            problem = f"the value of type {array.type} cannot be read: {error}."
            raise DataError(problem, "Mend it, or leave the column out.", at) from None
    return values


def _folder(path: Path, name: str) -> Table:
    classes = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if {"pos", "neg"} <= {folder.name for folder in classes}:
        classes = [folder for folder in classes if folder.name != "unsup"]  # aclImdb keeps its unlabelled texts there
    files = [(folder.name, file) for folder in classes for file in sorted(folder.glob("*.txt"))]
    if not files:
        raise DataError(
            f"{name}: there are no class folders with .txt files in this folder.",
            "Lay the texts out as FOLDER/LABEL/NAME.txt.",
        )

    def rows() -> Iterator[list[str]]:
        for label, file in files:
            yield [_text_file(file), label, f"{label}/{file.name}"]

    return Table(name, ["text", "label", "file"], _chunked(rows(), ["text", "label", "file"]))


def _text_file(path: Path) -> str:
    at = Location(str(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(error, at) from None
    text = _decode(data, _encoding(data[:_PEEK]), 0, at)
    if "\0" in text:
        raise DataError("there is a NUL byte.", "This is no text file, or it is damaged.", at)
    return text


def standard_input() -> Any:
    """Standard input as a raw stream of bytes. Raises DataError when it is closed."""
    if sys.stdin is None:
        raise DataError("standard input is closed.", "Give a file, or texts through a pipe.")
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
