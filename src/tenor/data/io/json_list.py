"""JSON (`.json`): a list of objects, or an export of Label Studio. It is read object by object, twice if it is long."""

import contextlib
import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator

from tenor._core.language import mark, tr
from tenor._core.records import Json
from tenor.data.io import label_studio
from tenor.data.io import lines as text
from tenor.data.io.chunks import Table, chunked
from tenor.data.io.json_lines import columns_of
from tenor.data.io.json_text import JSON, Row, refusal, require_bounded, require_object
from tenor.data.io.limits import size_of
from tenor.data.io.lines import Lines, too_long
from tenor.errors import DataError, Location

HELD_BYTES = 256 << 20
"""Bytes of objects that are kept in memory for the second pass."""

_REMEDY = mark('Give a list of objects such as [{"text": "..."}], or one object a line.')
_BLOCK_CHARACTERS = 1 << 20  # that are read together
_MARGIN = 16  # characters before the end: a fault there may be due to text that is not read yet
_LIST_BEGINNING = 1_000  # characters that show what a list holds
_OBJECTS = re.compile(r"\[[ \t\r\n]*+\{")
_BLANKS = re.compile(r"[ \t\r\n]*+")


def read(lines: Lines) -> Table:
    """Open a list of objects. The columns are all keys; an object without a key has None there.

    Raises:
        DataError: The list is empty or broken, or the export cannot be used.
    """
    objects = _Objects(lines)
    with contextlib.closing(iter(objects)) as iterator:
        first = next(iterator, None)
    if first is None:
        raise DataError(tr("{name}: the list is empty.", name=lines.name), tr(_REMEDY))
    return read_objects(objects, first, lines)


def read_objects(objects: Iterable[Row], first: Row, lines: Lines) -> Table:
    """A table of objects.

    Args:
        objects: The objects, which are iterated twice.
        first: The first of them.
        lines: The file.

    Raises:
        DataError: An object is broken, or the export cannot be used.
    """
    name = lines.name
    rows: Callable[[], Iterator[Row]]
    if label_studio.is_export(first):
        export = label_studio.Export(objects, name)
        columns, rows = export.columns, export.rows
    else:
        columns, rows = columns_of(objects, name), lambda: iter(objects)

    def values() -> Iterator[list[object]]:
        for row in rows():
            yield [_value(row.get(column)) for column in columns]

    return Table(name, columns, chunked(values(), columns), notes=lines.notes)


class _Objects:
    """The objects of a list. They are read again for each iteration, unless they are few."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._held: list[Row] | None = None

    def __iter__(self) -> Generator[Row, None, None]:
        if self._held is not None:
            yield from self._held
            return
        held: list[Row] | None = []
        size = 0
        with self._lines.read(in_pieces=True) as pieces:
            scanner = _Scanner(pieces, self._lines)
            for value in scanner.values():
                if held is not None:
                    size += size_of(value)
                    held.append(value)
                    held = held if size <= HELD_BYTES else None
                yield value
        self._held = held


class WrappedObjects:
    """The objects of a list under a key of one object, such as `{"data": [{...}, ...]}`.

    Attributes:
        key: The key of the list; empty before the iteration, and if there is no list of objects.
        other: The other values of the object, known after the iteration.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines, self.key, self.other = lines, "", dict[str, Json]()

    def __iter__(self) -> Generator[Row, None, None]:
        with self._lines.read(in_pieces=True) as pieces:
            yield from _Scanner(pieces, self._lines).wrapped(self)


