"""Names of classes that stand in a file beside the data, as in THUCNews: `class.txt` has a name in each line.

The labels of such data are the numbers of the lines, from 0. The model gets the names.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tenor._core.language import tr
from tenor.data.io import text_lines
from tenor.data.io.chunks import Table
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.lines import Lines
from tenor.data.io.open_file import open_bytes
from tenor.data.label_names import rename_labels
from tenor.data.label_source import label_source
from tenor.errors import DataError, listed
from tenor.tasks import Label

FILES = ("class.txt", "classes.txt", "labels.txt")
"""The usual names of such a file."""
MAX_NAMES = 10_000
_MAX_BYTES, _MAX_CHARACTERS = 4 << 20, 200  # of the file, and of a name


class ClassNames(NamedTuple):
    """The names of classes.

    Attributes:
        names: The name of each number, from 0.
        file: The file that has them; empty: they are known from the training data.
    """

    names: tuple[str, ...]
    file: str = ""


def find(source: Path | DatabaseUrl | Table) -> ClassNames | None:
    """The names in a file beside the data; None if there is no such file, or it does not look like one."""
    if not isinstance(source, Path) or str(source) == "-":
        return None
    for name in FILES:
        file = source.parent / name
        try:
            if file == source or not file.is_file() or file.stat().st_size > _MAX_BYTES:
                continue
            lines = Lines(lambda file=file: open_bytes(file, file.name), file.name)  # type: ignore[misc]
            names = [text.strip() for chunk in text_lines.plain(lines).chunks for text in chunk.columns["text"]]
        except (DataError, OSError):
            continue
        while names and not names[-1]:
            names.pop()
        if 1 < len(set(names)) == len(names) <= MAX_NAMES and all(0 < len(each) <= _MAX_CHARACTERS for each in names):
            return ClassNames(tuple(names), name)
    return None


def apply(labels: Sequence[Label], names: ClassNames) -> tuple[Sequence[Label], str]:
    """Labels with the names of their numbers, and a sentence on it; the same labels where not all are such numbers.

    Args:
        labels: The labels or sets of labels, in memory or on disk.
        names: The names.
    """
    numbers = {str(number): name for number, name in enumerate(names.names)}
    source = label_source(labels)
    distinct = source.distinct()
    used = {name for label in distinct for name in ((label,) if isinstance(label, str) else label)}
    if not used or not used <= numbers.keys():
        return labels, ""
    renamed = source.rename(rename_labels(distinct, numbers))
    origin = tr("in {file}", file=names.file) if names.file else tr("of the training data")
    described = listed([numbers[number] for number in sorted(used, key=int)])
    note = tr(
        "the numbers of classes are read as their names {origin}: {described}.", origin=origin, described=described
    )
    return (list(renamed) if isinstance(labels, list) else renamed), note
