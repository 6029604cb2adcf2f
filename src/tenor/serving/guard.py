"""Checks every request before the application sees it: its origin, its key, its size and its time."""

import asyncio
import contextlib
import hmac
import json
import time
from collections.abc import Callable

from tenor._core.language import tr
from tenor.serving.asgi import BODY_KEY, ASGIApp, Message, Receive, Send
from tenor.serving.limits import Limits
from tenor.serving.origins import Origins

PUBLIC_PATHS = frozenset({"/", "/page.js", "/page.css", "/health/live", "/health/ready"})
"""Paths that need no key."""

_MAX_LENGTH_DIGITS = 19
"""Digits of a length in bytes that fits into 64 bits; Python refuses to parse thousands of digits."""
_CLIENT_CLOSED = 499
"""Status in the log of a request whose client left before the response, as in many servers."""
_HEADERS = {401: (b"www-authenticate", b"Bearer"), 503: (b"retry-after", b"1")}

OnResponse = Callable[[Message, int, float], None]
"""Called with the scope of a request, the status of its response and the seconds that it took."""
Refusal = tuple[int, str]
"""Status and text of the response to a request that is refused."""


class Guard:
    """An ASGI application around another one.

    It answers 401 without a valid key, 413 for a body that is too large, 408 for a body that is late, 504 for a
    response that is late, and 421 or 403 for requests that a web page may have made a browser send.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        keys: tuple[str, ...],
        on_response: OnResponse,
        origins: Origins | None = None,
    ) -> None:
        """Put a guard around an application.

        Args:
            app: The application.
            limits: Limits of one request.
            keys: API keys; empty: no key is needed.
            on_response: Called after each request.
            origins: Checks the headers Host and Origin; None: local names alone are allowed.
        """
        self.app, self.limits, self.on_response = app, limits, on_response
        self.origins = origins or Origins()
        self.keys = [key.encode() for key in keys]
        self._held_bytes = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_at, status, started = time.perf_counter(), _CLIENT_CLOSED, False

        async def send_and_note_status(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
            await send(message)

        try:
            async with asyncio.timeout(self.limits.timeout_s):
                await self._handle(scope, receive, send_and_note_status)
        except TimeoutError:
            if not started:
                message = tr("there was no answer within {timeout_s:g} seconds.", timeout_s=self.limits.timeout_s)
                await _send_error(send_and_note_status, 504, message)
        except asyncio.CancelledError:
            raise
        except BaseException:
            status = status if started else 500
            raise
        finally:
            self.on_response(scope, status, time.perf_counter() - started_at)

    async def _handle(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if refusal := self.origins.refusal(scope, headers):
            await _send_error(send, *refusal)
            return
        if self.keys and scope["path"] not in PUBLIC_PATHS and not self._has_valid_key(headers):
            await _send_error(send, 401, tr("a valid key is needed: Authorization: Bearer KEY, or X-API-Key: KEY."))
            return
        body = bytearray()
        try:
            refusal = await self._read_body(scope, headers, receive, body)
            if refusal is None:
                scope[BODY_KEY] = body
                await self.app(scope, _replay(body, receive), send)
            elif refusal[0] != _CLIENT_CLOSED:
                await _send_error(send, *refusal)
        finally:
            self._held_bytes -= len(body)

    async def _read_body(
        self, scope: Message, headers: dict[bytes, bytes], receive: Receive, body: bytearray
    ) -> Refusal | None:
        """Append the body of the request to `body`; returns why the request is refused, or None."""
        too_large = (
            413,
            tr("the request is larger than {max_body_bytes:,} bytes.", max_body_bytes=self.limits.max_body_bytes),
        )
        if self._announces_too_much(headers):
            if headers.get(b"expect", b"").lower() != b"100-continue":
                await self._discard(receive)
            return too_large
        has_more = scope["method"] in ("POST", "PUT", "PATCH")
        try:
            async with asyncio.timeout(self.limits.timeout_s / 2):
                while has_more and len(body) <= self.limits.max_body_bytes:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return _CLIENT_CLOSED, ""
                    part = message.get("body", b"")
                    self._held_bytes += len(part)
                    body += part
                    has_more = message.get("more_body", False)
                    if self._held_bytes > self.limits.max_held_bytes:
                        return 503, tr("the server holds too many texts; try again.")
        except TimeoutError:
            return 408, tr("the body of the request did not come in time.")
        if len(body) > self.limits.max_body_bytes:
            await self._discard(receive)
            return too_large
        return None

    def _announces_too_much(self, headers: dict[bytes, bytes]) -> bool:
        """Whether the header Content-Length is not a number, or is more than a body may have."""
        length = headers.get(b"content-length", b"0")
        digits = length.lstrip(b"0") or b"0"
        return not length.isdigit() or len(digits) > _MAX_LENGTH_DIGITS or int(digits) > self.limits.max_body_bytes

    async def _discard(self, receive: Receive) -> None:
        """Read what is too large and drop it, within bounds: a client that still sends does not see its refusal."""
        left, has_more = 8 * self.limits.max_body_bytes, True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.timeout_s / 4):
                while has_more and left > 0:
                    message = await receive()
                    has_more = message.get("more_body", False)
                    left -= len(message.get("body", b""))

    def _has_valid_key(self, headers: dict[bytes, bytes]) -> bool:
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        key = headers.get(b"x-api-key") or (credentials.strip() if scheme.lower() == b"bearer" else b"")
        # All keys are compared, so that the time says nothing.
        return any([hmac.compare_digest(key, each) for each in self.keys])  # noqa: C419


def _replay(body: bytearray, receive: Receive) -> Receive:
    """A `receive` that gives the whole body first."""
    replayed = False

    async def receive_again() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return receive_again


async def _send_error(send: Send, status: int, problem: str) -> None:
    body = json.dumps({"detail": problem}, ensure_ascii=False).encode(errors="replace")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (408, 413, 503):
        headers.append((b"connection", b"close"))
    if status in _HEADERS:
        headers.append(_HEADERS[status])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
