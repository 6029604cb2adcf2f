"""HTTP connections with limits: on the head of a request, and on the time until a client reads its response."""

import asyncio
import json
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tenor._core.language import tr

MAX_HEAD_BYTES = 64 << 10
"""Bytes of a request before its body."""
_LINGER_S = 1.0  # in which a refused client must stop sending
_RESERVED_FILES = 128  # files and sockets that are not connections


def max_connections() -> int:
    """The number of connections that this process may hold: its limit of open files, less some."""
    if sys.platform == "win32":
        return 10_000
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - _RESERVED_FILES)


def limited_protocol(timeout_s: float, max_connections: int) -> type["LimitedProtocol"]:
    """A class of connections for uvicorn with these limits.

    Args:
        timeout_s: Seconds for the head of a request, and for a client that does not read.
        max_connections: Connections at the same time; one more is answered with 503.
    """
    limits = {"timeout_s": timeout_s, "max_connections": max_connections}
    return type("LimitedProtocol", (LimitedProtocol,), limits)


class LimitedProtocol(HttpToolsProtocol):
    """One connection. uvicorn's own class would wait forever for the head of a request, and accept one of any size.

    Attributes:
        timeout_s: Seconds for the head of a request, and for a client that does not read.
        max_connections: Connections at the same time; one more is answered with 503.
    """

    timeout_s = 30.0
    max_connections = 10_000
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _answered: RequestResponseCycle | None = None
    _in_head = False
    _head_bytes = 0  # of the parsed part of the head
    _received_bytes = 0  # while the head has not ended
    _began_request = False  # within the data that was received last
    _without_upgrade = b""  # the head of a request again, without its header Upgrade
    _reads_no_more = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse a connection above the limit; else start the timer of the first head."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(503, tr("too many connections; try again."), b"retry-after: 1\r\n")
        else:
            self._head_timer = self.loop.call_later(self.timeout_s, self._on_head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and wake up whoever waits for the client."""
        self._stop_head_timer()
        self._stop_write_timer()
        if self._answered is not None:  # uvicorn wakes the last request alone, and this may be one before it
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, unless the connection ends; a head that is too large or not HTTP ends it."""
        if self.transport.is_closing() or self._reads_no_more:
            return
        self._unset_keepalive_if_required()
        self._began_request = False
        try:
            self._parse(data)
            if self._in_head and (self._idle or not self._began_request):  # else some may be of the request before
                self._received_bytes += len(data)
            if self._in_head and self._received_bytes > MAX_HEAD_BYTES:
                raise httptools.HttpParserError
        except httptools.HttpParserError:
            self._on_invalid_data()
        if self.parser is None or self.transport.is_closing() or self._reads_no_more or self._in_head:
            return
        if self._idle and self._head_timer is None:  # the rest of a body that nobody wanted, or blank lines
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _parse(self, data: bytes) -> None:
        """Give data to the parser.

        After a head with `Upgrade` it takes what follows for another protocol. Java's client offers HTTP/2 in this way,
        so the parser gets such a head again without that header.
        """
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = self._without_upgrade + data[upgrade.args[0] :]
                self._without_upgrade = b""
                self.parser = httptools.HttpRequestParser(self)
                with suppress(AttributeError):  # before httptools 0.6.3
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Start to count the bytes of a head, and its time."""
        super().on_message_begin()
        self._in_head = self._began_request = True
        self._head_bytes = self._received_bytes = 0
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.timeout_s, self._on_head_timeout)

    def on_url(self, url: bytes) -> None:
        """Count the bytes of the URL."""
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the bytes of a header."""
        super().on_header(name, value)
        self._count_head(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        """End a head; one with `Upgrade` is kept to be parsed again without it."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            version = self.parser.get_http_version().encode()
            lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
            lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
            self._without_upgrade = b"\r\n".join([*lines, b"", b""])
            return
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request, unless its head is parsed again."""
        if not self._without_upgrade:
            super().on_message_complete()

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise OverflowError  # the parser raises an HttpParserError for it

    # What uvicorn calls.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """End a response."""
        super().on_response_complete()
        self._limit_closing()

    def shutdown(self) -> None:
        """End the connection after the response that is being sent."""
        super().shutdown()
        self._limit_closing()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection without a request."""
        super().timeout_keep_alive_handler()
        self._limit_closing()

    def pause_writing(self) -> None:
        """Start to wait for a client that does not read."""
        super().pause_writing()
        self._start_write_timer()

    def resume_writing(self) -> None:
        """Stop waiting for the client."""
        super().resume_writing()
        self._stop_write_timer()

    # How a connection ends.

    @property
    def _idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _on_invalid_data(self) -> None:
        """Refuse data that are not HTTP, or a head that is too large; earlier requests are answered first."""
        if self._in_head and not self._idle:
            self._close_after(self.cycle)
        elif self.pipeline and not self._in_head:  # the body of a request that waits for its turn
            self.pipeline.popleft()
            self._close_after(self.pipeline[0][0] if self.pipeline else self._answered)
        elif self._in_head and max(self._head_bytes, self._received_bytes) > MAX_HEAD_BYTES:
            self._refuse(
                431, tr("the head of a request may have {max_head_bytes:,} bytes.", max_head_bytes=MAX_HEAD_BYTES)
            )
        else:
            self.logger.warning("a client sent what is not an HTTP request.")
            self._refuse(400, tr("this is not an HTTP request."))

    def _close_after(self, cycle: RequestResponseCycle | None) -> None:
        """Read no more, and close the connection after this response."""
        self._reads_no_more = True
        self._stop_head_timer()
        if cycle is not None:
            self.cycle, cycle.keep_alive = cycle, False

    def _refuse(self, status: int, problem: str, header: bytes = b"") -> None:
        """Send an error response and close the connection."""
        body = json.dumps({"detail": problem}, ensure_ascii=False).encode(errors="replace")
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n".encode()
        self.transport.write(line + kind + header + b"\r\n" + body)
        self._reads_no_more = True
        self._stop_head_timer()
        if not self._idle:  # its body is not valid
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if status == HTTPStatus.SERVICE_UNAVAILABLE or not self.transport.can_write_eof():
            self._close()
        else:  # if a connection closes with unread data, the client may lose the response
            self.transport.write_eof()
            self.loop.call_later(_LINGER_S, self._close)

    def _close(self) -> None:
        self.transport.close()
        self._limit_closing()

    def _limit_closing(self) -> None:
        """Limit the time that a closing connection waits for its client to read what is left."""
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._start_write_timer()

    # Timers.

    def _on_head_timeout(self) -> None:
        if not self._idle:  # it was sent before the response to another request
            self._head_timer = self.loop.call_later(self.timeout_s, self._on_head_timeout)
        elif self._in_head:
            self._refuse(408, tr("the request did not come in time."))
        else:
            self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _start_write_timer(self) -> None:
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.timeout_s, self.transport.abort)

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
