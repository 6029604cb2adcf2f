"""`.txt`: one text a line, or, in the form of fastText (Joulin et al., 2017), with `__label__NAME` in front of each."""

import re
from collections.abc import Iterator
from typing import Any

from tenor.data.io.chunks import Table, chunked
from tenor.data.io.limits import require_few_labels
from tenor.data.io.lines import Lines
from tenor.errors import Location

PREFIX = "__label__"

_BLANKS = " \t\v\f\r"  # those that part words for fastText; an ideographic space does not
_LABEL = re.compile(rf"{PREFIX}([^{_BLANKS}]*)[{_BLANKS}]*")


def read(lines: Lines) -> Table:
    """Open a text file; its first line that is not blank tells which of the two forms it has."""
    return labelled(lines) if is_labelled(lines.first()) else plain(lines)


def is_labelled(line: str) -> bool:
    """Whether a line begins with a label of fastText."""
    return line.lstrip(_BLANKS).startswith(PREFIX)


def plain(lines: Lines) -> Table:
    """One text a line; a blank line is an empty text."""

    def rows() -> Iterator[list[str]]:
        with lines.read() as decoded:
            for line in decoded:
                lines.row += 1
                yield [line.rstrip("\r\n")]

    return Table(lines.name, ["text"], chunked(rows(), ["text"]))


def labelled(lines: Lines) -> Table:
    """Labels, then the text: one label is a string, several are a list, none is None. A blank line is no row."""

    def rows() -> Iterator[list[Any]]:
        with lines.read() as decoded:
            for line in decoded:
                if line.strip():
                    lines.row += 1
                    yield _parted(line.rstrip("\r\n"), Location(lines.name, lines.row))

    return Table(lines.name, ["text", "label"], chunked(rows(), ["text", "label"]))


def _parted(line: str, at: Location) -> list[Any]:
    """The text and its label or labels."""
    labels: list[str] = []
    start = len(line) - len(line.lstrip(_BLANKS))
    while found := _LABEL.match(line, start):
        labels.append(found[1])
        start = found.end()
    require_few_labels(len(labels), at)
    return [line[start:], labels if len(labels) > 1 else labels[0] if labels else None]
