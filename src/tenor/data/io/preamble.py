"""What stands above the header of a delimited file: a line that names the delimiter, or comments."""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from tenor.data.io import header
from tenor.data.io.limits import MAX_COLUMNS

_NAMED_DELIMITER = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_FIELDS = re.compile(r"[,;\t|]")
_MAX_COMMENTS = 100


class Preamble(NamedTuple):
    """What stands above the header, and the lines from it on.

    Attributes:
        lines: The lines from the header on.
        delimiter: The delimiter that Excel names in a line of its own, `sep=;`; empty if there is no such line.
        n_comments: How many lines above the header begin with `#` and are comments.
    """

    lines: Iterator[str]
    delimiter: str = ""
    n_comments: int = 0


def skip(decoded: Iterator[str]) -> Preamble:
    """Read what stands above the header. Blank lines do not count."""
    filled = (line for line in decoded if line.strip("\r\n"))
    first = next(filled, "")
    if named := _NAMED_DELIMITER.fullmatch(first.strip("\r\n")):
        return Preamble(itertools.chain([next(filled, "")], decoded), named[1])
    held = [first]
    while held[-1].startswith("#") and len(held) <= _MAX_COMMENTS:
        held.append(next(filled, ""))
    *comments, names = held
    if comments and all(_is_comment(line, names) for line in comments):
        return Preamble(itertools.chain([names], decoded), n_comments=len(comments))
    return Preamble(itertools.chain(held, decoded))


def _is_comment(line: str, names: str) -> bool:
    """Whether a line that begins with `#` is a comment above some names: it has none, and they are usual."""
    fields = _FIELDS.split(line.strip("#\r\n\t "), MAX_COLUMNS)
    below = _FIELDS.split(names.strip("\r\n"), MAX_COLUMNS)
    return len(below) > 1 and header.is_clearly_names(below) and not (fields[0] and header.is_clearly_names(fields))
