"""How much a file may hold, so that a small one cannot take the memory of a machine; the table is in docs/data.md."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tenor.errors import DataError, Location

MAX_COLUMNS = 10_000
MAX_DEPTH = 200  # lists and objects inside each other
MAX_VALUES = 1_000_000  # values of one row, or fields of a line
MAX_LABELS = 10_000  # labels of one row
MAX_CLASSES = 1_000_000  # different labels, where a row has one
MAX_ROW_BYTES = 256 << 20  # a row of a Parquet or Arrow file

MAX_RATIO = 200  # bytes unpacked for one of the file; text packs to a third or a twentieth, logs to a hundredth
FREE_BYTES = 64 << 20  # of a .gz or .zst file, unpacked whatever the ratio
FREE_ARROW_BYTES = 1 << 30  # the same of Parquet and Arrow, whose repeated values take next to no room

VALUE_BYTES = 64  # about what Python needs for a value besides its characters


class Expansion:
    """How many bytes a file was unpacked to.

    Args:
        name: The file's name for messages.
        packed: Bytes of the file.
        free: Bytes that are allowed whatever the ratio.
        remedy: What to do where there are too many.
    """

    def __init__(self, name: str, packed: int, free: int, remedy: str) -> None:
        self.name, self._packed, self._free, self._remedy = name, packed, free, remedy
        self._total = 0

    def add(self, count: int, row: int | None = None) -> None:
        """Count further bytes; `row` is the number of the row that is read, for the message.

        Raises:
            DataError: They are more than MAX_RATIO times the file.
        """
        self._total += count
        if self._total > max(self._free, MAX_RATIO * self._packed):
            raise DataError(
                f"the file has {megabytes(self._packed)} and holds more than {megabytes(self._total)}: "
                f"over {MAX_RATIO} times its size.",
                self._remedy,
                Location(self.name, row),
            )


class MemoryBudget:
    """How many bytes the rows take that are held in memory at once.

    Args:
        name: The table's name for messages.
        remedy: What to do where there are too many.
    """

    def __init__(self, name: str, remedy: str) -> None:
        self._name, self._remedy = name, remedy
        self._held, self._limit = 0, memory_bytes() * 3 // 4

    def add(self, count: int, row: int) -> None:
        """Count further bytes; `row` is the number of the first row that they are of.

        Raises:
            DataError: All of them are more than three quarters of the machine's memory.
        """
        self._held += count
        if self._held > self._limit:
            raise DataError(
                f"the rows up to this one take more than {megabytes(self._limit)}, three quarters of the memory here.",
                self._remedy,
                Location(self._name, row),
            )


def sizes_of(values: Iterable[Any]) -> int:
    """About how many bytes values take in Python."""
    return sum(VALUE_BYTES + len(value) if type(value) is str else size_of(value) for value in values)


def size_of(value: Any) -> int:
    """About how many bytes a value takes in Python. Nesting is bounded by the readers."""
    if isinstance(value, (str, bytes)):
        return VALUE_BYTES + len(value)
    if isinstance(value, (list, tuple)):
        return VALUE_BYTES + sum(map(size_of, value))
    if isinstance(value, dict):
        return VALUE_BYTES + sum(map(size_of, value)) + sum(map(size_of, value.values()))
    return VALUE_BYTES


def memory_bytes() -> int:
    """The memory of this machine, or of the container where it has less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else [1 << 62]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found.append(int(Path(path).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return min(found)


def require_few_columns(count: int, at: Location) -> None:
    """Raise DataError where there are more than MAX_COLUMNS columns."""
    if count > MAX_COLUMNS:
        raise DataError(
            f"there are {count:,} columns, and at most {MAX_COLUMNS:,} are read.",
            "Check that this is the file you mean, or keep the columns of the texts and labels alone.",
            at,
        )


def require_few_labels(count: int, at: Location) -> None:
    """Raise DataError where a row has more than MAX_LABELS labels."""
    if count > MAX_LABELS:
        raise DataError(
            f"the row has {count:,} labels, and at most {MAX_LABELS:,} are read.",
            "Name the column of the labels with `label=...`, and their separator with `label_separator=...`.",
            at,
        )


def megabytes(count: int) -> str:
    """`12.5 MB`; less than 0.1 MB as bytes."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"
