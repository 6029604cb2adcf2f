"""How many requests a server answers, and how fast: `python load.py SECONDS SET PORT COMMAND...`.

64 connections send one short text after another, each when the one before it was answered; then at half of the rate
that was reached, each at its appointed time, from which the wait is counted: no request waits uncounted for another.
The server shares the processors with this program.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import perf_counter, sleep

from imdb import read_part

CONNECTIONS = 64
WARM_S = 1.0


async def load(port: int, seconds: float, texts: list[str], rate: float = 0.0) -> dict[str, float]:
    """Requests a second and the waits, milliseconds, after a second that does not count."""
    waits: list[float] = []
    begin = perf_counter()

    async def connection(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = number
        due = begin + (number / rate if rate else 0.0)
        while (now := perf_counter()) < begin + WARM_S + seconds:
            if rate and due > now:
                await asyncio.sleep(due - now)
            start = due if rate else now
            due += CONNECTIONS / rate if rate else 0.0
            body = json.dumps({"inputs": texts[sent % len(texts)]}).encode()
            sent += CONNECTIONS
            head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            writer.write(head.encode() + b"\r\n\r\n" + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not answer.startswith(b"http/1.1 200 "):
                sys.exit(f"the server answered {answer[:40]!r}")
            await reader.readexactly(int(answer.split(b"content-length: ")[1].split(b"\r\n")[0]))
            if start > begin + WARM_S:
                waits.append(perf_counter() - start)
        writer.close()

    await asyncio.gather(*map(connection, range(CONNECTIONS)))
    waits.sort()
    middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    return {"requests_per_s": len(waits) / seconds, "p50_ms": 1000 * middle, "p99_ms": 1000 * late}


def main() -> None:
    """Start the server, load it, end it."""
    seconds, name, port, *command = sys.argv[1:]
    texts, _ = read_part("test", name)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):
            try:
                asyncio.run(load(int(port), 0.01, texts[:64]))
                break
            except (OSError, IndexError):
                if server.poll() is not None:
                    sys.exit(f"the server ended: {command}")
                sleep(0.25)
        peak = asyncio.run(load(int(port), float(seconds), texts))
        half = asyncio.run(load(int(port), float(seconds), texts, peak["requests_per_s"] / 2))
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
        [resident] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.wait(30)
    print(json.dumps({**peak, "half_p50_ms": half["p50_ms"], "half_p99_ms": half["p99_ms"], "mib": resident / 1024}))


main()
