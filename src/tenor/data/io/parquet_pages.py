"""The memory that the columns of a Parquet file may take, from the headers of their pages.

The sizes in a file's metadata are claims of its writer that nothing verifies. The reader relies on the header before
each page: the decompressed bytes of the page, the number of its values, and their encoding. Headers are in the compact
form of Thrift (PageHeader and FileMetaData in parquet.thrift of parquet-format). The positions of the pages are read
here as well: pyarrow ends the process if that part of the metadata is damaged.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tenor._core.language import tr
from tenor.data.io.limits import FREE_ARROW_BYTES, Expansion
from tenor.data.io.thrift import Struct, read_struct

if TYPE_CHECKING:
    import pyarrow.parquet

BATCH_BYTES = 64 << 20
"""Bytes that a batch of rows may take besides its pages."""

_FIRST_READ = 1 << 10  # bytes of a header
_MAX_HEADER = 16 << 20
_DICTIONARY_PAGE = 2
_DICTIONARY = (2, 8)  # PLAIN_DICTIONARY, RLE_DICTIONARY
_DELTA_BYTE_ARRAY = 7  # each value may share its beginning with the one before
_LENGTH = struct.Struct("<I")
_MAX_DICTIONARY = 1 << 20  # values of a dictionary that is scanned, and 64 times as many bytes

_KIND, _DECOMPRESSED, _COMPRESSED, _DATA, _DICTIONARY_DATA, _DATA_2 = 1, 2, 3, 5, 7, 8  # fields of a header

_ROW_GROUPS, _COLUMNS, _COLUMN = 4, 1, 3  # fields of the file's metadata, of a row group and of a column in it
_CODEC, _VALUES, _SIZE, _DATA_AT, _DICTIONARY_AT = 4, 5, 7, 9, 11  # fields of a column's metadata
_CODECS = ("uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw")
_END = struct.Struct("<I4s")


class Column(NamedTuple):
    """The pages of a column in a row group.

    Attributes:
        codec: Their compression, as pyarrow names it.
        values: The number of their values.
        start: The position of the first one.
        end: The position after the last one.
    """

    codec: str
    values: int
    start: int
    end: int


def batch_rows(path: Path, metadata: "pyarrow.parquet.FileMetaData", name: str, max_rows: int) -> int:
    """The number of rows of a Parquet file that may be read together, so that they take at most BATCH_BYTES.

    Args:
        path: The file.
        metadata: Its metadata from pyarrow.
        name: The file's name for messages.
        max_rows: The number if memory does not matter.

    Raises:
        DataError: It would be decompressed to far more than its size.
        ValueError: A header of a page is damaged.
    """
    widest = 1
    with path.open("rb") as file:
        remedy = tr("If it is right, write it again as .jsonl, or with fewer values a row.")
        expansion = Expansion(name, file.seek(0, os.SEEK_END), FREE_ARROW_BYTES // 4, remedy)
        for columns in _row_groups(file, metadata.num_columns):
            width = 0
            for at, column in enumerate(columns):
                leaf = metadata.schema.column(at)
                shared, of_column = _shared(file, column, leaf, expansion)
                if leaf.max_repetition_level:  # a list has any number of values, so one row may have all of them
                    expansion.add(shared * of_column)
                elif shared:
                    width += of_column
            widest = max(widest, width)
    return max(1, min(max_rows, BATCH_BYTES // widest))


def _row_groups(file: BinaryIO, width: int) -> list[list[Column]]:
    """The columns of each row group, from the metadata at the end of the file. Raises ValueError if it is damaged."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size))
    length, mark = _END.unpack(file.read(_END.size))
    if mark != b"PAR1" or length > size - _END.size:
        raise ValueError(tr("the metadata at the end is damaged"))
    file.seek(size - _END.size - length)
    try:
        fields, _ = read_struct(file.read(length), 0)
        groups = [[_column(each) for each in group[_COLUMNS]] for group in fields.get(_ROW_GROUPS, [])]
    except (IndexError, KeyError, TypeError, AttributeError):
        raise ValueError(tr("the metadata at the end is damaged")) from None
    if any(len(columns) != width for columns in groups):
        raise ValueError(tr("a row group does not have all columns"))
    return groups


