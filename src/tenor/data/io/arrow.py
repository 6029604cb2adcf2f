"""Parquet (`.parquet`), and Arrow's own format as a file or a stream (`.arrow`, `.feather`)."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from tenor._core.language import tr
from tenor.data.io import arrow_messages, arrow_sizes, huggingface, parquet_pages
from tenor.data.io.chunks import CHUNK_ROWS, Cell, Chunk, Table, distinct_names
from tenor.data.io.limits import FREE_ARROW_BYTES, MAX_ROW_BYTES, Expansion, megabytes, require_few_columns
from tenor.errors import DataError, Location

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

_WINDOW_ROWS = 1 << 16  # whose sizes are computed together
_CHUNK_BYTES = 16 << 20  # of a chunk as Python values
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"

Open = Callable[[], AbstractContextManager[tuple["pyarrow.Schema", Iterator["pyarrow.RecordBatch"]]]]
"""Opens a file: its schema, and its batches of rows."""


def read_parquet(path: Path, name: str) -> Table:
    """Open a Parquet file; `name` is for messages. Raises DataError if it is damaged or holds too much."""
    import pyarrow.parquet

    @contextlib.contextmanager
    def open_file() -> Iterator[tuple["pyarrow.Schema", Iterator["pyarrow.RecordBatch"]]]:
        # Without pre_buffer, which would keep all that was read in memory until the end.
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            require_few_columns(file.metadata.num_columns, Location(name))
            yield file.schema_arrow, _batches(file)

    def _batches(file: "pyarrow.parquet.ParquetFile") -> Iterator["pyarrow.RecordBatch"]:
        yield from file.iter_batches(parquet_pages.batch_rows(path, file.metadata, name, CHUNK_ROWS))

    return _read(open_file, path, name, "Parquet")


def read_ipc(path: Path, name: str) -> Table:
    """Open an Arrow file, or a stream in a file; `name` is for messages. Raises DataError as `read_parquet`."""
    import pyarrow
    import pyarrow.ipc

    @contextlib.contextmanager
    def open_file() -> Iterator[tuple["pyarrow.Schema", Iterator["pyarrow.RecordBatch"]]]:
        with pyarrow.OSFile(str(path)) as file:
            arrow_messages.require_bounded(file, name)
            if file.read_at(6, 0) == b"ARROW1":
                reader = pyarrow.ipc.open_file(file)
                batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
            else:
                if file.read_at(8, max(file.size() - 8, 0)) != _END_OF_STREAM:
                    raise ValueError(tr("its end is missing"))
                file.seek(0)
                reader = pyarrow.ipc.open_stream(file)
                batches = iter(reader)
            yield reader.schema, _validated(batches)

    return _read(open_file, path, name, "Arrow")


def _validated(batches: Iterator["pyarrow.RecordBatch"]) -> Iterator["pyarrow.RecordBatch"]:
    """The same batches. A damaged one raises before any of its values is read."""
    for batch in batches:
        batch.validate(full=True)
        yield batch


def _read(open_file: Open, path: Path, name: str, kind: str) -> Table:
    """A table over a file; `kind` is the format's name for messages."""
    import pyarrow

    failures = (pyarrow.ArrowException, OSError, ValueError)  # ValueError: a name that is not UTF-8

    def damaged(error: Exception) -> DataError:
        return DataError(
            tr("{name}: this is not a whole {kind} file: {error}.", name=name, kind=kind, error=str(error).rstrip(".")),
            tr("Copy or write it again."),
        )

    try:
        with open_file() as (schema, _):
            columns = distinct_names(list(schema.names))
            class_names = huggingface.class_names(schema)
    except DataError:
        raise
    except failures as error:
        raise damaged(error) from None
    require_few_columns(len(columns), Location(name))

    def chunks() -> Iterator[Chunk]:
        row = 1
        try:
            with open_file() as (_, batches):
                for batch in _small_batches(batches, Location(name), path.stat().st_size):
                    arrays = zip(columns, batch.columns, strict=True)
                    values = {column: _values(array, Location(name, row, column)) for column, array in arrays}
                    for column, to_name in class_names.items():
                        if column in values:
                            values[column] = list(map(to_name, values[column]))
                    yield Chunk(row, values)
                    row += batch.num_rows
        except DataError:
            raise
        except failures as error:
            raise damaged(error) from None

    is_unchanged = columns == schema.names and not class_names
    return Table(name, columns, chunks(), schema if is_unchanged else None)


def _small_batches(
    batches: Iterator["pyarrow.RecordBatch"], file: Location, size: int
) -> Iterator["pyarrow.RecordBatch"]:
    """The same rows in batches that take little memory as Python values.

    Args:
        batches: The batches of the file.
        file: The file, for messages.
        size: Bytes of the file.

    Raises:
        DataError: A row, or all rows together, take far more than the file.
    """
    remedy = tr("If it is right, write the rows again as .jsonl.")
    expansion, row, strings = Expansion(file.file, size, FREE_ARROW_BYTES, remedy), 1, None
    for batch in batches:
        strings = arrow_sizes.string_columns(batch.schema) if strings is None else strings
        for begin in range(0, batch.num_rows, CHUNK_ROWS if strings else _WINDOW_ROWS):
            window = batch.slice(begin, CHUNK_ROWS if strings else _WINDOW_ROWS)
            held = sum(window.column(at).nbytes for at in strings)
            if strings and held <= _CHUNK_BYTES:  # nothing is shared, so this is all
                expansion.add(held + 8 * window.num_rows, row)
                yield window
                row += window.num_rows
                continue
            sizes = arrow_sizes.row_sizes(window)
            for start, end in arrow_sizes.runs(sizes, CHUNK_ROWS, _CHUNK_BYTES):
                largest = int(sizes[start:end].max())
                if largest > MAX_ROW_BYTES:
                    raise DataError(
                        tr(
                            "the row takes {size}, and at most {most} are read.",
                            size=megabytes(largest),
                            most=megabytes(MAX_ROW_BYTES),
                        ),
                        remedy,
                        Location(file.file, row + int(sizes[start:end].argmax())),
                    )
                # Numbers and missing values take next to no room in a file, so they do not count.
                constant = arrow_sizes.VALUE_BYTES * window.num_columns
                expansion.add(int(sizes[start:end].sum()) - (constant - 8) * (end - start), row)
                yield window.slice(start, end - start)
                row += end - start


def _values(array: "pyarrow.Array", first: Location) -> list[Cell]:
    """An Arrow array as Python values; `first` is the place of the first one."""
    import pyarrow

    failures = (ValueError, ArithmeticError, KeyError, pyarrow.ArrowException)  # bad UTF-8, dates past year 9999
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
            problem = tr("the value of type {type} cannot be read: {error}.", type=array.type, error=error)
            raise DataError(problem, tr("Fix it, or leave the column out."), at) from None
    return values
