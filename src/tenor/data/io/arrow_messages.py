"""The decompressed size of the batches of an Arrow file, before any is read.

A batch may be compressed buffer by buffer (LZ4 or Zstandard), with the size of each in front of it. FlatBuffers
(Arrow's Message.fbs and File.fbs) say where the buffers are: tables with an index of their fields. Few fields are read.
"""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tenor._core.language import tr
from tenor.data.io.limits import FREE_ARROW_BYTES, Expansion

if TYPE_CHECKING:
    import pyarrow

_MAGIC = b"ARROW1"
_MARK = -1  # before the length of a message, since Arrow 0.15
_DICTIONARY, _RECORDS = 2, 3  # kinds of messages


def require_bounded(file: "pyarrow.NativeFile", name: str) -> None:
    """Check the size of all batches of a file, or of a stream in a file.

    Args:
        file: The file, opened by pyarrow.
        name: Its name for messages.

    Raises:
        DataError: The batches would be decompressed to far more than the file.
        ValueError: A message is damaged.
    """
    size = file.size()
    expansion = Expansion(name, size, FREE_ARROW_BYTES // 4, tr("If it is right, write it again without compression."))
    try:
        for position in _blocks(file, size) if file.read_at(6, 0) == _MAGIC else _stream(file, size):
            expansion.add(_decompressed_bytes(file, position))
    except (struct.error, IndexError, OverflowError):
        raise ValueError(tr("a message is damaged")) from None


def _blocks(file: "pyarrow.NativeFile", size: int) -> Iterator[int]:
    """The positions of the messages of a file, from its footer."""
    length = _number("<i", file.read_at(4, size - 10), 0)
    if not 0 < length <= size - 18:
        raise ValueError(tr("the footer is damaged"))
    footer = file.read_at(length, size - 10 - length)
    table = _pointer(footer, 0)
    for field in (2, 3):  # dictionaries, and batches
        for at in _vector(footer, table, field, 24):
            yield _number("<q", footer, at)


def _stream(file: "pyarrow.NativeFile", size: int) -> Iterator[int]:
    """The positions of the messages of a stream."""
    position = 0
    while position + 4 <= size:
        message, begin = _message(file, position)
        if not message:
            return
        yield position
        at = _slot(message, _pointer(message, 0), 3)
        body = _number("<q", message, at) if at else 0
        if body < 0:
            raise ValueError(tr("a message is damaged"))
        position = begin + len(message) + body


def _message(file: "pyarrow.NativeFile", position: int) -> tuple[bytes, int]:
    """The metadata of a message and their position; empty at the end of a stream."""
    head = file.read_at(8, position)
    first = _number("<i", head, 0)
    length, begin = (_number("<i", head, 4), position + 8) if first == _MARK else (first, position + 4)
    if not 0 <= length <= file.size() - begin:
        raise ValueError(tr("a message is incomplete"))
    return file.read_at(length, begin), begin


def _decompressed_bytes(file: "pyarrow.NativeFile", position: int) -> int:
    """Decompressed bytes of the batch at this position; 0 if it is not compressed, or not a batch."""
    message, begin = _message(file, position)
    table = _pointer(message, 0)
    kind, batch = message[_slot(message, table, 1)], _pointer(message, _slot(message, table, 2))
    if kind == _DICTIONARY:
        batch = _pointer(message, _slot(message, batch, 1))
    elif kind != _RECORDS:
        return 0
    if not _slot(message, batch, 3):
        return 0
    total = 0
    for at in _vector(message, batch, 2, 16):
        if _number("<q", message, at + 8) >= 8:
            total += max(0, _number("<q", file.read_at(8, begin + len(message) + _number("<q", message, at)), 0))
    return total


def _number(form: str, data: bytes, at: int) -> int:
    """The integer at a position; `form` is its format for `struct`."""
    return int(struct.unpack_from(form, data, at)[0])


def _pointer(data: bytes, at: int) -> int:
    """The position that the offset at `at` points to."""
    return at + _number("<I", data, at)


def _slot(data: bytes, table: int, field: int) -> int:
    """The position of a field of a table, or 0 if the table leaves it out."""
    index = table - _number("<i", data, table)
    known = 4 + 2 * field < _number("<H", data, index)
    distance = _number("<H", data, index + 4 + 2 * field) if known else 0
    return table + distance if distance else 0


def _vector(data: bytes, table: int, field: int, width: int) -> Iterator[int]:
    """The positions of the structs of a vector; each has `width` bytes."""
    at = _slot(data, table, field)
    if at:
        begin = _pointer(data, at)
        yield from (begin + 4 + index * width for index in range(_number("<I", data, begin)))
