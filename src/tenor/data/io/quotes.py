"""Fields in other quotes than `"`: single quotes, and the curly ones that word processors write."""

import re
from collections.abc import Iterable, Iterator, Sequence

SINGLE = "'"
CURLY = "“"
"""Stands for “ and ” around a field, and for „ and “."""

_OPENING, _CLOSING = "[“„]", "[”“]"


def straighten(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    """The lines with `"` where curly quotes stand around a field."""
    edge = re.escape(delimiter)
    opening, closing = re.compile(rf"(^|{edge}){_OPENING}"), re.compile(rf"{_CLOSING}(?=\s*$|{edge})")
    for line in lines:
        if opening.search(line):
            line = closing.sub('"', opening.sub(r'\1"', line.replace('"', '""')))
        yield line


def candidates(sample: Sequence[str], delimiter: str) -> list[str]:
    """The other quotes that begin a field and end one, in most lines below the header."""
    edge, rows = re.escape(delimiter), [line for line in sample[1:] if line.strip()]
    matches = []
    for quote, opening, closing in ((SINGLE, SINGLE, SINGLE), (CURLY, _OPENING, _CLOSING)):
        begin = re.compile(rf"(?:^|{edge}){opening}")
        end, empty = re.compile(rf"{closing}(?={edge}|\s*$)"), re.compile(rf"{begin.pattern}(?:{edge}|\s*$)")
        starts = [(line, begin.search(line)) for line in rows]
        n_fields = sum(
            first is not None and (end.search(line, first.end()) or empty.search(line)) is not None
            for line, first in starts
        )
        if rows and 2 * n_fields > len(rows):
            matches.append(quote)
    return matches


def are_around(fields: Iterable[str]) -> bool:
    """Whether all fields that are not blank stand in single or curly quotes."""
    pattern = re.compile(rf"'.*'|{_OPENING}.*{_CLOSING}", re.DOTALL)
    filled = [field.strip() for field in fields if field.strip()]
    return bool(filled) and all(map(pattern.fullmatch, filled))
