"""Limits on what a file may hold, so that a small file cannot fill the memory.

The table is in docs/reference/data.md.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from tenor._core.language import tr
from tenor.errors import DataError, Location

MAX_COLUMNS = 10_000
MAX_DEPTH = 200  # lists and objects inside each other
MAX_VALUES = 1_000_000  # values of one row, or fields of a line
MAX_LABELS = 10_000  # labels of one row
MAX_LABEL_CHARACTERS = 10_000
MAX_CLASSES = 1_000_000  # different labels, where a row has one
MAX_ROW_BYTES = 256 << 20  # a row of a Parquet or Arrow file

MAX_RATIO = 200  # decompressed bytes for one of the file; text shrinks to a third or a twentieth, logs to a hundredth
FREE_BYTES = 64 << 20  # of a .gz or .zst file, allowed at any ratio
FREE_ARROW_BYTES = 1 << 30  # the same for Parquet and Arrow, where repeated values take next to no room

VALUE_BYTES = 64  # about what a value takes in Python besides its characters


class Expansion:
    """Counts the bytes that a file expands to.

    Args:
        name: The file's name for messages.
        size: Bytes of the file.
        free: Bytes that are allowed at any ratio.
        remedy: What to do if there are too many.
    """

    def __init__(self, name: str, size: int, free: int, remedy: str) -> None:
        self._name, self._size, self._free, self._remedy = name, size, free, remedy
        self._total = 0

    def add(self, count: int, row: int | None = None) -> None:
        """Count more bytes; `row` is the number of the current row, for messages.

        Raises:
            DataError: The total is more than MAX_RATIO times the file.
        """
        self._total += count
        if self._total > max(self._free, MAX_RATIO * self._size):
            raise DataError(
                tr(
                    "the file has {size} and holds more than {content}: over {max_ratio} times its size.",
                    size=megabytes(self._size),
                    content=megabytes(self._total),
                    max_ratio=MAX_RATIO,
                ),
                self._remedy,
                Location(self._name, row),
            )


class MemoryBudget:
    """Counts the bytes of rows that are held in memory at once.

    Args:
        name: The table's name for messages.
        remedy: What to do if there are too many.
    """

    def __init__(self, name: str, remedy: str) -> None:
        self._name, self._remedy = name, remedy
        self._held, self._limit = 0, memory_bytes() * 3 // 4

    def add(self, count: int, row: int) -> None:
        """Count more bytes; `row` is the number of the first row that has them.

        Raises:
            DataError: The total is more than three quarters of the machine's memory.
        """
        self._held += count
        if self._held > self._limit:
            raise DataError(
                tr(
                    "the rows up to this one take more than {megabytes}, three quarters of the memory here.",
                    megabytes=megabytes(self._limit),
                ),
                self._remedy,
                Location(self._name, row),
            )


def sizes_of(values: Iterable[object]) -> int:
    """Approximate bytes of values in Python."""
    return sum(VALUE_BYTES + len(value) if type(value) is str else size_of(value) for value in values)


def size_of(value: object) -> int:
    """Approximate bytes of a value in Python. Readers limit its nesting."""
    if isinstance(value, (str, bytes)):
        return VALUE_BYTES + len(value)
    if isinstance(value, (list, tuple)):
        return VALUE_BYTES + sum(map(size_of, value))
    if isinstance(value, dict):
        return VALUE_BYTES + sum(map(size_of, value)) + sum(map(size_of, value.values()))
    return VALUE_BYTES


def memory_bytes() -> int:
    """The memory of this machine, or of the container if that has less, in bytes."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else [1 << 62]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            sizes.append(int(Path(path).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return min(sizes)


def require_few_columns(count: int, at: Location) -> None:
    """Raise DataError if there are more than MAX_COLUMNS columns."""
    if count > MAX_COLUMNS:
        raise DataError(
            tr(
                "there are {count:,} columns, and at most {max_columns:,} are read.",
                count=count,
                max_columns=MAX_COLUMNS,
            ),
            tr("Check that this is the file you mean, or keep the columns of the texts and labels alone."),
            at,
        )


def require_few_labels(count: int, at: Location) -> None:
    """Raise DataError if a row has more than MAX_LABELS labels."""
    if count > MAX_LABELS:
        raise DataError(
            tr(
                "the row has {count:,} labels, and at most {max_labels:,} are read.", count=count, max_labels=MAX_LABELS
            ),
            tr("Name the column of the labels with `label=...`, and their separator with `label_separator=...`."),
            at,
        )


def require_short_label(count: int, at: Location) -> None:
    """Raise DataError if a label has more than MAX_LABEL_CHARACTERS characters."""
    if count > MAX_LABEL_CHARACTERS:
        raise DataError(
            tr(
                "the label has {count:,} characters, and at most {max_characters:,} are read.",
                count=count,
                max_characters=MAX_LABEL_CHARACTERS,
            ),
            tr("Name the column of the labels with `label=...`, and their separator with `label_separator=...`."),
            at,
        )


def megabytes(count: int) -> str:
    """A number of bytes in words, such as `12.5 MB`; below 0.1 MB in bytes."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else tr("{count:,} bytes", count=count)
