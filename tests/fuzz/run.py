"""Change folders of models and encoders at random, load each, and count what comes of it.

    python tests/fuzz/run.py --count 10000 --seed 0
    python tests/fuzz/run.py --seed 0 --only 1234     one of them again, with its folder kept

Loading runs in processes of their own, under limits of memory and of processor time, so that a crash is seen and ends
nothing else. The end code is 1 where there is a fault.
"""

import argparse
import collections
import hashlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("RAYON_NUM_THREADS", "1")

import mutations
import trial
from trial import FAULT, Outcome

from tenor.errors import missing_extra
from tenor.models.neural import backend

GOLDEN = Path(__file__).parents[1]
MEMORY, SECONDS, PATIENCE_S = 1_536 << 20, 10, 120
BATCH, EVERY = 40, 500  # trials of one process, and after how many the counts are told


def without_keras(part: str) -> Any:
    """Networks predict by their graphs alone, as where the extra is not installed."""
    raise missing_extra(part, "deep")


backend.load = without_keras


class Subject(NamedTuple):
    """A folder that is changed.

    Attributes:
        name: Its name.
        layout: `model`, `encoder` or `huggingface`.
        files: Its contents by name, without the manifest.
    """

    name: str
    layout: str
    files: mutations.Files


def subjects() -> list[Subject]:
    """A folder of every family, and encoders."""
    result = []
    for folder in sorted((GOLDEN / "golden" / "format-2").iterdir()):
        layout = "encoder" if folder.name == "encoder" else "model"
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "manifest.json"}
        result.append(Subject(folder.name, layout, {**files, "README.md": b"# A model\n"}))
    for kind in ("bert", "roberta", "albert", "distilbert"):
        folder = GOLDEN / "models" / "golden" / kind
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "expected.json"}
        result.append(Subject(f"hf-{kind}", "huggingface", files))
    return result


def write(folder: Path, subject: Subject, files: mutations.Files, draw: random.Random | None) -> str:
    """Write the files, with a manifest that fits them, most often; what was done to it besides."""
    folder.mkdir()
    for name, data in files.items():
        (folder / (name or "empty")).write_bytes(data)
    told = odd_file(folder, files, draw) if draw is not None and draw.random() < 0.03 else ""
    if subject.layout == "huggingface":
        return told
    entries = {
        path.name: {"size": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        if path.is_file() and path.stat().st_size < 1 << 30
        else {"size": 40 << 30, "sha256": "0" * 64}
        for path in folder.iterdir()
    }
    manifest = json.dumps({"format": 2, "files": entries}).encode()
    if draw is not None and draw.random() < 0.05:
        manifest, one = mutations.changed_json(draw, manifest)
        told += f"; manifest.json: {one}"
    (folder / "manifest.json").write_bytes(manifest)
    return told


def odd_file(folder: Path, files: mutations.Files, draw: random.Random) -> str:
    """Put something that is no plain file in the place of one, or a file too much."""
    name, kind = draw.choice(sorted(files)), draw.choice(("pipe", "zero", "link", "folder", "sparse", "extra", "lost"))
    place = folder / name
    if kind == "extra":
        (folder / draw.choice(("model.py", "a.onnx", "0.model.onnx", "model.int8.onnx"))).write_bytes(files[name])
        return f"; {kind}"
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "zero":
        place.symlink_to("/dev/zero")
    elif kind == "link":
        place.symlink_to("/etc/hostname")
    elif kind == "folder":
        place.mkdir()
    elif kind == "sparse":
        with place.open("wb") as stream:
            stream.truncate(40 << 30)
    return f"; {name}: {kind}"


def changed(every: Sequence[Subject], seed: int, number: int, place: Path) -> tuple[Subject, Path, str]:
    """The folder of this number, written below `place`."""
    draw = random.Random(f"{seed}:{number}")
    subject = draw.choice(every)
    same = [other for other in every if other.layout == subject.layout]
    files, told = mutations.changed_files(draw, subject.files, draw.choice(same).files)
    folder = place / f"{number}-{subject.name}"
    return subject, folder, told + write(folder, subject, files, draw)


def limit() -> None:
    """Bound this process's memory; `restart_clock` bounds its time."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def restart_clock() -> None:
    """Give the next trial its processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS, resource.RLIM_INFINITY))


def work(
    numbers: Sequence[int], seed: int, every: Sequence[Subject], expected: dict[str, Any], place: Path, end: Connection
) -> None:
    """Try these numbers, and tell of each before and after it."""
    limit()
    for number in numbers:
        subject, folder, told = changed(every, seed, number, place)
        end.send((number, subject.name, told, None))
        restart_clock()
        outcome = trial.attempt(folder, expected[subject.name], subject.layout)
        shutil.rmtree(folder, ignore_errors=True)
        end.send((number, subject.name, told, outcome._replace(answers=None)))


