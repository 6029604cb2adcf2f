"""Files written and read for the tests of the readers."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow

from tenor.data.io import table


def read(path: Path) -> dict[str, list[Any]]:
    """All rows of a file, and a check that the chunks number them."""
    opened = table.open_table(path)
    columns: dict[str, list[Any]] = {name: [] for name in opened.columns}
    row = 1
    for chunk in opened.chunks:
        assert chunk.row == row
        assert list(chunk.columns) == opened.columns
        for name, values in chunk.columns.items():
            assert len(values) == len(chunk)
            columns[name] += values
        row += len(chunk)
    return columns


def write(path: Path, data: bytes | str) -> Path:
    """A file of these bytes, packed as its name tells."""
    raw = data.encode() if isinstance(data, str) else data
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack(raw, path.suffix))
    return path


def pack(raw: bytes, ending: str) -> bytes:
    """The bytes as they are, or as a `.gz` or `.zst` file holds them."""
    if ending == ".gz":
        return gzip.compress(raw, mtime=0)
    return bytes(pyarrow.compress(raw, codec="zstd", asbytes=True)) if ending == ".zst" else raw


def json_lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def delimited(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return stream.getvalue()
