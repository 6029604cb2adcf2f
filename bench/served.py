"""A server in a process of its own, and one connection to it: what load.py and soak.py have in common."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any


def request(question: Any, path: str = "/predict") -> bytes:
    """The bytes of a request; a question of None is a GET."""
    body = b"" if question is None else json.dumps(question).encode()
    method = "GET" if question is None else "POST"
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and the body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    return int(head.split()[1]), body


@contextlib.contextmanager
def serving(command: list[str], port: int) -> Iterator[int]:
    """Start a server and wait until it answers, for five minutes at most; its process id. It is ended with SIGTERM."""

    async def ready() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(None, "/"))
        await reader.readuntil(b"\r\n")
        writer.close()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # then the server is ended, too
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            try:
                asyncio.run(ready())
                break
            except OSError:
                if server.poll() is not None:
                    sys.exit(f"the server ended: {command}")
                sleep(0.25)
        yield server.pid
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.wait(60)


def resident_mib(process: int) -> float:
    """Memory of a process, MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    [resident] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    return resident / 1024


def cpu_s(process: int) -> float:
    """Processor time that a process has used, seconds."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
