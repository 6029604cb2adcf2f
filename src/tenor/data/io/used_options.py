"""Refusing options of files that would do nothing, such as the encoding of a Parquet file."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tenor._core.language import mark, tr
from tenor.data.io import table
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import FileOptions
from tenor.data.io.formats import ARROW, FORMATS, WORKBOOKS
from tenor.errors import DataError, SettingsError

_DATABASE, _CLASS_FOLDERS = "database", "class folders"
_DELIMITED = (".csv", ".tsv", ".txt")
_TEXT = (_CLASS_FOLDERS, *(kind for kind in FORMATS if kind not in (*ARROW, *WORKBOOKS)))


class _Use(NamedTuple):
    """What an option of files is for.

    Attributes:
        option: The option as messages spell it.
        kinds: The kinds of sources that have a use for it.
        purpose: The same in words.
        remedy: What to do where there is no such source.
    """

    option: str
    kinds: tuple[str, ...]
    purpose: str
    remedy: str = mark("Leave it out.")


def require_used(options: FileOptions, sources: Sequence[str | Path | DatabaseUrl]) -> None:
    """Refuse options that no source has a use for.

    Args:
        options: How the files are written.
        sources: All that is read with these options: paths, URLs of databases, or names of built-in datasets.

    Raises:
        SettingsError: An option would do nothing.
    """
    uses = [use for name, use in _uses(options).items() if getattr(options, name) is not None]
    if not uses:
        return
    kinds = [_kinds(source) for source in sources]
    for use in uses:
        if not any(of_source is None or of_source.intersection(use.kinds) for of_source in kinds):
            raise SettingsError(
                tr("{option} is for {purpose}, and there is none in the data.", option=use.option, purpose=use.purpose),
                tr(use.remedy),
            )


def _uses(options: FileOptions) -> dict[str, _Use]:
    return {
        "query": _Use(
            "`query=...`", (_DATABASE,), tr("the URL of a database"), tr("Give the URL as the data, or leave it out.")
        ),
        "sheet": _Use("`sheet=...`", WORKBOOKS, tr("workbooks (.xlsx)")),
        "encoding": _Use("`encoding=...`", _TEXT, tr("text files")),
        "quoting": _Use("`quoting=...`", _DELIMITED, tr("delimited files (.csv, .tsv)")),
        "header": _Use(
            f"`header={options.header}`", (*_DELIMITED, *WORKBOOKS), tr("delimited files (.csv, .tsv) and workbooks")
        ),
    }


def _kinds(source: str | Path | DatabaseUrl) -> set[str] | None:
    """The kinds of files in a source; None if it may be any, or cannot be read, which is another error."""
    if isinstance(source, str):
        return set()
    if isinstance(source, DatabaseUrl):
        return {_DATABASE}
    if str(source) == "-":
        return None
    try:
        files = table.files(source)
        kinds = {table.kind(file) for file in files}
        is_laid_out = source.is_dir() and kinds == {".txt"}
    except (DataError, OSError):
        return None
    return {_CLASS_FOLDERS} if is_laid_out else None if "" in kinds else kinds or None
