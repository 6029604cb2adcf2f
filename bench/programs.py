"""Jobs of the benchmark: each runs one program and takes its measurements."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imdb import part_path
from processes import ProgramError, measurements, run

BENCH = Path(__file__).parent
SEED = 7
TIMED = ("read_s", "encode_s", "fit_s", "total_s")

Measurements = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """Where the programs are and how often to run them.

    Attributes:
        tenor_bin: Folder of the programs of Tenor's environment.
        peers_bin: Folder of the programs of the peers' environment.
        automl_bin: Folder of the programs of the environment of AutoGluon and FLAML, which need not be there.
        work: Temporary folder for models and generated files.
        repeats: Runs of each program of the parts `ngram`, `finetune-speed` and `features`.
        lstm_repeats: Runs of each program of the parts `lstm` and `lstm-torch`.
        soak_s: Seconds of the part `soak`.
        quick: Whether sizes are tiny: for trying out the benchmark, not for measurements.
    """

    tenor_bin: Path
    peers_bin: Path
    automl_bin: Path
    work: Path
    repeats: int
    lstm_repeats: int
    soak_s: int
    quick: bool


@dataclass(frozen=True)
class Job:
    """One run of one program.

    Attributes:
        program: The name under which its measurements are stored.
        run: Runs it and returns its measurements. A job needs no earlier job of its part.
        bfloat16: Whether it computes in bfloat16 on the processor: one without such instructions emulates them, which
            would take hours, so it is left out there, and its row says so.
    """

    program: str
    run: Callable[[], Measurements]
    bfloat16: bool = False


def train(
    bench: Bench,
    family: str,
    out: Path,
    *settings: str,
    name: str = "imdb",
    column: str = "label",
    report: bool = False,
    columns: Sequence[str] = ("--text", "text"),
) -> Measurements:
    """Train and test one Tenor model through the command line; its test measurements and its timing."""
    train_path, test_path = part_path("train", name), part_path("test", name)
    command = [str(bench.tenor_bin / "tenor"), "train", str(train_path), "--test", str(test_path)]
    command += [
        *columns,
        "--label",
        column,
        "--family",
        family,
        "--out",
        str(out),
        "--seed",
        str(SEED),
        *(() if report else ("--no-report",)),
    ]
    for setting in settings:
        command += ["--set", setting]
    usage = run(command)  # without --json, which would silence its progress
    try:
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        test, timing = metrics["test"], metrics["timing"]
        return {
            **{metric: value for metric, value in test.items() if isinstance(value, float)},
            # What `auto` encodes is part of fitting its models.
            **{step: timing[step] for step in TIMED if (family, step) != ("auto", "encode_s")},
            "choose_s": timing["choose_s"] if family == "ngram" else timing.get("choose_s", 0.0),
            "process_s": usage.wall_s,
            "peak_mib": usage.peak_mib,
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProgramError(f"the metrics of `tenor train --family {family}` cannot be read: {error}.") from None


def tenor(bench: Bench, script: str, *options: str) -> Measurements:
    """Run one of the scripts that use Tenor from Python."""
    return measurements([str(bench.tenor_bin / "python"), str(BENCH / script), *options])


def peer(bench: Bench, script: str, *options: str) -> Measurements:
    """Run one of the peers' scripts."""
    return measurements([str(bench.peers_bin / "python"), str(BENCH / script), *options])


def automl(bench: Bench, script: str, *options: str) -> Callable[[], Measurements]:
    """How one of the scripts of AutoGluon or FLAML is run."""
    return lambda: measurements([str(bench.automl_bin / "python"), str(BENCH / script), *options])
