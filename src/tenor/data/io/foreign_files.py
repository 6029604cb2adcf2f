"""Files that are something else than their names say, recognised by their first bytes."""

import re
from pathlib import Path
from typing import NamedTuple

from tenor._core.language import mark, tr
from tenor.data.io.formats import WORKBOOKS
from tenor.errors import DataError, Location

_HEAD_BYTES = 4_096
_MAX_LINES = 20  # that show what a file of numbers is
FOR_TABLES = mark("Tenor classifies texts; for tables without text use scikit-learn, LightGBM or AutoGluon.")
"""Where to go with data that have no texts."""
_DOWNLOAD = mark("Download the file again; a login or an error may have been saved in its place.")


class _Kind(NamedTuple):
    """A kind of file that Tenor does not read as a table."""

    magic: bytes | tuple[bytes, ...]
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
    _Kind((b"@relation", b"@RELATION"), mark("this is a table of Weka (ARFF)."), mark("Save it as CSV.")),
    _Kind(
        (b"\x80\4\x95", b"\x80\5\x95"),
        mark("this is a pickle, which could run code."),
        mark("Save the table as .parquet or .csv."),
    ),
    _Kind(b"%PDF-", mark("this is a PDF."), mark("Copy its texts into a table.")),
    _Kind(
        b"SQLite format 3\0",
        mark("this is a database of SQLite."),
        mark("Give it as sqlite:///PATH, with `query=...`."),
    ),
)
_SPARSE_ROW = re.compile(rb"[-+\d.,eE]+(?:\s+(?:qid|\d+):[-+\d.eE]+)+\s*(?:#.*)?")
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
    lines = [line.strip() for line in head.splitlines()[:_MAX_LINES] if line.strip() and not line.startswith(b"#")]
    whole = lines[: max(len(lines) - 1, 1)]  # the last one may be cut
    if whole and all(map(_SPARSE_ROW.fullmatch, whole)):
        problem = tr("this is a file of LIBSVM (svmlight): numbers of features, and no texts.")
        raise DataError(
            problem,
            tr("Give the texts that the numbers were made from. {for_tables}", for_tables=tr(FOR_TABLES)),
            Location(name),
        )
    is_workbook = head.startswith(b"PK\3\4") and (b"[Content_Types].xml" in head or b"xl/" in head)
    if is_workbook and ending not in WORKBOOKS and path.suffix.lower() != ".zip":
        raise DataError(tr(mark("this is a workbook of Excel.")), tr("Give it the ending .xlsx."), Location(name))
    if ending not in _NOT_PAGES and head.lstrip().lower().startswith(_PAGE):
        raise DataError(tr(mark("this is a web page (HTML).")), tr(_DOWNLOAD), Location(name))
