"""Reading structs in the compact form of Thrift, strictly."""

from typing import Any, TypeAlias

from tenor._core.language import tr

_MAX_NESTING = 32

Value: TypeAlias = Any
"""A number, a list, or a struct; None: it was skipped."""

Struct = dict[int, Value]
"""The fields of a struct by their numbers."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 70:
            raise ValueError(tr("a number in its metadata is damaged"))


def read_struct(data: bytes, at: int, depth: int = 0) -> tuple[Struct, int]:
    """Read a struct.

    Args:
        data: Bytes that contain it.
        at: Its position.
        depth: How many structs and lists are around it.

    Returns:
        Its integers, lists and structs by field number, and the position after it.

    Raises:
        IndexError: The bytes end too early.
        ValueError: It is damaged.
    """
    if depth > _MAX_NESTING:
        raise ValueError(tr("its metadata are nested too deep"))
    fields: Struct = {}
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


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Value, int]:
    """A value of some kind, and the position after it. Doubles and strings are skipped."""
    if kind in (1, 2):  # true and false, which the kind itself holds
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
        return read_struct(data, at, depth + 1)
    raise ValueError(tr("its metadata have an unknown type"))


def _list(data: bytes, at: int, depth: int) -> tuple[list[Value], int]:
    """A list or set, and the position after it. Each element takes at least one byte."""
    count, kind, at = data[at] >> 4, data[at] & 0xF, at + 1
    if count == 0xF:
        count, at = _varint(data, at)
    if depth > _MAX_NESTING or count > len(data):
        raise ValueError(tr("its metadata are nested too deep, or have too many values"))
    values = []
    for _ in range(count):
        value, at = (data[at] == 1, at + 1) if kind in (1, 2) else _value(data, at, kind, depth)
        values.append(value)
    return values, at
