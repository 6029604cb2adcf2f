"""Writing Parquet and Arrow, chunk by chunk."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from tenor._core.language import tr
from tenor.data.io.chunks import Chunk, Table
from tenor.errors import DataError

if TYPE_CHECKING:
    import pyarrow

WriteChunk = Callable[[Chunk], None]


@contextlib.contextmanager
def open_arrow_writer(
    stream: IO[bytes], kind: str, columns: list[str], source: Table | None, result_columns: Sequence[str]
) -> Iterator[WriteChunk]:
    """Open a stream for writing. The block gets a function that writes a chunk.

    Args:
        stream: The stream, which stays open.
        kind: `.parquet`, `.arrow` or `.feather`.
        columns: Names of the columns.
        source: The table that columns come from, whose types they keep.
        result_columns: Columns that are strings even if the first rows have no value there; the last of `columns`
            holds numbers.

    Raises:
        DataError: A column does not fit the format.
    """
    writer = _ArrowWriter(stream, kind, columns, source, result_columns)
    try:
        yield writer.write
        writer.write_schema_if_empty()
    except BaseException:
        with contextlib.suppress(OSError, ValueError):  # the first error is the one to report
            writer.close()
        raise
    writer.close()


class _ArrowWriter:
    """Writes chunks. The first chunk fixes the types of all columns."""

    def __init__(
        self, stream: IO[bytes], kind: str, columns: list[str], source: Table | None, result_columns: Sequence[str]
    ) -> None:
        schema = None if source is None else source.schema
        self._stream, self._kind, self._columns, self._result_columns = stream, kind, columns, result_columns
        self._types = {} if schema is None else {name: schema.field(name).type for name in schema.names}
        self._schema: pyarrow.Schema | None = None
        self._writer: pyarrow.RecordBatchFileWriter | pyarrow.parquet.ParquetWriter | None = None

    def write(self, chunk: Chunk) -> None:
        """Write a chunk. Raises DataError if a column does not fit."""
        import pyarrow

        try:
            if self._writer is None:
                self._guess_types(chunk)
            arrays = {name: pyarrow.array(chunk.columns[name], self._types.get(name)) for name in self._columns}
            table = pyarrow.table(arrays)
            if self._writer is None:
                self._open(table.schema)
            assert self._writer is not None
            self._writer.write_table(table.cast(self._schema))
        except (pyarrow.ArrowException, OverflowError) as error:
            raise DataError(
                tr(
                    "a column does not fit {capitalize}: {error}.",
                    capitalize=self._kind.removeprefix(".").capitalize(),
                    error=error,
                ),
                tr("Write .jsonl instead."),
            ) from None

    def write_schema_if_empty(self) -> None:
        """Give a file without rows its columns all the same, the last one with numbers."""
        import pyarrow

        if self._writer is None:
            guesses = {name: pyarrow.string() for name in self._columns[:-1]} | {self._columns[-1]: pyarrow.float64()}
            self._open(pyarrow.schema(list((guesses | self._types).items())))

    def close(self) -> None:
        """Write the end of the file, if any was begun."""
        if self._writer is not None:
            self._writer.close()

    def _guess_types(self, chunk: Chunk) -> None:
        """Set the types of columns that have no value in the first chunk, which does not show them."""
        import pyarrow

        for name in self._columns:
            guess = None if name in self._types else pyarrow.array(chunk.columns[name]).type
            item = pyarrow.float64() if name == self._columns[-1] else pyarrow.string()
            if guess == pyarrow.list_(pyarrow.null()):
                self._types[name] = pyarrow.list_(item)
            elif guess == pyarrow.null() and name in self._result_columns:
                self._types[name] = item

    def _open(self, schema: "pyarrow.Schema") -> None:
        import pyarrow.ipc
        import pyarrow.parquet

        new = pyarrow.parquet.ParquetWriter if self._kind == ".parquet" else pyarrow.ipc.new_file
        self._writer, self._schema = new(self._stream, schema), schema
