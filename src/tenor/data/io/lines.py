"""A text file -> decoded lines, with the place of whatever is wrong in it.

Text is UTF-8 (with or without a byte order mark), UTF-16 with one, or GB18030, which is recognised.
"""

import codecs
import contextlib
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tenor.data.io import encodings
from tenor.data.io.limits import FREE_BYTES, Expansion
from tenor.errors import DataError, Location

LONGEST_LINE = 64 << 20  # bytes; more than this without a line's end is no text file, or a quote that is never closed

_PEEK = 1 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}  # how packed files begin
_ALONE = (b" ", b'"', b",", b"\n")  # below 0x30, so never part of another character in GB18030
_UNREADABLE = (OSError, EOFError, zlib.error)  # what a disk or a damaged .gz or .zst file raises


class Lines:
    """A text file that is open only inside `read`, each time from its first line on.

    Args:
        source: Opens the file as a raw stream of bytes.
        name: The file's name for messages.

    Attributes:
        row: Rows that are through, or -1 before the header; the reader keeps it, for errors.
    """

    def __init__(self, source: Callable[[], Any], name: str) -> None:
        self.name, self.row = name, 0
        self._source = source
        self._encoding: tuple[str, bool] | None = None
        self._head = b""

    @contextlib.contextmanager
    def read(self, row: int = 0, in_pieces: bool = False) -> Iterator[Iterator[str]]:
        """The decoded lines, with their ends; the file is closed when the block is left.

        Args:
            row: Where the count of rows begins: -1 where the first one is a header.
            in_pieces: Give lines of more than a megabyte in several pieces, so that they may be of any length.

        Raises:
            DataError: The file cannot be opened, or its head not read; a fault further on is raised by the lines.
        """
        self.row = row
        with io.BufferedReader(self._source(), _PEEK) as stream:
            if self._encoding is None:
                try:
                    head = stream.peek(_PEEK)
                    self._encoding, self._head = encodings.recognise(head), head[:4096]
                except _UNREADABLE as error:
                    raise unreadable(error, Location(self.name)) from None
            yield self._lines(stream, *self._encoding, in_pieces)

    @property
    def marked(self) -> bool:
        """Whether the file, which has been read from, is not UTF-8 or begins with a byte order mark."""
        encoding, _ = self._encoding or ("utf-8", False)
        return encoding != "utf-8" or self._head.startswith(codecs.BOM_UTF8)

    def first(self) -> str:
        """The first line that is not blank, or nothing."""
        with self.read() as decoded:
            return next((line for line in decoded if line.strip()), "")

    def first_character(self) -> str:
        """The first character that is no blank, or nothing, however long its line is."""
        with self.read():
            encoding, _ = self._encoding or ("utf-8", False)
            return self._head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")[:1]

    def whole(self) -> str:
        """The text of the whole file, which is one text. Raises DataError where it cannot be read, or is too long."""
        number = 1

        def at() -> Location:
            return Location(f"{self.name}, line {number:,}")

        try:
            with self._source() as stream:
                if stream.seek(0, os.SEEK_END) > LONGEST_LINE:
                    raise too_long("text", Location(self.name))
                stream.seek(0)
                data = stream.read()
        except _UNREADABLE as error:
            raise unreadable(error, Location(self.name)) from None
        encoding, sure = encodings.recognise(data[:_PEEK])
        if encoding == "utf-16":
            return self._without_nul(_decode(data, encoding, 0, at, sure))
        lines = []
        for line in _decoded(io.BytesIO(data), encoding, sure, at):
            lines.append(line)
            number += 1
        return self._without_nul("".join(lines))

    def _without_nul(self, text: str) -> str:
        if "\0" in text:
            raise _nul(Location(self.name))
        return text

    def at(self) -> Location:
        """The row that is being read."""
        return Location(self.name, self.row + 1) if self.row >= 0 else Location(f"{self.name}, header")

    def _lines(self, stream: io.BufferedReader, encoding: str, sure: bool, in_pieces: bool) -> Iterator[str]:
        number = 1

        def at() -> Location:
            return Location(f"{self.name}, line {number:,}") if in_pieces else self.at()

        try:
            if encoding == "utf-16":
                lines = self._utf_16(stream, in_pieces, at)
            else:
                raws = self._pieces(stream) if in_pieces else self._limited(stream)
                lines = _decoded(raws, encoding, sure, at)
            for line in lines:
                if "\0" in line:
                    raise _nul(at())
                yield line
                number += line.endswith("\n")
        except _UNREADABLE as error:
            raise unreadable(error, at()) from None

    def _utf_16(self, stream: io.BufferedReader, in_pieces: bool, at: Callable[[], Location]) -> Iterator[str]:
        try:
            with io.TextIOWrapper(stream, "utf-16", newline="\n") as text:
                yield from iter(lambda: text.readline(_PEEK), "") if in_pieces else self._limited(text)
        except UnicodeDecodeError as error:
            raise DataError(f"this is not valid UTF-16: {error.reason}.", "Save it as UTF-8.", at()) from None

    def _pieces(self, stream: io.BufferedReader) -> Iterator[bytes]:
        """Lines, in pieces where they are long; these end behind a character that is alone in every encoding."""
        held: list[bytes] = []
        size = 0
        while raw := stream.readline(_PEEK):
            cut = len(raw) if raw.endswith(b"\n") else max(map(raw.rfind, _ALONE)) + 1
            if cut:
                yield b"".join([*held, raw[:cut]])
                held, size = [], 0
            held.append(raw[cut:])
            size += len(held[-1])
            if size > LONGEST_LINE:
                raise too_long("text", Location(self.name))
        if size:
            yield b"".join(held)

    def _limited(self, stream: Any) -> Iterator[Any]:
        while raw := stream.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE:
                raise too_long("line", self.at())
            yield raw


