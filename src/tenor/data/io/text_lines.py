"""Text files (`.txt`): one text per line, or a table, or `__label__NAME` before each text (fastText).

Armand Joulin et al., "Bag of Tricks for Efficient Text Classification", 2017, describe fastText.
"""

import itertools
import re
from collections.abc import Iterator

from tenor._core.language import tr
from tenor.data import column_names
from tenor.data.io import delimited, dialect, preamble
from tenor.data.io.chunks import Table, chunked
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.limits import MAX_COLUMNS, require_few_labels
from tenor.data.io.lines import Lines, until_fault
from tenor.errors import Location

PREFIX = "__label__"

_SAMPLE_LINES = 1_000
_NAME_WORDS = 3  # of the name of a column

_BLANKS = " \t\v\f\r"  # that separate words for fastText; an ideographic space does not
_FASTTEXT = re.compile(rf'\s*{PREFIX}[^\s,;|"]+ +[^\s,;|]')
_LABEL = re.compile(rf"{PREFIX}([^{_BLANKS}]*)[{_BLANKS}]*")


def read(lines: Lines, options: FileOptions = RECOGNISED) -> Table:
    """Open a text file. Its first lines decide which of the three forms it has; `options` are for a table."""
    if is_labelled(lines.first()):
        return labelled(lines)
    delimiter = _delimiter(lines)
    if not delimiter:
        return plain(lines)
    table = delimited.read(lines, delimiter, options)
    name = {"\t": tr("tabs"), ",": tr("commas"), ";": tr("semicolons"), " ": tr("blanks")}.get(
        delimiter, repr(delimiter)
    )
    table.notes.append(
        tr(
            "{name} is read as a table with {delimiters} between {n_columns} columns.",
            name=lines.name,
            delimiters=name,
            n_columns=len(table.columns),
        )
    )
    return table


def _delimiter(lines: Lines) -> str:
    """The delimiter of a table in a text file; empty if it has one text per line.

    Each line of a table has as many tabs as the first one. Another delimiter counts only where the first line names
    the columns.
    """
    with lines.read() as decoded:
        filled = (line for line in preamble.skip(until_fault(decoded)).lines if line.strip())
        sample = list(itertools.islice(filled, _SAMPLE_LINES))
    first = sample[0] if sample else ""
    n_tabs = first.count("\t")
    if n_tabs and len(sample) > 1 and all(line.count("\t") == n_tabs for line in sample):
        return "\t"
    if dialect.are_quoted_words(first) and len(sample) > 1:
        return " "
    for delimiter in ",;|\t":
        names = [name.strip(' "') for name in first.strip("\r\n").split(delimiter, MAX_COLUMNS)]
        roles = {column_names.role(name) for name in names if len(column_names.words(name)) <= _NAME_WORDS}
        if len(names) > 1 and len(sample) > 1 and "text" in roles and len(roles - {None}) > 1:
            return delimiter
    return ""


def is_labelled(line: str) -> bool:
    """Whether a line begins with a label as in fastText."""
    return line.lstrip(_BLANKS).startswith(PREFIX)


def is_fasttext(lines: Lines) -> bool:
    """Whether the first line of a table is rather one of fastText: a blank, and no delimiter, follows its label."""
    with lines.read() as decoded:
        first = next((line for line in until_fault(decoded) if line.strip()), "")
    return _FASTTEXT.match(first) is not None


def label_of(cell: str) -> object:
    """The label in a field such as `__label__A`, several in a list, None where it is empty; another field unchanged."""
    text, label = _split_line(cell, Location(""))
    return cell if text else label or None


def plain(lines: Lines) -> Table:
    """Open a file with one text per line. A blank line is an empty text."""

    def rows() -> Iterator[list[str]]:
        with lines.read() as decoded:
            for line in decoded:
                lines.row += 1
                yield [line.rstrip("\r\n")]

    return Table(lines.name, ["text"], chunked(rows(), ["text"]), notes=lines.notes)


def labelled(lines: Lines) -> Table:
    """Open a file with labels before each text. One label is a string, several are a list. Blank lines are skipped."""

    def rows() -> Iterator[list[object]]:
        with lines.read() as decoded:
            for line in decoded:
                if line.strip():
                    lines.row += 1
                    yield _split_line(line.rstrip("\r\n"), Location(lines.name, lines.row))

    return Table(lines.name, ["text", "label"], chunked(rows(), ["text", "label"]), notes=lines.notes)


def _split_line(line: str, at: Location) -> list[object]:
    """The text, and its label, its labels, or None."""
    labels: list[str] = []
    start = len(line) - len(line.lstrip(_BLANKS))
    while match := _LABEL.match(line, start):
        labels.append(match[1])
        start = match.end()
    require_few_labels(len(labels), at)
    return [line[start:], labels if len(labels) > 1 else labels[0] if labels else None]
