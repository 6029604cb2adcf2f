"""The part and the section of models behind HTTP."""

from pathlib import Path

from programs import BENCH, Bench, Figures, Job, tenor, train
from tables import Runs, met, mib, middle, table, times

PORTS = {"tenor": 18_473, "plain": 18_474}
NOTE = """Short texts (the test part of SST-2), one a request, over 64 connections that stay open; the program that asks
shares the two cores. Peer: a FastAPI app that calls a scikit-learn pipeline (TF-IDF of one and two words, logistic
regression) for each request. Both learned from IMDB. p99 at half of the peak counts from the moment at which a request
was due."""


def serve(bench: Bench) -> list[Job]:
    """Tenor's server and a plain one in turn."""
    seconds = "1" if bench.quick else "10"
    model = bench.work / "serve"

    def load(name: str, *command: str | Path) -> Figures:
        if name == "tenor" and not model.is_dir():
            train(bench, "ngram", model)
        return tenor(bench, "load.py", seconds, "sst2", str(PORTS[name]), *map(str, command))

    ours = (bench.tenor_bin / "tenor", "serve", model, "--port", PORTS["tenor"])
    theirs = (bench.peers_bin / "python", BENCH / "peer_serve.py", PORTS["plain"])
    jobs = []
    for _ in range(1 if bench.quick else 3):
        jobs.append(Job("tenor", lambda: load("tenor", *ours)))
        jobs.append(Job("plain", lambda: load("plain", *theirs)))
    return jobs


def serve_section(runs: dict[str, Runs]) -> str:
    """Requests a second, waits, memory."""
    ours, theirs = runs["tenor"], runs["plain"]
    fast, plain = middle(ours, "requests_per_s"), middle(theirs, "requests_per_s")
    late, held = middle(ours, "half_p99_ms"), middle(ours, "mib")
    rows = [
        ("requests a second", f"{plain:,.0f}", f"{fast:,.0f}", times(fast / plain), ">= 3 x", met(fast >= 3 * plain)),
        ("p99 at the peak, ms", f"{middle(theirs, 'p99_ms'):.1f}", f"{middle(ours, 'p99_ms'):.1f}", "", "", ""),
        ("p99 at half of it, ms", f"{middle(theirs, 'half_p99_ms'):.1f}", f"{late:.1f}", "", "< 50", met(late < 50)),
        ("memory, MiB", mib(middle(theirs, "mib")), mib(held), "", "< 250", met(held < 250)),
    ]
    return (
        f"## Behind HTTP\n\n{table(('', 'FastAPI + scikit-learn', 'Tenor', 'ratio', 'target', 'met'), rows)}\n\n{NOTE}"
    )
