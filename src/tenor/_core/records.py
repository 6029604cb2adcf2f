"""Strict JSON: every value must have its type and its range, since anybody may have written the file.

The file must contain an object. NaN, infinities, numbers too large to use, duplicate keys, lone surrogates, and more
values or levels than Tenor writes are refused. An error names the file and the field.
"""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tenor._core.language import join_names, tr

_MAX_VALUES = 1 << 24
_MAX_LEVELS = 60
_MAX_DIGITS = 19
_SHOWN = 60  # characters of a value, or of a key, that an error shows
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # as an escape; UTF-8 cannot contain one

Json: TypeAlias = Any
"""What `json.loads` returns."""
JsonObject: TypeAlias = dict[str, Json]
"""An object of JSON."""
JsonMapping: TypeAlias = Mapping[str, Json]
"""An object of JSON that is only read."""


class RecordError(ValueError):
    """A file, or a field of it, does not have the contents that it must have.

    Args:
        file: Name of the file.
        path: The field, such as `task.labels[1]`; empty: the whole file.
        problem: What is wrong with it, as the end of a sentence.
    """

    def __init__(self, file: str, path: str, problem: str) -> None:
        self.file, self.path, self.problem = file, path, problem
        super().__init__(f"{file}, {self.detail}" if path else f"{file}: {problem}")

    @property
    def detail(self) -> str:
        """The message without the file."""
        return (
            tr("field {path!r}: {problem}", path=self.path[:200], problem=self.problem) if self.path else self.problem
        )

    def within(self, path: str) -> "RecordError":
        """The same error, for a record that is the field `path` of a larger one."""
        return RecordError(self.file, f"{path}.{self.path}".rstrip("."), self.problem)

    def __reduce__(self) -> "tuple[type[RecordError], tuple[str, str, str]]":
        return RecordError, (self.file, self.path, self.problem)


@dataclass(frozen=True)
class Record:
    """A JSON object. Every method raises RecordError if the field is missing or has another type.

    Attributes:
        values: Its fields.
        file: Name of the file.
        path: Its own place in the file; empty: the object is the whole file.
    """

    values: JsonObject
    file: str
    path: str = ""

    def error(self, key: str, problem: str) -> RecordError:
        """The error for a field."""
        return RecordError(self.file, self._at(key), problem)

    def string(self, key: str, max_characters: int = 1 << 20) -> str:
        """Read a string."""
        value = self._get(key)
        if not isinstance(value, str):
            raise self._type_error(key, value, tr("a string"))
        if len(value) > max_characters:
            raise self.error(
                key,
                tr(
                    "it has {n_value:,} characters, and {max_characters:,} are allowed",
                    n_value=len(value),
                    max_characters=max_characters,
                ),
            )
        return value

    def choice(self, key: str, choices: Collection[str]) -> str:
        """Read one of several known strings."""
        value = self.string(key)
        if value not in choices:
            raise self.error(
                key, tr("{shown} is not known; known: {choices}", shown=_shown(value), choices=join_names(choices))
            )
        return value

    def boolean(self, key: str) -> bool:
        """Read true or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._type_error(key, value, tr("true or false"))
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """Read a whole number from `low` to `high`."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._type_error(key, value, tr("a whole number from {low:,} to {high:,}", low=low, high=high))
        return value

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Read a number from `low` to `high`."""
        value = self._get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            bounded = (
                tr(" from {low:g} to {high:g}", low=low, high=high) if (low, high) != (-math.inf, math.inf) else ""
            )
            raise self._type_error(key, value, tr("a number{bounded}", bounded=bounded))
        return float(value)

    def items(self, key: str, max_items: int | None = None) -> list[Json]:
        """Read a list."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self._type_error(key, value, tr("a list"))
        if max_items is not None and len(value) > max_items:
            raise self.error(
                key,
                tr("it has {n_value:,} items, and {max_items:,} are allowed", n_value=len(value), max_items=max_items),
            )
        return value

    def strings(self, key: str) -> list[str]:
        """Read a list of strings."""
        for number, value in enumerate(items := self.items(key)):
            if not isinstance(value, str):
                raise self._type_error(f"{key}[{number}]", value, tr("a string"))
        return items

    def integers(self, key: str, low: int, high: int) -> list[int]:
        """Read a list of whole numbers from `low` to `high`."""
        for number, value in enumerate(items := self.items(key)):
            if type(value) is not int or not low <= value <= high:
                raise self._type_error(
                    f"{key}[{number}]", value, tr("a whole number from {low:,} to {high:,}", low=low, high=high)
                )
        return items

    def record(self, key: str) -> "Record":
        """Read an object."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise self._type_error(key, value, tr("an object"))
        return Record(value, self.file, self._at(key))

    def records(self, key: str, max_items: int | None = None) -> "list[Record]":
        """Read a list of objects."""
        records = []
        for number, value in enumerate(self.items(key, max_items)):
            if not isinstance(value, dict):
                raise self._type_error(f"{key}[{number}]", value, tr("an object"))
            records.append(Record(value, self.file, self._at(f"{key}[{number}]")))
        return records

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Refuse fields with other names."""
        for key in self.values:
            if key not in known:
                raise self.error(key[:_SHOWN], tr("the field is unknown"))

    def _get(self, key: str) -> Json:
        if key not in self.values:
            raise self.error(key, tr("it is missing"))
        return self.values[key]

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _type_error(self, key: str, value: object, expected: str) -> RecordError:
        return self.error(key, tr("it is {shown}, not {expected}", shown=_shown(value), expected=expected))


