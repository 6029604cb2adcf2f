"""Standard input: as a stream, or kept so that it can be read again from its start."""

import io
import os
import shutil
import sys
import tempfile
from typing import IO

from tenor._core.language import mark, tr
from tenor.errors import DataError, Location, WriteError

NAME = mark("standard input")


def standard_input() -> io.RawIOBase:
    """Standard input as a raw stream of bytes. Raises DataError if it is closed."""
    if sys.stdin is None:
        raise DataError(tr("standard input is closed."), tr("Give a file, or texts through a pipe."))
    stream: io.RawIOBase = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)  # type: ignore[arg-type, assignment]
    return stream


class Spool:
    """The content of a stream, in a temporary file without a name. The file disappears with this object.

    Args:
        stream: A raw stream of bytes, which is read to its end.

    Raises:
        WriteError: The stream cannot be read, or the disk is full.
    """

    def __init__(self, stream: io.RawIOBase) -> None:
        self._file: IO[bytes] | None = None
        try:
            self._file = tempfile.TemporaryFile()
            shutil.copyfileobj(stream, self._file)
            self._file.flush()
        except OSError as error:
            raise WriteError(
                tr("this cannot be read into a temporary file: {strerror}.", strerror=error.strerror or error),
                tr("Give a file instead."),
                Location(tr(NAME)),
            ) from None

    def open(self) -> io.FileIO:
        """A raw stream from the start. Use one at a time."""
        assert self._file is not None
        copy = io.FileIO(os.dup(self._file.fileno()))
        copy.seek(0)
        return copy

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()
