"""Files -> rows. A table is read in chunks, so that a file of any size takes a small amount of memory.

Formats, by the end of the file's name: `.csv`, `.tsv`, `.jsonl` (or `.ndjson`), `.parquet`, `.txt` (one text a line)
and a folder of class folders of `.txt` files; the text formats also as `.gz`. Text is UTF-8 (with or without a byte
order mark), UTF-16 with one, or GB18030, which is recognised.
"""

import csv
import gzip
import io
import itertools
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenor.errors import DataError, Location, rows_phrase
from tenor.settings import nearest

CHUNK_ROWS = 2048
CHUNK_CHARACTERS = 4_000_000
LONGEST_LINE = 64 << 20  # bytes; more than this without a line's end is no text file, or a quote that is never closed
FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".txt")

_PEEK = 1 << 20
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
    """

    name: str
    columns: list[str]
    chunks: Iterator[Chunk]
    schema: Any = None


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
    if path.is_dir():
        return _folder(path, name)
    if not path.exists():
        raise DataError(f"{path}: there is no such file.", "Check the path.")
    kind = suffix(path)
    if kind not in FORMATS:
        raise DataError(f"{path}: files ending in {kind!r} cannot be read.", f"Give one of {', '.join(FORMATS)}.")
    if kind == ".parquet":
        return _parquet(path, name)
    opened: Any = gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb", buffering=0)
    stream = io.BufferedReader(opened, _PEEK)
    if kind in (".csv", ".tsv"):
        return _delimited(stream, name, "\t" if kind == ".tsv" else ",")
    return _lines_table(stream, name) if kind == ".txt" else _json_lines(stream, name)


def open_lines(stream: Any, name: str) -> Table:
    """One text a line, from an open raw stream of bytes such as standard input."""
    return _lines_table(io.BufferedReader(stream, _PEEK), name)


def pick(columns: list[str], wanted: str, name: str, option: str) -> str:
    """The column `wanted`, or a DataError that lists the columns that there are."""
    if wanted not in columns:
        listed = nearest(wanted, columns).replace("Known:", "Columns:")
        raise DataError(f"{name}: there is no column {wanted!r}.", f"{listed} Name one with {option}.")
    return wanted


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
    """Decoded lines of a text file. `row` is kept by the reader, for errors."""

    def __init__(self, stream: io.BufferedReader, name: str) -> None:
        self.stream, self.name, self.row = stream, name, 0
        self.encoding = _encoding(stream.peek(_PEEK))
        self.position = 0

    def __iter__(self) -> Iterator[str]:
        stream: Any = self.stream
        if self.encoding == "utf-16":
            stream = (line.encode() for line in io.TextIOWrapper(stream, "utf-16", newline="\n"))
            self.encoding = "utf-8"
        try:
            for raw in self._raw(stream):
                line = self._decode(raw)
                if "\0" in line:
                    raise DataError(
                        "there is a NUL byte.",
                        "This is no text file, or it is damaged.",
                        self._at(self.row + 1),
                    )
                yield line
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"the compressed file is damaged: {error}.", "Copy it again.", self._at()) from None
        except UnicodeDecodeError as error:
            raise DataError(f"this is not valid UTF-16: {error.reason}.", "Save it as UTF-8.", self._at()) from None
        finally:
            self.stream.close()

    def _raw(self, stream: Any) -> Iterator[bytes]:
        if not isinstance(stream, io.BufferedReader):
            yield from stream
            return
        while raw := stream.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE:
                raise DataError(
                    f"a line is longer than {LONGEST_LINE >> 20} MB.",
                    "Check that this is a text file.",
                    self._at(),
                )
            yield raw

    def _decode(self, raw: bytes) -> str:
        try:
            line = raw.decode("utf-8-sig" if self.position == 0 and self.encoding == "utf-8" else self.encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte {self.position + error.start} of the file is not valid {self.encoding.upper()}.",
                "Save the file as UTF-8.",
                self._at(self.row + 1),
            ) from None
        self.position += len(raw)
        return line

    def _at(self, row: int | None = None) -> Location:
        return Location(self.name, row)


def _encoding(head: bytes) -> str:
    """UTF-16 by its mark; GB18030 where the head is not UTF-8 but reads as common Chinese characters; else UTF-8."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        head.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 3 and len(head) >= _PEEK // 2:
            return "utf-8"
    try:
        text = head[: len(head) - len(head) % _PEEK or None].decode("gb18030")
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
    lines = _Lines(stream, name)
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    header = _next(reader, lines)
    if header is None:
        raise DataError(f"{name}: the file is empty.", "Give a file with a header line and rows.")
    columns = [column.strip() for column in header]
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise DataError(f"{name}: the header names column {repeated[0]!r} twice.", "Give each column its own name.")

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


def _next(reader: Any, lines: _Lines) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise DataError(
            f"the quoting is broken: {error}.",
            'Close every quote, and write a quote inside a quoted field twice ("").',
            Location(lines.name, lines.row + 1),
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

    def damaged(error: Exception) -> DataError:
        return DataError(f"{name}: this is not a whole Parquet file: {error}.", "Copy or write it again.")

    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise damaged(error) from None
    columns = list(file.schema_arrow.names)

    def chunks() -> Iterator[Chunk]:
        row = 1
        try:
            for batch in file.iter_batches(CHUNK_ROWS):
                yield Chunk(row, {column: batch.column(column).to_pylist() for column in columns})
                row += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise damaged(error) from None
        except UnicodeDecodeError as error:
            raise DataError(f"a text is not valid UTF-8: {error}.", "Write it again.", Location(name, row)) from None

    return Table(name, columns, chunks(), file.schema_arrow)


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
            data = file.read_bytes()
            encoding = _encoding(data)
            try:
                text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"byte {error.start} of the file is not valid {encoding.upper()}.",
                    "Save the file as UTF-8.",
                    Location(str(file)),
                ) from None
            yield [text, label, f"{label}/{file.name}"]

    return Table(name, ["text", "label", "file"], _chunked(rows(), ["text", "label", "file"]))


def standard_input() -> Any:
    """Standard input as a raw stream of bytes."""
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