def fork(function: Any, *arguments: Any) -> tuple[int, Connection]:
    """A process that calls the function with the end of a pipe: its number, and the other end."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    process = os.fork()
    if process:
        writer.close()
        return process, reader
    reader.close()
    kept = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # panics print themselves
    code = 1
    try:
        function(*arguments, writer)
        code = 0
    except BaseException:  # of this program's own
        os.write(kept, traceback.format_exc().encode("utf-8", "backslashreplace"))
    finally:
        os._exit(code)


def answers_of(subject: Subject) -> Any:
    """What the unchanged folder answers."""

    def tell(end: Connection) -> None:
        with tempfile.TemporaryDirectory() as place:
            write(Path(place) / "folder", subject, subject.files, None)
            end.send(trial.attempt(Path(place) / "folder", None, subject.layout))

    process, reader = fork(tell)
    outcome: Outcome = reader.recv()
    os.waitpid(process, 0)
    if outcome.kind != trial.EQUAL:
        raise RuntimeError(f"{subject.name} is refused unchanged: {outcome.detail}")
    return outcome.answers


def results(reader: Connection, process: int) -> Any:
    """What a worker tells, one after the other; it is ended where nothing comes for long."""
    with reader:
        while True:
            if not reader.poll(PATIENCE_S):
                os.kill(process, signal.SIGKILL)
            try:
                yield reader.recv()
            except EOFError:
                return


def run(count: int, seed: int, place: Path) -> dict[str, Any]:
    """Try so many changes in folders below `place`; counts by subject and kind, and the faults."""
    every = subjects()
    expected = {subject.name: answers_of(subject) for subject in every}
    numbers = list(range(count))
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    faults: list[dict[str, Any]] = []
    while numbers:
        batch = numbers[:BATCH]
        process, reader = fork(work, batch, seed, every, expected, place)
        pending, done = None, 0
        for number, name, told, outcome in results(reader, process):
            if outcome is None:
                pending = (number, name, told)
                continue
            pending, done = None, done + 1
            counts[name][outcome.kind] += 1
            if outcome.kind == FAULT:
                faults.append({"number": number, "folder": name, "change": told, "problem": outcome.detail})
        _, status = os.waitpid(process, 0)
        if pending is not None:
            number, name, told = pending
            counts[name][FAULT] += 1
            sign = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            problem = signal.Signals(sign).name if sign else f"end code {os.waitstatus_to_exitcode(status)}"
            faults.append({"number": number, "folder": name, "change": told, "problem": problem})
            done += 1
        elif done < len(batch):
            raise RuntimeError(f"the worker ended after {done} of {len(batch)}")
        numbers = numbers[done:]
        if (count - len(numbers)) % EVERY < done and count > EVERY:
            kinds = sum(counts.values(), collections.Counter())
            print(f"{count - len(numbers):,} of {count:,}: {dict(kinds)}", file=sys.stderr, flush=True)
    total: collections.Counter[str] = sum(counts.values(), collections.Counter())
    return {
        "changes": sum(total.values()),
        **{kind: total[kind] for kind in (trial.REFUSED, trial.EQUAL, trial.OTHER, FAULT)},
        "by_folder": {name: dict(counted) for name, counted in sorted(counts.items())},
        "faults": faults,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")
    options = parser.parse_args()
    begin = time.monotonic()
    if options.only is not None:
        place = Path(tempfile.mkdtemp(prefix="tenor-fuzz-"))
        subject, folder, told = changed(subjects(), options.seed, options.only, place)
        print(f"{folder}: {told}\n{trial.attempt(folder, None, subject.layout)}")
        return 0
    with tempfile.TemporaryDirectory(prefix="tenor-fuzz-") as place:
        result = run(options.count, options.seed, Path(place))
    if options.json:
        print(json.dumps(result, ensure_ascii=True))
        return 1 if result["faults"] else 0
    for fault in result["faults"]:
        print(f"{fault['number']} {fault['folder']}: {fault['change']!a:.150}\n    {fault['problem']!a:.300}")
    for name, counted in result["by_folder"].items():
        print(f"{name:12} {counted}")
    kinds = ", ".join(f"{result[kind]:,} {kind}" for kind in (trial.REFUSED, trial.EQUAL, trial.OTHER, FAULT))
    print(f"{result['changes']:,} changes in {time.monotonic() - begin:.0f} s: {kinds}")
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
