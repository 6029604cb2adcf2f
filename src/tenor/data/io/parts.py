"""Several files as one table: the files that match a pattern, or those in a folder."""

import glob
import re
from collections.abc import Iterator
from pathlib import Path

from tenor._core.language import join_names, tr
from tenor.data.io.chunks import Chunk, Table
from tenor.data.io.formats import FORMATS, suffix
from tenor.errors import DataError, listed

_MODEL_FILES = ("manifest.json", "tenor.json")
_SPLIT = re.compile(r"(train|test|dev|val|valid|validation)(?![a-z])")


def is_pattern(path: Path | str) -> bool:
    """Whether a path is a pattern: it has `*`, `?` or `[`."""
    return glob.has_magic(str(path))


def matching(pattern: Path) -> list[Path]:
    """The files that match a pattern, sorted; `**` matches nested folders.

    Raises:
        DataError: No file matches, they have several formats, or a folder matches.
    """
    try:
        matches = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207
    except ValueError:  # a NUL character
        matches = []
    files = [path for path in matches if not _is_tool_file(path)]
    for path in files:
        if path.is_dir() and "**" not in str(pattern):
            raise DataError(
                tr("{pattern}: {path} is a folder.", pattern=pattern, path=path),
                tr("Give a pattern of files, such as '{pattern}/*.csv'.", pattern=pattern),
            )
    files = [path for path in files if not path.is_dir()]
    if not files:
        raise DataError(tr("{pattern}: no file matches this pattern.", pattern=pattern), tr("Check the path."))
    return _of_one_format(files, str(pattern))


def in_folder(folder: Path) -> list[Path]:
    """The tables in a folder, sorted; an empty list if there is no table.

    Raises:
        DataError: The folder also has other files, the tables have several formats, or they are a training and a test
            part.
    """
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and not _is_tool_file(path)]
    tables = [path for path in files if suffix(path) in FORMATS and suffix(path) != ".txt"]
    if not tables:
        return []
    name = folder.name or str(folder)
    if is_saved_model(folder):
        raise DataError(
            tr("{folder}: this is a saved model, not data.", folder=folder), tr("Name the file of the labelled texts.")
        )
    other = next((path for path in files if path not in tables), None)
    if other is not None:
        raise DataError(
            tr("{name}: this folder has tables and {other!r}, which is not a table.", name=name, other=other.name),
            tr("Name the tables with a pattern, such as '{folder}'.", folder=folder / ("*" + suffix(tables[0]))),
        )
    splits = {split[0]: path for path in tables if (split := _SPLIT.match(path.name.lower()))}
    if len(splits) > 1:
        remedy = tr(
            "Give one, such as '{folder}'; `test=...` takes the one to measure on.",
            folder=folder / next(iter(splits.values())).name,
        )
        raise DataError(tr("{name}: this folder has the parts {parts}.", name=name, parts=join_names(splits)), remedy)
    return _of_one_format(tables, name)


def is_saved_model(folder: Path) -> bool:
    """Whether a folder is a saved model, which has no files but its own."""
    return all((folder / part).is_file() for part in _MODEL_FILES)


def refuse_saved_model(folder: Path, out: str | Path) -> None:
    """Raise DataError if `out` would go into a saved model, which no longer loads with other files."""
    if is_saved_model(folder):
        raise DataError(
            tr("{out}: {folder} is a saved model, and further files would damage it.", out=out, folder=folder),
            tr("Choose another `out=...`."),
        )


def join(tables: list[Table], name: str) -> Table:
    """Join tables with the same columns to one; `name` is its name for messages.

    Raises:
        DataError: A table has other columns than the first one.
    """
    first = tables[0]
    for table in tables[1:]:
        if set(table.columns) != set(first.columns):
            raise DataError(
                tr(
                    "{name}: the columns are {columns}, and those of {other} are {other_columns}.",
                    name=table.name,
                    columns=listed(table.columns),
                    other=first.name,
                    other_columns=listed(first.columns),
                ),
                tr("Give every file the same columns."),
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
    notes = list(dict.fromkeys(note for table in tables for note in table.notes))
    return Table(name, first.columns, chunks(), first.schema if alike else None, starts, marked, notes)


def _of_one_format(files: list[Path], name: str) -> list[Path]:
    """The files that are not empty. Raises DataError if they have several formats."""
    kinds = sorted({suffix(path) for path in files})
    if len(kinds) > 1:
        raise DataError(
            tr(
                "{name}: there are files of several formats: {kinds}.",
                name=name,
                kinds=join_names(kind or tr("without an ending") for kind in kinds),
            ),
            tr("Name those of one with a pattern, such as '*{ending}'.", ending=next(filter(None, kinds))),
        )
    # A writer without a row for a part leaves an empty file.
    return [path for path in files if not path.is_file() or path.stat().st_size] or files


def _is_tool_file(path: Path) -> bool:
    """Whether a tool left this file beside the parts, such as `_SUCCESS`."""
    return path.name.startswith("_") and suffix(path) not in FORMATS
