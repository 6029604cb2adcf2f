"""The error for a file or a folder that does not exist, with the name that was perhaps meant."""

import difflib
import os
from pathlib import Path

from tenor._core.language import tr
from tenor.errors import DataError

_MOST_NAMES = 1_000
_SIMILAR = 0.75  # of two names, as difflib computes it


def no_such_file(path: Path, remedy: str = "", also: str = "") -> DataError:
    """The error for a path that does not exist.

    Args:
        path: The path.
        remedy: What to do if no name is similar.
        also: What else there is not, such as ` and no such built-in dataset`.
    """
    remedy = remedy or tr("Check the path.")
    what = tr("file") if path.suffix else tr("file or folder")
    problem = tr("{path}: there is no such {what}{also}.", path=path, what=what, also=also)
    if path.is_symlink():
        return DataError(
            tr("{path}: this is a link that leads nowhere.", path=path),
            tr("Remove it, or give the file that it stood for."),
        )
    folder = path.parent
    try:
        if not folder.is_dir():
            return DataError(problem, tr("The folder {folder} does not exist. {remedy}", folder=folder, remedy=remedy))
        names = sorted(name for name in os.listdir(folder)[:_MOST_NAMES] if not name.startswith("."))  # noqa: PTH208
    except (OSError, ValueError):
        return DataError(problem, remedy)
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(path.name.lower()[:200], list(lowered), n=1, cutoff=_SIMILAR)
    return DataError(
        problem, tr("Did you mean {folder!r}?", folder=str(folder / lowered[close[0]])) if close else remedy
    )
