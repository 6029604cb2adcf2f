"""Columns of text on a terminal, where a Chinese character takes two."""

import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

from tenor._core.printable import printable_row


def display_width(text: str) -> int:
    """Columns of a terminal that a text takes; a Chinese character takes two."""
    text = printable_row(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def pad(text: str, width: int) -> str:
    """The text, followed by blanks up to that many columns."""
    return text + " " * (width - display_width(text))


def pad_left(text: str, width: int) -> str:
    """The text after blanks up to that many columns."""
    return " " * (width - display_width(text)) + text


def table(rows: Sequence[Sequence[str]], at_least: Sequence[int] = (), left: int = 1) -> list[str]:
    """Rows of cells as lines whose columns are aligned.

    Args:
        rows: The cells of each line, as many in each.
        at_least: Smallest widths of the first columns.
        left: Number of columns that are aligned to the left; the others are aligned to the right.
    """
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    widths = [max(pair) for pair in zip_longest(widths, at_least, fillvalue=0)]
    aligned = [pad] * left + [pad_left] * (len(widths) - left)
    return [
        "  ".join(align(cell, width) for align, cell, width in zip(aligned, row, widths, strict=True)).rstrip()
        for row in rows
    ]
