"""The page of an explanation in a file."""

import os
from collections.abc import Sequence
from pathlib import Path

from tenor._core import atomic
from tenor._core.language import tr
from tenor.data.io import writer
from tenor.errors import DataError


def check_target(path: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise DataError if a file is one of the inputs, or exists and must not be replaced."""
    writer.refuse_input(path, list(inputs))
    if os.path.lexists(path) and not overwrite:
        raise DataError(
            tr("{path}: this exists already.", path=path),
            tr("Choose another `html=...`, or replace it with `overwrite=True`."),
        )


def write(path: Path, page: str) -> None:
    """Write a page. Raises DataError if that is not possible."""
    try:
        atomic.write(path, page.encode("utf-8", "backslashreplace"))  # half of a surrogate pair is not UTF-8
    except OSError as error:
        problem = tr("{path}: the page cannot be written: {strerror}.", path=path, strerror=error.strerror or error)
        raise DataError(problem, tr("Free some space, or choose another `html=...`.")) from None
