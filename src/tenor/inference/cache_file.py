"""The file of a prediction cache: opened without trusting its contents, locked, and read and written line by line.

The first line marks the file as a prediction cache, the second one names the job. Anything else at its name, such as a
link or another file, is left unchanged and refused. A cache of another user is refused too: its values would become
predictions.
"""

import contextlib
import json
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tenor._core import atomic, records, regular_files
from tenor._core.language import tr
from tenor._core.records import JsonObject, Record, RecordError
from tenor.errors import DataError, WriteError

MAGIC = b"tenor predictions 1\n"
LONGEST_LINE = 1 << 28  # bytes
_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def cache_path(out: Path) -> Path:
    """Where the cache of a file is. It exists while the file is written, and after an interruption."""
    return out.with_name(f".{out.name}.predicted")


def open_pair(path: Path, out: Path) -> tuple[IO[bytes], IO[bytes]]:
    """Open the file of a cache, to append and to read. It is created if it does not exist.

    Args:
        path: The cache.
        out: The file that the cache belongs to, for errors.

    Raises:
        DataError: There is something else at `path`, or another process uses it.
    """
    is_new = True
    try:
        descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        is_new = False
        if path.is_symlink():
            raise _foreign(path, out) from None
        try:
            descriptor = os.open(path, _FLAGS)
        except FileNotFoundError:  # the process that had it has just ended
            raise _busy(out) from None
        except IsADirectoryError:
            raise _foreign(path, out) from None
    append = os.fdopen(descriptor, "ab", buffering=0)
    status = os.fstat(descriptor)
    is_own = is_new or regular_files.is_own(status)  # some file systems give new files to another user
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not is_own:  # a second name: another file
        append.close()
        raise _foreign(path, out)
    read = os.fdopen(os.open(path, os.O_RDONLY | (_FLAGS & ~os.O_RDWR & ~os.O_APPEND)), "rb")
    if not os.path.samestat(status, os.fstat(read.fileno())):  # replaced between the two
        append.close()
        read.close()
        raise _busy(out)
    return append, read


def lock(stream: IO[bytes], out: Path) -> None:
    """Lock the cache until it is closed. Raises DataError where another process has locked it."""
    if sys.platform == "win32":
        return
    try:
        is_held = atomic.try_lock(stream.fileno())
        is_held = is_held and os.path.samestat(os.fstat(stream.fileno()), cache_path(out).lstat())
    except FileNotFoundError:
        is_held = False
    if not is_held:  # or another process held it, and ended between opening and locking
        raise _busy(out)


def read_job(read: IO[bytes], path: Path, out: Path) -> JsonObject | None:
    """The job that a cache belongs to; None where the file is new, or was interrupted before the job was written.

    Raises:
        DataError: It is not a cache.
    """
    magic = read.read(len(MAGIC))
    if magic != MAGIC[: len(magic)]:
        raise _foreign(path, out)
    try:
        job = parse_line(read.readline(LONGEST_LINE), path.name, halves=True)  # the job has the name of a file
    except RecordError:
        raise _foreign(path, out) from None
    return None if job is None else job.values


def write_line(stream: IO[bytes], value: JsonObject, head: bytes = b"") -> None:
    """Append a line: a checksum and JSON. It survives the end of this process, but not a failure of the system."""
    content = json.dumps(value).encode()
    line = head + b"%08x %s\n" % (zlib.crc32(content), content)
    while line:
        line = line[stream.write(line) :]


def parse_line(line: bytes, file: str, halves: bool = False) -> Record | None:
    """The value that `write_line` wrote; None if the line is incomplete. Raises RecordError for anything else."""
    content = line[9:-1]
    if line != b"%08x %s\n" % (zlib.crc32(content), content):
        return None
    return records.parse(content, file, halves)


@contextlib.contextmanager
def reporting_write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a WriteError."""
    try:
        yield
    except OSError as error:
        raise unwritten(path, error) from None


def unwritten(path: Path, error: OSError) -> DataError:
    """The error for a cache that cannot be written."""
    problem = tr("{path}: this cannot be written: {strerror}.", path=path, strerror=error.strerror or error)
    return WriteError(problem, tr("Free some space, or choose another `out=...`."))


def _foreign(path: Path, out: Path) -> DataError:
    problem = tr(
        "{path}: what is predicted is kept there while {name} is written, and this is not such a file of yours.",
        path=path,
        name=out.name,
    )
    return DataError(problem, tr("Move it elsewhere, or choose another `out=...`."))


def _busy(out: Path) -> DataError:
    return DataError(
        tr("{out}: another process writes this file.", out=out), tr("Wait for it, or choose another `out=...`.")
    )