def open_bytes(path: Path, name: str | None = None) -> Any:
    """A file as a raw stream of bytes, those of a `.gz` or `.zst` file unpacked.

    Args:
        path: The file, or a link to it.
        name: Its name for messages; None: the path.

    Raises:
        DataError: It cannot be opened, or it is a pipe, a device or a folder: these may never end, or never begin.
    """
    packing, at = path.suffix.lower(), Location(name or str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # asked before, since a pipe keeps whoever opens it waiting
            raise DataError("this is no plain file.", "Write the rows into a file and give that.", at)
        file = path.open("rb", buffering=0)
        packed = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise unreadable(error, at) from None
    if packing == ".gz":
        return _Unpacked(gzip.GzipFile(fileobj=file), file, at.file, packed)
    if packing != ".zst":
        return file
    import pyarrow

    return _Unpacked(pyarrow.CompressedInputStream(file, "zstd"), file, at.file, packed)


class _Unpacked(io.RawIOBase):
    """What a packed file holds, as long as it is not far too much for it."""

    def __init__(self, stream: Any, file: Any, name: str, packed: int) -> None:
        remedy = "If it is right, unpack it yourself (gzip -d or zstd -d) and give the file that comes of it."
        self._stream, self._file = stream, file
        self._expansion = Expansion(name, packed, FREE_BYTES, remedy)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._stream.readinto(buffer))
        self._expansion.add(count)
        return count

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._file.close()
        super().close()


def too_long(what: str, at: Location) -> DataError:
    """The error for a line or a row that does not end."""
    return DataError(f"a {what} is longer than {LONGEST_LINE >> 20} MB.", "Check that this is a text file.", at)


def unreadable(error: Exception, at: Location) -> DataError:
    """The error for a file that the system does not give, or whose compression is broken."""
    if isinstance(error, OSError) and error.errno is not None:
        return DataError(f"this cannot be read: {error.strerror}.", "Check the path and its rights.", at)
    return DataError(f"the compressed file is damaged: {error}.", "Copy it again.", at)


def _nul(at: Location) -> DataError:
    return DataError("there is a NUL byte.", "This is no text file, or it is damaged.", at)


def _decoded(raws: Iterable[bytes], encoding: str, sure: bool, at: Callable[[], Location]) -> Iterator[str]:
    """Lines of UTF-8 or GB18030, without the byte order mark.

    Args:
        raws: The lines.
        encoding: That of the file.
        sure: Whether it surely is.
        at: The place of the line that is read; asked when the line is there.

    Raises:
        DataError: A line is not valid in it, or the encoding changes.
    """
    position, weight, since = 0, 0, at()
    for raw in raws:
        if encoding == "gb18030":
            # A line that is valid UTF-8, too, may be so by chance, but not several in a row.
            since = since if weight else at()
            found = encodings.weight(raw)
            weight = 0 if found is None else weight + found
            if weight >= encodings.SURE:
                raise _changed(since, encoding, "utf-8")
        line = _decode(raw, encoding, position, at, sure)
        sure = sure or not line.isascii()
        yield line
        position += len(raw)


def _changed(at: Location, encoding: str, other: str) -> DataError:
    return DataError(
        f"this line is {other.upper()}, and others are {encoding.upper()}.",
        "Save all of the file as UTF-8.",
        at,
    )


def _decode(raw: bytes, encoding: str, position: int, at: Callable[[], Location], sure: bool) -> str:
    """Bytes that begin at `position` of a file, without the byte order mark; `sure` as for `_decoded`."""
    mark = len(codecs.BOM_UTF8) if position == 0 and encoding == "utf-8" and raw.startswith(codecs.BOM_UTF8) else 0
    try:
        return raw[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        packed = next((kind for magic, kind in _MAGIC.items() if position == 0 and raw.startswith(magic)), None)
        if packed is not None:
            raise DataError(
                f"this is packed by {packed}, which its name does not tell.",
                f"Unpack it ({packed} -dc), or give a file whose name ends like that.",
                at(),
            ) from None
        other = encodings.other_encoding(raw, encoding) if sure else None
        if other is not None:
            raise _changed(at(), encoding, other) from None
        remedy = "Save the file as UTF-8."
        if sure and encoding == "utf-8":
            remedy = "The file is UTF-8 but for such bytes: mend them, or drop them (iconv -c -f UTF-8 -t UTF-8)."
        raise DataError(
            f"byte {position + mark + error.start} of the file is not valid {encoding.upper()}.", remedy, at()
        ) from None
