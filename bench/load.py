"""How many requests a server answers, and how fast: `python load.py SECONDS SET PORT COMMAND...`.

64 connections send one short text after another, each when the one before it was answered; then at half of the rate
that was reached, each at its appointed time, from which the wait is counted: no request waits uncounted for another.
The server shares the processors with this program.
"""

import asyncio
import json
import sys
from time import perf_counter

from imdb import read_part
from served import answer, cpu_s, request, resident_mib, serving

CONNECTIONS = 64
WARM_S = 1.0


async def load(port: int, seconds: float, texts: list[str], rate: float = 0.0) -> dict[str, float]:
    """Requests a second and the waits, milliseconds, after a second that does not count."""
    waits: list[float] = []
    begin = perf_counter()
    end = begin + WARM_S + seconds

    async def connection(number: int) -> None:
        sent = number
        due = begin + (number / rate if rate else 0.0)
        await asyncio.sleep(max(0.0, min(due, end) - perf_counter()))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (now := perf_counter()) < end and due < end:
            if rate and due > now:
                await asyncio.sleep(due - now)
            start = due if rate else now
            due += CONNECTIONS / rate if rate else 0.0
            writer.write(request({"inputs": texts[sent % len(texts)]}))
            sent += CONNECTIONS
            status, said = await answer(reader)
            if status != 200:
                sys.exit(f"the server answered {status}: {said[:200]!r}")
            if start > begin + WARM_S:
                waits.append(perf_counter() - start)
        writer.close()

    await asyncio.gather(*map(connection, range(CONNECTIONS)))
    waits = sorted(waits) or [float("inf")]
    middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    return {"requests_per_s": len(waits) / seconds, "p50_ms": 1000 * middle, "p99_ms": 1000 * late}


def main() -> None:
    """Start the server, load it, end it."""
    seconds, name, port, *command = sys.argv[1:]
    texts, _ = read_part("test", name)
    with serving(command, int(port)) as process:
        asyncio.run(load(int(port), 2.0, texts))  # all is loaded that is loaded late
        used = cpu_s(process)
        peak = asyncio.run(load(int(port), float(seconds), texts))
        used = (cpu_s(process) - used) / (peak["requests_per_s"] * (float(seconds) + WARM_S))
        half = asyncio.run(load(int(port), float(seconds), texts, peak["requests_per_s"] / 2))
        held = resident_mib(process)
    measurements = {**peak, "half_p50_ms": half["p50_ms"], "half_p99_ms": half["p99_ms"], "cpu_ms": 1000 * used}
    print(json.dumps({**measurements, "mib": held}))


main()
