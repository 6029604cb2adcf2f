"""A folder of class folders: FOLDER/LABEL/NAME.txt, one text a file."""

import functools
from collections.abc import Iterator
from pathlib import Path

from tenor.data.io.chunks import Table, chunked
from tenor.data.io.lines import Lines
from tenor.data.io.open_file import open_bytes

COLUMNS = ["text", "label", "file"]


def classes(path: Path) -> list[Path]:
    """The class folders of a folder, sorted by name."""
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if {"pos", "neg"} <= {folder.name for folder in folders}:
        return [folder for folder in folders if folder.name != "unsup"]  # aclImdb keeps its unlabelled texts there
    return folders


def texts(path: Path) -> list[Path]:
    """The text files of the class folders, class by class."""
    return [file for folder in classes(path) for file in sorted(folder.glob("*.txt"))]


def read(files: list[Path], name: str) -> Table:
    """Open text files as a table, with the name of the folder of each as its label; `name` is the table's."""

    def rows() -> Iterator[list[str]]:
        for file in files:
            label = file.parent.name
            text = Lines(functools.partial(open_bytes, file), str(file)).whole()
            yield [text, label, f"{label}/{file.name}"]

    return Table(name, COLUMNS, chunked(rows(), COLUMNS))
