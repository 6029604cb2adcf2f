"""A text file -> decoded lines, with the place of whatever is wrong in it.

The encoding is recognised, unless the user names it.
"""

import codecs
import contextlib
import io
import itertools
import os
from collections.abc import Callable, Iterator
from typing import IO, AnyStr, TypeAlias

from tenor._core.language import tr
from tenor.data.io import decoding, encodings
from tenor.data.io.encodings import Encoding
from tenor.data.io.file_options import is_wide
from tenor.data.io.line_numbers import LineNumbers
from tenor.data.io.open_file import UNREADABLE, unreadable
from tenor.errors import DataError, Location

MAX_LINE_BYTES = 64 << 20
"""A file with more than this in one line is not a text file, or has a quote that is never closed."""

ByteStream: TypeAlias = "io.BufferedReader[io.RawIOBase]"

_PEEK = 1 << 20
_END_MARK = "\x1a"  # Ctrl-Z, which DOS wrote at the end of a text file
_ALONE = (b" ", b'"', b",", b"\n")  # below 0x30, so never part of another character in GB18030


class Lines:
    """The lines of a text file. It is open only inside `read`, each time from its first line on.

    Args:
        source: Opens the file as a raw stream of bytes.
        name: The file's name for messages.
        encoding: Its encoding; None: it is recognised.
        can_reopen: Whether `source` may be called again, so that the whole file can decide the encoding.

    Attributes:
        row: Rows that are done, or -1 before the header. The reader of a format updates it, for errors.
        line: The number of the line that was read last, from 1. It counts the lines of `count_lines`.
        line_numbers: The line of each row, if its reader notes them.
        notes: What was recognised in the file where another reading is possible, as sentences for the user.
    """

    def __init__(
        self,
        source: Callable[[], io.RawIOBase],
        name: str,
        encoding: str | None = None,
        can_reopen: bool = True,
    ) -> None:
        self.name, self.row = name, 0
        self.line, self.line_numbers = 0, LineNumbers()
        self.notes: list[str] = []
        self._source, self._requested, self._can_reopen = source, encoding, can_reopen
        self._encoding: Encoding | None = None
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
                    self._encoding, self._head = self._recognise(head), head[:4096]
                except UNREADABLE as error:
                    raise unreadable(error, Location(self.name)) from None
            yield self._lines(stream, self._encoding, in_pieces)

    def count_lines(self, decoded: Iterator[str]) -> Iterator[str]:
        """The lines from the start of the file, and `line` says which one was read last."""
        for self.line, line in enumerate(decoded, 1):
            yield line

    def _recognise(self, head: bytes) -> Encoding:
        """The encoding by the first bytes, and if they are not clear by the whole file; notes what was recognised."""
        if self._requested is not None:
            return self._check_requested(self._requested, head)
        encoding = encodings.recognise(head, self._blocks if self._can_reopen else None)
        if encoding.sample:
            self.notes.append(
                tr(
                    "{name} is read as {upper}, for example {sample} (`encoding=...` names another encoding).",
                    name=self.name,
                    upper=encoding.name.upper(),
                    sample=encoding.sample,
                )
            )
        return encoding

    def _check_requested(self, requested: str, head: bytes) -> Encoding:
        """The encoding that the user named; UTF-8 if the file certainly is, as another part of the data may be."""
        name = codecs.lookup(requested).name
        blocks = self._blocks() if self._can_reopen else [head]
        if name != "utf-8" and not is_wide(name) and encodings.is_certainly_utf_8(blocks):
            self.notes.append(
                tr("{name} is UTF-8, so it is not read as {requested}.", name=self.name, requested=requested)
            )
            name = "utf-8"
        return Encoding("utf-8" if name == "utf-8-sig" else name)

    def _blocks(self) -> Iterator[bytes]:
        """The bytes of the file, in blocks, up to a damaged place, which is reported when its row is read."""
        with contextlib.suppress(*UNREADABLE), io.BufferedReader(self._source(), _PEEK) as stream:
            while block := stream.read(_PEEK):
                yield block

    @property
    def marked(self) -> bool:
        """Whether the file is not UTF-8, or begins with a byte order mark; known once it has been read."""
        encoding = (self._encoding or encodings.UTF_8).name
        return encoding != "utf-8" or self._head.startswith(codecs.BOM_UTF8)

    def first(self) -> str:
        """The first line that is not blank, or an empty string."""
        with self.read() as decoded:
            return next((line for line in decoded if line.strip()), "")

    def first_character(self) -> str:
        """The first character that is not blank, or an empty string. Its line may have any length."""
        with self.read():
            encoding = (self._encoding or encodings.UTF_8).name
            return self._head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")[:1]

    def whole(self) -> str:
        """The whole file as one text. Raises DataError if it cannot be read or is too long."""
        number = 1

        def at() -> Location:
            return Location(tr("{name}, line {number:,}", name=self.name, number=number))

        try:
            with self._source() as stream:
                if stream.seek(0, os.SEEK_END) > MAX_LINE_BYTES:
                    raise too_long("text", Location(self.name))
                stream.seek(0)
                data = stream.read()
        except UNREADABLE as error:
            raise unreadable(error, Location(self.name)) from None
        self._can_reopen = False
        encoding = self._recognise(data)
        if is_wide(encoding.name):
            return self._without_nul(decoding.decode(data, encoding, 0, at))
        lines = []
        for line in decoding.decode_lines(io.BytesIO(data), encoding, at):
            lines.append(line)
            number += 1
        return self._without_nul("".join(lines))

    def _without_nul(self, text: str) -> str:
        if "\0" in text:
            raise _nul(Location(self.name))
        return text

    def at(self) -> Location:
        """The place of the row that is being read."""
        return Location(self.name, self.row + 1) if self.row >= 0 else Location(tr("{name}, header", name=self.name))

    def _lines(self, stream: ByteStream, encoding: Encoding, in_pieces: bool) -> Iterator[str]:
        number = 1

        def at() -> Location:
            return Location(tr("{name}, line {number:,}", name=self.name, number=number)) if in_pieces else self.at()

        try:
            if is_wide(encoding.name):
                lines = self._wide(stream, encoding.name, in_pieces, at)
            else:
                raws = self._pieces(stream) if in_pieces else self._limited(stream)
                lines = decoding.decode_lines(raws, encoding, at)
            for line in lines:
                line = line.removesuffix(_END_MARK)
                if not line:
                    continue
                if "\0" in line:
                    raise _nul(at())
                yield line
                number += line.endswith("\n")
        except UNREADABLE as error:
            raise unreadable(error, at()) from None

    def _wide(self, stream: ByteStream, encoding: str, in_pieces: bool, at: Callable[[], Location]) -> Iterator[str]:
        try:
            with io.TextIOWrapper(stream, encoding, newline="\n") as text:
                lines = iter(lambda: text.readline(_PEEK), "") if in_pieces else self._limited(text)
                first = next(lines, "").removeprefix("\ufeff")
                yield from itertools.chain([first] if first else [], lines)
        except UnicodeError as error:  # without a mark, UTF-16 and UTF-32 raise no UnicodeDecodeError
            name, reason = encoding.upper(), error.reason if isinstance(error, UnicodeDecodeError) else str(error)
            remedy = tr("Save it as UTF-8, or name its encoding with `encoding=...`, such as utf-16-le.")
            raise DataError(tr("this is not valid {name}: {reason}.", name=name, reason=reason), remedy, at()) from None

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


def until_fault(decoded: Iterator[str]) -> Iterator[str]:
    """The lines of a file up to one that cannot be read, which is reported when its row is read."""
    with contextlib.suppress(DataError):
        yield from decoded


def too_long(what: str, at: Location) -> DataError:
    """The error for a line or a row that does not end; `what` names it."""
    return DataError(
        tr("a {what} is longer than {max_line_bytes} MB.", what=what, max_line_bytes=MAX_LINE_BYTES >> 20),
        tr("Check that this is a text file."),
        at,
    )


def _nul(at: Location) -> DataError:
    """The error for a NUL byte."""
    return DataError(tr("there is a NUL byte."), tr("This is not a text file, or it is damaged."), at)
