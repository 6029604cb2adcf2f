"""Predictions so far, beside the file that is being written, so that a killed job can continue.

A cache holds the values of the new columns, not the rows: a line for each chunk, with a checksum and a digest of the
chunk's texts. A job that continues reads its input and writes its output from the start, with the same code as an
uninterrupted one, but takes the values of finished chunks from here. So the bytes are the same in every format, and a
text that has changed since is detected in its row.

A cache is read strictly, since a correct checksum does not say who wrote a line.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from tenor._core import atomic
from tenor._core.language import tr
from tenor._core.records import Json, JsonObject, Record, RecordError
from tenor.errors import DataError, TenorError, WriteError
from tenor.inference import cache_file
from tenor.inference.cache_file import cache_path

Values = list[list[Json]]
"""The values of the new columns of a chunk, a list for each column."""


class PredictionCache:
    """The chunks of one job, in order.

    Attributes:
        reused_rows: Number of rows whose values came from an interrupted run.
        mismatched: Whether the cache belongs to other texts.
    """

    def __init__(
        self, path: Path, out: Path, read: IO[bytes], append: IO[bytes], on_message: Callable[[str], object]
    ) -> None:
        """Start after the lines that identify the job; `append` is not buffered."""
        self.reused_rows, self.mismatched = 0, False
        self._path, self._out, self._read, self._append, self._on_message = path, out, read, append, on_message
        self._start = read.tell()
        self._is_reading = self._is_writing = True

    @property
    def empty(self) -> bool:
        """Whether the cache has no chunk yet."""
        return os.fstat(self._append.fileno()).st_size == self._start

    def next_values(self, texts: list[str], columns: int, compute: Callable[[list[str]], Values]) -> Values:
        """The values of the next chunk: those of the interrupted run or, after its last chunk, new ones.

        Args:
            texts: The chunk.
            columns: Number of columns of values.
            compute: Computes the values of texts.

        Raises:
            DataError: The cache belongs to other texts, or has a line that this class does not write.
        """
        digest = hashlib.blake2b(json.dumps(texts).encode(), digest_size=16).hexdigest()
        if (line := self._next_line()) is not None:
            try:
                is_same, values = line.string("texts") == digest, _columns(line, columns)
            except RecordError as error:
                raise self._damaged(error) from None
            if not is_same or any(len(column) != len(texts) for column in values):
                raise self._changed()
            self.reused_rows += len(texts)
            return values
        values = compute(texts)
        if self._is_writing:
            self._append_line({"texts": digest, "values": values})
        return values

    def finish(self) -> None:
        """End the job. Raises DataError where the input had more rows in the interrupted run."""
        if self._next_line() is not None:
            raise self._changed()

    def remove(self) -> None:
        """Remove the file, if it is still the one at its name."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self._append.fileno()), self._path.lstat()):
                self._path.unlink()

    def _next_line(self) -> Record | None:
        """The next line of the interrupted run; None from the end, or from an incomplete line, on."""
        if not self._is_reading:
            return None
        start = self._read.tell()
        try:
            line = cache_file.parse_line(self._read.readline(cache_file.LONGEST_LINE), self._path.name)
        except RecordError as error:
            raise self._damaged(error) from None
        if line is None:
            self._is_reading = False
            self._append.truncate(start)
        return line

    def _append_line(self, value: JsonObject) -> None:
        """Add a chunk. If the disk is full, the job continues without the cache: its output may still fit."""
        end = os.fstat(self._append.fileno()).st_size
        try:
            cache_file.write_line(self._append, value)
        except OSError as error:
            self._is_writing = False
            with contextlib.suppress(OSError):
                self._append.truncate(end)
            reason = error.strerror or error
            self._on_message(
                tr(
                    "{path}: no more predictions can be kept for `resume=True`: {reason}.",
                    path=self._path,
                    reason=reason,
                )
            )

    def _changed(self) -> DataError:
        self.mismatched = True
        row = self.reused_rows + 1
        problem = tr(
            "{out}: from row {row:,} on, the texts are not those of the run that was interrupted.",
            out=self._out,
            row=row,
        )
        return DataError(problem, tr("Start again (`overwrite=True`, without `resume=True`)."))

    def _damaged(self, error: RecordError) -> DataError:
        self.mismatched = True
        row = self.reused_rows + 1
        problem = tr(
            "{path}: from row {row:,} on, this is not a file of predictions: {detail}.",
            path=self._path,
            row=row,
            detail=error.detail,
        )
        return DataError(problem, tr("Start again (`overwrite=True`, without `resume=True`)."))


