"""Bodies of requests, read so that what is wrong with one costs next to nothing: bytes -> the values of its keys.

A question is a JSON object whose values are strings, numbers, words and lists of strings. Whatever else JSON allows is
refused where it begins, so the time and the memory that a body takes depend on its bytes alone. Everything is done in
windows of some kilobytes: a large body is read in a thread, and no single step there keeps the event loop waiting.
"""

import asyncio
import codecs
import json
import re
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from tenor.serving.limits import BODY, Limits
from tenor.serving.refusals import printable_key

KEYS = 32
"""Keys of a request, at most."""
_INLINE = 64 << 10  # bytes of a body that is read on the event loop
_WINDOW = 64 << 10  # bytes that one step looks at
_NUMBER_BYTES = 400
_SPACE = re.compile(rb"[ \t\n\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_OTHERS = frozenset(bytes([first]) for first in b"-0123456789tfn[{")
"""How values begin that are no strings."""
_unescape: Any = json.JSONDecoder().decode
_WORDS = {b"true": True, b"false": False, b"null": None}
_STRING = "Input should be a valid string"


class _Large(Exception):  # noqa: N818  (the caller answers 413)
    """There are more texts or characters than a request may have."""


class JsonReader:
    """Reads one body.

    Args:
        body: JSON in UTF-8.
        limits: How many texts, and characters of the strings of a key, it may have.
        lists: Keys whose values may be lists of strings.
    """

    def __init__(self, body: bytes | bytearray, limits: Limits, lists: frozenset[str]) -> None:
        self._body, self._limits, self._lists = body, limits, lists
        self._at = 3 if body.startswith(codecs.BOM_UTF8) else 0
        self._characters = 0

    def read(self) -> Any:
        """The value of the body; an empty list for any list, as none is a question.

        Raises:
            HTTPException: 413 for more than is allowed, 422 for what can be no question.
            json.JSONDecodeError: It is no JSON.
            UnicodeDecodeError: It is no UTF-8.
        """
        try:
            first = self._next()
            if first == b"[":
                return []
            value = self._object() if first == b"{" else self._scalar(first, "body")
        except _Large as error:
            raise HTTPException(413, str(error)) from None
        if self._next():
            raise self._error("Extra data")
        return value

    def _object(self) -> dict[str, Any]:
        self._at += 1
        values: dict[str, Any] = {}
        first = self._next()
        for _ in range(KEYS):
            if first == b"}":
                if values:
                    raise self._error("a comma ends the object")
                self._at += 1
                return values
            if first != b'"':
                raise self._error("a key in double quotes should be here")
            key = self._string("body")
            if self._next() != b":":
                raise self._error("a colon should be here")
            self._at += 1
            self._characters = 0
            first = self._next()
            values[key] = self._list(key) if first == b"[" and key in self._lists else self._scalar(first, key)
            end = self._next()
            self._at += 1
            if end == b"}":
                return values
            if end != b",":
                self._at -= 1
                raise self._error("a comma should be here")
            first = self._next()
            if first == b"}":
                raise self._error("a key should be here")
        raise HTTPException(422, f"body: there are more than {KEYS} keys.")

    def _list(self, key: str) -> list[str]:
        self._at += 1
        values: list[str] = []
        first = self._next()
        if first == b"]":
            self._at += 1
            return values
        while True:
            if first != b'"':
                if first not in _OTHERS:
                    raise self._error("a value should be here")
                raise HTTPException(422, f"{printable_key(key)}.{len(values)}: {_STRING}.")
            if len(values) == self._limits.max_texts:
                raise _Large(f"a request may have {len(values):,} texts, and this one has more.")
            values.append(self._string(f"{printable_key(key)}.{len(values)}"))
            if not len(values) % 1_000:
                time.sleep(0)
            end = self._next()
            self._at += 1
            if end == b"]":
                return values
            if end != b",":
                self._at -= 1
                raise self._error("a comma should be here")
            first = self._next()

    def _scalar(self, first: bytes, key: str) -> Any:
        if first == b'"':
            return self._string(printable_key(key))
        if first and first in b"[{":
            raise HTTPException(422, f"{printable_key(key)}: Input should be no list or object.")
        for word, value in _WORDS.items():
            if self._body.startswith(word, self._at):
                self._at += len(word)
                return value
        found = _NUMBER.match(self._body, self._at, self._at + _NUMBER_BYTES)
        if found is None:
            raise self._error("a value should be here")
        if len(number := found.group()) == _NUMBER_BYTES:
            raise HTTPException(422, f"{printable_key(key)}: the number has too many digits.")
        self._at = found.end()
        return json.loads(number)

    def _string(self, place: str) -> str:
        """The string whose opening quote comes next; `place` names it where it is refused."""
        self._at += 1
        parts: list[str] = []
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            found = _PLAIN.match(self._body, self._at, self._at + _WINDOW)
            begin, end = self._at, found.end() if found is not None else self._at
            mark = bytes(self._body[end : end + 1])
            parts.append(_unescaped(decoder.decode(self._body[begin:end], mark == b'"')))
            self._at = end
            self._characters += len(parts[-1])
            if self._characters > self._limits.max_characters:
                raise _Large(f"a request may have {self._limits.max_characters:,} characters, and this one has more.")
            if mark == b'"':
                self._at += 1
                return _joined(parts, place)
            if end == begin:  # else the window ended there
                raise self._error("the string does not end" if not mark else "this cannot stand in a string")
            time.sleep(0)  # whoever waits may go on

    def _next(self) -> bytes:
        """Pass over spaces; the byte that comes then, none at the end."""
        while (found := _SPACE.match(self._body, self._at, self._at + _WINDOW)) is not None:
            full = found.end() - self._at == _WINDOW
            self._at = found.end()
            if not full:
                break
            time.sleep(0)
        return bytes(self._body[self._at : self._at + 1])

    def _error(self, problem: str) -> json.JSONDecodeError:
        """What is wrong here; its position counts characters."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        count = 0
        for begin in range(0, self._at, _WINDOW):
            count += len(decoder.decode(self._body[begin : min(begin + _WINDOW, self._at)]))
            time.sleep(0)
        decoder.decode(self._body[self._at : self._at + 4])  # where it is no UTF-8, this says so
        return json.JSONDecodeError(problem, "", count)


def _unescaped(text: str) -> str:
    return _unescape(f'"{text}"') if "\\" in text else text


def _joined(parts: list[str], place: str) -> str:
    """Put together what windows have parted, pairs of escaped surrogates among it; one alone is refused."""
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
                422, f"{place}: {escape} is half of a character (a surrogate), and the other half is missing."
            ) from None
    return "".join(parts)


def limited_route(limits: Limits, lists: frozenset[str]) -> type[APIRoute]:
    """A class of routes whose bodies are read so: small ones at once, large ones beside the event loop.

    Args:
        limits: What one request may have.
        lists: Keys whose values may be lists of strings.
    """
    threads = ThreadPoolExecutor(1, "body")

    class Bounded(Request):
        async def body(self) -> bytes:
            kept: bytes | None = self.scope.get(BODY)
            return await super().body() if kept is None else kept

        async def json(self) -> Any:
            reader = JsonReader(body := await self.body(), limits, lists)
            if len(body) <= _INLINE:
                return reader.read()
            return await asyncio.get_running_loop().run_in_executor(threads, reader.read)

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def bounded(request: Request) -> Response:
                return await answer(Bounded(request.scope, request.receive))

            return bounded

    return Route
