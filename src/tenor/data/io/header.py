"""Whether the first line of a table has the names of its columns, or is a row of data.

Each column votes by what its values are: a number above numbers is a value, a word above numbers is a name, and a word
that stands again among few different values below is a value. Usual names of columns decide at once.
"""

import re
import statistics
from collections import Counter
from collections.abc import Sequence

from tenor.data import column_names

MAX_ROWS = 1_000
"""Rows that are compared with the first line, at most."""

_SENTENCE_WORDS = 4
_SENTENCE_CHARACTERS = 12  # in scripts without blanks
_MIN_ROWS = 2  # that show what their first column is
_ROW_ID = re.compile(r"(?=\D*\d)[\w.\-]+")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_NUMBER = re.compile(r"[+-]?(\d[\d.,]*|[.,]\d+)%?")
_SENTENCE_END = re.compile(r"[.!。！…][\"'”’)）]*$")


def is_data(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line of a table is clearly a row of data.

    Args:
        first: The fields of the first line.
        rows: The rows below it, up to MAX_ROWS.
    """
    cells = [cell.strip() for cell in first]
    if not any(cells):
        return False
    if not rows:
        return len(cells) == 1 and _is_sentence(cells[0]) and column_names.role(cells[0]) is None
    below = [[row[at].strip() for row in rows if at < len(row) and row[at].strip()] for at in range(len(cells))]
    numbers = list(map(str, range(len(cells))))
    if list(filter(None, cells)) in (numbers, numbers[:-1]):
        return len(cells) > 1 and all(map(_NUMBER.fullmatch, below[-1]))  # the columns of a data frame without names
    votes = [_vote(cell, values) for cell, values in zip(cells, below, strict=True)]
    recurring = [_recurs(cell, values) for cell, values in zip(cells, below, strict=True)]
    n_numbers = sum(_NUMBER.fullmatch(cell) is not None for cell in cells)
    is_certain = any(recurring) and sum(recurring) + n_numbers > 1
    usual = any(_is_usual(cell) for cell, again in zip(cells, recurring, strict=True) if not again)
    if usual and not is_certain:
        return False
    if all(recurring) and any(list(map(str.strip, row)) == cells for row in rows) and any(map(_is_usual, cells)):
        return False  # files with headers were joined
    return ("data" in votes or any(recurring)) and "name" not in votes


def lacks_first_name(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line names all columns but the first one, which has identifiers of the rows, as R writes them.

    Args:
        first: The fields of the first line.
        rows: The rows below it.
    """
    if not first or len(rows) < _MIN_ROWS or any(len(row) != len(first) + 1 for row in rows):
        return False
    ids = [row[0].strip() for row in rows]
    are_ids = len(set(ids)) == len(ids) and all(map(_ROW_ID.fullmatch, ids))
    return are_ids and any(row[-1].strip() for row in rows)


def is_title(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line is a title above the names of the columns.

    It fills its first field alone, and most rows fill more. It has no usual name, or the next full row has several.

    Args:
        first: The fields of the first line.
        rows: The rows below it.
    """
    full = [row for row in rows if any(cell.strip() for cell in row[1:])]
    if not first or not first[0].strip() or any(cell.strip() for cell in first[1:]) or 2 * len(full) <= len(rows):
        return False
    return not is_clearly_names(first) or sum(map(_is_usual, full[0])) > 1


def is_clearly_names(first: Sequence[str]) -> bool:
    """Whether the first line has a usual name of a column, so that it needs no remark."""
    return any(map(_is_usual, first)) or not any(cell.strip() for cell in first)


def _is_usual(cell: str) -> bool:
    """Whether a field is a name that says what its column holds: a few words, and the last one is usual."""
    return 0 < len(column_names.words(cell)) < _SENTENCE_WORDS and column_names.role(cell) is not None


def _vote(cell: str, values: list[str]) -> str:
    """What a column says about its field in the first line: `data`, `name`, or nothing."""
    if not values or not cell:
        return ""
    n_numbers = sum(_NUMBER.fullmatch(value) is not None for value in values)
    if n_numbers == len(values):
        return "data" if _NUMBER.fullmatch(cell) else "name"
    if _NUMBER.fullmatch(cell) and n_numbers > 0.5 * len(values):
        return "data"
    if _recurs(cell, values):
        return "data"
    if _is_sentence(cell) and statistics.median(map(len, values)) >= _SENTENCE_CHARACTERS / 2:
        same_end = _SENTENCE_END.search(cell) is not None or sum(map(_is_sentence, values)) > 0.5 * len(values)
        return "" if cell.endswith(("?", "？")) or not same_end else "data"
    if len(cell) < 0.2 * statistics.median(map(len, values)) and len(cell.split()) <= 2 and len(values) >= 4:
        return "name" if statistics.median(len(value.split()) for value in values) >= 2 * _SENTENCE_WORDS else ""
    return ""


def _recurs(cell: str, values: list[str]) -> bool:
    """Whether a field stands again below it, in a column of few different values."""
    if not cell or _NUMBER.fullmatch(cell):
        return False
    counts = Counter(values)
    return counts[cell] > 0 and len(counts) <= max(20, len(values) // 2)


def _is_sentence(cell: str) -> bool:
    """Whether a field has the length of a sentence."""
    return len(cell.split()) >= _SENTENCE_WORDS or len(_IDEOGRAPHS.findall(cell)) >= _SENTENCE_CHARACTERS
