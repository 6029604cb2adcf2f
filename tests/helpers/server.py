"""`tenor serve` in a process of its own, and what goes over a connection to it."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Server:
    """`tenor serve` in a process of its own."""

    def __init__(
        self, folder: Path, log: Path, *options: str, files: int | None = None, program: Sequence[str] = ("-m", "tenor")
    ) -> None:
        self.log = log
        command = [sys.executable, "-W", "error", *program, "serve", str(folder), *options]
        if files is not None:
            command = ["sh", "-c", f'ulimit -n {files} && exec "$@"', "sh", *command]
        with log.open("w") as written:
            self.process = subprocess.Popen(command, stderr=written)
        for _ in range(300):
            lines = log.read_text().splitlines()
            if lines or self.process.poll() is not None:
                break
            time.sleep(0.05)
        assert lines and lines[0].startswith("listening on "), lines
        self.port = int(lines[0].rpartition(":")[2])

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def answered(self, path: str = "/predict") -> Counter[int]:
        """How many requests got which status, as the log tells it."""
        lines = self.log.read_text().splitlines()[1:]
        assert [line for line in lines if not line.startswith("{")] == []
        events = [json.loads(line) for line in lines]
        broken = [event for event in events if "traceback" in event]
        assert broken == []
        return Counter(event["status"] for event in events if event.get("path") == path)


def request(question: Any, path: str = "/predict") -> bytes:
    body = question if isinstance(question, bytes) else json.dumps(question).encode()
    lines = [f"POST {path} HTTP/1.1", "host: x", "content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    """The next answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    [length] = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
    body = await reader.readexactly(length)
    return int(lines[0].split()[1]), json.loads(body) if b"application/json" in head else body


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