def _column(chunk: Struct) -> Column:
    """The pages of a column, from its metadata."""
    fields = chunk[_COLUMN]
    codec, values, size, start = (fields[key] for key in (_CODEC, _VALUES, _SIZE, _DATA_AT))
    if 0 < fields.get(_DICTIONARY_AT, 0) < start:
        start = fields[_DICTIONARY_AT]
    if not (0 <= codec < len(_CODECS) and min(values, size, start) >= 0):
        raise ValueError(tr("the metadata of a column is damaged"))
    return Column(_CODECS[codec], values, start, start + size)


def _shared(
    file: BinaryIO, column: Column, leaf: "pyarrow.parquet.ColumnSchema", expansion: Expansion
) -> tuple[int, int]:
    """The number of values that take less room in the file than in memory, and bytes of the largest of them."""
    variable = leaf.physical_type == "BYTE_ARRAY"
    fixed = max(8, leaf.length) if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else 8
    shared = widest = 0
    for header, position in _pages(file, column):
        expansion.add(header[_DECOMPRESSED])
        if header[_KIND] == _DICTIONARY_PAGE:
            widest = max(widest, _longest_value(file, column, header, position) if variable else fixed)
            continue
        data = header.get(_DATA) or header.get(_DATA_2) or {}
        count, encoding = data.get(1, 0), data.get(2 if _DATA in header else 4, 0)
        if leaf.max_repetition_level:
            expansion.add(8 * count)  # for the levels
        if encoding == _DELTA_BYTE_ARRAY:
            shared, widest = shared + count, max(widest, header[_DECOMPRESSED])
        elif encoding in _DICTIONARY:
            shared += count
    return shared, widest


def _pages(file: BinaryIO, column: Column) -> Iterator[tuple[Struct, int]]:
    """The header of each page of a column, and the position of the page."""
    position, left = column.start, column.values
    while position < column.end and left > 0:
        header, length = _header(file, position)
        position += length
        yield header, position
        position += header[_COMPRESSED]
        left -= (header.get(_DATA) or header.get(_DATA_2) or {}).get(1, 0)


def _header(file: BinaryIO, position: int) -> tuple[Struct, int]:
    """The header of a page, and its length in bytes."""
    size = _FIRST_READ
    while True:
        file.seek(position)
        data = file.read(size)
        try:
            header, end = read_struct(data, 0)
            break
        except IndexError:
            if len(data) < size or size >= _MAX_HEADER:
                raise ValueError(tr("the header of a page is incomplete")) from None
            size *= 16
    if not all(
        isinstance(header.get(field), int) and header[field] >= 0 for field in (_KIND, _DECOMPRESSED, _COMPRESSED)
    ):
        raise ValueError(tr("the header of a page is damaged"))
    return header, end


def _longest_value(file: BinaryIO, column: Column, header: Struct, position: int) -> int:
    """Bytes of the longest value of a dictionary, or of its whole page if that cannot be scanned."""
    import pyarrow

    size, codec = int(header[_DECOMPRESSED]), column.codec
    if header.get(_DICTIONARY_DATA, {}).get(1, 0) > _MAX_DICTIONARY or size > 64 * _MAX_DICTIONARY:
        return size
    file.seek(position)
    page = file.read(header[_COMPRESSED])
    longest = at = 0
    try:
        if codec != "uncompressed":
            page = pyarrow.Codec(codec).decompress(page, size, asbytes=True)
        for _ in range(_MAX_DICTIONARY):
            if at >= len(page):
                return longest
            (length,) = _LENGTH.unpack_from(page, at)
            longest, at = max(longest, length), at + 4 + length
    except (pyarrow.ArrowException, OSError, ValueError, struct.error):
        pass
    return size