class _UnusableNumber(str):
    """A number as the file writes it: NaN, an infinity, or one that is too large."""


class _DuplicateKeyError(Exception):
    """A key occurs twice."""


def parse(data: bytes, file: str, allow_surrogates: bool = False) -> Record:
    """Read the JSON object in a file.

    Args:
        data: Bytes of the file.
        file: Its name, for errors.
        allow_surrogates: Accept lone surrogates in strings; file names that are not UTF-8 have them.

    Raises:
        RecordError: It is not such an object.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(file, "", tr("it is not UTF-8 (byte {start:,})", start=error.start)) from None
    if sum(map(data.count, (b",", b"[", b"{"))) > _MAX_VALUES:
        raise RecordError(file, "", tr("it has more than {max_values:,} values", max_values=_MAX_VALUES))
    unusable: list[_UnusableNumber] = []

    def refused(number: str) -> _UnusableNumber:
        unusable.append(_UnusableNumber(number))
        return unusable[-1]

    def integer(number: str) -> int | _UnusableNumber:
        return int(number) if len(number) <= _MAX_DIGITS else refused(number)

    def real(number: str) -> float | _UnusableNumber:
        return value if math.isfinite(value := float(number)) else refused(number)

    try:
        values = json.loads(
            text, parse_int=integer, parse_float=real, parse_constant=refused, object_pairs_hook=_unique_keys
        )
    except json.JSONDecodeError as error:
        raise RecordError(
            file, "", tr("it is not JSON (line {lineno:,}: {msg})", lineno=error.lineno, msg=error.msg)
        ) from None
    except RecursionError:
        raise RecordError(file, "", tr("it has more than {max_levels} levels", max_levels=_MAX_LEVELS)) from None
    except _DuplicateKeyError as error:
        raise RecordError(file, str(error), tr("it occurs twice")) from None
    if not isinstance(values, dict):
        raise RecordError(file, "", tr("it contains {shown}, not an object", shown=_shown(values)))
    if unusable:
        path, value = next(leaf for leaf in _leaves(values) if isinstance(leaf[1], _UnusableNumber))
        raise RecordError(file, path, tr("{value} is not a usable number", value=str(value)[:_SHOWN]))
    if not allow_surrogates and _SURROGATE.search(data):
        _refuse_surrogates(values, file)
    _refuse_deep(values, file)
    return Record(values, file)


def _unique_keys(pairs: Sequence[tuple[str, Json]]) -> JsonObject:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = set()
        for key, _ in pairs:
            if key in names:
                raise _DuplicateKeyError(ascii(key)[1:-1][:_SHOWN])
            names.add(key)
    return values


def _refuse_deep(values: Json, file: str) -> None:
    level = [values]
    for _ in range(_MAX_LEVELS):
        inner = (part.values() if isinstance(part, dict) else part for part in level)
        level = [value for part in inner for value in part if isinstance(value, (dict, list))]
        if not level:
            return
    raise RecordError(file, "", tr("it has more than {max_levels} levels", max_levels=_MAX_LEVELS))


def _refuse_surrogates(values: object, file: str) -> None:
    """Refuse lone surrogates: they cannot be written to a file, nor sent."""
    for path, value in _leaves(values):
        for text in (path, value):
            if isinstance(text, str) and not text.isascii():
                try:
                    text.encode()
                except UnicodeEncodeError:
                    raise RecordError(file, ascii(path)[1:-1], tr("it contains a lone surrogate")) from None


def _leaves(value: Json) -> Iterator[tuple[str, Json]]:
    """Every value that is neither an object nor a list, with its path."""
    pending = [("", value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{path}.{key}" if path else key, inner) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            pending += [(f"{path}[{number}]", inner) for number, inner in reversed(list(enumerate(value)))]
        else:
            yield path, value


def _shown(value: Json) -> str:
    """The value as JSON, or its type for a list or an object."""
    if isinstance(value, (dict, list)):
        return tr("an object") if isinstance(value, dict) else tr("a list")
    text = ascii(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
