"""Opening tables: this file chooses the reader for a file, a folder, a pattern or standard input.

The ending of a file's name sets its format: `.csv`, `.tsv`, `.jsonl` (or `.ndjson`), `.json`, `.parquet`, `.arrow` (or
`.feather`), `.xlsx`, `.txt`; text formats also with `.gz`, `.zst`, `.bz2`, `.xz` and `.zip`. A folder of class folders
of `.txt` files is a table, and so are several files of one format, given as a pattern or as their folder. `lines`
handles the encodings.

Opening a table reads enough to know its columns, and closes the file. The file is opened again for the first chunk, and
closed after the last one, or when the chunks are dropped.
"""

import io
from pathlib import Path

from tenor._core.language import join_names, mark, tr
from tenor.data.io import (
    archive,
    arrow,
    database,
    delimited,
    folders,
    foreign_files,
    huggingface,
    json_lines,
    json_list,
    json_object,
    nested,
    parts,
    stdin,
    text_lines,
    workbook,
)
from tenor.data.io.chunks import Chunk, Table
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.formats import FORMATS, WORKBOOKS, suffix
from tenor.data.io.lines import Lines
from tenor.data.io.missing import no_such_file
from tenor.data.io.open_file import open_bytes, unreadable
from tenor.data.io.parts import is_pattern
from tenor.errors import DataError, Location

__all__ = ["FORMATS", "Chunk", "Table", "files", "is_pattern", "kind", "open_lines", "open_table", "suffix"]

_COMMA_OR_ANOTHER = ",;\t|"
_ADVICE = (
    ((".xls", ".xlsb", ".xlsm", ".ods", ".numbers"), mark("Save the sheet as .xlsx, or as 'CSV UTF-8'.")),
    ((".tar", ".tgz", ".tbz", ".txz", ".7z", ".rar", ".z", ".lz4"), mark("Unpack it.")),
    (
        (".train", ".valid", ".test", ".data", ".dat", ".text", ".svm"),
        mark("If it has one text per line, give it the ending .txt."),
    ),
    ((".tab", ".psv"), mark("If it is a table, give it the ending .tsv or .csv.")),
)
"""What to do about files with other endings."""


def open_table(path: Path | DatabaseUrl, options: FileOptions = RECOGNISED) -> Table:
    """Open a file, a folder, the files that match a pattern, standard input (`-`), or the rows of a query.

    Args:
        path: The path, the pattern, `-`, or the URL of a database.
        options: How the files are written, where the user says so.

    Raises:
        DataError: The file is missing, of an unknown format, empty, or broken. Later faults are raised while the chunks
            are read.
    """
    return nested.with_columns(_open(path, options), options.names)


def _open(path: Path | DatabaseUrl, options: FileOptions) -> Table:
    """`open_table`, without keys inside objects."""
    if isinstance(path, DatabaseUrl):
        return database.read(path, options.query)
    if str(path) == "-":
        return _standard_input(options)
    try:
        if path.is_dir():
            return _folder(path, options)
        exists = path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise unreadable(error, Location(str(path))) from None
    if not exists and is_pattern(path):
        return open_joined(parts.matching(path), str(Path(path.parent.name, path.name)), options)
    if not exists:
        raise no_such_file(path)
    return _file(path, path.name or str(path), options)


def files(path: Path | DatabaseUrl) -> list[Path]:
    """The files that `open_table` would read; the path itself for a file or standard input, none for a database."""
    if isinstance(path, DatabaseUrl):
        return []
    if path.is_dir():
        return huggingface.data_files(path) or folders.texts(path) or parts.in_folder(path)
    return parts.matching(path) if is_pattern(path) and not path.exists() else [path]


def open_lines(stream: io.RawIOBase, name: str, options: FileOptions = RECOGNISED) -> Table:
    """Open a raw stream of bytes, such as standard input, with one text per line; `name` is for messages."""
    return text_lines.plain(Lines(lambda: stream, name, options.encoding, can_reopen=False))


