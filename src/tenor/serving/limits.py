"""What a client may ask for, held to before the app reads anything: size, time, and a key."""

import asyncio
import hmac
import json
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/", "/page.js", "/page.css", "/health/live", "/health/ready"})
"""What needs no key."""


@dataclass(frozen=True)
class Limits:
    """What one request may have.

    Attributes:
        texts: Texts.
        characters: Characters of all texts.
        body: Bytes.
        seconds: Time until the answer.
        explained: Texts to explain.
        corrected: Characters of a text that is corrected.
        corrections: Corrections a minute, of all clients together.
    """

    texts: int = 1_000
    characters: int = 2_000_000
    body: int = 16 << 20
    seconds: float = 30.0
    explained: int = 16
    corrected: int = 100_000
    corrections: int = 120


class Rate:
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
    """Stands before the app: 401 without a key, 413 for a body that is too large, 408 for one that does not come."""

    def __init__(
        self, app: App, limits: Limits, keys: tuple[str, ...], told: Callable[[Message, int, float], None]
    ) -> None:
        self.app, self.limits, self.told = app, limits, told
        self.keys = [key.encode() for key in keys]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500
        started = False

        async def watched(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
            await send(message)

        try:
            async with asyncio.timeout(self.limits.seconds):
                await self._answer(scope, receive, watched)
        except TimeoutError:
            if started:
                raise
            await _refuse(watched, 504, f"there was no answer within {self.limits.seconds:g} seconds.")
        finally:
            self.told(scope, status, time.perf_counter() - begin)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if self.keys and scope["path"] not in OPEN and not self._has_key(headers):
            await _refuse(send, 401, "a key is needed: Authorization: Bearer KEY.", [(b"www-authenticate", b"Bearer")])
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.limits.body:
            await _refuse(send, 413, f"the request is larger than {self.limits.body:,} bytes.")
            return
        body, more = b"", scope["method"] in ("POST", "PUT", "PATCH")
        try:
            async with asyncio.timeout(self.limits.seconds / 2):
                while more and len(body) <= self.limits.body:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            await _refuse(send, 408, "the body of the request did not come in time.")
            return
        if len(body) > self.limits.body:
            await _refuse(send, 413, f"the request is larger than {self.limits.body:,} bytes.")
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def given() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, given, send)

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        given = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return any([hmac.compare_digest(given, key) for key in self.keys])  # noqa: C419  (all are compared: no timing)


async def _refuse(send: Send, status: int, problem: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body = json.dumps({"detail": problem}).encode()
    length = (b"content-length", str(len(body)).encode())
    kind = (b"content-type", b"application/json")
    closing = [(b"connection", b"close")] if status in (408, 413) else []
    await send({"type": "http.response.start", "status": status, "headers": [kind, length, *closing, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})
