"""A folder of class folders: FOLDER/LABEL/NAME.txt, or FOLDER/LABEL/NAME, one text a file."""

import functools
from collections.abc import Iterator
from pathlib import Path

from tenor.data.io.chunks import Table, chunked
from tenor.data.io.lines import Lines
from tenor.data.io.open_file import open_bytes

COLUMNS = ["text", "label", "file"]
_MAX_NOTES = 3  # on the encodings of files


def classes(path: Path) -> list[Path]:
    """The class folders of a folder, sorted by name."""
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if {"pos", "neg"} <= {folder.name for folder in folders}:
        return [folder for folder in folders if folder.name != "unsup"]  # aclImdb keeps its unlabelled texts there
    return folders


def texts(path: Path) -> list[Path]:
    """The text files of the class folders, class by class: those in `.txt`, or else those without an ending."""
    folders = classes(path)
    return [file for folder in folders for file in sorted(folder.glob("*.txt"))] or [
        file for folder in folders for file in sorted(folder.iterdir()) if _has_no_ending(file)
    ]


def _has_no_ending(file: Path) -> bool:
    """Whether a file is a text by its name, such as those of 20 Newsgroups: it has no ending, and is not hidden."""
    return not file.suffix and not file.name.startswith((".", "_")) and file.is_file()


def read(files: list[Path], name: str, encoding: str | None = None) -> Table:
    """Open text files as a table, with the name of the folder of each as its label.

    Args:
        files: The files.
        name: The name of the table, for messages.
        encoding: The encoding of the files; None: it is recognised for each.
    """
    notes: list[str] = []

    def rows() -> Iterator[list[str]]:
        for file in files:
            label = file.parent.name
            lines = Lines(functools.partial(open_bytes, file), str(file), encoding)
            text = lines.whole()
            notes.extend(lines.notes[: _MAX_NOTES - len(notes)])
            yield [text, label, f"{label}/{file.name}"]

    return Table(name, COLUMNS, chunked(rows(), COLUMNS), notes=notes)