def _file(path: Path, name: str, options: FileOptions) -> Table:
    """Open a single file; `name` is for messages."""
    ending = kind(path, name)
    if path.is_file():
        foreign_files.refuse(path, name, ending)
    if not path.is_file():
        raise DataError(
            tr("{path}: this is not a plain file.", path=path), tr("Write the rows into a file and give that.")
        )
    if ending not in FORMATS:
        known = tr("Give one of {formats}.", formats=join_names(FORMATS))
        advice = next((tr(advice) for endings, advice in _ADVICE if ending in endings), "")
        raise DataError(
            tr("{path}: files ending in {ending!r} cannot be read.", path=path, ending=ending),
            f"{advice} {known}".lstrip(),
        )
    if ending == ".parquet":
        return arrow.read_parquet(path, name)
    if ending in (".arrow", ".feather"):
        return arrow.read_ipc(path, name)
    if ending in WORKBOOKS:
        return workbook.read(path, name, options)
    lines = Lines(lambda: open_bytes(path, name), name, options.encoding)
    if ending in (".csv", ".tsv"):
        if text_lines.is_fasttext(lines):
            return text_lines.labelled(lines)
        return delimited.read(lines, "\t," if ending == ".tsv" else _COMMA_OR_ANOTHER, options)
    if ending == ".txt":
        return text_lines.read(lines, options)
    first = lines.first_character()
    if first == "[":
        return json_list.read(lines)
    if first == "{":
        return json_object.read(lines) if ending == ".json" else json_object.read_lines(lines)
    return json_lines.read(lines)


def kind(path: Path, name: str | None = None) -> str:
    """The ending that sets the format of a file; in an archive, that of the table in it.

    A text file may have no ending. What is not a file has an empty one.

    Raises:
        DataError: The archive cannot be read, or has not exactly one table; `name` is its name for messages.
    """
    if path.suffix.lower() == ".zip" and path.is_file():
        try:
            return suffix(Path(archive.table_name(path, name or path.name)))
        except OSError as error:
            raise unreadable(error, Location(name or path.name)) from None
    return suffix(path) or (".txt" if path.is_file() else "")


def _folder(path: Path, options: FileOptions) -> Table:
    """Open a folder of class folders, or of tables."""
    name = path.name or str(path)
    texts = folders.texts(path)
    if saved := huggingface.data_files(path):
        return open_joined(saved, name, options)
    if texts:
        return folders.read(texts, name, options.encoding)
    if {"train", "test"} <= {folder.name for folder in folders.classes(path)}:
        raise DataError(
            tr("{name}: this folder has the parts {parts}.", name=name, parts=join_names(("train", "test"))),
            tr("Give one: {path}.", path=path / "test"),
        )
    tables = parts.in_folder(path)
    if not tables:
        raise DataError(
            tr("{name}: there are no class folders with .txt files in this folder, and no tables.", name=name),
            tr(
                "Lay the texts out as FOLDER/LABEL/NAME.txt, or read one text per line of '{path}'.",
                path=path / "*.txt",
            ),
        )
    return open_joined(tables, f"{name}/*{suffix(tables[0])}", options)


def open_joined(files: list[Path], name: str, options: FileOptions = RECOGNISED) -> Table:
    """Open several files as one table. Messages name each as briefly as possible. Raises DataError as `open_table`."""
    distinct = len({file.name for file in files}) == len(files)
    return parts.join([_file(file, file.name if distinct else str(file), options) for file in files], name)


def _standard_input(options: FileOptions) -> Table:
    """A table from standard input. Its first characters decide the format: JSON, fastText, or else delimited."""
    lines = Lines(stdin.Spool(stdin.standard_input()).open, stdin.NAME, options.encoding)
    first = lines.first_character()
    if first == "[":
        return json_list.read(lines)
    if first == "{":
        return json_lines.read(lines)
    if text_lines.is_labelled(lines.first()):
        return text_lines.labelled(lines)
    return delimited.read(lines, _COMMA_OR_ANOTHER, options)
