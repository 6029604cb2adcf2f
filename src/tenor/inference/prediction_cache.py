"""What has been predicted so far, kept beside the file that is being written, so that a killed job can go on.

It holds the values of the new columns and no rows: a line for each chunk, with a check sum and a digest of the chunk's
texts. A job that goes on reads its input from the start and writes its output from the start, by the code that an
unbroken one runs, and takes the values of the chunks that are through from here. So the bytes are the same in every
format, and a text that has changed since is noticed where it stands.

The first line says that this is such a file, the second of which job. Anything else at its name, a link or a file of
somebody, is left as it is and refused. A journal of another user is refused, too: its values would become predictions.
It is read strictly, since a right check sum does not say who wrote a line.
"""

import contextlib
import hashlib
import json
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from tenor._core import atomic, records, regular_files
from tenor._core.records import Record, RecordError
from tenor.errors import DataError, TenorError, WriteError

Values = list[list[Any]]

_AFRESH = "start again (`overwrite=True`, without `resume=True`)."
_MAGIC = b"tenor predictions 1\n"
_LONGEST_LINE = 1 << 28  # bytes
_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class PredictionCache:
    """The chunks of one job, in order.

    Attributes:
        reused_rows: How many rows were found here.
        mismatched: Whether they are those of other texts.
    """

    def __init__(self, path: Path, out: Path, read: IO[bytes], append: IO[bytes], say: Callable[[str], Any]) -> None:
        """Begin behind the lines that say whose the file is; `append` holds nothing back."""
        self.reused_rows, self.mismatched = 0, False
        self._path, self._out, self._read, self._append, self._say = path, out, read, append, say
        self._begin = read.tell()
        self._reading = self._keeping = True

    @property
    def empty(self) -> bool:
        """Whether no chunk is in it."""
        return os.fstat(self._append.fileno()).st_size == self._begin

    def next_values(self, texts: list[str], columns: int, compute: Callable[[list[str]], Values]) -> Values:
        """The values of the next chunk: those that were kept or, from the first chunk on that was not, new ones.

        Args:
            texts: The chunk.
            columns: How many columns of values there are.
            compute: Gives the values of texts.

        Raises:
            DataError: What was kept belongs to other texts, or is not what this class keeps.
        """
        digest = hashlib.blake2b(json.dumps(texts).encode(), digest_size=16).hexdigest()
        if (kept := self._next()) is not None:
            try:
                same, found = kept.text("texts") == digest, _columns(kept, columns)
            except RecordError as error:
                raise self._damaged(error) from None
            if not same or any(len(column) != len(texts) for column in found):
                raise self._changed()
            self.reused_rows += len(texts)
            return found
        found = compute(texts)
        if self._keeping:
            self._keep({"texts": digest, "values": found})
        return found

    def finish(self) -> None:
        """Say that the input is through. Raises DataError where it had more rows before."""
        if self._next() is not None:
            raise self._changed()

    def remove(self) -> None:
        """Remove the file, if it is still the one at its name."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self._append.fileno()), self._path.lstat()):
                self._path.unlink()

    def _next(self) -> Record | None:
        """The next line that was kept; None from the end, or from a line that was cut off, on."""
        if not self._reading:
            return None
        begin = self._read.tell()
        try:
            kept = _parsed(self._read.readline(_LONGEST_LINE), self._path.name)
        except RecordError as error:
            raise self._damaged(error) from None
        if kept is None:
            self._reading = False
            self._append.truncate(begin)
        return kept

    def _keep(self, value: dict[str, Any]) -> None:
        """Add a chunk. Where there is no room for it the job goes on without, as what it writes may still fit."""
        end = os.fstat(self._append.fileno()).st_size
        try:
            _write(self._append, value)
        except OSError as error:
            self._keeping = False
            with contextlib.suppress(OSError):
                self._append.truncate(end)
            self._say(f"{self._path}: no more predictions can be kept for `resume=True`: {error.strerror or error}.")

    def _changed(self) -> DataError:
        self.mismatched = True
        row = self.reused_rows + 1
        problem = f"{self._out}: from row {row:,} on, the texts are not those of the run that was interrupted."
        return DataError(problem, f"S{_AFRESH[1:]}")

    def _damaged(self, error: RecordError) -> DataError:
        self.mismatched = True
        problem = f"{self._path}: from row {self.reused_rows + 1:,} on, this is no file of predictions: {error.detail}."
        return DataError(problem, f"S{_AFRESH[1:]}")


def cache_path(out: Path) -> Path:
    """Where the journal of a file is; it is there while the file is written, and after that was interrupted."""
    return out.with_name(f".{out.name}.predicted")


@contextlib.contextmanager
def open_cache(
    out: Path, job: dict[str, Any], resume: bool, restart: bool, on_message: Callable[[str], Any] = lambda _: None
) -> Iterator[PredictionCache]:
    """Open the journal of a file. It is kept when the block is interrupted, the disk is full or the texts are
    others, and else removed: no other error goes away by going on.

    Args:
        out: The file that is being written.
        job: What has to be equal for values to be taken over: JSON, by names for people.
        resume: Go on with a job that was interrupted, if there is one.
        restart: Forget a job that was interrupted.
        on_message: Hears that no more can be kept.

    Raises:
        DataError: There is an interrupted job and neither was asked for, it was another one, another process writes
            this file, something else stands at the journal's name, or it cannot be written.
    """
    path = cache_path(out)
    job = {"file": out.name, **job}
    with contextlib.ExitStack() as stack:
        with _writing(path):
            append, read = (stack.enter_context(stream) for stream in _open(path, out))
        _lock(append, out)
        kept = _owner(read, path, out)
        if kept is not None and not (resume or restart):
            problem = f"{out}: there is an interrupted run that was writing this file."
            raise DataError(problem, "Continue it (`resume=True`), or start again (`overwrite=True`).")
        if kept is not None and resume:
            if other := [name for name in job if kept.get(name) != job[name]]:
                problem = f"{out}: the run that was interrupted had another {', another '.join(other)}."
                raise DataError(problem, f"Ask for the same, or {_AFRESH}")
        else:
            try:
                append.truncate(0)
                _write(append, job, _MAGIC)
            except OSError as error:
                path.unlink(missing_ok=True)
                raise _unwritten(path, error) from None
            read.seek(0, os.SEEK_END)  # from the end, it forgets what it had read ahead
        atomic.remove_parts(out)
        journal = PredictionCache(path, out, read, append, on_message)
        try:
            yield journal
        except BaseException as error:
            lasting = isinstance(error, TenorError) and not (isinstance(error, WriteError) or journal.mismatched)
            if lasting or journal.empty:
                journal.remove()
            raise
        journal.remove()


def _open(path: Path, out: Path) -> tuple[IO[bytes], IO[bytes]]:
    """The file of a journal, created where there is none, to add to and to read. Raises DataError where it is none."""
    created = True
    try:
        descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        created = False
        if path.is_symlink():
            raise _foreign(path, out) from None
        try:
            descriptor = os.open(path, _FLAGS)
        except FileNotFoundError:  # the process that had it has come to its end
            raise _busy(out) from None
        except IsADirectoryError:
            raise _foreign(path, out) from None
    append = os.fdopen(descriptor, "ab", buffering=0)
    status = os.fstat(descriptor)
    is_own = created or regular_files.is_own(status)  # some file systems give what is created to another user
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not is_own:  # a second name: a file of somebody
        append.close()
        raise _foreign(path, out)
    read = os.fdopen(os.open(path, os.O_RDONLY | (_FLAGS & ~os.O_RDWR & ~os.O_APPEND)), "rb")
    if not os.path.samestat(status, os.fstat(read.fileno())):  # replaced between the two
        append.close()
        read.close()
        raise _busy(out)
    return append, read


def _owner(read: IO[bytes], path: Path, out: Path) -> dict[str, Any] | None:
    """The job whose journal this is; None where it is new, or was cut off before it said so.

    Raises:
        DataError: It is a file of something else.
    """
    magic = read.read(len(_MAGIC))
    if magic != _MAGIC[: len(magic)]:
        raise _foreign(path, out)
    try:
        job = _parsed(read.readline(_LONGEST_LINE), path.name, halves=True)  # it has the name of a file
    except RecordError:
        raise _foreign(path, out) from None
    return None if job is None else job.values


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in words what the system has against writing the journal."""
    try:
        yield
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError) -> DataError:
    problem = f"{path}: this cannot be written: {error.strerror or error}."
    return WriteError(problem, "Free some space, or choose another `out=...`.")


