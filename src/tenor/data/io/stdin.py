"""Standard input, as a stream or kept so that it can be read from its start again."""

import io
import os
import shutil
import sys
import tempfile
from typing import Any

from tenor.errors import DataError, Location, WriteError

NAME = "standard input"


def standard_input() -> Any:
    """Standard input as a raw stream of bytes. Raises DataError when it is closed."""
    if sys.stdin is None:
        raise DataError("standard input is closed.", "Give a file, or texts through a pipe.")
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)


class Spool:
    """What a stream gives, in a temporary file without a name, which is gone when this is.

    Args:
        stream: A raw stream of bytes, which is read to its end.

    Raises:
        WriteError: It cannot be read, or there is no room for it.
    """

    def __init__(self, stream: Any) -> None:
        self._file: Any = None
        try:
            self._file = tempfile.TemporaryFile()
            shutil.copyfileobj(stream, self._file)
            self._file.flush()
        except OSError as error:
            raise WriteError(
                f"this cannot be read into a temporary file: {error.strerror or error}.",
                "Give a file in its place.",
                Location(NAME),
            ) from None

    def open(self) -> io.FileIO:
        """A raw stream from the start on; one at a time."""
        copy = io.FileIO(os.dup(self._file.fileno()))
        copy.seek(0)
        return copy

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()
