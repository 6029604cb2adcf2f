"""Rows -> files, chunk by chunk. A file appears under its name when it is whole."""

import contextlib
import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from tenor import files
from tenor.data.table import FORMATS, Chunk, suffix
from tenor.errors import DataError

Write = Callable[[Chunk], None]


@contextlib.contextmanager
def open_writer(path: Path, columns: list[str], schema: Any = None) -> Iterator[Write]:
    """Open a file for writing in the format of its name; the block gets a function that writes a chunk.

    Args:
        path: The file; what is there is replaced when the block ends well.
        columns: Names of the columns.
        schema: Arrow schema of those columns that keep their types, for Parquet.

    Raises:
        DataError: The format is unknown, or the folder of the file does not exist.
    """
    kind = suffix(path)
    if kind not in FORMATS or path.suffix.lower() == ".gz":
        raise DataError(f"{path}: files ending in {path.suffix!r} cannot be written.", f"Give {', '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist.", "Make it first.")
    if kind == ".parquet":
        with files.replacing(path) as stream, _parquet(stream, schema) as write:
            yield write
    else:
        with files.replacing(path, "w", encoding="utf-8", newline="") as stream:
            yield text_writer(stream, kind, columns)


def text_writer(stream: IO[str], kind: str, columns: list[str]) -> Write:
    """A function that writes chunks to an open stream as `.csv`, `.tsv`, `.jsonl` or `.txt` (label, tab, score)."""
    if kind in (".jsonl", ".ndjson"):

        def write_objects(chunk: Chunk) -> None:
            rows = zip(*chunk.columns.values(), strict=True)
            lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str) for row in rows)
            stream.writelines(f"{line}\n" for line in lines)

        return write_objects
    if kind == ".txt":
        columns = columns[-2:]
    writer = csv.writer(stream, delimiter="," if kind == ".csv" else "\t", lineterminator="\n")
    if kind != ".txt":
        writer.writerow(columns)

    def write_rows(chunk: Chunk) -> None:
        writer.writerows(zip(*([_cell(value) for value in chunk.columns[name]] for name in columns), strict=True))

    return write_rows


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return f"{value:.6g}" if isinstance(value, float) else value


@contextlib.contextmanager
def _parquet(stream: IO[bytes], schema: Any) -> Iterator[Write]:
    import pyarrow
    import pyarrow.parquet

    writer: Any = None

    def write(chunk: Chunk) -> None:
        nonlocal writer
        try:
            arrays = {
                name: pyarrow.array(
                    values, schema.field(name).type if schema is not None and name in schema.names else None
                )
                for name, values in chunk.columns.items()
            }
            table = pyarrow.table(arrays)
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(stream, table.schema)
            writer.write_table(table.cast(writer.schema))
        except pyarrow.ArrowException as error:
            raise DataError(f"a column does not fit Parquet: {error}.", "Write .jsonl instead.") from None

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
