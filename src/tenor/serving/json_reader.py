"""Reads the bodies of requests such that a malicious one costs next to nothing: bytes -> the values of its fields.

A request is a JSON object whose values are strings, numbers, words and lists of strings. A text may also be an object
of such values, its fields. Whatever else JSON allows is refused at its start, so the time and the memory that a body
takes depend on its bytes alone. Each step looks at a window of some kilobytes: a large body is read in a thread, and no
step there keeps the event loop waiting for long.
"""

import codecs
import json
import re
import time
from collections.abc import Callable

from fastapi import HTTPException

from tenor._core.language import tr
from tenor._core.records import Json, JsonObject
from tenor.serving.error_responses import STRING_NEEDED, printable_key
from tenor.serving.limits import Limits

MAX_KEYS = 32
"""Fields of a request."""
MAX_ROW_KEYS = 1_000
"""Fields of a text; each takes microseconds."""
_WINDOW = 64 << 10  # bytes that one step looks at
_MAX_NUMBER_BYTES = 400
_SPACE = re.compile(rb"[ \t\n\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_VALUE_STARTS = frozenset(bytes([first]) for first in b"-0123456789tfn[{")
"""First bytes of values that are not strings."""
_unescape: Callable[[str], str] = json.JSONDecoder().decode
_WORDS = {b"true": True, b"false": False, b"null": None}


class _TooLargeError(Exception):
    """The request has more texts or characters than it may have."""


class JsonReader:
    """Reads one body."""

    def __init__(
        self,
        body: bytes | bytearray,
        limits: Limits,
        list_fields: frozenset[str],
        row_fields: frozenset[str] = frozenset(),
    ) -> None:
        """Take a body.

        Args:
            body: JSON in UTF-8.
            limits: The number of texts, and of characters in the strings of a field, that it may have.
            list_fields: Fields whose values may be lists of strings.
            row_fields: Fields whose values, or the elements of whose lists, may be objects.
        """
        self._body, self._limits, self._list_fields, self._row_fields = body, limits, list_fields, row_fields
        self._at = 3 if body.startswith(codecs.BOM_UTF8) else 0
        self._characters = self._n_values = 0

    def read(self) -> Json:
        """The value of the body; an empty list for any list, since no request is a list.

        Raises:
            HTTPException: 413 for more than the limits allow, 422 for what cannot be a request.
            json.JSONDecodeError: It is not JSON.
            UnicodeDecodeError: It is not UTF-8.
        """
        try:
            first = self._next()
            if first == b"[":
                return []
            value = self._object() if first == b"{" else self._scalar(first, "body")
        except _TooLargeError as error:
            raise HTTPException(413, str(error)) from None
        if self._next():
            raise self._error(tr("Extra data"))
        return value

    def _object(self) -> JsonObject:
        self._at += 1
        values: JsonObject = {}
        first = self._next()
        for _ in range(MAX_KEYS):
            if first == b"}":
                if values:
                    raise self._error(tr("a comma ends the object"))
                self._at += 1
                return values
            if first != b'"':
                raise self._error(tr("a key in double quotes should be here"))
            key = self._string("body")
            if self._next() != b":":
                raise self._error(tr("a colon should be here"))
            self._at += 1
            self._characters = 0
            first = self._next()
            values[key] = self._value(first, key)
            if self._is_at_end(b"}"):
                return values
            first = self._next()
            if first == b"}":
                raise self._error(tr("a key should be here"))
        raise HTTPException(422, tr("body: there are more than {max_keys} keys.", max_keys=MAX_KEYS))

    def _value(self, first: bytes, key: str) -> Json:
        if first == b"[" and key in self._list_fields:
            return self._list(key)
        if first == b"{" and key in self._row_fields:
            return self._row(printable_key(key))
        return self._scalar(first, key)

    def _row(self, place: str) -> JsonObject:
        """An object of strings, numbers and words; `place` names it in errors."""
        self._at += 1
        values: JsonObject = {}
        first = self._next()
        if first == b"}":
            self._at += 1
            return values
        while True:
            if first != b'"':
                raise self._error(tr("a key in double quotes should be here"))
            key = self._string(place)
            if len(values) == MAX_ROW_KEYS:
                raise HTTPException(
                    422, tr("{place}: there are more than {max_keys} fields.", place=place, max_keys=MAX_ROW_KEYS)
                )
            if key in values:
                raise HTTPException(
                    422,
                    tr(
                        "{place}: the field {printable_key!r} occurs twice.",
                        place=place,
                        printable_key=printable_key(key),
                    ),
                )
            if self._next() != b":":
                raise self._error(tr("a colon should be here"))
            self._at += 1
            values[key] = self._scalar(self._next(), f"{place}.{printable_key(key)}", is_row=True)
            self._n_values += 1
            if self._n_values > self._limits.max_values:
                raise _TooLargeError(
                    tr(
                        "the texts of a request may have {max_values:,} fields in all, and these have more.",
                        max_values=self._limits.max_values,
                    )
                )
            if not self._n_values % 1_000:
                time.sleep(0)
            if self._is_at_end(b"}"):
                return values
            first = self._next()

    def _list(self, key: str) -> list[Json]:
        self._at += 1
        values: list[Json] = []
        takes_rows = key in self._row_fields
        first = self._next()
        if first == b"]":
            self._at += 1
            return values
        while True:
            is_row = takes_rows and first == b"{"
            if first != b'"' and not is_row:
                if first not in _VALUE_STARTS:
                    raise self._error(tr("a value should be here"))
                needed = tr("give a string or an object of fields") if takes_rows else tr(STRING_NEEDED)
                raise HTTPException(
                    422, tr("{place}: {problem}.", place=f"{printable_key(key)}.{len(values)}", problem=needed)
                )
            if len(values) == self._limits.max_texts:
                raise _TooLargeError(
                    tr("a request may have {n_values:,} texts, and this one has more.", n_values=len(values))
                )
            place = f"{printable_key(key)}.{len(values)}"
            values.append(self._row(place) if is_row else self._string(place))
            if not len(values) % 1_000:
                time.sleep(0)
            if self._is_at_end(b"]"):
                return values
            first = self._next()

    def _is_at_end(self, closing: bytes) -> bool:
        """Pass the character after a value: True for the closing one, False for a comma."""
        character = self._next()
        if character not in (closing, b","):
            raise self._error(tr("a comma should be here"))
        self._at += 1
        return character == closing

    def _scalar(self, first: bytes, key: str, is_row: bool = False) -> Json:
        if first == b'"':
            return self._string(printable_key(key))
        if first and first in b"[{":
            remedy = tr("give a string, a number, true, false or null.")
            if first == b"[" and self._list_fields and not is_row:
                remedy += tr(
                    " A list of strings belongs into {fields}.",
                    fields=tr(" or ").join(map(repr, sorted(self._list_fields))),
                )
            raise HTTPException(422, tr("{place}: {problem}", place=printable_key(key), problem=remedy))
        for word, value in _WORDS.items():
            if self._body.startswith(word, self._at):
                self._at += len(word)
                return value
        match = _NUMBER.match(self._body, self._at, self._at + _MAX_NUMBER_BYTES)
        if match is None:
            raise self._error(tr("a value should be here"))
        if len(number := match.group()) == _MAX_NUMBER_BYTES:
            raise HTTPException(
                422, tr("{printable_key}: the number has too many digits.", printable_key=printable_key(key))
            )
        self._at = match.end()
        return json.loads(number)

    def _string(self, place: str) -> str:
        """The string whose opening quote comes next; `place` names it in errors."""
        self._at += 1
        parts: list[str] = []
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            match = _PLAIN.match(self._body, self._at, self._at + _WINDOW)
            begin, end = self._at, match.end() if match is not None else self._at
            mark = bytes(self._body[end : end + 1])
            parts.append(_unescaped(decoder.decode(self._body[begin:end], mark == b'"')))
            self._at = end
            self._characters += len(parts[-1])
            if self._characters > self._limits.max_characters:
                raise _TooLargeError(
                    tr(
                        "a request may have {max_characters:,} characters, and this one has more.",
                        max_characters=self._limits.max_characters,
                    )
                )
            if mark == b'"':
                self._at += 1
                return _joined(parts, place)
            if end == begin:  # else the window ended there
                raise self._error(tr("the string does not end") if not mark else tr("this cannot stand in a string"))
            time.sleep(0)  # other threads may run

    def _next(self) -> bytes:
        """Skip spaces; returns the next byte, or no byte at the end."""
        while (match := _SPACE.match(self._body, self._at, self._at + _WINDOW)) is not None:
            full = match.end() - self._at == _WINDOW
            self._at = match.end()
            if not full:
                break
            time.sleep(0)
        return bytes(self._body[self._at : self._at + 1])

    def _error(self, problem: str) -> json.JSONDecodeError:
        """The error at this position, which counts characters."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        count = 0
        for begin in range(0, self._at, _WINDOW):
            count += len(decoder.decode(self._body[begin : min(begin + _WINDOW, self._at)]))
            time.sleep(0)
        decoder.decode(self._body[self._at : self._at + 4])  # raises UnicodeDecodeError if it is not UTF-8
        return json.JSONDecodeError(problem, "", count)


def _unescaped(text: str) -> str:
    return _unescape(f'"{text}"') if "\\" in text else text


def _joined(parts: list[str], place: str) -> str:
    """Join the parts of a string, and pairs of escaped surrogates between them; refuse half of a pair."""
    for at in range(len(parts) - 1):
        if "\ud800" <= parts[at][-1:] <= "\udbff" and "\udc00" <= parts[at + 1][:1] <= "\udfff":
            pair = (parts[at][-1] + parts[at + 1][0]).encode("utf-16", "surrogatepass").decode("utf-16")
            parts[at], parts[at + 1] = parts[at][:-1] + pair, parts[at + 1][1:]
    for part in parts:
        try:
            part.encode()
        except UnicodeEncodeError as error:
            escape = f"\\u{ord(part[error.start]):04x}"
            raise HTTPException(
                422,
                tr(
                    "{place}: {escape} is half of a character (a surrogate), and the other half is missing.",
                    place=place,
                    escape=escape,
                ),
            ) from None
    return "".join(parts)
