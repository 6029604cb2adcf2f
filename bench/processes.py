"""Run one program at a time and take its measurements: the JSON it prints, its wall time, its peak memory."""

import io
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "HF_HUB_OFFLINE": "1",  # every model is a folder
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "true",
}


class ProgramError(Exception):
    """A program ended badly or did not print its measurements."""


@dataclass(frozen=True)
class Usage:
    """What one program used.

    Attributes:
        wall_s: Seconds from its start to its end, its imports included.
        peak_mib: Its largest resident memory in MiB.
        output: What it wrote to standard output.
    """

    wall_s: float
    peak_mib: float
    output: str


def run(command: list[str]) -> Usage:
    """Run a program to its end; what it writes to standard error is passed on.

    Linux counts the memory of the process that starts a program into the program's own peak, so the caller
    must stay small: it imports the standard library only.

    Raises:
        ProgramError: It cannot be started, or its exit status is not 0.
    """
    environment = {**os.environ, **ENVIRONMENT}
    print(f"  {shown(command)}", file=sys.stderr, flush=True)
    start = perf_counter()
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    except OSError as error:
        raise ProgramError(f"{command[0]}: it cannot be started: {error.strerror}.") from None
    try:
        with process.stdout or io.StringIO() as pipe:
            output = pipe.read()
    except BaseException:  # interrupted: the program must not continue beside what comes next
        process.kill()
        process.wait()
        raise
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise ProgramError(f"exit status {process.returncode} from: {shown(command)}\n{output[-2000:]}".rstrip())
    unit = 1 if sys.platform == "darwin" else 1024  # bytes a unit of ru_maxrss
    return Usage(wall_s, usage.ru_maxrss * unit / 2**20, output)


def measurements(command: list[str]) -> dict[str, Any]:
    """Run a program whose last line is a JSON object; that object, with `process_s` and `peak_mib` added.

    Raises:
        ProgramError: As `run`, or its last line is not a JSON object.
    """
    usage = run(command)
    lines = usage.output.strip().splitlines()
    try:
        result = json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError:
        result = None
    if not isinstance(result, dict):
        last = lines[-1][:200] if lines else "nothing"
        raise ProgramError(f"no JSON object as the last line of: {shown(command)}\nIts last line: {last}")
    return {**result, "process_s": usage.wall_s, "peak_mib": usage.peak_mib}


def shown(command: list[str]) -> str:
    """The command as it would be typed, with programs and scripts by their names."""
    names = [Path(word).name if os.sep in word else word for word in command]
    return shlex.join(names)
