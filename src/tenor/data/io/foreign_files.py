"""Files that are something else than their names say, recognised by their first bytes."""

from pathlib import Path
from typing import NamedTuple

from tenor._core.language import mark, tr
from tenor.data.io.formats import WORKBOOKS
from tenor.errors import DataError, Location

_HEAD_BYTES = 4_096
_DOWNLOAD = mark("Download the file again; a login or an error may have been saved in its place.")


class _Kind(NamedTuple):
    """A kind of file that Tenor does not read as a table."""

    magic: bytes
    problem: str
    remedy: str


_KINDS = (
    _Kind(
        b"version https://git-lfs",
        mark("this is a pointer of Git LFS, not the file itself."),
        mark("Fetch it: git lfs pull."),
    ),
    _Kind(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        mark("this is a document of an old Office, such as .xls."),
        mark("Open it, and save the sheet as .xlsx or as 'CSV UTF-8'."),
    ),
    _Kind(b"%PDF-", mark("this is a PDF."), mark("Copy its texts into a table.")),
    _Kind(
        b"SQLite format 3\0",
        mark("this is a database of SQLite."),
        mark("Give it as sqlite:///PATH, with `query=...`."),
    ),
)
_PAGE = (b"<!doctype html", b"<html")
_NOT_PAGES = (".txt", "")  # their texts may be HTML


def refuse(path: Path, name: str, ending: str) -> None:
    """Raise DataError if a file is of another kind than its name says, and that kind is known.

    Args:
        path: A file.
        name: Its name for messages.
        ending: The ending that sets its format.

    Raises:
        DataError: It is of another kind. Files that cannot be opened pass: reading them is another error.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return
    for kind in _KINDS:
        if head.startswith(kind.magic):
            raise DataError(tr(kind.problem), tr(kind.remedy), Location(name))
    is_workbook = head.startswith(b"PK\3\4") and (b"[Content_Types].xml" in head or b"xl/" in head)
    if is_workbook and ending not in WORKBOOKS and path.suffix.lower() != ".zip":
        raise DataError(tr(mark("this is a workbook of Excel.")), tr("Give it the ending .xlsx."), Location(name))
    if ending not in _NOT_PAGES and head.lstrip().lower().startswith(_PAGE):
        raise DataError(tr(mark("this is a web page (HTML).")), tr(_DOWNLOAD), Location(name))
