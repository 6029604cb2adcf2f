"""JSON that somebody else may have written, read strictly: each value has the type and the range that it must have.

Read are objects alone. Refused are NaN and infinities, numbers too large for a number, keys that stand twice, half
characters, and more values or levels than any file of Tenor's has. An error names the file and the field.
"""

import json
import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

_MOST_VALUES = 1 << 24
_MOST_LEVELS = 60
_MOST_DIGITS = 19
_SHOWN = 60  # characters of a value, or of a key, that an error shows
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # as an escape; as UTF-8 it cannot be decoded

D = TypeVar("D")


class RecordError(ValueError):
    """What a file holds is not what it has to hold.

    Args:
        file: Its name.
        path: The field, such as `task.labels[1]`; empty: the whole.
        problem: What is wrong with it, as the end of a sentence.
    """

    def __init__(self, file: str, path: str, problem: str) -> None:
        self.file, self.path, self.problem = file, path, problem
        super().__init__(f"{file}, {self.detail}" if path else f"{file}: {problem}")

    @property
    def detail(self) -> str:
        """The message without the file."""
        return f"field {self.path[:200]!r}: {self.problem}" if self.path else self.problem

    def within(self, path: str) -> "RecordError":
        """The same error, of a record that is the field `path` of a larger one."""
        return RecordError(self.file, f"{path}.{self.path}".rstrip("."), self.problem)

    def __reduce__(self) -> tuple[Any, ...]:
        return RecordError, (self.file, self.path, self.problem)


