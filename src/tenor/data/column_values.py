"""What the first values of a column look like: words, classes, or a count of the rows."""

from collections.abc import Sequence
from typing import Any

from tenor.data.io.chunks import Cell
from tenor.data.label_values import is_missing, to_number

_MIN_ROWS = 5  # with fewer rows, distinct values say nothing


_TEXT_BYTES = 20  # of a text at least, on average; a category is shorter, or has few values
_TEXT_SHARE = 0.5  # of the values of a text column differ, at least


def are_missing(cells: Sequence[Cell]) -> bool:
    """Whether there are rows, and none has a value."""
    return bool(cells) and not _present(cells)


def mean_length(cells: Sequence[Cell]) -> float:
    """Characters of a value on average, where there is one."""
    present = _present(cells)
    return sum(len(str(value)) for value in present) / max(len(present), 1)


def are_words(cells: Sequence[Cell]) -> bool:
    """Whether most values are strings with letters. True for no rows, which cannot contradict a name."""
    with_letters = sum(isinstance(value, str) and any(map(str.isalpha, value)) for value in cells)
    return with_letters * 2 >= len(cells)


def are_texts(cells: Sequence[Cell]) -> bool:
    """Whether the values are long strings of several words that differ, as texts do."""
    strings = [value for value in cells if isinstance(value, str) and value.strip()]
    if not strings or len(strings) < len(_present(cells)) or not are_words(strings):
        return False
    mean = sum(len(each.encode("utf-8", "surrogatepass")) for each in strings) / len(strings)
    return mean >= _TEXT_BYTES and len(set(strings)) >= _TEXT_SHARE * len(strings)


def are_repeated(cells: Sequence[Cell]) -> bool:
    """Whether a value occurs twice on average."""
    present = _present(cells)
    return len(set(map(str, present))) * 2 <= len(present)


def have_equal(cells: Sequence[Cell]) -> bool:
    """Whether a value stands in two cells."""
    present = list(map(str, _present(cells)))
    return len(set(present)) < len(present)


def are_classes(cells: Sequence[Cell]) -> bool:
    """Whether the values are few different ones, as classes are. Numbers with decimals are not."""
    present = _present(cells)
    if not present:
        return not cells
    numbers = [number for number in map(to_number, present) if number is not None]
    decimals = sum(not number.is_integer() for number in numbers)
    return len(present) * 2 >= len(cells) and are_repeated(present) and decimals * 2 < len(present)


def count_rows(cells: Sequence[Cell]) -> bool:
    """Whether the values are the numbers of the rows: each the one before and one more."""
    numbers = [to_number(value) for value in cells]
    if len(numbers) < _MIN_ROWS or numbers[0] is None:
        return False
    return numbers == [numbers[0] + at for at in range(len(numbers))]


def _present(cells: Sequence[Cell]) -> list[Any]:
    return [value for value in cells if not is_missing(value)]
