"""Good requests beside hostile ones: `python bench/hostile.py [SECONDS] [--quick]`.

A server of two small models is asked at a steady rate by well-behaved clients. In every second window of some seconds
another process sends it what could stop a server: bodies with millions of faults, nesting, large heads, clients that
send byte by byte or leave, pages of other sites, and new versions of a model that are damaged. As both kinds of windows
take turns, what else the machine does is in both. An error is an answer of another status than the request should get.
Everything stays on this machine; with `--quick` it takes a minute.
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import random
import shutil
import socket
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import tenor
from served import answer, request, resident_mib, serving
from tenor.config.run_config import RunConfig
from tenor.training import pipeline

WINDOW_S = 5.0
SETTLE_S = 0.5  # of a window, whose requests are not counted: those of the one before may still be there
GOOD, RATE = 8, 5.0  # clients, and requests a second of each
PAUSE_S = 1.0  # between two hostile requests of a kind
SWAP_S = 10.0
TIMEOUT_S = 5.0
MIB = 1 << 20
TEXTS = [f"{word} film, number {number}" for number in range(50) for word in ("superb", "dull", "好看")]


def hostile() -> dict[str, tuple[list[bytes], list[int]]]:
    """By kind: what is sent, in parts, and the statuses of its answers."""

    def post(body: bytes) -> bytes:
        return request({}).replace(b"content-length: 2", b"content-length: %d" % len(body))[:-2] + body

    good = request({"inputs": "good", "model": "one"})
    correction = request({"text": "poison", "label": "negative", "model": "one"}, "/corrections")
    upgrade = good.replace(b"host: x", b"host: x\r\nUpgrade: h2c\r\nConnection: Upgrade")
    return {
        "2 MB of ones": ([post(b'{"inputs": [' + b"1," * MIB + b"1]}")], [422]),
        "16 MB of ones": ([post(b'{"inputs": [' + b"1," * (8 * MIB - 50) + b"1]}")], [422]),
        "100,000 keys": ([post(json.dumps(dict.fromkeys(map(str, range(100_000)))).encode())], [422]),
        "nesting": ([post(b'{"inputs": ' + b"[" * MIB)], [422]),
        "5 million texts": ([post(b'{"inputs": [' + b'"",' * (5 * MIB) + b'""]}')], [413]),
        "16 MB of escapes": ([post(b'{"inputs": "' + b'\\"' * (8 * MIB - 50) + b'"}')], [413]),
        "16 MB of spaces": ([post(b'{"inputs": "good", "model": "one"' + b" " * (16 * MIB - 50) + b"}")], [200]),
        "17 MB": ([post(b" " * (17 * MIB))], [413]),
        "large head": ([b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000 + b"\r\n\r\n"], [431]),
        "pipelined upgrade": ([good + upgrade], [200, 200]),
        "no HTTP": ([b"\x00\xff\r\n\r\n"], [400]),
        "DNS rebinding": ([correction.replace(b"host: x", b"host: attacker.example")], [421]),
        "another site": ([correction.replace(b"host: x", b"host: x\r\norigin: https://attacker.example")], [403]),
        "slow head": ([bytes([byte]) for byte in b"GET / HTTP/1.1\r\nhost"], [408]),
        "left in the middle": ([good[:-5]], []),
    }


def attacked(begin: float) -> bool:
    """Whether this is a window with hostile requests."""
    return int((monotonic() - begin) / WINDOW_S) % 2 == 1


async def attack(port: int, begin: float, end: float) -> dict[str, dict[str, int]]:
    """Send every kind again and again; how often it was answered with what."""
    answers: dict[str, Counter[str]] = {}

    async def one(name: str, parts: list[bytes], statuses: list[int]) -> None:
        answers[name] = Counter()
        while monotonic() < end:
            await asyncio.sleep(PAUSE_S * random.uniform(0.5, 1.5))
            if not attacked(begin) or monotonic() > end:
                continue
            result: list[int] = []
            try:
                async with asyncio.timeout(60):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    for part in parts:
                        writer.write(part)
                        await writer.drain()
                        if len(parts) > 1:
                            await asyncio.sleep(0.05)
                    for _ in statuses:
                        result.append((await answer(reader))[0])
                    writer.close()
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                answers[name][type(error).__name__] += 1
            else:
                answers[name]["as expected" if result == statuses else f"{result}"] += 1

    await asyncio.gather(*(one(name, *kind) for name, kind in hostile().items()))
    return {name: dict(counts) for name, counts in answers.items()}


def swap(folder: Path, kept: Path, number: int) -> None:
    """Put another version into a folder: each second one is damaged, and signed as if it were not."""
    tenor.load(kept).save(folder, overwrite=True)
    for name, content in {"history.csv": b"epoch,loss\n1,%d\n" % number, "weights.safetensors": b"\xff" * 64}.items():
        if name == "history.csv" or number % 2:
            damaged = b"5" * 200_000 if number % 2 and name == "history.csv" else b""
            (folder / name).write_bytes(content + damaged)
            manifest = json.loads((folder / "manifest.json").read_bytes())
            entry = {"size": len(content + damaged), "sha256": hashlib.sha256(content + damaged).hexdigest()}
            manifest["files"][name] = entry
            (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def attacker(port: int, begin: float, end: float, place: Path, told: Any) -> None:
    """The other process."""

    async def swapping() -> int:
        number = 0
        while monotonic() < end - SWAP_S:
            await asyncio.sleep(SWAP_S / 2)
            if attacked(begin):
                await asyncio.to_thread(swap, place / "two", place / "kept", number)
                number += 1
        return number

    async def run() -> None:
        answers, swaps = await asyncio.gather(attack(port, begin, end), swapping())
        told.send({"attacks": answers, "versions": swaps})

    asyncio.run(run())


async def good(port: int, begin: float, end: float) -> dict[str, Any]:
    """Ask at a steady rate; waits by kind of window, and errors."""
    waits: dict[bool, list[float]] = {False: [], True: []}
    errors: Counter[str] = Counter()

    async def client(number: int) -> None:
        draw = random.Random(number)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due = monotonic() + draw.random() / RATE
        while due < end:
            await asyncio.sleep(max(0.0, due - monotonic()))
            question = {"inputs": draw.choice(TEXTS), "model": draw.choice(["one", "one", "two"])}
            start, hostile = monotonic(), attacked(begin)
            settled = (start - begin) % WINDOW_S > SETTLE_S
            try:
                async with asyncio.timeout(60):
                    writer.write(request(question))
                    status, _ = await answer(reader)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                errors[type(error).__name__] += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            if status != 200:
                errors[str(status)] += 1
            if settled:
                waits[hostile].append(1000 * (monotonic() - start))
            due += 1 / RATE
        writer.close()

    await asyncio.gather(*map(client, range(GOOD)))
    result: dict[str, Any] = {"errors": dict(errors)}
    for name, kind in {"alone": False, "attacked": True}.items():
        ordered = sorted(waits[kind])
        cuts = statistics.quantiles(ordered, n=100)
        result[name] = {"requests": len(ordered), "p50_ms": cuts[49], "p99_ms": cuts[98], "most_ms": ordered[-1]}
    return {**result, "p99_ratio": result["attacked"]["p99_ms"] / result["alone"]["p99_ms"]}


def main() -> None:
    """Train, serve, ask, attack, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    parser.add_argument("--quick", action="store_true", help="a minute")
    given = parser.parse_args()
    seconds = 60.0 if given.quick else given.seconds
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows = [{"text": text, "label": "negative" if text.startswith("dull") else "positive"} for text in TEXTS]
        (place / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        pipeline.train(RunConfig(str(place / "rows.jsonl"), family="ngram", out=str(place / "kept"), report=False))
        for name in ("one", "two"):
            shutil.copytree(place / "kept", place / name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "tenor", "serve", str(place / "one"), str(place / "two"), "--watch", "1"]
        command += ["--port", str(port), "--timeout", str(TIMEOUT_S), "--corrections", str(place / "kept.db")]
        with serving(command, port) as process:
            before = round(resident_mib(process), 1)
            begin = monotonic()
            end = begin + seconds
            ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
            other = multiprocessing.get_context("spawn").Process(
                target=attacker, args=(port, begin, end, place, theirs), daemon=True
            )
            other.start()
            curve: list[float] = []

            async def watched() -> dict[str, Any]:
                async def watch() -> None:
                    while monotonic() < end:
                        await asyncio.sleep(max(1.0, seconds / 40))
                        curve.append(round(resident_mib(process), 1))

                result, _ = await asyncio.gather(good(port, begin, end), watch())
                return result

            result = asyncio.run(watched())
            hostile_told = ours.recv() if ours.poll(120) else {}
            other.join(10)
            sleep(TIMEOUT_S)
            files = len(list(Path(f"/proc/{process}/fd").iterdir()))
            quarter = len(curve) // 4
            result["least_mib_by_quarter"] = [min(curve[quarter * at : quarter * (at + 1)]) for at in range(4)]
            result["mib_before_and_after"] = [before, round(resident_mib(process), 1)]
    print(json.dumps({"seconds": seconds, **result, "mib": curve, "files": files, **hostile_told}, indent=1))


if __name__ == "__main__":
    main()
