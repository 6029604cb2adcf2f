"""Results of comparing graphs with their probes on this machine, remembered in the user's cache."""

import contextlib
import functools
import hashlib
import json
import math
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tenor._core import atomic, records, regular_files
from tenor._core.records import Json, RecordError
from tenor._core.regular_files import IrregularFileError
from tenor._core.version import VERSION

_KINDS = {
    *("vendor_id", "cpu family", "model", "model name", "stepping", "flags"),  # of x86
    *("CPU implementer", "CPU variant", "CPU part", "CPU revision", "Features"),  # of ARM
}
_LARGEST_FILE = 4_096
_MOST_ROWS = 1 << 30


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison.

    Attributes:
        difference: The largest difference; infinite if an output is not finite.
        allowed: The largest difference that is allowed.
        rows: Number of rows that were compared.
    """

    difference: float
    allowed: float
    rows: int

    @property
    def agrees(self) -> bool:
        """Whether the graph may predict."""
        return self.difference <= self.allowed


@functools.cache
def processor() -> str:
    """The kind of this processor, as 16 digits: libraries choose their instructions by it.

    NumPy queries the processor itself, as the runtimes do. The system knows more features, but under an emulator it
    reports those of the real processor. So both are used.
    """
    config: Json = np.show_config(mode="dicts")
    parts = [platform.machine(), os.environ.get("PROCESSOR_IDENTIFIER", ""), json.dumps(config["SIMD Extensions"])]
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # another system than Linux
        text = ""
    first, *_ = text.partition("\n\n")
    parts += [line for line in first.splitlines() if line.partition(":")[0].strip() in _KINDS]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def recall(subject: Mapping[str, str], allowed: float) -> Verdict | None:
    """The saved verdict; None if there is none, or none that can be trusted.

    Files that somebody else may have put there are ignored: a link, a pipe, a file of another user, or of another
    subject.

    Args:
        subject: What was compared: the model, the graph and the runtime.
        allowed: The largest difference that is allowed now.
    """
    try:
        path = _path(subject)
        record = records.parse(regular_files.read(path, _LARGEST_FILE, must_own=True), path.name)
        if any(record.string(name) != value for name, value in _whole(subject).items()):
            return None
        is_infinite = record.values.get("difference", 0) is None
        difference = math.inf if is_infinite else record.number("difference", 0)
        return Verdict(difference, allowed, record.integer("rows", 0, _MOST_ROWS))
    except (OSError, RuntimeError, IrregularFileError, RecordError):  # none yet, none that can be read, or no home
        return None


def remember(subject: Mapping[str, str], verdict: Verdict) -> None:
    """Remember a verdict. If the cache cannot be written, the graph is compared again next time."""
    difference = verdict.difference if math.isfinite(verdict.difference) else None
    content = {**_whole(subject), "difference": difference, "rows": verdict.rows}
    with contextlib.suppress(OSError, RuntimeError):
        path = _path(subject)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(path, json.dumps(content, indent=1).encode())


def _path(subject: Mapping[str, str]) -> Path:
    key = json.dumps(_whole(subject), sort_keys=True)
    return atomic.user_cache_dir("verdicts") / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _whole(subject: Mapping[str, str]) -> dict[str, str]:
    return {**subject, "processor": processor(), "tenor": VERSION}
