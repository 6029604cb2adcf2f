"""The wire format of Protocol Buffers, read strictly.

Usual parsers are lenient: they skip unknown fields, keep the last of two values, and merge repeated messages. So two
parsers may read one file differently. This parser refuses files for which that is possible.

Source: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from tenor._core.language import tr

_VARINT, _BYTES, _FIXED32 = 0, 2, 5  # wire types
_LONGEST_VARINT = 10  # bytes
_LONGEST_TEXT = 512  # bytes

Kind = Literal["int", "float", "text", "bytes"]


class GraphError(ValueError):
    """A graph is damaged, or is not one that Tenor writes."""


class Field(NamedTuple):
    """A field of a message.

    Attributes:
        name: Its name.
        kind: What it holds; a schema stands for a message.
        most: How often it may occur. A field that may occur once has one value, others have a list.
    """

    name: str
    kind: "Kind | Schema"
    most: int = 1


Schema = Mapping[int, Field]
"""The fields of a message by their numbers."""


class Piece(NamedTuple):
    """A field of a message, as encoded.

    Attributes:
        number: The field's number.
        wire: Its wire type.
        value: A whole number from 0 to 2^64 - 1, or the bytes.
        whole: All bytes of the field, with its number.
    """

    number: int
    wire: int
    value: int | memoryview
    whole: memoryview

    @property
    def contents(self) -> memoryview:
        """The bytes of a field that has bytes. Raises GraphError where it has a number."""
        if isinstance(self.value, int):
            raise GraphError(tr("the field {number} is a number", number=self.number))
        return self.value


def scan(data: memoryview, where: str) -> Iterator[Piece]:
    """The fields of a message, in their order. Raises GraphError where it is damaged."""
    start = 0
    while start < len(data):
        key, position = _read_varint(data, start, where)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == _VARINT:
            value, end = _read_varint(data, position, tr("{where}, field {number}", where=where, number=number))
        elif wire in (_BYTES, _FIXED32):
            size = 4
            if wire == _BYTES:
                size, position = _read_varint(data, position, tr("{where}, field {number}", where=where, number=number))
            end = position + size
            if end > len(data):
                raise GraphError(
                    tr("{where}, field {number}: it is longer than what it is part of", where=where, number=number)
                )
            value = data[position:end]
        else:
            raise GraphError(
                tr(
                    "{where}, field {number}: the wire type {wire} is not one that Tenor writes",
                    where=where,
                    number=number,
                    wire=wire,
                )
            )
        yield Piece(number, wire, value, data[start:end])
        start = end


Value: TypeAlias = Any
"""A number, a text, bytes or a message, or a list of these, as the schema says."""
Message: TypeAlias = dict[str, Value]
"""A message: the values of its fields by name."""


def decode(data: memoryview, schema: Schema, where: str) -> Message:
    """A message as a dictionary. Fields that do not occur are missing, but for those that have a list.

    Args:
        data: The message.
        schema: Its fields; those of other numbers are refused.
        where: Its place, for errors.

    Raises:
        GraphError: The message is not one of this schema.
    """
    values: Message = {field.name: [] for field in schema.values() if field.most > 1}
    for piece in scan(data, where):
        field = schema.get(piece.number)
        if field is None:
            raise GraphError(
                tr("{where}: the field {number} is not one that Tenor writes", where=where, number=piece.number)
            )
        name, kind, most = field
        if most == 1:
            if name in values:
                raise GraphError(tr("{where}.{name}: it occurs twice", where=where, name=name))
            values[name] = _value(piece, kind, f"{where}.{name}")
        else:
            if len(values[name]) == most:
                raise GraphError(
                    tr("{where}.{name}: it occurs more than {most:,} times", where=where, name=name, most=most)
                )
            values[name].append(_value(piece, kind, f"{where}.{name}[{len(values[name])}]"))
    return values


def _value(piece: Piece, kind: "Kind | Schema", where: str) -> Value:
    wire = {"int": _VARINT, "float": _FIXED32}.get(kind, _BYTES) if isinstance(kind, str) else _BYTES
    if piece.wire != wire:
        raise GraphError(
            tr("{where}: the wire type is {wire}, not {expected}", where=where, wire=piece.wire, expected=wire)
        )
    value = piece.value
    if isinstance(value, int):
        return value - (1 << 64) if value >> 63 else value
    if kind == "float":
        return struct.unpack("<f", value)[0]
    if kind == "bytes":
        return value
    if kind == "text":
        return _text(value, where)
    return decode(value, kind, where)  # type: ignore[arg-type]


def _text(value: memoryview, where: str) -> str:
    if len(value) > _LONGEST_TEXT:
        raise GraphError(
            tr(
                "{where}: it is {n_value:,} bytes long; {longest_text} are allowed",
                where=where,
                n_value=len(value),
                longest_text=_LONGEST_TEXT,
            )
        )
    try:
        text = bytes(value).decode()
    except UnicodeDecodeError:
        raise GraphError(tr("{where}: it is not UTF-8", where=where)) from None
    if not text.isprintable():
        raise GraphError(tr("{where}: it has characters that cannot be printed", where=where))
    return text


def _read_varint(data: memoryview, position: int, where: str) -> tuple[int, int]:
    """A whole number from 0 to 2^64 - 1, and where it ends."""
    value = 0
    for count in range(_LONGEST_VARINT):
        if position == len(data):
            raise GraphError(tr("{where}: it ends too early", where=where))
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            if value >> 64 or (byte == 0 and count):  # a number of leading zeros has several spellings
                break
            return value, position
    raise GraphError(tr("{where}: a number is not in its shortest form", where=where))


Parts = list[bytes | memoryview]
"""Bytes that follow each other. Large ones are not copied until all are joined."""


def number_field(number: int, value: int) -> Parts:
    """A field with a whole number from 0."""
    return [_write_varint(number << 3 | _VARINT) + _write_varint(value)]


def bytes_field(number: int, contents: Parts) -> Parts:
    """A field with bytes, text or a message."""
    return [_write_varint(number << 3 | _BYTES) + _write_varint(sum(map(len, contents))), *contents]


def _write_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
