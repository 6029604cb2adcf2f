"""What the columns of a Parquet file can take in memory, from the headers of their pages.

The sizes in a file's metadata are what its writer says, and nothing compares them. The header in front of each page is
what the reader goes by: how many bytes the page is unpacked to, how many values it has, how they are encoded. Headers
are in the compact form of Thrift (PageHeader and FileMetaData in parquet.thrift of parquet-format). Where the pages of
a column begin is read here as well: pyarrow ends the process where that part of the metadata is damaged.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tenor.data.io.limits import FREE_ARROW_BYTES, Expansion

BATCH_BYTES = 64 << 20  # that a batch of rows may take beside its pages

_FEWEST = 1 << 10  # bytes of a header that are read first
_MOST = 16 << 20
_DICTIONARY_PAGE = 2
_DICTIONARY = (2, 8)  # PLAIN_DICTIONARY, RLE_DICTIONARY
_DELTA_BYTE_ARRAY = 7  # each value may repeat the beginning of the one before
_NEST = 32
_LENGTH = struct.Struct("<I")
_LOOKED_AT = 1 << 20  # values of a dictionary, and 64 times as many bytes

_KIND, _UNPACKED, _PACKED, _DATA, _DICTIONARY_DATA, _DATA_2 = 1, 2, 3, 5, 7, 8  # fields of a header

_ROW_GROUPS, _COLUMNS, _COLUMN = 4, 1, 3  # fields of the file's metadata, of a row group and of a column in it
_CODEC, _VALUES, _SIZE, _DATA_AT, _DICTIONARY_AT = 4, 5, 7, 9, 11  # fields of a column's metadata
_CODECS = ("uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw")
_END = struct.Struct("<I4s")

Header = dict[int, Any]


class Column(NamedTuple):
    """The pages of a column in a row group.

    Attributes:
        codec: How they are packed, as pyarrow names it.
        values: How many values they have.
        start: Where the first one begins.
        end: Where the last one ends.
    """

    codec: str
    values: int
    start: int
    end: int


def batch_rows(path: Path, metadata: Any, name: str, most: int) -> int:
    """How many rows of a Parquet file may be read together, so that they take at most BATCH_BYTES.

    Args:
        path: The file.
        metadata: Its metadata, as pyarrow gives it.
        name: The file's name for messages.
        most: Rows, where memory does not matter.

    Raises:
        DataError: It would be unpacked to far more than its size.
        ValueError: A header of a page is damaged.
    """
    widest = 1
    with path.open("rb") as file:
        remedy = "If it is right, write it again as .jsonl, or with fewer values a row."
        expansion = Expansion(name, file.seek(0, os.SEEK_END), FREE_ARROW_BYTES // 4, remedy)
        for columns in _row_groups(file, metadata.num_columns):
            width = 0
            for at, column in enumerate(columns):
                leaf = metadata.schema.column(at)
                shared, of_column = _shared(file, column, leaf, expansion)
                if leaf.max_repetition_level:  # a list has any number of values, so a single row may have all of them
                    expansion.add(shared * of_column)
                elif shared:
                    width += of_column
            widest = max(widest, width)
    return max(1, min(most, BATCH_BYTES // widest))


def _row_groups(file: Any, width: int) -> list[list[Column]]:
    """The columns of each row group, from the metadata at the end of the file; ValueError where it is damaged."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size))
    length, mark = _END.unpack(file.read(_END.size))
    if mark != b"PAR1" or length > size - _END.size:
        raise ValueError("the metadata at the end is damaged")
    file.seek(size - _END.size - length)
    try:
        fields, _ = _struct(file.read(length), 0)
        groups = [[_column(each) for each in group[_COLUMNS]] for group in fields.get(_ROW_GROUPS, [])]
    except (IndexError, KeyError, TypeError, AttributeError):
        raise ValueError("the metadata at the end is damaged") from None
    if any(len(columns) != width for columns in groups):
        raise ValueError("a row group does not have all columns")
    return groups


def _column(chunk: Header) -> Column:
    fields = chunk[_COLUMN]
    codec, values, size, start = (fields[key] for key in (_CODEC, _VALUES, _SIZE, _DATA_AT))
    if 0 < fields.get(_DICTIONARY_AT, 0) < start:
        start = fields[_DICTIONARY_AT]
    if not (0 <= codec < len(_CODECS) and min(values, size, start) >= 0):
        raise ValueError("the metadata of a column is damaged")
    return Column(_CODECS[codec], values, start, start + size)


