"""The server below the app: where it listens, what it logs, and how it ends."""

import contextlib
import json
import logging
import math
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any, cast

import uvicorn

from tenor._core.printable import printable_json
from tenor.errors import SettingsError
from tenor.serving.connections import bounded, most_connections
from tenor.serving.limits import ASGIApp

_BACKLOG = 4_096  # connections that wait until the server has time for them
_LEAVE_S = 2.0  # after the time for answers, that the rest of the end may take


def log_line(event: dict[str, Any]) -> None:
    """Write an event to standard error as a line of JSON."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = printable_json(json.dumps({"time": stamp, **event}, ensure_ascii=False))
    with contextlib.suppress(OSError):  # who reads the log may end before the server does
        sys.stderr.write(line + "\n")


class _Lines(logging.Handler):
    """What the server below says, as lines of the log."""

    def emit(self, record: logging.LogRecord) -> None:
        event = {"event": "server", "level": record.levelname.lower(), "message": record.getMessage().strip()}
        if record.exc_info:
            event["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        log_line(event)


class _Server(uvicorn.Server):
    """Ends within its time even where a model holds a thread for ever, as code that is not Python's can."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            grace = cast(float, self.config.timeout_graceful_shutdown) + _LEAVE_S
            last = threading.Timer(grace, _leave, (sig, grace))
            last.daemon = True
            last.start()
        super().handle_exit(sig, frame)


def _leave(sig: int, seconds: float) -> None:
    message = f"a model did not end within {seconds:.0f} seconds, so the server ended without it."
    log_line({"event": "server", "level": "error", "message": message})
    sys.stderr.flush()
    os._exit(128 + sig)


@contextlib.contextmanager
def ended_at_once() -> Iterator[None]:
    """While models are loaded, SIGTERM and Ctrl-C end the process: native code that hangs would let no handler run."""
    before = {each: signal.signal(each, signal.SIG_DFL) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsError where that cannot be."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(_BACKLOG)  # from now on nobody is turned away
    except (OSError, OverflowError) as error:
        found.close()
        raise SettingsError(
            f"{host}, port {port}: this cannot be listened on: {error}.",
            "Choose another `port=...` or `host=...`.",
        ) from None
    return found


def announce(host: str, port: int) -> None:
    """Say where it listens."""
    sys.stderr.write(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}\n")
    sys.stderr.flush()


def run(made: ASGIApp, seconds: float, host: str, port: int) -> None:
    """Bind, say where, and serve until SIGTERM or Ctrl-C; what was accepted is answered first.

    The process has to end after this: once it heard the signal it is ended in any case, some seconds after the time for
    answers.

    Args:
        made: What `app.make` gave.
        seconds: Time for an answer, and so for the end.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        SettingsError: The address cannot be listened on.
    """
    logger = logging.getLogger("uvicorn.error")
    logger.handlers, logger.propagate = [_Lines(logging.WARNING)], False
    server = _Server(
        uvicorn.Config(
            cast(Any, made),
            http=bounded(seconds, most_connections()),
            ws="none",
            backlog=_BACKLOG,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,  # longer than what stands in front keeps its connections, as a minute is usual
            timeout_graceful_shutdown=math.ceil(seconds) + 1,
        )
    )
    found = listening_socket(host, port)
    announce(*found.getsockname()[:2])
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[found])
    found.close()
