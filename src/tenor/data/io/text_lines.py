"""Text files (`.txt`): one text per line, or `__label__NAME` before each text (fastText; Joulin et al., 2017)."""

import re
from collections.abc import Iterator

from tenor.data.io.chunks import Table, chunked
from tenor.data.io.limits import require_few_labels
from tenor.data.io.lines import Lines
from tenor.errors import Location

PREFIX = "__label__"

_BLANKS = " \t\v\f\r"  # that separate words for fastText; an ideographic space does not
_LABEL = re.compile(rf"{PREFIX}([^{_BLANKS}]*)[{_BLANKS}]*")


def read(lines: Lines) -> Table:
    """Open a text file. Its first line that is not blank decides which of the two forms it has."""
    return labelled(lines) if is_labelled(lines.first()) else plain(lines)


def is_labelled(line: str) -> bool:
    """Whether a line begins with a label as in fastText."""
    return line.lstrip(_BLANKS).startswith(PREFIX)


def plain(lines: Lines) -> Table:
    """Open a file with one text per line. A blank line is an empty text."""

    def rows() -> Iterator[list[str]]:
        with lines.read() as decoded:
            for line in decoded:
                lines.row += 1
                yield [line.rstrip("\r\n")]

    return Table(lines.name, ["text"], chunked(rows(), ["text"]))


def labelled(lines: Lines) -> Table:
    """Open a file with labels before each text. One label is a string, several are a list. Blank lines are skipped."""

    def rows() -> Iterator[list[object]]:
        with lines.read() as decoded:
            for line in decoded:
                if line.strip():
                    lines.row += 1
                    yield _split_line(line.rstrip("\r\n"), Location(lines.name, lines.row))

    return Table(lines.name, ["text", "label"], chunked(rows(), ["text", "label"]))


def _split_line(line: str, at: Location) -> list[object]:
    """The text, and its label, its labels, or None."""
    labels: list[str] = []
    start = len(line) - len(line.lstrip(_BLANKS))
    while match := _LABEL.match(line, start):
        labels.append(match[1])
        start = match.end()
    require_few_labels(len(labels), at)
    return [line[start:], labels if len(labels) > 1 else labels[0] if labels else None]
