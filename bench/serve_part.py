"""The parts and the sections of models behind HTTP: two speeds beside a peer, and a long time under load."""

import functools
from pathlib import Path

from processes import run
from programs import BENCH, SEED, Bench, Job, Measurements, tenor, train
from tables import Runs, met, mib, middle, table, times

PORTS = {"tenor": 18_473, "plain": 18_474}
ENCODER_PORTS = {"tenor": 18_475, "transformers": 18_476}
SOAK_PORT = 18_477
SOAK_S = 600
AT_ONCE = 10_000  # connections
NOTE = """Short texts (the test part of SST-2), one per request, over 64 connections that stay open; the client shares
the two cores. Peer: a FastAPI app that calls a scikit-learn pipeline (TF-IDF of one and two words, logistic
regression) for each request. Both were trained on IMDB. p99 at half of the peak counts from the time at which a
request was due."""

ENCODER_NOTE = """As above, with the 6-layer encoder MiniLM, fine-tuned to 2,000 phrases of SST-2. Peer: a FastAPI app
that calls a pipeline of transformers (PyTorch, float32) for each request."""
SOAK_NOTE = """`ngram` and MiniLM in int8 behind one server, and 64 connections that send short texts to both, lists,
explanations, nonsense and metrics requests. Some clients leave before the answer, some reconnect each time."""


def serve(bench: Bench) -> list[Job]:
    """Tenor's server and a plain one in turn."""
    seconds = "1" if bench.quick else "10"
    model = bench.work / "serve"

    def load(name: str, *command: str | Path) -> Measurements:
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


@functools.cache
def int8_encoder(bench: Bench) -> Path:
    """MiniLM in int8, fine-tuned to some phrases of SST-2; enough test phrases that chance does not reject int8."""
    model, fitted, held = bench.work / "encoder", bench.work / "fitted.parquet", bench.work / "held.parquet"
    rows = ("500", "500") if bench.quick else ("2000", "10000")
    tenor(bench, "make_parts.py", "sst2", rows[0], str(fitted), rows[1], str(held))
    program = str(bench.tenor_bin / "tenor")
    command = [program, "train", str(fitted), "--family", "pretrained", "--out", str(model)]
    run([*command, "--seed", str(SEED), "--no-report", "--overwrite"])
    if not bench.quick:
        run([program, "export", str(model), "--int8", "--data", str(held)])
    return model


def serve_encoder(bench: Bench) -> list[Job]:
    """MiniLM in int8 behind Tenor's server, and in float32 behind a plain one around a pipeline of transformers."""
    from network_parts import encoder

    seconds = "1" if bench.quick else "10"

    def load(name: str) -> Measurements:
        port = str(ENCODER_PORTS[name])
        if name == "tenor":
            command = [str(bench.tenor_bin / "tenor"), "serve", str(int8_encoder(bench)), "--port", port]
        else:
            command = [str(bench.peers_bin / "python"), str(BENCH / "peer_serve_encoder.py"), encoder(bench), port]
        return tenor(bench, "load.py", seconds, "sst2", port, *command)

    names = list(ENCODER_PORTS) * (1 if bench.quick else 3)
    return [Job(name, lambda name=name: load(name)) for name in names]


def soak(bench: Bench) -> list[Job]:
    """Both models behind one server: 10,000 clients at once, then ten minutes, or `--soak-seconds`, of mixed load."""

    def load() -> Measurements:
        quick, encoder = bench.work / "serve", int8_encoder(bench)
        if not quick.is_dir():
            train(bench, "ngram", quick)
        command = (bench.tenor_bin / "tenor", "serve", quick, encoder, "--port", SOAK_PORT)
        sizes = (bench.soak_s, 200 if bench.quick else AT_ONCE, SOAK_PORT)
        return tenor(bench, "soak.py", *map(str, sizes), quick.name, encoder.name, *map(str, command))

    return [Job("tenor", load)]


