"""The pickle of a PyTorch file -> plain values and descriptions of tensors, without the module `pickle`.

A pickle is a program for a stack machine. This machine knows the few instructions that PyTorch writes for a dict of
tensors. A name of Python is never looked up: it must be one of `_GLOBALS`, which stand for a dict, for a tensor and for
types of numbers. Any other name or instruction is an error, so there is nothing that a pickle could run.

Source: https://github.com/python/cpython/blob/main/Lib/pickletools.py, which describes each instruction.
"""

import enum
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.tensor_file import BFLOAT16

_MAX_INSTRUCTIONS = 5_000_000
_MAX_STRING = 1 << 20  # bytes
_MAX_LONG = 16  # bytes of an integer
_MAX_NAME = 200  # characters of a name of Python
_SHOWN = 60


class TorchPickleError(ValueError):
    """The pickle is damaged, or holds something else than tensors. The message is the end of a sentence."""


class Storage(NamedTuple):
    """The numbers behind a tensor.

    Attributes:
        dtype: Their type.
        key: Which storage of the file it is.
        length: How many numbers there are.
    """

    dtype: np.dtype[Any]
    key: str
    length: int


class TensorView(NamedTuple):
    """A tensor: a view of a storage. All values are counted in numbers, not in bytes.

    Attributes:
        storage: Its numbers.
        offset: The first one.
        shape: Its shape.
        strides: The step between neighbours in each dimension.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Function(enum.Enum):
    """What a name of Python stands for."""

    DICT = "dict"
    TENSOR = "tensor"
    PARAMETER = "parameter"


@dataclass(frozen=True)
class _StorageType:
    """The type of the numbers of a storage."""

    dtype: np.dtype[Any]


_STORAGES: dict[str, npt.DTypeLike] = {
    **{"Float": np.float32, "Half": np.float16, "Double": np.float64, "BFloat16": BFLOAT16},
    **{"Long": np.int64, "Int": np.int32, "Short": np.int16, "Char": np.int8, "Byte": np.uint8, "Bool": np.bool_},
}
_GLOBALS: dict[tuple[str, str], _Function | _StorageType] = {
    ("collections", "OrderedDict"): _Function.DICT,
    ("torch._utils", "_rebuild_tensor"): _Function.TENSOR,
    ("torch._utils", "_rebuild_tensor_v2"): _Function.TENSOR,
    ("torch._utils", "_rebuild_parameter"): _Function.PARAMETER,
    **{("torch", f"{name}Storage"): _StorageType(np.dtype(dtype)) for name, dtype in _STORAGES.items()},
}


class Unpickled(NamedTuple):
    """What a pickle builds.

    Attributes:
        value: Strings, numbers, None, dicts, lists and tuples of these, and tensors.
        end: Position after the pickle.
    """

    value: object
    end: int


def read(data: bytes | mmap.mmap, start: int = 0) -> Unpickled:
    """Run one pickle.

    Args:
        data: The file, or its part with the pickle.
        start: Position of the pickle in it.

    Raises:
        TorchPickleError: It is damaged, or uses what no dict of tensors needs.
    """
    return _Machine(data, start).run()


class _Machine:
    """The stack machine. Each instruction is one method of `_INSTRUCTIONS`."""

    def __init__(self, data: bytes | mmap.mmap, start: int) -> None:
        self._data, self._at = data, start
        self._stack: list[object] = []
        self._outer: list[list[object]] = []  # the stacks below each mark
        self._memo: dict[int, object] = {}

    def run(self) -> Unpickled:
        for _ in range(_MAX_INSTRUCTIONS):
            code = self._bytes(1)[0]
            if code == _STOP:
                if len(self._stack) != 1 or self._outer:
                    raise TorchPickleError(tr("its pickle does not end with one value"))
                return Unpickled(self._stack[0], self._at)
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                raise TorchPickleError(
                    tr("its pickle has the instruction {code:#04x}, which no dict of tensors needs", code=code)
                )
            instruction(self)
        raise TorchPickleError(
            tr("its pickle has more than {max_instructions:,} instructions", max_instructions=_MAX_INSTRUCTIONS)
        )

    # Reading and the stack

    def _bytes(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise TorchPickleError(tr("its pickle is truncated"))
        self._at += count
        return part

    def _integer(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self._bytes(size), "little", signed=signed)

    def _string(self, size: int) -> str:
        if size > _MAX_STRING:
            raise TorchPickleError(tr("its pickle has a string of {size:,} bytes", size=size))
        try:
            return self._bytes(size).decode("utf-8")
        except UnicodeDecodeError:
            raise TorchPickleError(tr("its pickle has a string that is not UTF-8")) from None

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at, self._at + _MAX_NAME + 1)
        if end < 0:
            raise TorchPickleError(tr("its pickle has a name of more than {max_name} characters", max_name=_MAX_NAME))
        line = self._string(end - self._at)
        self._at += 1
        return line

    def _pop(self) -> object:
        if not self._stack:
            raise TorchPickleError(tr("its pickle takes a value from an empty stack"))
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack:
            raise TorchPickleError(tr("its pickle takes a value from an empty stack"))
        return self._stack[-1]

    def _pop_marked(self) -> list[object]:
        if not self._outer:
            raise TorchPickleError(tr("its pickle has no mark where one is needed"))
        values, self._stack = self._stack, self._outer.pop()
        return values

    # Instructions

    def skip(self, size: int) -> None:
        self._bytes(size)

    def push(self, value: object) -> None:
        self._stack.append(value)

    def mark(self) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def pop(self) -> None:
        self._pop()

    def signed(self) -> None:
        self.push(self._integer(4, signed=True))

    def unsigned(self, size: int) -> None:
        self.push(self._integer(size))

    def long(self) -> None:
        size = self._integer(1)
        if size > _MAX_LONG:
            raise TorchPickleError(tr("its pickle has an integer of {size} bytes", size=size))
        self.push(self._integer(size, signed=True))

    def real(self) -> None:
        self.push(struct.unpack(">d", self._bytes(8))[0])

    def text(self, size: int) -> None:
        self.push(self._string(self._integer(size)))

    def remember(self, size: int) -> None:
        self._memo[self._integer(size) if size else len(self._memo)] = self._top()

    def recall(self, size: int) -> None:
        number = self._integer(size)
        if number not in self._memo:
            raise TorchPickleError(tr("its pickle recalls a value that it did not remember"))
        self.push(self._memo[number])

    def make_tuple(self, size: int | None) -> None:
        if size is None:
            self.push(tuple(self._pop_marked()))
            return
        self.push(tuple(reversed([self._pop() for _ in range(size)])))

    def append(self) -> None:
        self._extend([self._pop()])

    def appends(self) -> None:
        self._extend(self._pop_marked())

    def _extend(self, values: list[object]) -> None:
        top = self._top()
        if not isinstance(top, list):
            raise TorchPickleError(tr("its pickle appends to something else than a list"))
        top += values

    def set_item(self) -> None:
        value = self._pop()
        self._set_items([self._pop(), value])

    def set_items(self) -> None:
        self._set_items(self._pop_marked())

    def _set_items(self, values: list[object]) -> None:
        top = self._top()
        if not isinstance(top, dict) or len(values) % 2:
            raise TorchPickleError(tr("its pickle sets items of something else than a dict"))
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | int):
                raise TorchPickleError(tr("its pickle has a dict whose keys are not strings"))
            top[key] = value

    def name(self) -> None:
        module = self._line()
        self._push_global(module, self._line())

    def name_on_stack(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise TorchPickleError(tr("its pickle has a name that is not a string"))
        self._push_global(module, name)

    def _push_global(self, module: str, name: str) -> None:
        if (module, name) not in _GLOBALS:
            raise TorchPickleError(
                tr("its pickle names {value!a}, which no dict of tensors needs", value=f"{module}.{name}"[:_SHOWN])
            )
        self.push(_GLOBALS[module, name])

    def storage(self) -> None:
        """("storage", type, key, device, length[, view]) -> Storage."""
        match self._pop():
            case ("storage", _StorageType(dtype), str(key), str(), int(length), *view) if length >= 0 and view in (
                [],
                [None],
            ):
                self.push(Storage(dtype, key, length))
            case _:
                raise TorchPickleError(tr("its pickle describes a storage in a way that is not known"))

    def call(self) -> None:
        arguments, function = self._pop(), self._pop()
        match function, arguments:
            case _Function.DICT, ():
                self.push({})
            case _Function.TENSOR, (Storage() as storage, int(offset), tuple(shape), tuple(strides), *_):
                self.push(TensorView(storage, offset, _sizes(shape), _sizes(strides)))
            case _Function.PARAMETER, (TensorView() as tensor, *_):
                self.push(tensor)
            case _:
                raise TorchPickleError(tr("its pickle makes something else than a dict or a tensor"))

    def set_state(self) -> None:
        """Attributes of a dict: PyTorch keeps versions of layers there, which are not needed."""
        self._pop()
        if not isinstance(self._top(), dict):
            raise TorchPickleError(tr("its pickle sets attributes of something else than a dict"))


_STOP = ord(".")


def _sizes(values: tuple[object, ...]) -> tuple[int, ...]:
    sizes = [value for value in values if isinstance(value, int) and value >= 0]
    if len(sizes) != len(values):
        raise TorchPickleError(tr("its pickle has a shape that is not made of whole numbers"))
    return tuple(sizes)


_INSTRUCTIONS: dict[int, Callable[[_Machine], None]] = {
    0x80: lambda machine: machine.skip(1),  # PROTO
    0x95: lambda machine: machine.skip(8),  # FRAME
    ord("("): _Machine.mark,
    ord("0"): _Machine.pop,
    ord("N"): lambda machine: machine.push(None),
    0x88: lambda machine: machine.push(True),
    0x89: lambda machine: machine.push(False),
    ord("J"): _Machine.signed,
    ord("K"): lambda machine: machine.unsigned(1),
    ord("M"): lambda machine: machine.unsigned(2),
    0x8A: _Machine.long,
    ord("G"): _Machine.real,
    ord("X"): lambda machine: machine.text(4),
    0x8C: lambda machine: machine.text(1),
    ord("T"): lambda machine: machine.text(4),  # strings of Python 2
    ord("U"): lambda machine: machine.text(1),
    ord("}"): lambda machine: machine.push({}),
    ord("]"): lambda machine: machine.push([]),
    ord(")"): lambda machine: machine.make_tuple(0),
    0x85: lambda machine: machine.make_tuple(1),
    0x86: lambda machine: machine.make_tuple(2),
    0x87: lambda machine: machine.make_tuple(3),
    ord("t"): lambda machine: machine.make_tuple(None),
    ord("a"): _Machine.append,
    ord("e"): _Machine.appends,
    ord("s"): _Machine.set_item,
    ord("u"): _Machine.set_items,
    ord("q"): lambda machine: machine.remember(1),
    ord("r"): lambda machine: machine.remember(4),
    0x94: lambda machine: machine.remember(0),
    ord("h"): lambda machine: machine.recall(1),
    ord("j"): lambda machine: machine.recall(4),
    ord("c"): _Machine.name,
    0x93: _Machine.name_on_stack,
    ord("Q"): _Machine.storage,
    ord("R"): _Machine.call,
    ord("b"): _Machine.set_state,
}
"""Byte of an instruction -> what it does."""
