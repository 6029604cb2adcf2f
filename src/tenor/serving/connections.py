"""A connection that waits for nobody for ever: for the head of a request, or for a client to read its answer."""

import asyncio
import json
import re
import sys
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD = 64 << 10
"""Bytes of a request before its body."""
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
            if self.transport.is_closing():
                return
            if b"pgrade:" in data and (self._idle or self._in_head):
                data = _without_upgrade(data)
            super().data_received(data)
            if self.parser is None or self.transport.is_closing():
                return
            if self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > HEAD and self._idle:
                    self._refuse(431, f"the head of a request may have {HEAD:,} bytes.")
            elif self._idle and self._head_timer is None:  # the rest of a body that nobody wanted, or blank lines
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head, self._head_bytes = True, 0
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(seconds, self._head_is_late)

        def on_headers_complete(self) -> None:
            self._in_head = False
            self._head_came()
            super().on_headers_complete()

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

        def send_400_response(self, msg: str) -> None:
            self._refuse(400, "this is no request of HTTP.")

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
            self.transport.close()
            self._leave_if_unread()

    return Connection


def _without_upgrade(data: bytes) -> bytes:
    """Leave the header Upgrade to nobody: Java's client offers HTTP/2 with it, and the parser would drop the body."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return re.sub(rb"(?i)\r\nupgrade:", b"\r\nx-grade:", head) + end + rest  # as long as it was