def _shared(file: Any, column: Column, leaf: Any, expansion: Expansion) -> tuple[int, int]:
    """How many values take less room in the file than in memory, and bytes of the widest of them."""
    variable = leaf.physical_type == "BYTE_ARRAY"
    fixed = max(8, leaf.length) if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else 8
    shared = widest = 0
    for header, position in _pages(file, column):
        expansion.add(header[_UNPACKED])
        if header[_KIND] == _DICTIONARY_PAGE:
            widest = max(widest, _longest(file, column, header, position) if variable else fixed)
            continue
        data = header.get(_DATA) or header.get(_DATA_2) or {}
        count, encoding = data.get(1, 0), data.get(2 if _DATA in header else 4, 0)
        if leaf.max_repetition_level:
            expansion.add(8 * count)  # for the levels
        if encoding == _DELTA_BYTE_ARRAY:
            shared, widest = shared + count, max(widest, header[_UNPACKED])
        elif encoding in _DICTIONARY:
            shared += count
    return shared, widest


def _pages(file: Any, column: Column) -> Iterator[tuple[Header, int]]:
    """The header of each page of a column, and where the page begins."""
    position, left = column.start, column.values
    while position < column.end and left > 0:
        header, length = _header(file, position)
        position += length
        yield header, position
        position += header[_PACKED]
        left -= (header.get(_DATA) or header.get(_DATA_2) or {}).get(1, 0)


def _header(file: Any, position: int) -> tuple[Header, int]:
    """A page's header, and its length in bytes."""
    size = _FEWEST
    while True:
        file.seek(position)
        data = file.read(size)
        try:
            header, end = _struct(data, 0)
            break
        except IndexError:
            if len(data) < size or size >= _MOST:
                raise ValueError("the header of a page is cut off") from None
            size *= 16
    if not all(isinstance(header.get(field), int) and header[field] >= 0 for field in (_KIND, _UNPACKED, _PACKED)):
        raise ValueError("the header of a page is damaged")
    return header, end


def _longest(file: Any, column: Column, header: Header, position: int) -> int:
    """Bytes of the longest value of a dictionary; where its page cannot be looked into, those of the page."""
    import pyarrow

    size, codec = int(header[_UNPACKED]), column.codec
    if header.get(_DICTIONARY_DATA, {}).get(1, 0) > _LOOKED_AT or size > 64 * _LOOKED_AT:
        return size
    file.seek(position)
    page = file.read(header[_PACKED])
    longest = at = 0
    try:
        if codec != "uncompressed":
            page = pyarrow.Codec(codec).decompress(page, size, asbytes=True)
        for _ in range(_LOOKED_AT):
            if at >= len(page):
                return longest
            (length,) = _LENGTH.unpack_from(page, at)
            longest, at = max(longest, length), at + 4 + length
    except (pyarrow.ArrowException, OSError, ValueError, struct.error):
        pass
    return size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 70:
            raise ValueError("a number in its metadata is damaged")


def _struct(data: bytes, at: int, depth: int = 0) -> tuple[Header, int]:
    """A struct of Thrift's compact form: its integers, lists and structs by their numbers, and where it ends."""
    if depth > _NEST:
        raise ValueError("its metadata are nested too deep")
    fields: Header = {}
    number = 0
    while kind := data[at] & 0xF:
        step, at = data[at] >> 4, at + 1
        if step:
            number += step
        else:
            encoded, at = _varint(data, at)
            number = (encoded >> 1) ^ -(encoded & 1)
        fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):  # true and false, which stand in the kind
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        encoded, at = _varint(data, at)
        return (encoded >> 1) ^ -(encoded & 1), at
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _varint(data, at)
        return None, at + length
    if kind in (9, 10):
        return _list(data, at, depth + 1)
    if kind == 12:
        return _struct(data, at, depth + 1)
    raise ValueError("its metadata hold what none do")


def _list(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    """A list or set: its length and the kind of its elements, and then these; each takes a byte at least."""
    count, kind, at = data[at] >> 4, data[at] & 0xF, at + 1
    if count == 0xF:
        count, at = _varint(data, at)
    if depth > _NEST or count > len(data):
        raise ValueError("its metadata are nested too deep, or have too many values")
    values = []
    for _ in range(count):
        value, at = (data[at] == 1, at + 1) if kind in (1, 2) else _value(data, at, kind, depth)
        values.append(value)
    return values, at
