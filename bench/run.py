"""Measure Tenor beside its peers, one program after another, and write RESULTS.md and results.json.

Run it from the root of the repository, with TENOR_BENCH_DATA naming the folder of imdb_train.parquet and
imdb_test.parquet, and for the part `few-labels` of sst2_train.parquet and sst2_test.parquet. Measurements are
stored under the kind of this machine's processor (`device`: `gpu`); those of other kinds are kept. With `--only`,
the other parts keep their earlier measurements; so does `device` without a GPU. Measurements are written after each
program; `--resume` continues interrupted parts. `make bench` runs everything.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from time import perf_counter
from typing import Any

from imdb import FOLDER_VARIABLE
from machine import LIMITS, describe, device, has_bfloat16, kind
from parts import PARTS, check_environment, has_peers
from processes import ProgramError
from programs import BENCH, Bench, Job, Measurements, tenor
from report import render
from serve_part import SOAK_S

QUICK_RESULTS = Path(".bench-quick")
ALL = ("*",)
EMULATED = "left out: this processor has no bfloat16 and would emulate it"


def main() -> None:
    """Run the chosen parts; exit with status 1 if one of them failed."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # ends the program that is running, too
    args = parse()
    args.results.mkdir(parents=True, exist_ok=True)
    raw_path = args.results / "results.json"
    all_results = json.loads(raw_path.read_text(encoding="utf-8")) if raw_path.is_file() else {}
    failed = []
    with tempfile.TemporaryDirectory(prefix="tenor-bench-") as work:
        repeats = (args.repeats, args.lstm_repeats, args.soak_seconds)
        environments = (args.tenor_env / "bin", args.peers_env / "bin", args.automl_env / "bin")
        bench = Bench(*environments, Path(work), *repeats, args.quick)
        check_environment(args.only, bench)
        if args.quick:
            sample(bench)
        setting = describe(*(folder / "python" for folder in environments))
        for name in args.only:
            try:
                measure(name, bench, setting, all_results, args)
            except ProgramError as error:
                failed.append(name)
                print(f"{name} failed: {error}", file=sys.stderr, flush=True)
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}. Their earlier measurements, if any, are kept.")