def serve_section(runs: dict[str, Runs]) -> str:
    """Requests a second, waits, memory."""
    ours, theirs = runs["tenor"], runs["plain"]
    fast, plain = middle(ours, "requests_per_s"), middle(theirs, "requests_per_s")
    late, held = middle(ours, "half_p99_ms"), middle(ours, "mib")
    rows = [
        ("requests per second", f"{plain:,.0f}", f"{fast:,.0f}", times(fast / plain), ">= 3 x", met(fast >= 3 * plain)),
        ("p99 at the peak, ms", f"{middle(theirs, 'p99_ms'):.1f}", f"{middle(ours, 'p99_ms'):.1f}", "", "", ""),
        ("p99 at half of it, ms", f"{middle(theirs, 'half_p99_ms'):.1f}", f"{late:.1f}", "", "< 50", met(late < 50)),
        ("memory, MiB", mib(middle(theirs, "mib")), mib(held), "", "< 250", met(held < 250)),
    ]
    return (
        f"## Behind HTTP\n\n{table(('', 'FastAPI + scikit-learn', 'Tenor', 'ratio', 'target', 'met'), rows)}\n\n{NOTE}"
    )


def serve_encoder_section(runs: dict[str, Runs]) -> str:
    """Requests a second, waits, processor time, memory."""
    ours, theirs = runs["tenor"], runs["transformers"]
    fast, plain, held = middle(ours, "requests_per_s"), middle(theirs, "requests_per_s"), middle(ours, "mib")
    used, spent = middle(ours, "cpu_ms"), middle(theirs, "cpu_ms")
    rows = [
        ("requests per second", f"{plain:,.0f}", f"{fast:,.0f}", times(fast / plain), ">= 5 x", met(fast >= 5 * plain)),
        ("processor time of a request, ms", f"{spent:.1f}", f"{used:.1f}", times(spent / used), "", ""),
        ("p99 at the peak, ms", f"{middle(theirs, 'p99_ms'):.0f}", f"{middle(ours, 'p99_ms'):.0f}", "", "", ""),
        (
            "p99 at half of it, ms",
            f"{middle(theirs, 'half_p99_ms'):.0f}",
            f"{middle(ours, 'half_p99_ms'):.0f}",
            *[""] * 3,
        ),
        ("memory, MiB", mib(middle(theirs, "mib")), mib(held), "", "< 450", met(held < 450)),
    ]
    header = ("", "FastAPI + transformers", "Tenor, int8", "ratio", "target", "met")
    return f"## MiniLM behind HTTP\n\n{table(header, rows)}\n\n{ENCODER_NOTE}"


def soak_section(runs: dict[str, Runs]) -> str:
    """Errors, waits, and the curve of memory."""
    [result] = runs["tenor"]
    at_once, curve = result["at_once"], result["mib"]
    wrong = at_once["wrong"] + sum(result["errors"].values())
    # What it needs at all has been touched by a quarter of the time.
    growth = max(curve[-4:]) / max(curve[: max(1, len(curve) // 4)])
    rows = [
        ("concurrent clients", f"{at_once['connections']:,}", "", ""),
        ("answered", f"{at_once['answered']:,}, in {at_once['seconds']:.1f} s", "", ""),
        ("refused with Retry-After", f"{at_once['again']:,}", "", ""),
        ("requests under mixed load", f"{result['requests']:,}, in {result['seconds']:.0f} s", "", ""),
        ("wrong answers, or none, of both", f"{wrong:,}", "0", met(wrong == 0)),
        ("p50, p99 of a short text, ms", f"{result['p50_ms']:.1f}, {result['p99_ms']:.1f}", "", ""),
        ("memory at the end over the first quarter", f"{growth:.3f}", "<= 1.05", met(growth <= 1.05)),
        ("open files before and after", f"{result['files_before']}, {result['files']}", "", ""),
    ]
    most = max(curve)
    drawn = "\n".join(
        f"{result['seconds'] * (at + 1) / len(curve):6.0f} s {value:7.1f} MiB {'#' * round(40 * value / most)}"
        for at, value in enumerate(curve)
        if at % 2 or len(curve) < 20
    )
    limit = f"The limit of open files was {result['open_files'][1]:,}."
    measurements = table(("", "Tenor", "target", "met"), rows)
    return f"## A server under load\n\n{measurements}\n\n```\n{drawn}\n```\n\n{SOAK_NOTE} {limit}"