class _Scanner:
    """Reads a list value by value.

    Args:
        pieces: The text of the file.
        lines: The file, whose row is updated for errors.
    """

    def __init__(self, pieces: Iterator[str], lines: Lines) -> None:
        self._pieces, self._lines = pieces, lines
        self._text, self._start = "", 0

    def values(self) -> Iterator[Row]:
        """The objects. Raises DataError if this is not a list of objects."""
        yield from self._list()
        if self._next():
            raise self._not_json(tr("something follows the list"))

    def _list(self) -> Iterator[Row]:
        self._expect("[")
        if self._next() == "]":
            self._start += 1
            return
        while True:
            self._lines.row += 1
            yield self._object()
            if self._expect(",]") == "]":
                return

    def wrapped(self, target: WrappedObjects) -> Iterator[Row]:
        """The objects of the one list of objects in an object. Raises DataError if there are several such lists."""
        target.key, target.other = "", {}
        self._expect("{")
        if self._next() == "}":
            return
        while True:
            key, _ = self._any()
            self._expect(":")
            if self._next() == "[" and self._opens_objects():
                if target.key:
                    raise DataError(
                        tr(
                            "{name}: there are lists of rows under {key!r} and {other_key!r}.",
                            name=self._lines.name,
                            key=target.key,
                            other_key=key,
                        ),
                        tr("Write each list into a file of its own."),
                    )
                target.key = str(key)
                yield from self._list()
            else:
                value, written = self._any()
                require_bounded(written, Location(self._lines.name))
                target.other[str(key)] = value
            if self._expect(",}") == "}":
                return

    def _opens_objects(self) -> bool:
        """Whether a list begins with an object."""
        while len(self._text) - self._start < _LIST_BEGINNING and self._more():
            pass
        return _OBJECTS.match(self._text, self._start) is not None

    def _object(self) -> Row:
        """Read the next object."""
        value, written = self._any()
        return require_object(value, written, Location(self._lines.name, self._lines.row))

    def _any(self) -> tuple[Json, str]:
        """Read the next value: what it is, and how it is written."""
        at = Location(self._lines.name, self._lines.row or None)
        self._next()
        while True:
            try:
                value, end = JSON.raw_decode(self._text, self._start)
                break
            except (ValueError, RecursionError) as error:
                if self._is_final(error) or not self._more():
                    require_bounded(self._text[self._start :], at)  # Python 3.13 decodes thousands of levels
                    if isinstance(error, json.JSONDecodeError):
                        raise self._not_json(error.msg) from None
                    raise refusal(error, at, tr(_REMEDY)) from None
            require_bounded(self._text, at)
        written = self._text[self._start : end]
        require_bounded(written, at)
        self._start = end
        return value, written

    def _is_final(self, error: Exception) -> bool:
        """Whether more text cannot cure an error."""
        if not isinstance(error, json.JSONDecodeError):
            return True
        return error.pos < len(self._text) - _MARGIN and not error.msg.startswith("Unterminated string")

    def _expect(self, characters: str) -> str:
        """Read one of some characters."""
        character = self._next()
        if not character or character not in characters:
            raise self._not_json(tr("{characters} is expected", characters=tr(" or ").join(map(repr, characters))))
        self._start += 1
        return character

    def _next(self) -> str:
        """Skip blanks, and look at the next character; an empty string at the end."""
        while True:
            match = _BLANKS.match(self._text, self._start)
            self._start = match.end() if match else self._start
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read more text, at least as much as is held, so that a long object is parsed only a few times."""
        held = self._text[self._start :]
        if len(held) > text.MAX_LINE_BYTES:
            raise too_long("row", Location(self._lines.name, self._lines.row))
        parts, size, least = [held], 0, max(_BLOCK_CHARACTERS, len(held))
        for piece in self._pieces:
            parts.append(piece)
            size += len(piece)
            if size >= least:
                break
        self._text, self._start = "".join(parts), 0
        return bool(size)

    def _not_json(self, problem: str) -> DataError:
        place = (
            tr("{name}, row {row}", name=self._lines.name, row=self._lines.row) if self._lines.row else self._lines.name
        )
        return DataError(tr("{place}: this is not JSON: {problem}.", place=place, problem=problem), tr(_REMEDY))


def _value(value: object) -> object:
    """The value; for the choices of Label Studio's short export a string if there is one, else a list."""
    if isinstance(value, dict) and list(value) == ["choices"] and isinstance(value["choices"], list):
        return label_studio.as_label(value["choices"])
    return value
