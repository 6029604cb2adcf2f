"""Files -> rows. A table is read in chunks, so that a file of any size takes a small amount of memory.

Formats, by the end of the file's name: `.csv`, `.tsv`, `.jsonl` (or `.ndjson`), `.parquet`, `.txt` (one text a line)
and a folder of class folders of `.txt` files; the text formats also as `.gz`. `lines` knows the encodings.

Opening a table reads what tells its columns and closes the file again. It is opened anew when the first chunk is asked
for, and closed at the end of the chunks, or when these are dropped.
"""

import contextlib
import csv
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenor.data.lines import LONGEST_LINE, Lines, open_bytes, read_whole, unreadable
from tenor.errors import DataError, Location, rows_phrase

CHUNK_ROWS = 2048
CHUNK_CHARACTERS = 4_000_000
FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".txt")

_QUOTED = re.compile('"[^"]*(?:"|$)')

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
    try:
        if path.is_dir():
            return _folder(path, name)
        found = path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise unreadable(error, Location(str(path))) from None
    if not found:
        raise DataError(f"{path}: there is no such file.", "Check the path.")
    kind = suffix(path)
    if kind not in FORMATS:
        raise DataError(f"{path}: files ending in {kind!r} cannot be read.", f"Give one of {', '.join(FORMATS)}.")
    if not path.is_file():
        raise DataError(f"{path}: this is no plain file.", "Write the rows into a file and give that.")
    if kind == ".parquet":
        return _parquet(path, name)
    lines = Lines(lambda: open_bytes(path), name)
    if kind in (".csv", ".tsv"):
        return _delimited(lines, "\t" if kind == ".tsv" else ",;\t|")
    if kind != ".txt":
        return _json_lines(lines)
    with lines.read():  # raises what can be seen now
        return _one_text_a_line(lines)


def open_lines(stream: Any, name: str) -> Table:
    """One text a line, from an open raw stream of bytes such as standard input."""
    return _one_text_a_line(Lines(lambda: stream, name))


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


def _delimited(lines: Lines, delimiters: str) -> Table:
    with contextlib.closing(_records(lines, delimiters)) as records:
        header = next(records, None)
    if header is None:
        raise DataError(f"{lines.name}: the file is empty.", "Give a file with a header line and rows.")
    columns = [column.strip() for column in header]
    _distinct(columns, lines.name)

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
                f"the row has {wrong[0][1]} fields and the header has {len(columns)} ({found}).",
                'Put quotes around fields that hold a delimiter, as in "a, b".',
                Location(lines.name, wrong[0][0]),
            )

    return Table(lines.name, columns, _chunked(rows(), columns))


def _records(lines: Lines, delimiters: str) -> Generator[list[str], None, None]:
    """The header, then the rows. A blank line is no row; where there is one column, it is one with an empty field.

    Of several `delimiters`, it is the first that stands in the header line outside quotes.
    """
    csv.field_size_limit(LONGEST_LINE)
    width = 0
    with lines.read(row=-1) as decoded:
        first = next((line for line in decoded if line.strip("\r\n")), "")
        bare = _QUOTED.sub("", first)
        delimiter = next((delimiter for delimiter in delimiters if delimiter in bare), delimiters[0])
        reader = csv.reader(itertools.chain([first], decoded), delimiter=delimiter, strict=True)
        while (record := _next(reader, lines)) is not None:
            if record or width == 1:
                lines.row, width = lines.row + 1, width or len(record)
                yield record or [""]


def _distinct(columns: list[str], name: str) -> None:
    repeated = [column for column, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"{name}: there are two columns named {repeated[0]!r}.", "Give each column its own name.")


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


def _one_text_a_line(lines: Lines) -> Table:
    def rows() -> Iterator[list[str]]:
        with lines.read() as decoded:
            for line in decoded:
                lines.row += 1
                yield [line.rstrip("\r\n")]

    return Table(lines.name, ["text"], _chunked(rows(), ["text"]))


def _json_lines(lines: Lines) -> Table:
    # The columns are those of the first rows; a later row may leave some out but bring no new ones.
    with contextlib.closing(_objects(lines)) as objects:
        head = itertools.islice(objects, CHUNK_ROWS)
        columns = list(dict.fromkeys(key for row in head for key in row))
    if not lines.row:
        raise DataError(f"{lines.name}: the file is empty.", "Give a file with one JSON object a line.")

    def values() -> Iterator[list[Any]]:
        for row in _objects(lines):
            new = [key for key in row if key not in columns]
            if new:
                raise DataError(
                    f"the key {new[0]!r} is not in the first rows.",
                    "Give every row the same keys, with null where there is no value.",
                    Location(lines.name, lines.row),
                )
            yield [row.get(column) for column in columns]

    return Table(lines.name, columns, _chunked(values(), columns))


def _objects(lines: Lines) -> Generator[Row, None, None]:
    with lines.read() as decoded:
        for line in decoded:
            if line.strip():
                lines.row += 1
                yield _json_object(line, Location(lines.name, lines.row))


def _json_object(line: str, at: Location) -> Row:
    try:
        row = _JSON.decode(line)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DataError("there is half of a surrogate pair.", "Write the character whole.", at) from None
    except DataError as error:
        raise DataError(error.problem, error.remedy, at) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON: {error}.", "Give one JSON object a line.", at) from None
    if not isinstance(row, dict):
        raise DataError("this is JSON but not an object.", 'Give lines such as {"text": "..."}.', at)
    return row


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise DataError(f"the key {twice!r} stands twice in an object.", "Give each key once.")
    return row


_JSON = json.JSONDecoder(object_pairs_hook=_unique)


def _parquet(path: Path, name: str) -> Table:
    import pyarrow
    import pyarrow.parquet

    failures = (pyarrow.ArrowException, OSError, ValueError)  # ValueError: a name that is not UTF-8

    def damaged(error: Exception) -> DataError:
        return DataError(f"{name}: this is not a whole Parquet file: {error}.", "Copy or write it again.")

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
        columns = list(schema.names)
    except failures as error:
        raise damaged(error) from None
    _distinct(columns, name)

    def chunks() -> Iterator[Chunk]:
        row = 1
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(CHUNK_ROWS):
                    arrays = zip(columns, batch.columns, strict=True)
                    yield Chunk(row, {column: _values(array, Location(name, row, column)) for column, array in arrays})
                    row += batch.num_rows
        except DataError:
            raise
        except failures as error:
            raise damaged(error) from None

    return Table(name, columns, chunks(), schema)


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
        if {"train", "test"} <= {folder.name for folder in classes}:
            raise DataError(f"{name}: this folder has the parts 'train' and 'test'.", f"Give one: {path / 'test'}.")
        raise DataError(
            f"{name}: there are no class folders with .txt files in this folder.",
            "Lay the texts out as FOLDER/LABEL/NAME.txt.",
        )

    def rows() -> Iterator[list[str]]:
        for label, file in files:
            yield [read_whole(file), label, f"{label}/{file.name}"]

    return Table(name, ["text", "label", "file"], _chunked(rows(), ["text", "label", "file"]))


def standard_input() -> Any:
    """Standard input as a raw stream of bytes. Raises DataError when it is closed."""
    if sys.stdin is None:
        raise DataError("standard input is closed.", "Give a file, or texts through a pipe.")
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
