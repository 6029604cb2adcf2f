"""The error for a file or a folder that does not exist, with the name that was perhaps meant."""

import difflib
import os
from pathlib import Path

from tenor.errors import DataError

_MOST_NAMES = 1_000
_SIMILAR = 0.75  # of two names, as difflib computes it


def no_such_file(path: Path, remedy: str = "Check the path.", also: str = "") -> DataError:
    """The error for a path that does not exist.

    Args:
        path: The path.
        remedy: What to do if no name is similar.
        also: What else there is not, such as ` and no such built-in dataset`.
    """
    what = "file" if path.suffix else "file or folder"
    problem = f"{path}: there is no such {what}{also}."
    if path.is_symlink():
        return DataError(
            f"{path}: this is a link that leads nowhere.", "Remove it, or give the file that it stood for."
        )
    folder = path.parent
    try:
        if not folder.is_dir():
            return DataError(problem, f"The folder {folder} does not exist. {remedy}")
        names = sorted(name for name in os.listdir(folder)[:_MOST_NAMES] if not name.startswith("."))  # noqa: PTH208
    except (OSError, ValueError):
        return DataError(problem, remedy)
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(path.name.lower()[:200], list(lowered), n=1, cutoff=_SIMILAR)
    return DataError(problem, f"Did you mean {str(folder / lowered[close[0]])!r}?" if close else remedy)
