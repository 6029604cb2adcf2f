"""Processes that a test has started."""

import os
from contextlib import suppress
from pathlib import Path


def started(title: str) -> list[int]:
    """The numbers of the processes that this one has started, at any remove, and whose command line has the title."""
    parents, titled = dict[int, int](), []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):  # it is no process, or has ended meanwhile
            number = int(folder.name)
            parents[number] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            titled += [number] if title.encode() in (folder / "cmdline").read_bytes() else []

    def ours(number: int) -> bool:
        return number == os.getpid() or (number in parents and ours(parents[number]))

    return sorted(filter(ours, titled))
