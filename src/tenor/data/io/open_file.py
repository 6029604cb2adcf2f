"""Opening a file as a stream of bytes, decompressed if its name ends in `.gz` or `.zst`."""

import gzip
import io
import os
import stat
import zlib
from pathlib import Path
from typing import Protocol

from tenor.data.io.limits import FREE_BYTES, Expansion
from tenor.errors import DataError, Location

UNREADABLE = (OSError, EOFError, zlib.error)
"""What a disk, or a damaged `.gz` or `.zst` file, raises while it is read."""


class ReadableBinary(Protocol):
    """A stream of bytes of a decompressor."""

    def readinto(self, buffer: "bytearray | memoryview", /) -> int | None:
        """Read bytes into a buffer, and return their number."""

    def close(self) -> None:
        """Close the stream."""


def open_bytes(path: Path, name: str | None = None) -> io.RawIOBase:
    """Open a file as a raw stream of bytes. A `.gz` or `.zst` file is decompressed while it is read.

    Args:
        path: The file, or a link to it.
        name: Its name for messages; None: the path.

    Raises:
        DataError: It cannot be opened, or it is a pipe, a device or a folder, which may never end or begin.
    """
    ending, at = path.suffix.lower(), Location(name or str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before opening, which waits for a writer if it is a pipe
            raise DataError("this is not a plain file.", "Write the rows into a file and give that.", at)
        file = path.open("rb", buffering=0)
        size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise unreadable(error, at) from None
    if ending == ".gz":
        return _Decompressed(gzip.GzipFile(fileobj=file), file, at.file, size)
    if ending != ".zst":
        return file
    import pyarrow

    return _Decompressed(pyarrow.CompressedInputStream(file, "zstd"), file, at.file, size)


class _Decompressed(io.RawIOBase):
    """The content of a compressed file. It raises DataError once this is far too much for the file."""

    def __init__(self, stream: ReadableBinary, file: io.RawIOBase, name: str, size: int) -> None:
        remedy = "If it is right, decompress it yourself (gzip -d or zstd -d) and give that file."
        self._stream, self._file = stream, file
        self._expansion = Expansion(name, size, FREE_BYTES, remedy)

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Read bytes into a buffer, and return their number. Raises DataError if the content is far too much."""
        count = self._stream.readinto(buffer) or 0
        self._expansion.add(count)
        return count

    def close(self) -> None:
        """Close both streams."""
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def unreadable(error: Exception, at: Location) -> DataError:
    """The error for a file that the system cannot read, or whose compression is damaged."""
    if isinstance(error, OSError) and error.errno is not None:
        return DataError(f"this cannot be read: {error.strerror}.", "Check the path and its rights.", at)
    return DataError(f"the compressed file is damaged: {error}.", "Copy it again.", at)
