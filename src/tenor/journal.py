"""What has been predicted so far, kept beside the file that is being written, so that a killed job can go on.

It holds the values of the new columns and no rows: a line for each chunk, with a check sum and a digest of the chunk's
texts. A job that goes on reads its input from the start and writes its output from the start, by the code that an
unbroken one runs, and takes the values of the chunks that are through from here. So the bytes are the same in every
format, and a text that has changed since is noticed where it stands.
"""

import contextlib
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from tenor import files
from tenor.errors import DataError

Values = list[list[Any]]

_AFRESH = "start afresh (--overwrite, without --resume)."


class Journal:
    """The chunks of one job, in order.

    Attributes:
        reused: How many rows were found here.
    """

    def __init__(self, path: Path, out: Path, read: IO[bytes], append: IO[bytes]) -> None:
        """Begin behind the first line, which says whose the file is; `append` holds nothing back."""
        self.reused = 0
        self._path, self._out, self._read, self._append = path, out, read, append
        self._begin = read.tell()
        self._reading = True

    @property
    def empty(self) -> bool:
        """Whether no chunk is in it."""
        return self._path.stat().st_size == self._begin

    def values(self, texts: list[str], compute: Callable[[list[str]], Values]) -> Values:
        """The values of the next chunk: those that were kept or, from the first chunk on that was not, new ones.

        Raises:
            DataError: What was kept belongs to other texts.
        """
        digest = hashlib.blake2b(json.dumps(texts).encode(), digest_size=16).hexdigest()
        if (kept := self._next()) is not None:
            if kept["texts"] != digest:
                raise self._changed()
            self.reused += len(texts)
            found: Values = kept["values"]
            return found
        found = compute(texts)
        _write(self._append, {"texts": digest, "values": found})
        return found

    def end(self) -> None:
        """Say that the input is through. Raises DataError where it had more rows before."""
        if self._next() is not None:
            raise self._changed()

    def _next(self) -> Any:
        """The next line that was kept; None from the end, or from a line that was cut off, on."""
        if not self._reading:
            return None
        begin = self._read.tell()
        if (kept := _parsed(self._read.readline())) is None:
            self._reading = False
            os.truncate(self._path, begin)
        return kept

    def _changed(self) -> DataError:
        problem = (
            f"{self._out}: from row {self.reused + 1:,} on, the texts are not those of the run that was interrupted."
        )
        return DataError(problem, _AFRESH.capitalize())


def place(out: Path) -> Path:
    """Where the journal of a file is; it is there while the file is written, and after that was interrupted."""
    return out.with_name(f".{out.name}.predicted")


@contextlib.contextmanager
def opened(out: Path, job: dict[str, Any], resume: bool, afresh: bool) -> Iterator[Journal]:
    """Open the journal of a file. It is removed when the block ends well, or with an error at a place in the input.

    Args:
        out: The file that is being written.
        job: What has to be equal for values to be taken over: JSON, by names for people.
        resume: Go on with a job that was interrupted, if there is one.
        afresh: Forget a job that was interrupted.

    Raises:
        DataError: There is an interrupted job and neither was asked for, it was another one, another process writes
            this file, or the journal cannot be written.
    """
    path = place(out)
    with contextlib.ExitStack() as stack:
        with _writing(path):
            append = stack.enter_context(path.open("ab", buffering=0))
            read = stack.enter_context(path.open("rb"))
        _lock(append, out)
        kept = _parsed(read.readline())
        if kept is not None and not (resume or afresh):
            problem = f"{out}: there is an interrupted run that was writing this file."
            raise DataError(problem, "Go on with it (--resume), or start afresh (--overwrite).")
        if kept is not None and resume:
            if other := [name for name in job if kept.get(name) != job[name]]:
                problem = f"{out}: the run that was interrupted had another {', another '.join(other)}."
                raise DataError(problem, f"Ask for the same, or {_AFRESH}")
        else:
            with _writing(path):
                append.truncate(0)
                _write(append, job)
            read.seek(0, os.SEEK_END)  # from the end, it forgets what it had read ahead
        files.remove_parts(out)
        journal = Journal(path, out, read, append)
        try:
            yield journal
        except DataError as error:
            if journal.empty or error.at is not None:  # the input has to be mended, and is another one then
                path.unlink(missing_ok=True)
            raise
        except BaseException:
            if journal.empty:
                path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in words what the system has against writing the journal."""
    try:
        yield
    except OSError as error:
        problem = f"{path}: this cannot be written: {error.strerror or error}."
        raise DataError(problem, "Free some space, or choose another --out.") from None


def _lock(stream: IO[bytes], out: Path) -> None:
    """Hold the journal until it is closed. Raises DataError where another process holds it."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = os.path.samestat(os.fstat(stream.fileno()), place(out).stat())
    except (BlockingIOError, FileNotFoundError):
        held = False
    if not held:  # or it was, and ended between opening and locking
        raise DataError(f"{out}: another process writes this file.", "Wait for it, or choose another --out.")


def _write(stream: IO[bytes], value: Any) -> None:
    """Add a line: a check sum and JSON. What is written outlives this process, though not a failure of the system."""
    content = json.dumps(value).encode()
    line = b"%08x %s\n" % (zlib.crc32(content), content)
    while line:
        line = line[stream.write(line) :]


def _parsed(line: bytes) -> Any:
    """What `_write` was given; None where the line is not whole."""
    content = line[9:-1]
    return json.loads(content) if line == b"%08x %s\n" % (zlib.crc32(content), content) else None
