"""Several files that are one table: those that match a pattern, or the parts in a folder."""

import glob
import re
from collections.abc import Iterator
from pathlib import Path

from tenor.data.io.chunks import Chunk, Table
from tenor.data.io.formats import FORMATS, suffix
from tenor.errors import DataError, listed

_OF_A_MODEL = ("manifest.json", "tenor.json")
_SPLIT = re.compile(r"(train|test|dev|val|valid|validation)(?![a-z])")


def is_pattern(path: Path | str) -> bool:
    """Whether a path has one of the characters of a pattern: `*`, `?` or `[`."""
    return glob.has_magic(str(path))


def matching(pattern: Path) -> list[Path]:
    """The files that match a pattern, sorted; `**` stands for folders in folders.

    Raises:
        DataError: There are none, they are of several formats, or a folder is among them.
    """
    try:
        found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207
    except ValueError:  # a NUL character
        found = []
    files = [path for path in found if not _is_note(path)]
    for path in files:
        if path.is_dir() and "**" not in str(pattern):
            raise DataError(f"{pattern}: {path} is a folder.", f"Give a pattern of files, such as '{pattern}/*.csv'.")
    files = [path for path in files if not path.is_dir()]
    if not files:
        raise DataError(f"{pattern}: no file matches this pattern.", "Check the path.")
    return _of_one_format(files, str(pattern))


def in_folder(folder: Path) -> list[Path]:
    """The tables in a folder, sorted; none where there is no table.

    Raises:
        DataError: There is something else in the folder, the tables are of several formats, or they are parts to train
            on and to measure on.
    """
    found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and not _is_note(path)]
    tables = [path for path in found if suffix(path) in FORMATS and suffix(path) != ".txt"]
    if not tables:
        return []
    name = folder.name or str(folder)
    if all((folder / part).is_file() for part in _OF_A_MODEL):
        raise DataError(f"{folder}: this is a saved model, not data.", "Name the file of the labelled texts.")
    other = next((path for path in found if path not in tables), None)
    if other is not None:
        raise DataError(
            f"{name}: this folder has tables and {other.name!r}, which is none.",
            f"Name the tables with a pattern, such as '{folder / ('*' + suffix(tables[0]))}'.",
        )
    splits = {split[0]: path for path in tables if (split := _SPLIT.match(path.name.lower()))}
    if len(splits) > 1:
        listed = " and ".join(map(repr, splits))
        remedy = (
            f"Give one, such as '{folder / next(iter(splits.values())).name}'; `test=...` takes the one to measure on."
        )
        raise DataError(f"{name}: this folder has the parts {listed}.", remedy)
    return _of_one_format(tables, name)


def join(tables: list[Table], name: str) -> Table:
    """One table of several with the same columns, whose rows follow one another.

    Raises:
        DataError: A table has other columns than the first.
    """
    first = tables[0]
    for table in tables[1:]:
        if set(table.columns) != set(first.columns):
            raise DataError(
                f"{table.name}: the columns are {listed(table.columns)}, and those of {first.name} are "
                f"{listed(first.columns)}.",
                "Give every file the same columns.",
            )
    starts: list[tuple[int, str]] = []

    def chunks() -> Iterator[Chunk]:
        row = 1
        for table in tables:
            starts.append((row, table.name))
            for chunk in table.chunks:
                yield Chunk(row, {column: chunk.columns[column] for column in first.columns})
                row += len(chunk)

    alike = all(table.schema == first.schema for table in tables)
    marked = any(table.needs_bom for table in tables)
    return Table(name, first.columns, chunks(), first.schema if alike else None, starts, marked)


def _of_one_format(files: list[Path], name: str) -> list[Path]:
    kinds = sorted({suffix(path) for path in files})
    if len(kinds) > 1:
        raise DataError(
            f"{name}: there are files of several formats: {', '.join(kind or 'without an ending' for kind in kinds)}.",
            f"Name those of one with a pattern, such as '*{next(filter(None, kinds))}'.",
        )
    # A writer that has no row for a part leaves an empty file.
    return [path for path in files if not path.is_file() or path.stat().st_size] or files


def _is_note(path: Path) -> bool:
    """Whether this is a file that tools leave beside the parts, such as `_SUCCESS`."""
    return path.name.startswith("_") and suffix(path) not in FORMATS
