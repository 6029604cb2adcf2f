"""Opening a file as a stream of bytes, decompressed if its name ends in `.gz`, `.zst`, `.bz2`, `.xz` or `.zip`."""

import bz2
import gzip
import io
import lzma
import os
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Protocol

from tenor._core.language import tr
from tenor.data.io import archive
from tenor.data.io.limits import FREE_BYTES, Expansion
from tenor.errors import DataError, Location

UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What a disk, or a damaged compressed file, raises while it is read."""

_XZ_MEMORY = 256 << 20  # for the dictionary of a file; xz -9 takes 65 MB
_COMPRESSED_BLOCK = 1 << 16


class ReadableBinary(Protocol):
    """A stream of bytes of a decompressor."""

    def readinto(self, buffer: "bytearray | memoryview", /) -> int | None:
        """Read bytes into a buffer, and return their number."""

    def close(self) -> None:
        """Close the stream."""


def open_bytes(path: Path, name: str | None = None) -> io.RawIOBase:
    """Open a file as a raw stream of bytes. A compressed one is decompressed while it is read.

    Args:
        path: The file, or a link to it.
        name: Its name for messages; None: the path.

    Raises:
        DataError: It cannot be opened, or it is a pipe, a device or a folder, which may never end or begin.
    """
    ending, at = path.suffix.lower(), Location(name or str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before opening, which waits for a writer if it is a pipe
            raise DataError(tr("this is not a plain file."), tr("Write the rows into a file and give that."), at)
        file = path.open("rb", buffering=0)
        size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise unreadable(error, at) from None
    if ending == ".gz":
        return _Decompressed(gzip.GzipFile(fileobj=file), file, at.file, size)
    if ending == ".bz2":
        return _Decompressed(bz2.BZ2File(file), file, at.file, size)
    if ending == ".xz":
        return _Decompressed(_XzStream(file), file, at.file, size)
    if ending == ".zip":
        return _Decompressed(archive.open_member(path, at.file), file, at.file, size)
    if ending != ".zst":
        return file
    import pyarrow

    return _Decompressed(pyarrow.CompressedInputStream(file, "zstd"), file, at.file, size)


class _XzStream:
    """The content of an `.xz` file, which may have several streams. Its dictionary takes a limited memory."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file, self._decompressor = file, self._new()

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:
        """Read bytes into a buffer, and return their number. Raises EOFError if the end is missing."""
        view, given = memoryview(buffer).cast("B"), b""
        while True:
            if self._decompressor.eof:
                given = (self._decompressor.unused_data or self._file.read(_COMPRESSED_BLOCK) or b"").lstrip(b"\0")
                if not given:
                    return 0
                self._decompressor = self._new()
            elif self._decompressor.needs_input:
                given = self._file.read(_COMPRESSED_BLOCK) or b""
                if not given:
                    raise EOFError(tr("Compressed file ended before the end-of-stream marker was reached"))
            content, given = self._decompressor.decompress(given, len(view)), b""
            if content:
                view[: len(content)] = content
                return len(content)

    def close(self) -> None:
        """Nothing: the file is closed by its owner."""


class _Decompressed(io.RawIOBase):
    """The content of a compressed file. It raises DataError once this is far too much for the file."""

    def __init__(self, stream: ReadableBinary, file: io.RawIOBase, name: str, size: int) -> None:
        remedy = tr("If it is right, decompress it yourself, and give that file.")
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
        return DataError(
            tr("this cannot be read: {strerror}.", strerror=error.strerror), tr("Check the path and its rights."), at
        )
    if isinstance(error, gzip.BadGzipFile) and str(error).startswith("Not a gzipped file"):
        return DataError(
            tr("what follows is not compressed by gzip."),
            tr(
                "If the file is not compressed, give it a name without .gz. If it has other bytes behind its end, "
                "`gzip -dc FILE > COPY` leaves them out."
            ),
            at,
        )
    return DataError(tr("the compressed file is damaged: {error}.", error=error), tr("Copy it again."), at)
