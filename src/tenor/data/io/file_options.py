"""How the user says a file is written, where Tenor would otherwise recognise it."""

import codecs
from dataclasses import dataclass
from typing import Literal

from tenor._core.language import tr
from tenor.errors import SettingsError

Quoting = Literal["minimal", "none"]
"""What quotes in a delimited file are: around fields as in RFC 4180, or characters like all others."""

QUOTINGS: tuple[Quoting, ...] = ("minimal", "none")
_WIDE = ("utf-16", "utf-32")


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How files are written. None: it is recognised.

    Attributes:
        encoding: The encoding of text files, by its name in Python, such as `cp1252`.
        quoting: What quotes in delimited files are.
        header: Whether the first line of delimited files and sheets has the names of the columns.
        sheet: The name of the sheet of a workbook; None: the first one with rows.
        query: The SQL query that reads a database.
        names: Columns that the user or the model names; a first line with one of them is a header.

    Raises:
        SettingsError: The encoding or the quoting is unknown.
    """

    encoding: str | None = None
    quoting: Quoting | None = None
    header: bool | None = None
    sheet: str | None = None
    query: str | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.encoding is not None and not _is_text_encoding(self.encoding):
            raise SettingsError(
                tr(
                    "`encoding=...`: {encoding!r} is not the name of an encoding of text files.", encoding=self.encoding
                ),
                tr("Give one such as utf-8, cp1252, gb18030, big5, cp932, cp949, euc-jp or utf-16-le."),
            )
        if self.quoting not in (None, *QUOTINGS):
            raise SettingsError(
                tr("`quoting=...`: {quoting!r} is unknown.", quoting=self.quoting),
                tr("Give minimal (quotes are around fields) or none (quotes are characters)."),
            )


RECOGNISED = FileOptions()
"""Everything is recognised."""


def is_wide(encoding: str) -> bool:
    """Whether an encoding has two or four bytes for every character of ASCII."""
    return encoding.startswith(_WIDE)


def _is_text_encoding(name: str) -> bool:
    """Whether an encoding exists and keeps ASCII, so that lines and delimiters are seen in its bytes."""
    try:
        canonical = codecs.lookup(name).name
        return is_wide(canonical) or 'a,\t;"\n'.encode(name) == b'a,\t;"\n'
    except (LookupError, ValueError, TypeError):  # a codec from bytes to bytes, or one that fails on purpose
        return False
