"""A model is tried in a process of its own before the server takes it: loaded, and asked about a few texts.

Whatever is wrong with it, be it a crash, a loop without an end or memory without a bound, ends that process and no
other. Where the system has no limits for processes (Windows; macOS knows the one on time alone), the clock is left.
"""

import asyncio
import json
import math
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, process_time
from typing import IO

import numpy as np

from tenor.errors import BundleError, TenorError
from tenor.inference import bundle
from tenor.inference.predictor import Predictor

TEXTS = ("a text", "", "这是一段文字。", "A longer text, with numbers (1,234.5) and a name, Åsa 😀. " * 20)
"""What a model is asked about."""
_SPARE = 2 << 30  # bytes of memory that a small model may take
_TIMES = 8  # as much memory as its files, and more than that for none
_WALL = 4  # seconds that pass, at most, for a second of processor time
_BYTES_PER_S = 5 << 20  # larger models have more time
_LOOK_S = 0.05
_WORDS = 600  # characters of what is told


def load_warmed(folder: Path, expected: str | None = None) -> Predictor:
    """The model in a folder, after its first predictions, which are slow.

    Args:
        folder: Its folder.
        expected: The digest that it has to have; None: any.

    Raises:
        TenorError: There is none, it has another digest, it is damaged, or what it says of a few texts is nothing that
            could be answered.
    """
    loaded = Predictor(
        bundle.load(folder, expected_digest=expected)
    )  # what is not used on this machine goes into the log
    logits = loaded.raw_logits(TEXTS)
    if len(logits) != len(TEXTS) or not np.isfinite(logits).all():
        raise BundleError(f"{folder}: the model does not give a finite number for each text.", "Train it again.")
    return loaded


async def try_model(folder: Path, digest: str, seconds: float) -> str | None:
    """Load a model in another process and have it predict.

    Args:
        folder: Its folder.
        digest: The digest that it has to have.
        seconds: Processor time that this may take; large models have more.

    Returns:
        What is wrong with it; None: nothing.
    """
    size = sum(entry.stat().st_size for entry in folder.iterdir() if entry.is_file())
    seconds = seconds + size / _BYTES_PER_S
    # -P: whatever lies in the folder that the server was started in is no part of it. The cores are for answers.
    command = [sys.executable, "-P", "-m", __name__, str(folder), digest, str(_SPARE + _TIMES * size), str(seconds)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = await asyncio.to_thread(_start, command, environment)
    end = monotonic() + _WALL * seconds
    with process:
        try:
            while process.poll() is None and monotonic() < end:
                await asyncio.sleep(_LOOK_S)
            if process.poll() is None:
                return f"it was not loaded and asked about a few texts within {_WALL * seconds:.0f} seconds."
            assert process.stdout is not None
            return _verdict(process.stdout.read(), process.returncode, seconds)
        finally:
            process.kill()


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def _verdict(told: bytes, code: int, seconds: float) -> str | None:
    with suppress(ValueError):
        problem: str | None = json.loads(told)["problem"]
        return problem
    if sys.platform != "win32" and code < 0:
        import signal

        if -code in (signal.SIGXCPU, signal.SIGKILL):
            return f"it took more than {seconds:.0f} seconds of the processor, or too much memory, and was ended."
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"it crashed ({name}), or took too much memory."
    return f"the process in which it was tried ended with {code}."


def main(folder: str, digest: str, memory: str, seconds: str) -> None:
    """Try a model; what is wrong with it is written to standard output as JSON.

    Args:
        folder: Its folder.
        digest: The digest that it has to have.
        memory: Bytes that it may take, beside what Tenor takes.
        seconds: Seconds of processor time.
    """
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with Path(os.devnull).open("wb") as nothing:  # native code may write, too
        os.dup2(nothing.fileno(), 1)
    _confine(int(memory), float(seconds))
    problem: str | None = None
    try:
        load_warmed(Path(folder), digest)
    except MemoryError:
        problem = f"it takes more than {int(memory) >> 20:,} MiB of memory."
    except TenorError as error:
        problem = str(error)
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
    _tell(told, problem)
    os._exit(0)  # what native code still does is not waited for


def _tell(told: IO[str], problem: str | None) -> None:
    json.dump({"problem": None if problem is None else problem[:_WORDS]}, told)
    told.flush()


def _confine(memory: int, seconds: float) -> None:
    """Take away what the server needs more: time, memory, and the right to go first."""
    if sys.platform == "win32":
        return
    import resource

    os.nice(5)
    processor = math.ceil(process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(OSError, ValueError):
        status = Path("/proc/self/status").read_text(encoding="ascii").split()
        taken = int(status[status.index("VmData:") + 1]) << 10
        resource.setrlimit(resource.RLIMIT_DATA, (taken + memory, taken + memory))


if __name__ == "__main__":
    main(*sys.argv[1:])
