"""A server under mixed load for a long time: `python soak.py SECONDS CONNECTIONS PORT QUICK ENCODER COMMAND...`.

First CONNECTIONS clients (fewer where the limit of open files asks for it) connect, and then all send one text at the
same moment. Then 64 connections send for SECONDS what a server gets in a day: short texts to both models, lists, sets
with a coverage, explanations, invalid requests, metrics for Prometheus. Some leave before the answer, or reconnect
for each request. An error is an answer of another status than the request should get, or none.
"""

import asyncio
import json
import random
import resource
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

from imdb import read_part
from served import answer, request, resident_mib, serving

CONNECTIONS = 64
POINTS = 40  # of the curve of memory
SPARE = 500  # open files besides connections
TIME_S = 120.0


async def together(port: int, count: int, model: str, texts: list[str]) -> dict[str, Any]:
    """Concurrent clients: how many were answered, in what time, and how many got Retry-After."""
    gate = asyncio.Event()
    statuses: Counter[int] = Counter()
    waiting = asyncio.Semaphore(500)  # connections that are being made

    async def one(number: int) -> None:
        async with waiting:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ready.release()
        await gate.wait()
        writer.write(request({"inputs": texts[number % len(texts)], "model": model}))
        status, _ = await answer(reader)
        statuses[status] += 1
        rest = asyncio.create_task(reader.read(1))
        await asyncio.sleep(0)
        if rest.done() and rest.result():
            statuses[-1] += 1  # more than one answer
        rest.cancel()
        writer.close()

    ready = asyncio.Semaphore(0)
    async with asyncio.timeout(TIME_S):
        clients = [asyncio.create_task(one(number)) for number in range(count)]
        for _ in clients:
            await ready.acquire()
        begin = perf_counter()
        gate.set()
        await asyncio.gather(*clients)
    told = {"connections": count, "seconds": perf_counter() - begin, "answered": statuses[200], "again": statuses[503]}
    return {**told, "wrong": count - statuses[200] - statuses[503]}


async def mixed(
    port: int, process: int, seconds: float, models: list[str], texts: list[str], files: Path
) -> dict[str, Any]:
    """Load for so long; requests, errors, waits of the lone texts, memory."""
    waits: list[float] = []
    errors: Counter[str] = Counter()
    requests = 0
    curve: list[float] = []
    begin = perf_counter()
    end = begin + seconds

    async def connection(number: int) -> None:
        nonlocal requests
        draw = random.Random(number)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while perf_counter() < end:
            model = models[draw.random() < 0.2]
            text = draw.choice(texts)
            kind = draw.random()
            question: Any = {"inputs": text, "model": model}
            path, expected, lone = "/predict", 200, False
            if kind < 0.05:
                question["inputs"] = draw.choices(texts, k=20)
            elif kind < 0.10:
                question["top_k"] = 2
            elif kind < 0.12:
                question |= {"explain": True, "model": models[0]}
            elif kind < 0.14:
                question, expected = {"inputs": 3}, 422
            elif kind < 0.15:
                question["model"], expected = "none", 404
            elif kind < 0.16:
                question, path = None, "/metrics"
            else:
                lone = True
            start = perf_counter()
            try:
                async with asyncio.timeout(60):
                    writer.write(request(question, path))
                    if kind > 0.98:  # gone before the answer
                        await writer.drain()
                        writer.close()
                        reader, writer = await asyncio.open_connection("127.0.0.1", port)
                        continue
                    status, _ = await answer(reader)
                    if kind > 0.96:
                        writer.close()
                        reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                errors[type(error).__name__] += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            requests += 1
            if status != expected:
                errors[f"{status} instead of {expected}"] += 1
            if lone and model == models[0]:
                waits.append(perf_counter() - start)
        writer.close()

    async def watch() -> None:
        for point in range(1, POINTS + 1):
            await asyncio.sleep(max(0.0, begin + seconds * point / POINTS - perf_counter()))
            curve.append(round(resident_mib(process), 1))

    await asyncio.gather(watch(), *map(connection, range(CONNECTIONS)))
    await asyncio.sleep(1.0)
    waits.sort()
    return {
        "seconds": seconds,
        "requests": requests,
        "errors": dict(errors),
        "p50_ms": 1000 * waits[len(waits) // 2],
        "p99_ms": 1000 * waits[int(len(waits) * 0.99)],
        "mib": curve,
        "files": len(list(files.iterdir())),
    }


def main() -> None:
    """Start the server, load it, end it."""
    seconds, count, port, quick, encoder, *command = sys.argv[1:]
    texts, _ = read_part("test", "sst2")
    models = [quick, encoder]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the server inherits it
    clients = min(int(count), hard - SPARE) if hard != resource.RLIM_INFINITY else int(count)
    with serving(command, int(port)) as process:
        files = Path(f"/proc/{process}/fd")
        before = len(list(files.iterdir()))
        at_once = asyncio.run(together(int(port), clients, quick, texts))
        measurements = asyncio.run(mixed(int(port), process, float(seconds), models, texts, files))
    print(json.dumps({**measurements, "files_before": before, "open_files": [soft, hard], "at_once": at_once}))


main()
