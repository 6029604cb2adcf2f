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
from typing import cast

import uvicorn

from tenor._core.language import tr
from tenor._core.printable import printable_json
from tenor._core.records import JsonObject
from tenor.errors import SettingsError
from tenor.serving.asgi import ASGIApp
from tenor.serving.connections import limited_protocol, max_connections

_BACKLOG = 4_096  # connections that the system accepts before the server does
_EXIT_S = 2.0  # for the rest of the shutdown after the timeout of requests


def log_line(event: JsonObject) -> None:
    """Write an event to standard error as a line of JSON."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = printable_json(json.dumps({"time": stamp, **event}, ensure_ascii=False))
    with contextlib.suppress(OSError):  # the reader of the log may end before the server
        sys.stderr.write(line + "\n")


class _EventHandler(logging.Handler):
    """Writes what uvicorn logs as events of the log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        event = {"event": "server", "level": record.levelname.lower(), "message": record.getMessage().strip()}
        if record.exc_info:
            event["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        log_line(event)


class _Server(uvicorn.Server):
    """Stops in time even if native code of a model holds a thread for ever."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after a signal; a timer ends the process if that takes too long."""
        if not self.should_exit:
            grace = cast(float, self.config.timeout_graceful_shutdown) + _EXIT_S
            timer = threading.Timer(grace, _exit, (sig, grace))
            timer.daemon = True
            timer.start()
        super().handle_exit(sig, frame)


def _exit(sig: int, seconds: float) -> None:
    message = tr("a model did not stop within {seconds:.0f} seconds, so the server ended without it.", seconds=seconds)
    log_line({"event": "server", "level": "error", "message": message})
    sys.stderr.flush()
    os._exit(128 + sig)


@contextlib.contextmanager
def default_signals() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the process while models are loaded: hanging native code lets no handler run."""
    handlers = {each: signal.signal(each, signal.SIG_DFL) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens at an address. Raises SettingsError if that is not possible."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)  # from now on clients can connect
    except (OSError, OverflowError) as error:
        listening.close()
        raise SettingsError(
            tr("{host}, port {port}: the server cannot listen there: {error}.", host=host, port=port, error=error),
            tr("Choose another `port=...` or `host=...`."),
        ) from None
    return listening


def announce(host: str, port: int) -> None:
    """Print where the server listens."""
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    sys.stderr.write(tr("listening on {address}", address=address) + "\n")
    sys.stderr.flush()


def run(app: ASGIApp, timeout_s: float, host: str, port: int) -> None:
    """Listen, and serve until SIGTERM or Ctrl-C; requests that were accepted are answered first.

    The process has to end after this: some seconds after the timeout, a timer ends it in any case.

    Args:
        app: The application.
        timeout_s: Seconds until a response, and so for the shutdown.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        SettingsError: The server cannot listen at this address.
    """
    logger = logging.getLogger("uvicorn.error")
    logger.handlers, logger.propagate = [_EventHandler(logging.WARNING)], False
    server = _Server(
        uvicorn.Config(
            app,
            http=limited_protocol(timeout_s, max_connections()),
            ws="none",
            backlog=_BACKLOG,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,  # longer than proxies keep connections, usually a minute
            timeout_graceful_shutdown=math.ceil(timeout_s) + 1,
        )
    )
    listening = listening_socket(host, port)
    announce(*listening.getsockname()[:2])
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    listening.close()
