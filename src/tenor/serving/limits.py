"""What a client may ask for, held to before the app reads anything: size, time, and a key."""

import asyncio
import contextlib
import hmac
import json
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from tenor.serving.origins import Origins

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/", "/page.js", "/page.css", "/health/live", "/health/ready"})
"""What needs no key."""
BODY = "tenor.body"
"""Key of the body in the scope of a request, where it is whole and was not copied."""

_DIGITS = 19
"""Of a length in bytes that fits into 64 bits; Python takes no number of some thousands."""
_GONE = 499
"""The client left before it was answered: what many servers write into their logs."""
_REMEDIES = {401: (b"www-authenticate", b"Bearer"), 503: (b"retry-after", b"1")}


@dataclass(frozen=True)
class Limits:
    """What one request may have.

    Attributes:
        max_texts: Texts.
        max_characters: Characters of all texts.
        max_body_bytes: Bytes.
        max_held_bytes: Bytes of the bodies of all requests that are read or answered at the same time.
        timeout_s: Time until the answer.
        max_explained_texts: Texts to explain.
        max_explained_characters: Characters of all texts to explain.
        max_correction_characters: Characters of a text that is corrected.
        corrections_per_minute: Corrections a minute, of all clients together.
    """

    max_texts: int = 1_000
    max_characters: int = 2_000_000
    max_body_bytes: int = 16 << 20
    max_held_bytes: int = 512 << 20
    timeout_s: float = 30.0
    max_explained_texts: int = 16
    max_explained_characters: int = 20_000
    max_correction_characters: int = 100_000
    corrections_per_minute: int = 120


class RateLimiter:
    """Lets through so many a minute, and as many at once after a quiet minute."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._left, self._at = float(a_minute), time.monotonic()

    def wait(self) -> int:
        """Whole seconds until one more may come; 0: it may come now, and is counted."""
        now = time.monotonic()
        self._left = min(self._a_minute, self._left + (now - self._at) * self._a_minute / 60)
        self._at = now
        if self._left < 1:
            return math.ceil((1 - self._left) * 60 / self._a_minute)
        self._left -= 1
        return 0


class Guard:
    """Stands before the app: 401 without a key, 413 for a body that is too large, 408 for one that does not come, 421
    and 403 for what a web page may have tricked a browser into.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        keys: tuple[str, ...],
        on_response: Callable[[Message, int, float], None],
        origins: Origins | None = None,
    ) -> None:
        self.app, self.limits, self.on_response = app, limits, on_response
        self.origins = origins or Origins()
        self.keys = [key.encode() for key in keys]
        self._held = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), _GONE
        started = False

        async def watched(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
            await send(message)

        try:
            async with asyncio.timeout(self.limits.timeout_s):
                await self._answer(scope, receive, watched)
        except TimeoutError:
            if not started:
                await _refuse(watched, 504, f"there was no answer within {self.limits.timeout_s:g} seconds.")
        except asyncio.CancelledError:
            raise
        except BaseException:
            status = status if started else 500
            raise
        finally:
            self.on_response(scope, status, time.perf_counter() - begin)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if refusal := self.origins.refusal(scope, headers):
            await _refuse(send, *refusal)
            return
        if self.keys and scope["path"] not in OPEN and not self._has_key(headers):
            await _refuse(send, 401, "a known key is needed: Authorization: Bearer KEY, or X-API-Key: KEY.")
            return
        body = bytearray()
        try:
            refusal = await self._read(scope, headers, receive, body)
            if refusal is not None:
                if refusal[0] != _GONE:
                    await _refuse(send, *refusal)
                return
            scope[BODY] = body
            read = False

            async def given() -> Message:
                nonlocal read
                if read:
                    return await receive()
                read = True
                return {"type": "http.request", "body": bytes(body), "more_body": False}

            await self.app(scope, given, send)
        finally:
            self._held -= len(body)

    async def _read(
        self, scope: Message, headers: dict[bytes, bytes], receive: Receive, body: bytearray
    ) -> tuple[int, str] | None:
        """Read the body; the status and the words with which the request is refused, or None."""
        large = 413, f"the request is larger than {self.limits.max_body_bytes:,} bytes."
        length = headers.get(b"content-length", b"0")
        digits = length.lstrip(b"0") or b"0"
        if not length.isdigit() or len(digits) > _DIGITS or int(digits) > self.limits.max_body_bytes:
            if headers.get(b"expect", b"").lower() != b"100-continue":
                await self._pass_over(receive)
            return large
        more = scope["method"] in ("POST", "PUT", "PATCH")
        try:
            async with asyncio.timeout(self.limits.timeout_s / 2):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return _GONE, ""
                    part = message.get("body", b"")
                    self._held += len(part)
                    body += part
                    more = message.get("more_body", False)
                    if self._held > self.limits.max_held_bytes:
                        return 503, "the server holds too many texts; try again."
                    if len(body) > self.limits.max_body_bytes:
                        break
        except TimeoutError:
            return 408, "the body of the request did not come in time."
        if len(body) > self.limits.max_body_bytes:
            await self._pass_over(receive)
            return large
        return None

    async def _pass_over(self, receive: Receive) -> None:
        """Read what is too large and drop it, within bounds: who still sends does not hear that it is refused."""
        left, more = 8 * self.limits.max_body_bytes, True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.timeout_s / 4):
                while more and left > 0:
                    message = await receive()
                    more = message.get("more_body", False)
                    left -= len(message.get("body", b""))

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return any([hmac.compare_digest(given, key) for key in self.keys])  # noqa: C419  (all are compared: no timing)


async def _refuse(send: Send, status: int, problem: str) -> None:
    body = json.dumps({"detail": problem}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (408, 413, 503):
        headers.append((b"connection", b"close"))
    if status in _REMEDIES:
        headers.append(_REMEDIES[status])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
