"""A connection that waits for nobody for ever: for the head of a request, or for a client to read its answer."""

import asyncio
import json
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD = 64 << 10
"""Bytes of a request before its body."""
_LINGER_S = 1.0  # that a client which was refused has to stop sending
_SPARE = 128  # files and sockets that are not connections


def most_connections() -> int:
    """How many connections this process may hold, as its limit of open files allows."""
    if sys.platform == "win32":
        return 10_000
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - _SPARE)


def bounded(seconds: float, most: int) -> type[HttpToolsProtocol]:
    """A class of connections for uvicorn, whose own wait for the head of a request, and of any size.

    Args:
        seconds: Time for the head of a request, and for a client that does not read.
        most: Connections at the same time; one more is answered 503.
    """

    class Connection(HttpToolsProtocol):
        _head_timer: asyncio.TimerHandle | None = None
        _read_timer: asyncio.TimerHandle | None = None
        _answered: RequestResponseCycle | None = None
        _in_head = False
        _head_bytes = 0
        _again = b""
        _over = False
        _received = 0
        _begun = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                self._refuse(503, "too many connections; try again.", b"retry-after: 1\r\n")
            else:
                self._head_timer = self.loop.call_later(seconds, self._head_is_late)

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_came()
            self._was_read()
            if self._answered is not None:  # uvicorn tells the last request alone, and this may be one before it
                self._answered.disconnected = True
                self._answered.message_event.set()
            super().connection_lost(exc)

        def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
            self._answered = cycle
            super()._start_asgi_task(cycle, app)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing() or self._over:
                return
            self._unset_keepalive_if_required()
            self._begun = False
            try:
                self._parse(data)
                if self._in_head and (self._idle or not self._begun):  # else much of this may be of the one before
                    self._received += len(data)
                if self._in_head and self._received > HEAD:
                    raise httptools.HttpParserError
            except httptools.HttpParserError:
                self._end_of_sense()
            if self.parser is None or self.transport.is_closing() or self._over or self._in_head:
                return
            if self._idle and self._head_timer is None:  # the rest of a body that nobody wanted, or blank lines
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def _parse(self, data: bytes) -> None:
            """Have the parser read this; it takes whatever follows a head with `Upgrade` for another protocol, and is
            given such a request once more, without that header: Java's client offers HTTP/2 with it.
            """
            while data:
                try:
                    self.parser.feed_data(data)
                    return
                except httptools.HttpParserUpgrade as upgrade:
                    data = self._again + data[upgrade.args[0] :]
                    self._again = b""
                    self.parser = httptools.HttpRequestParser(self)
                    with suppress(AttributeError):  # before httptools 0.6.3
                        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head = self._begun = True
            self._head_bytes = self._received = 0
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(seconds, self._head_is_late)

        def on_url(self, url: bytes) -> None:
            super().on_url(url)
            self._count(len(url))

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)
            self._count(len(name) + len(value) + 4)

        def _count(self, size: int) -> None:
            self._head_bytes += size
            if self._head_bytes > HEAD:
                raise OverflowError  # which the parser makes an error of its own

        def on_headers_complete(self) -> None:
            if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
                version = self.parser.get_http_version().encode()
                lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
                lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
                self._again = b"\r\n".join([*lines, b"", b""])
                return
            self._in_head = False
            self._head_came()
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            if not self._again:
                super().on_message_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._leave_if_unread()

        def shutdown(self) -> None:
            super().shutdown()
            self._leave_if_unread()

        def timeout_keep_alive_handler(self) -> None:
            super().timeout_keep_alive_handler()
            self._leave_if_unread()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._await_reading()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._was_read()

        @property
        def _idle(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _end_of_sense(self) -> None:
            """Refuse what is no request, or too large a head; after the answers to what came before it."""
            if self._in_head and not self._idle:
                self._last(self.cycle)
            elif self.pipeline and not self._in_head:  # the body of one that waits for its turn
                self.pipeline.popleft()
                self._last(self.pipeline[0][0] if self.pipeline else self._answered)
            elif self._in_head and max(self._head_bytes, self._received) > HEAD:
                self._refuse(431, f"the head of a request may have {HEAD:,} bytes.")
            else:
                self.logger.warning("what came is no request of HTTP.")
                self._refuse(400, "this is no request of HTTP.")

        def _last(self, cycle: RequestResponseCycle | None) -> None:
            """Read no more, and close once this one is answered."""
            self._over = True
            self._head_came()
            if cycle is not None:
                self.cycle, cycle.keep_alive = cycle, False

        def _head_is_late(self) -> None:
            if not self._idle:  # it was sent before the answer to another came
                self._head_timer = self.loop.call_later(seconds, self._head_is_late)
            elif self._in_head:
                self._refuse(408, "the request did not come in time.")
            else:
                self.transport.close()

        def _head_came(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _await_reading(self) -> None:
            if self._read_timer is None:
                self._read_timer = self.loop.call_later(seconds, self.transport.abort)

        def _was_read(self) -> None:
            if self._read_timer is not None:
                self._read_timer.cancel()
                self._read_timer = None

        def _leave_if_unread(self) -> None:
            """A transport that closes waits for its client to read what is left; for so long and no longer."""
            if self.transport.is_closing() and self.transport.get_write_buffer_size():
                self._await_reading()

        def _refuse(self, status: int, problem: str, header: bytes = b"") -> None:
            body = json.dumps({"detail": problem}).encode()
            line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
            kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n".encode()
            self.transport.write(line + kind + header + b"\r\n" + body)
            self._over = True
            self._head_came()
            if not self._idle:  # its body made no sense
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            if status == HTTPStatus.SERVICE_UNAVAILABLE or not self.transport.can_write_eof():
                self._close()
            else:  # what was not read when a connection closes would take the answer with it
                self.transport.write_eof()
                self.loop.call_later(_LINGER_S, self._close)

        def _close(self) -> None:
            self.transport.close()
            self._leave_if_unread()

    return Connection