@contextlib.contextmanager
def open_cache(
    out: Path, job: JsonObject, resume: bool, restart: bool, on_message: Callable[[str], object] = lambda _: None
) -> Iterator[PredictionCache]:
    """Open the cache of a file.

    The cache is kept if the block is interrupted, the disk is full or the texts are other ones. After any other error
    it is removed, since continuing would raise the same error again.

    Args:
        out: The file that is being written.
        job: What must be equal for values to be reused: JSON, by names for people.
        resume: Continue a job that was interrupted, if there is one.
        restart: Discard a job that was interrupted.
        on_message: Receives a message if no more can be kept.

    Raises:
        DataError: There is an interrupted job, and neither `resume` nor `restart` is set; or it is another job. Or
            another process writes this file, there is something else at the cache's name, or it cannot be written.
    """
    path = cache_path(out)
    job = {"file": out.name, **job}
    with contextlib.ExitStack() as stack:
        with cache_file.reporting_write_errors(path):
            append, read = (stack.enter_context(stream) for stream in cache_file.open_pair(path, out))
        cache_file.lock(append, out)
        interrupted = cache_file.read_job(read, path, out)
        if interrupted is not None and not (resume or restart):
            problem = tr("{out}: there is an interrupted run that was writing this file.", out=out)
            raise DataError(problem, tr("Continue it (`resume=True`), or start again (`overwrite=True`)."))
        if interrupted is not None and resume:
            _require_same(interrupted, job, out)
        else:
            _start_job(path, append, job)
            read.seek(0, os.SEEK_END)  # seeking from the end drops what was read ahead
        atomic.remove_leftovers(out)
        cache = PredictionCache(path, out, read, append, on_message)
        try:
            yield cache
        except BaseException as error:
            is_permanent = isinstance(error, TenorError) and not (isinstance(error, WriteError) or cache.mismatched)
            if is_permanent or cache.empty:
                cache.remove()
            raise
        cache.remove()


def _require_same(interrupted: JsonObject, job: JsonObject, out: Path) -> None:
    """Raise DataError where the interrupted run was another job."""
    if differing := [name for name in job if interrupted.get(name) != job[name]]:
        problem = tr(
            "{out}: the run that was interrupted had another {differing}.",
            out=out,
            differing=tr(", another ").join(map(tr, differing)),
        )
        raise DataError(problem, tr("Use the same, or start again (`overwrite=True`, without `resume=True`)."))


def _start_job(path: Path, append: IO[bytes], job: JsonObject) -> None:
    """Write the lines that identify the job. Raises WriteError where that is not possible."""
    try:
        append.truncate(0)
        cache_file.write_line(append, job, cache_file.MAGIC)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise cache_file.unwritten(path, error) from None


def _columns(line: Record, count: int) -> Values:
    """The values of a chunk: columns of strings, of numbers, or of lists of strings, each with gaps.

    Raises:
        RecordError: They are something else, or their number is not `count`.
    """
    columns = line.items("values", count)
    if len(columns) != count:
        raise line.error("values", tr("it has {n_columns:,} items, not {count:,}", n_columns=len(columns), count=count))
    for number, column in enumerate(columns):
        kinds = set(map(type, column)) - {type(None)} if isinstance(column, list) else {dict}
        are_lists = kinds == {list} and all(type(label) is str for labels in column for label in labels or ())
        if not (are_lists or kinds <= {str} or kinds <= {int, float}):
            raise line.error(
                f"values[{number}]", tr("it is not a column of strings, of numbers, or of lists of strings")
            )
    return columns