@dataclass(frozen=True)
class Record:
    """An object of JSON. Every method raises RecordError where the field is missing or is something else.

    Attributes:
        values: Its fields.
        file: The file that it stands in.
        path: The field that it is; empty: it is the whole file.
    """

    values: dict[str, Any]
    file: str
    path: str = ""

    def error(self, key: str, problem: str) -> RecordError:
        """The error that tells of a field."""
        return RecordError(self.file, self._at(key), problem)

    def text(self, key: str, longest: int = 1 << 20) -> str:
        """A string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._other(key, value, "a string")
        if len(value) > longest:
            raise self.error(key, f"it has {len(value):,} characters, and {longest:,} are allowed")
        return value

    def choice(self, key: str, choices: Collection[str]) -> str:
        """One of some strings."""
        value = self.text(key)
        if value not in choices:
            raise self.error(key, f"{_shown(value)} is not known; known: {', '.join(choices)}")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._other(key, value, "true or false")
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        """A whole number between two others, which it may be."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._other(key, value, f"a whole number from {low:,} to {high:,}")
        return value

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """A number between two others, which it may be."""
        value = self._get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            bounded = f" from {low:g} to {high:g}" if (low, high) != (-math.inf, math.inf) else ""
            raise self._other(key, value, f"a number{bounded}")
        return float(value)

    def items(self, key: str, most: int | None = None) -> list[Any]:
        """A list."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self._other(key, value, "a list")
        if most is not None and len(value) > most:
            raise self.error(key, f"it has {len(value):,} items, and {most:,} are allowed")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of strings."""
        for number, value in enumerate(found := self.items(key)):
            if not isinstance(value, str):
                raise self._other(f"{key}[{number}]", value, "a string")
        return found

    def wholes(self, key: str, low: int, high: int) -> list[int]:
        """A list of whole numbers between two others."""
        for number, value in enumerate(found := self.items(key)):
            if type(value) is not int or not low <= value <= high:
                raise self._other(f"{key}[{number}]", value, f"a whole number from {low:,} to {high:,}")
        return found

    def record(self, key: str) -> "Record":
        """An object."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise self._other(key, value, "an object")
        return Record(value, self.file, self._at(key))

    def records(self, key: str, most: int | None = None) -> "list[Record]":
        """A list of objects."""
        found = []
        for number, value in enumerate(self.items(key, most)):
            if not isinstance(value, dict):
                raise self._other(f"{key}[{number}]", value, "an object")
            found.append(Record(value, self.file, self._at(f"{key}[{number}]")))
        return found

    def only(self, known: Collection[str]) -> None:
        """Refuse fields of other names."""
        for key in self.values:
            if key not in known:
                raise self.error(key[:_SHOWN], "there is no field of this name")

    def _get(self, key: str) -> Any:
        if key not in self.values:
            raise self.error(key, "it is missing")
        return self.values[key]

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _other(self, key: str, value: Any, wanted: str) -> RecordError:
        return self.error(key, f"it is {_shown(value)}, not {wanted}")


class _Unfit(str):
    """A number as it stands in a file, which is none that can be computed with."""


class _TwiceError(Exception):
    pass


def parse(data: bytes, file: str, halves: bool = False) -> Record:
    """The object that a file of JSON holds.

    Args:
        data: The file's bytes.
        file: Its name, for errors.
        halves: Whether strings may hold half characters, as names of files do that are not UTF-8.

    Raises:
        RecordError: It is no such object.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(file, "", f"it is not UTF-8 (byte {error.start:,})") from None
    if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise RecordError(file, "", f"it has more than {_MOST_VALUES:,} values")
    unfit: list[_Unfit] = []

    def refused(found: str) -> _Unfit:
        unfit.append(_Unfit(found))
        return unfit[-1]

    def whole(found: str) -> Any:
        return int(found) if len(found) <= _MOST_DIGITS else refused(found)

    def number(found: str) -> Any:
        return value if math.isfinite(value := float(found)) else refused(found)

    try:
        values = json.loads(
            text, parse_int=whole, parse_float=number, parse_constant=refused, object_pairs_hook=_without_twins
        )
    except json.JSONDecodeError as error:
        raise RecordError(file, "", f"it is no JSON (line {error.lineno:,}: {error.msg})") from None
    except RecursionError:
        raise RecordError(file, "", f"it has more than {_MOST_LEVELS} levels") from None
    except _TwiceError as error:
        raise RecordError(file, str(error), "it stands there twice") from None
    if not isinstance(values, dict):
        raise RecordError(file, "", f"it holds {_shown(values)}, not an object")
    if unfit:
        path, value = next(found for found in _leaves(values) if isinstance(found[1], _Unfit))
        raise RecordError(file, path, f"{str(value)[:_SHOWN]} is no number that can be used")
    if not halves and _HALF.search(data):
        _refuse_halves(values, file)
    _refuse_deep(values, file)
    return Record(values, file)


def _without_twins(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = set()
        for key, _ in pairs:
            if key in names:
                raise _TwiceError(ascii(key)[1:-1][:_SHOWN])
            names.add(key)
    return found


def _refuse_deep(values: Any, file: str) -> None:
    level = [values]
    for _ in range(_MOST_LEVELS):
        inner = (part.values() if isinstance(part, dict) else part for part in level)
        level = [value for part in inner for value in part if isinstance(value, (dict, list))]
        if not level:
            return
    raise RecordError(file, "", f"it has more than {_MOST_LEVELS} levels")


def _refuse_halves(values: Any, file: str) -> None:
    """Half characters (surrogates) cannot be written to any file, nor sent."""
    for path, value in _leaves(values):
        for text in (path, value):
            if isinstance(text, str) and not text.isascii():
                try:
                    text.encode()
                except UnicodeEncodeError:
                    raise RecordError(file, ascii(path)[1:-1], "it holds half a character (a surrogate)") from None


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Every value that is neither an object nor a list, with its path; of those that are empty none."""
    waiting = [("", value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{key}" if path else key, inner) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(f"{path}[{number}]", inner) for number, inner in reversed(list(enumerate(value)))]
        else:
            yield path, value


def _shown(value: Any) -> str:
    """The value as JSON has it, or what kind it is."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = ascii(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