def _lock(stream: IO[bytes], out: Path) -> None:
    """Hold the journal until it is closed. Raises DataError where another process holds it."""
    if sys.platform == "win32":
        return
    try:
        held = atomic.hold(stream.fileno()) and os.path.samestat(os.fstat(stream.fileno()), cache_path(out).lstat())
    except FileNotFoundError:
        held = False
    if not held:  # or it was, and ended between opening and locking
        raise _busy(out)


def _foreign(path: Path, out: Path) -> DataError:
    problem = f"{path}: what is predicted is kept there while {out.name} is written, and this is no such file of yours."
    return DataError(problem, "Move it elsewhere, or choose another `out=...`.")


def _busy(out: Path) -> DataError:
    return DataError(f"{out}: another process writes this file.", "Wait for it, or choose another `out=...`.")


def _write(stream: IO[bytes], value: Any, head: bytes = b"") -> None:
    """Add a line: a check sum and JSON. What is written outlives this process, though not a failure of the system."""
    content = json.dumps(value).encode()
    line = head + b"%08x %s\n" % (zlib.crc32(content), content)
    while line:
        line = line[stream.write(line) :]


def _parsed(line: bytes, file: str, halves: bool = False) -> Record | None:
    """What `_write` was given; None where the line is not whole. Raises RecordError where it is something else."""
    content = line[9:-1]
    if line != b"%08x %s\n" % (zlib.crc32(content), content):
        return None
    return records.parse(content, file, halves)


def _columns(kept: Record, count: int) -> Values:
    """The values of a chunk: columns of strings, of numbers, or of lists of strings, each with gaps.

    Raises:
        RecordError: They are something else, or their number is not `count`.
    """
    columns = kept.items("values", count)
    if len(columns) != count:
        raise kept.error("values", f"it has {len(columns):,} items, not {count:,}")
    for number, column in enumerate(columns):
        kinds = set(map(type, column)) - {type(None)} if isinstance(column, list) else {dict}
        labels = kinds == {list} and all(type(label) is str for labels in column for label in labels or ())
        if not (labels or kinds <= {str} or kinds <= {int, float}):
            raise kept.error(f"values[{number}]", "it is no column of strings, of numbers, or of lists of strings")
    return columns
