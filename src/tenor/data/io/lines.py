"""A text file -> decoded lines, with the place of whatever is wrong in it.

Text is UTF-8 (with or without a byte order mark), UTF-16 with one, or GB18030, which is recognised.
"""

import codecs
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import IO, AnyStr, TypeAlias

from tenor.data.io import decoding, encodings
from tenor.data.io.open_file import UNREADABLE, unreadable
from tenor.errors import DataError, Location

MAX_LINE_BYTES = 64 << 20
"""A file with more than this in one line is not a text file, or has a quote that is never closed."""

ByteStream: TypeAlias = "io.BufferedReader[io.RawIOBase]"

_PEEK = 1 << 20
_ALONE = (b" ", b'"', b",", b"\n")  # below 0x30, so never part of another character in GB18030


class Lines:
    """The lines of a text file. It is open only inside `read`, each time from its first line on.

    Args:
        source: Opens the file as a raw stream of bytes.
        name: The file's name for messages.

    Attributes:
        row: Rows that are done, or -1 before the header. The reader of a format updates it, for errors.
    """

    def __init__(self, source: Callable[[], io.RawIOBase], name: str) -> None:
        self.name, self.row = name, 0
        self._source = source
        self._encoding: tuple[str, bool] | None = None
        self._head = b""

    @contextlib.contextmanager
    def read(self, row: int = 0, in_pieces: bool = False) -> Iterator[Iterator[str]]:
        """Open the file and give its decoded lines, with their ends. The file is closed at the end of the block.

        Args:
            row: Where the count of rows begins: -1 if the first line is a header.
            in_pieces: Give lines of more than a megabyte in several pieces, so that they may have any length.

        Raises:
            DataError: The file cannot be opened or read. Later faults are raised while the lines are read.
        """
        self.row = row
        with io.BufferedReader(self._source(), _PEEK) as stream:
            if self._encoding is None:
                try:
                    head = stream.peek(_PEEK)
                    self._encoding, self._head = encodings.recognise(head), head[:4096]
                except UNREADABLE as error:
                    raise unreadable(error, Location(self.name)) from None
            yield self._lines(stream, *self._encoding, in_pieces)

    @property
    def marked(self) -> bool:
        """Whether the file is not UTF-8, or begins with a byte order mark; known once it has been read."""
        encoding, _ = self._encoding or ("utf-8", False)
        return encoding != "utf-8" or self._head.startswith(codecs.BOM_UTF8)

    def first(self) -> str:
        """The first line that is not blank, or an empty string."""
        with self.read() as decoded:
            return next((line for line in decoded if line.strip()), "")

    def first_character(self) -> str:
        """The first character that is not blank, or an empty string. Its line may have any length."""
        with self.read():
            encoding, _ = self._encoding or ("utf-8", False)
            return self._head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")[:1]

    def whole(self) -> str:
        """The whole file as one text. Raises DataError if it cannot be read or is too long."""
        number = 1

        def at() -> Location:
            return Location(f"{self.name}, line {number:,}")

        try:
            with self._source() as stream:
                if stream.seek(0, os.SEEK_END) > MAX_LINE_BYTES:
                    raise too_long("text", Location(self.name))
                stream.seek(0)
                data = stream.read()
        except UNREADABLE as error:
            raise unreadable(error, Location(self.name)) from None
        encoding, certain = encodings.recognise(data[:_PEEK])
        if encoding == "utf-16":
            return self._without_nul(decoding.decode(data, encoding, 0, at, certain))
        lines = []
        for line in decoding.decode_lines(io.BytesIO(data), encoding, certain, at):
            lines.append(line)
            number += 1
        return self._without_nul("".join(lines))

    def _without_nul(self, text: str) -> str:
        if "\0" in text:
            raise _nul(Location(self.name))
        return text

    def at(self) -> Location:
        """The place of the row that is being read."""
        return Location(self.name, self.row + 1) if self.row >= 0 else Location(f"{self.name}, header")

    def _lines(self, stream: ByteStream, encoding: str, certain: bool, in_pieces: bool) -> Iterator[str]:
        number = 1

        def at() -> Location:
            return Location(f"{self.name}, line {number:,}") if in_pieces else self.at()

        try:
            if encoding == "utf-16":
                lines = self._utf_16(stream, in_pieces, at)
            else:
                raws = self._pieces(stream) if in_pieces else self._limited(stream)
                lines = decoding.decode_lines(raws, encoding, certain, at)
            for line in lines:
                if "\0" in line:
                    raise _nul(at())
                yield line
                number += line.endswith("\n")
        except UNREADABLE as error:
            raise unreadable(error, at()) from None

    def _utf_16(self, stream: ByteStream, in_pieces: bool, at: Callable[[], Location]) -> Iterator[str]:
        try:
            with io.TextIOWrapper(stream, "utf-16", newline="\n") as text:
                yield from iter(lambda: text.readline(_PEEK), "") if in_pieces else self._limited(text)
        except UnicodeDecodeError as error:
            raise DataError(f"this is not valid UTF-16: {error.reason}.", "Save it as UTF-8.", at()) from None

    def _pieces(self, stream: ByteStream) -> Iterator[bytes]:
        """Lines, in pieces if they are long. A piece ends after a byte that is never inside a character."""
        held: list[bytes] = []
        size = 0
        while raw := stream.readline(_PEEK):
            cut = len(raw) if raw.endswith(b"\n") else max(map(raw.rfind, _ALONE)) + 1
            if cut:
                yield b"".join([*held, raw[:cut]])
                held, size = [], 0
            held.append(raw[cut:])
            size += len(held[-1])
            if size > MAX_LINE_BYTES:
                raise too_long("text", Location(self.name))
        if size:
            yield b"".join(held)

    def _limited(self, stream: IO[AnyStr]) -> Iterator[AnyStr]:
        """Lines of at most MAX_LINE_BYTES. Raises DataError for a longer one."""
        while raw := stream.readline(MAX_LINE_BYTES + 1):
            if len(raw) > MAX_LINE_BYTES:
                raise too_long("line", self.at())
            yield raw


def too_long(what: str, at: Location) -> DataError:
    """The error for a line or a row that does not end; `what` names it."""
    return DataError(f"a {what} is longer than {MAX_LINE_BYTES >> 20} MB.", "Check that this is a text file.", at)


def _nul(at: Location) -> DataError:
    """The error for a NUL byte."""
    return DataError("there is a NUL byte.", "This is not a text file, or it is damaged.", at)
