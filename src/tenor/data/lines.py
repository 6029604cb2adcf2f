"""A text file -> decoded lines, with the place of whatever is wrong in it.

Text is UTF-8 (with or without a byte order mark), UTF-16 with one, or GB18030, which is recognised.
"""

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tenor.errors import DataError, Location

LONGEST_LINE = 64 << 20  # bytes; more than this without a line's end is no text file, or a quote that is never closed

_PEEK = 1 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}  # how packed files begin
_PUNCTUATION = "“”‘’—…·"  # of Chinese, outside its blocks
_FEWEST_DISTINCT = 16  # characters; fewer do not tell Korean from Chinese
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
        self._encoding: str | None = None
        self._head = b""

    @contextlib.contextmanager
    def read(self, row: int = 0) -> Iterator[Iterator[str]]:
        """The decoded lines, with their ends; the file is closed when the block is left.

        Args:
            row: Where the count of rows begins: -1 where the first one is a header.

        Raises:
            DataError: The file cannot be opened, or its head not read; a fault further on is raised by the lines.
        """
        self.row = row
        with io.BufferedReader(self._source(), _PEEK) as stream:
            if self._encoding is None:
                try:
                    head = stream.peek(_PEEK)
                    self._encoding, self._head = _recognise(head), head[:4096]
                except _UNREADABLE as error:
                    raise unreadable(error, Location(self.name)) from None
            yield self._lines(stream, self._encoding)

    def first(self) -> str:
        """The first line that is not blank, or nothing."""
        with self.read() as decoded:
            return next((line for line in decoded if line.strip()), "")

    def first_character(self) -> str:
        """The first character that is no blank, or nothing, however long its line is."""
        with self.read():
            return self._head.decode(self._encoding or "utf-8", "ignore").lstrip("\ufeff \t\r\n")[:1]

    def whole(self) -> str:
        """The text of the whole file, with no limit to its lines. Raises DataError where it cannot be read."""
        try:
            with self._source() as stream:
                data = stream.read()
        except _UNREADABLE as error:
            raise unreadable(error, Location(self.name)) from None
        text = _decode(data, _recognise(data[:_PEEK]), 0, Location(self.name))
        if "\0" in text:
            raise _nul(Location(self.name))
        return text

    def at(self) -> Location:
        """The row that is being read."""
        return Location(self.name, self.row + 1) if self.row >= 0 else Location(f"{self.name}, header")

    def _lines(self, stream: io.BufferedReader, encoding: str) -> Iterator[str]:
        try:
            for line in self._utf_16(stream) if encoding == "utf-16" else self._bytes(stream, encoding):
                if "\0" in line:
                    raise _nul(self.at())
                yield line
        except _UNREADABLE as error:
            raise unreadable(error, self.at()) from None

    def _utf_16(self, stream: io.BufferedReader) -> Iterator[str]:
        try:
            with io.TextIOWrapper(stream, "utf-16", newline="\n") as text:
                yield from self._limited(text)
        except UnicodeDecodeError as error:
            raise DataError(f"this is not valid UTF-16: {error.reason}.", "Save it as UTF-8.", self.at()) from None

    def _bytes(self, stream: io.BufferedReader, encoding: str) -> Iterator[str]:
        position = 0
        for raw in self._limited(stream):
            yield _decode(raw, encoding, position, self.at())
            position += len(raw)

    def _limited(self, stream: Any) -> Iterator[Any]:
        while raw := stream.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE:
                raise DataError(
                    f"a line is longer than {LONGEST_LINE >> 20} MB.", "Check that this is a text file.", self.at()
                )
            yield raw


def open_bytes(path: Path) -> Any:
    """A file as a raw stream of bytes, those of a `.gz` or `.zst` file unpacked.

    Raises:
        DataError: It cannot be opened.
    """
    packing = path.suffix.lower()
    try:
        if packing == ".gz":
            return gzip.open(path)
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise unreadable(error, Location(str(path))) from None
    if packing != ".zst":
        return file
    import pyarrow

    return pyarrow.CompressedInputStream(file, "zstd")


def unreadable(error: Exception, at: Location) -> DataError:
    """The error for a file that the system does not give, or whose compression is broken."""
    if isinstance(error, OSError) and error.errno is not None:
        return DataError(f"this cannot be read: {error.strerror}.", "Check the path and its rights.", at)
    return DataError(f"the compressed file is damaged: {error}.", "Copy it again.", at)


def _nul(at: Location) -> DataError:
    return DataError("there is a NUL byte.", "This is no text file, or it is damaged.", at)


def _decode(raw: bytes, encoding: str, position: int, at: Location) -> str:
    """Bytes that begin at `position` of a file, without the byte order mark."""
    mark = len(codecs.BOM_UTF8) if position == 0 and encoding == "utf-8" and raw.startswith(codecs.BOM_UTF8) else 0
    try:
        return raw[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        packed = next((kind for magic, kind in _MAGIC.items() if position == 0 and raw.startswith(magic)), None)
        if packed is not None:
            raise DataError(
                f"this is packed by {packed}, which its name does not tell.",
                f"Unpack it ({packed} -dc), or give a file whose name ends like that.",
                at,
            ) from None
        raise DataError(
            f"byte {position + mark + error.start} of the file is not valid {encoding.upper()}.",
            "Save the file as UTF-8.",
            at,
        ) from None


def _recognise(head: bytes) -> str:
    """UTF-16 by its mark; GB18030 where the head is no UTF-8 but reads as common Chinese, and not rather as Korean or
    Japanese; else UTF-8.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        head.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        whole = head[: error.start]
        if error.reason == "unexpected end of data" and (len(head) >= _PEEK // 2 or not whole.isascii()):
            return "utf-8"  # the head ends inside a character
    try:
        text = head.decode("gb18030")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return "utf-8"
        text = head[: error.start].decode("gb18030")
    foreign = [character for character in text if ord(character) > 0x7F]
    common = sum(
        0x3000 <= ord(character) <= 0x9FFF or 0xFF00 <= ord(character) <= 0xFFEF or character in _PUNCTUATION
        for character in foreign
    )
    pairs = sum(_both_high(character) for character in foreign)
    chinese = bool(foreign) and min(common, pairs) >= 0.9 * len(foreign) and not _korean_or_japanese(foreign)
    return "gb18030" if chinese else "utf-8"


def _korean_or_japanese(characters: list[str]) -> bool:
    """Whether these, read as GB18030, are more likely EUC-KR or EUC-JP, whose bytes are in the same range.

    All syllables of EUC-KR begin with B0 to C8, as do common Chinese characters up to "qu" in pinyin: about two thirds.
    Kana are the same in EUC-JP and GB18030, and only the other characters come out wrong.
    """
    kana = sum("\u3041" <= character <= "\u30fe" for character in characters)
    ideographs = [character for character in characters if "\u4e00" <= character <= "\u9fff"]
    late = sum(character.encode("gb18030")[0] > 0xC8 for character in ideographs)
    korean = len(set(ideographs)) >= _FEWEST_DISTINCT and late < 0.05 * len(ideographs)
    return korean or kana > 0.2 * len(characters)


def _both_high(character: str) -> bool:
    encoded = character.encode("gb18030")
    return len(encoded) == 2 and min(encoded) >= 0xA1