def measure(
    name: str, bench: Bench, setting: dict[str, Any], all_results: dict[str, Any], args: argparse.Namespace
) -> None:
    """Run the jobs of one part, and write the results after each of them, under the kind of this machine: those of
    other kinds stay beside them.

    Until all are done, the measurements of the part are under `unfinished`, beside those of an earlier run. Those of a
    program that `--jobs` names replace the earlier ones once its last job is done.
    """
    jobs = [job for job in PARTS[name](bench) if any(fnmatchcase(job.program, expected) for expected in args.jobs)]
    if not jobs:
        raise ProgramError(f"none of its programs is named {' or '.join(args.jobs)}")
    results = all_results.setdefault("gpu" if name == "device" else kind(), {})
    begun = {
        "setting": setting,
        "command": command(name, args),
        "peers": has_peers(name),
        "done": 0,
        "jobs": [job.program for job in jobs],
        "runs": {},
    }
    if args.jobs != ALL:  # the others stay what they are
        measured = {job.program for job in jobs}
        earlier = results.get(name, {}).get("runs", {})
        begun["runs"] = {program: runs for program, runs in earlier.items() if program not in measured}
    unfinished = results.setdefault("unfinished", {})
    part = unfinished.get(name)
    if not args.resume or part is None or differing(part, begun):
        part = begun
    for number, job in enumerate(jobs[part["done"] :], start=part["done"] + 1):
        print(f"{name}, {number} of {len(jobs)}: {job.program}", file=sys.stderr, flush=True)
        start = perf_counter()
        part["runs"].setdefault(job.program, []).append(measurements_of(job))
        print(f"  took {perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        part["done"] = number
        unfinished[name] = part
        if name in results and args.jobs != ALL and job.program not in part["jobs"][number:]:
            results[name]["runs"][job.program] = part["runs"][job.program]
        if number < len(jobs):
            write(args.results, all_results)
    unfinished.pop(name, None)
    results[name] = {key: part[key] for key in ("setting", "command", "peers", "runs")}
    write(args.results, all_results)


def measurements_of(job: Job) -> Measurements:
    """The measurements of a job, or why it is left out on this machine."""
    if job.bfloat16 and not has_bfloat16():
        print(f"  {EMULATED}", file=sys.stderr, flush=True)
        return {"skipped": EMULATED}
    return job.run()


def differing(part: dict[str, Any], begun: dict[str, Any]) -> bool:
    """Whether an interrupted part was measured in another setting, so that it cannot be gone on with; its date counts
    for nothing.
    """
    pairs = [({**each["setting"], "date": None}, each["command"], each["jobs"]) for each in (part, begun)]
    return pairs[0] != pairs[1]


def sample(bench: Bench) -> None:
    """Write a small part of the data and let all programs read that."""
    folder = bench.work / "data"
    folder.mkdir()
    tenor(bench, "make_sample.py", str(folder))
    os.environ[FOLDER_VARIABLE] = str(folder)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = [name for name in PARTS if name != "device" or device()]
    parser.add_argument("--only", type=part_names, default=usual, help=f"parts: {','.join(PARTS)}")
    parser.add_argument("--resume", action="store_true", help="continue interrupted parts")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, to see that all of it runs; results go to .bench-quick"
    )
    parser.add_argument(
        "--repeats", type=count, help="runs of each program of `ngram`, `finetune-speed` and `features` (3; quick: 1)"
    )
    parser.add_argument(
        "--lstm-repeats", type=count, default=1, help="runs of each program of `lstm` and `lstm-torch` (1)"
    )
    parser.add_argument("--soak-seconds", type=count, help=f"seconds of `soak` ({SOAK_S}; quick: 5)")
    parser.add_argument("--tenor-env", type=Path, default=Path(".venv"), help="Tenor's environment (.venv)")
    parser.add_argument(
        "--peers-env", type=Path, default=Path(".venv-bench"), help="the peers' environment (.venv-bench)"
    )
    parser.add_argument(
        "--automl-env",
        type=Path,
        default=Path(".venv-autogluon"),
        help="environment of AutoGluon and FLAML, from `make automl`; they are left out where it is not there",
    )
    parser.add_argument(
        "--jobs",
        type=names,
        default=ALL,
        help="only the programs with these names, which may contain *; the others keep their measurements",
    )
    parser.add_argument("--results", type=Path, help="folder of RESULTS.md and results.json (bench)")
    args = parser.parse_args()
    args.results = args.results or (QUICK_RESULTS if args.quick else BENCH)
    args.soak_seconds = args.soak_seconds or (5 if args.quick else SOAK_S)
    args.repeats = args.repeats or (1 if args.quick else 3)
    return args


def part_names(value: str) -> list[str]:
    """Names of parts, separated by commas, in the order in which they run."""
    named = names(value)
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}. Parts: {', '.join(PARTS)}")
    return [name for name in PARTS if name in named]


def count(value: str) -> int:
    """A whole number of at least 1."""
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number of at least 1")
    return int(value)


def names(value: str) -> tuple[str, ...]:
    """Names, separated by commas."""
    return tuple(each.strip() for each in value.split(","))


def command(name: str, args: argparse.Namespace) -> str:
    """The command that measures one part again."""
    repeats = f" --repeats {args.repeats}" if name in ("ngram", "finetune-speed", "features") else ""
    if name in ("lstm", "lstm-torch"):
        repeats = f" --lstm-repeats {args.lstm_repeats}"
    if name == "soak":
        repeats = f" --soak-seconds {args.soak_seconds}"
    limits = "".join(f"{each}={os.environ[each]} " for each in LIMITS if each in os.environ)
    data = limits + ("" if name in ("startup", "streamed") else f"{FOLDER_VARIABLE}=FOLDER ")
    return f"{data}.venv/bin/python bench/run.py --only {name}{repeats}{' --quick' if args.quick else ''}"


def write(folder: Path, results: dict[str, Any]) -> None:
    """Write the raw measurements and the page made from them."""
    kept = {kind: {name: part for name, part in parts.items() if part} for kind, parts in results.items()}
    kept = {kind: parts for kind, parts in kept.items() if parts}  # no empty `unfinished`, no kind without measurements
    (folder / "results.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(render(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
