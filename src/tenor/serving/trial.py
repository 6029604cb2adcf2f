"""Tries a model in a process of its own before the server takes it: loads it, and predicts a few texts.

If the model crashes, loops for ever or takes too much memory, that process alone ends. Windows has no such limits of
processes, and macOS has only the one on time; there the clock remains.
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

from tenor._core.language import tr
from tenor.errors import BundleError, TenorError
from tenor.inference import bundle
from tenor.inference.predictor import Predictor

TEXTS = ("a text", "", "这是一段文字。", "A longer text, with numbers (1,234.5) and a name, Åsa 😀. " * 20)
"""Texts that a model predicts in its trial."""
_MIN_MEMORY = 2 << 30  # bytes that any model may take
_MEMORY_RATIO = 8  # more bytes of memory for each byte of the model's files
_WALL_RATIO = 4  # seconds on the clock for each second of processor time
_BYTES_PER_S = 5 << 20  # of the model's files; larger models get more time
_POLL_S = 0.05
_MAX_PROBLEM = 600  # characters


def load_warmed(folder: Path, expected: str | None = None) -> Predictor:
    """The model in a folder, after its first predictions, which are slow.

    Args:
        folder: Its folder.
        expected: The digest that it has to have; None: any.

    Raises:
        TenorError: There is no model, it has another digest, it is damaged, or its logits are not finite.
    """
    predictor = Predictor(bundle.load(folder, expected_digest=expected))  # the server logs its notes
    logits = predictor.raw_logits([*map(predictor.fields.fill, TEXTS)])
    if len(logits) != len(TEXTS) or not np.isfinite(logits).all():
        raise BundleError(
            tr("{folder}: the model does not give a finite number for each text.", folder=folder), tr("Train it again.")
        )
    return predictor


async def try_model(folder: Path, digest: str, timeout_s: float) -> str | None:
    """Load a model in another process, and let it predict a few texts.

    Args:
        folder: Its folder.
        digest: The digest that it has to have.
        timeout_s: Seconds of processor time that this may take; large models get more.

    Returns:
        What is wrong with it; None: nothing.
    """
    size = sum(entry.stat().st_size for entry in folder.iterdir() if entry.is_file())
    timeout_s = timeout_s + size / _BYTES_PER_S
    # -P: the folder that the server was started in may have modules of other names. Other threads are for requests.
    command = [sys.executable, "-P", "-m", __name__, str(folder), digest, str(_MIN_MEMORY + _MEMORY_RATIO * size)]
    command.append(str(timeout_s))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = await asyncio.to_thread(_start, command, environment)
    deadline = monotonic() + _WALL_RATIO * timeout_s
    with process:
        try:
            while process.poll() is None and monotonic() < deadline:
                await asyncio.sleep(_POLL_S)
            if process.poll() is None:
                return tr(
                    "it did not load and predict a few texts within {wall_ratio:.0f} seconds.",
                    wall_ratio=_WALL_RATIO * timeout_s,
                )
            assert process.stdout is not None
            return _verdict(process.stdout.read(), process.returncode, timeout_s)
        finally:
            process.kill()


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def _verdict(output: bytes, code: int, timeout_s: float) -> str | None:
    with suppress(ValueError):
        problem: str | None = json.loads(output)["problem"]
        return problem
    if sys.platform != "win32" and code < 0:
        import signal

        if -code in (signal.SIGXCPU, signal.SIGKILL):
            return tr(
                "it took more than {timeout_s:.0f} seconds of the processor, or too much memory, and was ended.",
                timeout_s=timeout_s,
            )
        name = signal.Signals(-code).name if -code in set(signal.Signals) else tr("signal {value}", value=-code)
        return tr("it crashed ({name}), or took too much memory.", name=name)
    return tr("its trial ended with status {code}.", code=code)


def main(folder: str, digest: str, memory: str, seconds: str) -> None:
    """Try a model, and write its problem to standard output as JSON.

    Args:
        folder: Its folder.
        digest: The digest that it has to have.
        memory: Bytes that it may take, besides what Tenor takes.
        seconds: Seconds of processor time.
    """
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with Path(os.devnull).open("wb") as null:  # native code may write, too
        os.dup2(null.fileno(), 1)
    _confine(int(memory), float(seconds))
    problem: str | None = None
    try:
        load_warmed(Path(folder), digest)
    except MemoryError:
        problem = tr("it takes more than {memory:,} MiB of memory.", memory=int(memory) >> 20)
    except TenorError as error:
        problem = str(error)
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
    _report(output, problem)
    os._exit(0)  # without waiting for native code


def _report(output: IO[str], problem: str | None) -> None:
    json.dump({"problem": None if problem is None else problem[:_MAX_PROBLEM]}, output)
    output.flush()


def _confine(memory: int, seconds: float) -> None:
    """Limit the time and the memory of this process, and let the server go first."""
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
        used = int(status[status.index("VmData:") + 1]) << 10
        resource.setrlimit(resource.RLIMIT_DATA, (used + memory, used + memory))


if __name__ == "__main__":
    main(*sys.argv[1:])
