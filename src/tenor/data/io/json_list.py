"""`.json`: a list of objects, also as Label Studio exports its tasks; read object by object, twice where it is long."""

import contextlib
import json
import re
from collections.abc import Callable, Generator, Iterator
from typing import Any

from tenor.data.io import label_studio
from tenor.data.io import lines as text
from tenor.data.io.chunks import Table, chunked
from tenor.data.io.json_lines import columns_of
from tenor.data.io.json_text import JSON, Row, refusal, require_bounded, require_object
from tenor.data.io.limits import size_of
from tenor.data.io.lines import Lines, too_long
from tenor.errors import DataError, Location

HELD_BYTES = 256 << 20  # of objects that are held for the second pass

_REMEDY = 'Give a list of objects such as [{"text": "..."}], or one object a line.'
_BLOCK = 1 << 20  # characters that are looked at together
_MARGIN = 16  # characters from the end within which a fault can come of what is not read yet
_BLANKS = re.compile(r"[ \t\r\n]*+")


def read(lines: Lines) -> Table:
    """Open a list of objects. The columns are all keys; a key that an object leaves out is None there."""
    name, objects = lines.name, _Objects(lines)
    rows: Callable[[], Iterator[Row]]
    with contextlib.closing(iter(objects)) as found:
        first = next(found, None)
    if first is None:
        raise DataError(f"{name}: the list is empty.", _REMEDY)
    if label_studio.is_export(first):
        export = label_studio.Export(objects, name)
        columns, rows = export.columns, export.rows
    else:
        columns, rows = columns_of(objects, name), lambda: iter(objects)

    def values() -> Iterator[list[Any]]:
        for row in rows():
            yield [_value(row.get(column)) for column in columns]

    return Table(name, columns, chunked(values(), columns))


class _Objects:
    """The objects of a list, read anew each time they are iterated unless they are few."""

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


class _Scanner:
    """What the list holds, value by value.

    Args:
        pieces: The text of the file.
        lines: The file; its row is kept, for errors.
    """

    def __init__(self, pieces: Iterator[str], lines: Lines) -> None:
        self._pieces, self._lines = pieces, lines
        self._text, self._start = "", 0

    def values(self) -> Iterator[Row]:
        """The objects. Raises DataError where this is no list of objects."""
        self._expect("[")
        if self._next() == "]":
            self._start += 1
        else:
            while True:
                self._lines.row += 1
                yield self._object()
                if self._expect(",]") == "]":
                    break
        if self._next():
            raise self._no_json("something follows the list")

    def _object(self) -> Row:
        at = Location(self._lines.name, self._lines.row)
        self._next()
        while True:
            try:
                value, end = JSON.raw_decode(self._text, self._start)
                break
            except (ValueError, RecursionError) as error:
                if self._is_final(error) or not self._more():
                    require_bounded(self._text[self._start :], at)  # Python 3.13 decodes thousands of levels
                    if isinstance(error, json.JSONDecodeError):
                        raise self._no_json(error.msg) from None
                    raise refusal(error, at, _REMEDY) from None
            require_bounded(self._text, at)
        written = self._text[self._start : end]
        require_bounded(written, at)
        self._start = end
        return require_object(value, written, at)

    def _is_final(self, error: Exception) -> bool:
        """Whether it stays whatever follows the text that was read."""
        if not isinstance(error, json.JSONDecodeError):
            return True
        return error.pos < len(self._text) - _MARGIN and not error.msg.startswith("Unterminated string")

    def _expect(self, characters: str) -> str:
        found = self._next()
        if not found or found not in characters:
            raise self._no_json(f"{' or '.join(map(repr, characters))} is expected")
        self._start += 1
        return found

    def _next(self) -> str:
        """The next character that is no blank, where the text begins then; nothing at the end."""
        while True:
            match = _BLANKS.match(self._text, self._start)
            self._start = match.end() if match else self._start
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read at least as much as is held, so that a long object is looked at a few times only."""
        held = self._text[self._start :]
        if len(held) > text.LONGEST_LINE:
            raise too_long("row", Location(self._lines.name, self._lines.row))
        parts, size, wanted = [held], 0, max(_BLOCK, len(held))
        for piece in self._pieces:
            parts.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        self._text, self._start = "".join(parts), 0
        return bool(size)

    def _no_json(self, problem: str) -> DataError:
        place = f"{self._lines.name}, row {self._lines.row}" if self._lines.row else self._lines.name
        return DataError(f"{place}: this is not JSON: {problem}.", _REMEDY)


def _value(value: Any) -> Any:
    """The value, or the choices of Label Studio's short export: a string where there is one, a list of several."""
    if isinstance(value, dict) and list(value) == ["choices"] and isinstance(value["choices"], list):
        return label_studio.as_label(value["choices"])
    return value
