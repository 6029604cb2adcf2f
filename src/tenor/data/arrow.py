"""`.parquet`, and Arrow's own format as a file or a stream (`.arrow`, `.feather`)."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tenor.data.rows import CHUNK_ROWS, Chunk, Table, require_distinct
from tenor.errors import DataError, Location

_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"

Opened = Callable[[], AbstractContextManager[tuple[Any, Iterator[Any]]]]  # the schema, and the batches of rows


def read_parquet(path: Path, name: str) -> Table:
    """Open a Parquet file."""
    import pyarrow.parquet

    @contextlib.contextmanager
    def opened() -> Iterator[tuple[Any, Iterator[Any]]]:
        # Without pre_buffer: it would hold what it has read of the file until the end.
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            yield file.schema_arrow, file.iter_batches(CHUNK_ROWS)

    return _read(opened, name, "Parquet")


def read_ipc(path: Path, name: str) -> Table:
    """Open an Arrow file, or a stream that was written into a file."""
    import pyarrow
    import pyarrow.ipc

    @contextlib.contextmanager
    def opened() -> Iterator[tuple[Any, Iterator[Any]]]:
        with pyarrow.OSFile(str(path)) as file:
            if file.read_at(6, 0) == b"ARROW1":
                reader = pyarrow.ipc.open_file(file)
                batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
            else:
                if file.read_at(8, max(file.size() - 8, 0)) != _END_OF_STREAM:
                    raise ValueError("it does not end as such files do")
                file.seek(0)
                reader = pyarrow.ipc.open_stream(file)
                batches = iter(reader)
            yield reader.schema, _sliced(batches)

    return _read(opened, name, "Arrow")


def _sliced(batches: Iterator[Any]) -> Iterator[Any]:
    """The same rows in small batches; a damaged one is refused before a value of it is looked at."""
    for batch in batches:
        batch.validate(full=True)
        yield from (batch.slice(start, CHUNK_ROWS) for start in range(0, batch.num_rows, CHUNK_ROWS))


def _read(opened: Opened, name: str, kind: str) -> Table:
    import pyarrow

    failures = (pyarrow.ArrowException, OSError, ValueError)  # ValueError: a name that is not UTF-8

    def damaged(error: Exception) -> DataError:
        return DataError(f"{name}: this is not a whole {kind} file: {error}.", "Copy or write it again.")

    try:
        with opened() as (schema, _):
            columns = list(schema.names)
    except failures as error:
        raise damaged(error) from None
    require_distinct(columns, name)

    def chunks() -> Iterator[Chunk]:
        row = 1
        try:
            with opened() as (_, batches):
                for batch in batches:
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
            problem = f"the value of type {array.type} cannot be read: {error}."
            raise DataError(problem, "Mend it, or leave the column out.", at) from None
    return values
