"""How a delimited file is written: its delimiter, and what quotes and blanks in it are.

The csv module reads a file in a dialect; this file chooses it. A quote that nobody closes makes one field of many rows,
and nothing fails. So all lines are looked at before the first row is read: where each line has the same number of
delimiters and a quote would swallow lines, quotes are characters.
"""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tenor._core.language import tr
from tenor.data import column_names
from tenor.data.io import quotes
from tenor.data.io.file_options import Quoting
from tenor.data.io.limits import MAX_COLUMNS
from tenor.data.io.lines import MAX_LINE_BYTES

SAMPLE_LINES = 2_000
SAMPLE_CHARACTERS = 1 << 20

_QUOTED = re.compile('"[^"]*(?:"|$)')
_QUOTED_WORDS = re.compile('"[^"]*"(?: "[^"]*")+')
_QUOTED_BEHIND_BLANK = re.compile(r' +".*"\s*', re.DOTALL)


class Dialect(NamedTuple):
    """How a delimited file is written.

    Attributes:
        delimiter: The character between fields.
        has_quotes: Whether quotes are around fields; else they are characters.
        skips_blanks: Whether blanks after a delimiter do not belong to the field.
        has_escapes: Whether a quote inside a quoted field has a backslash before it, as some databases write it.
        is_chosen: Whether the user chose what quotes are, so that a field with many line ends is right.
        quote: The quote around fields, `"` or another one of `quotes`.
        multiline_records: How many records have line ends, as far as quotes that are open at the end of a line say.
    """

    delimiter: str
    has_quotes: bool = True
    skips_blanks: bool = False
    has_escapes: bool = False
    is_chosen: bool = False
    multiline_records: int = 0
    quote: str = '"'

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The records of some lines. The iterator raises `csv.Error` where the quoting is broken."""
        is_curly = self.quote == quotes.CURLY
        csv.field_size_limit(MAX_LINE_BYTES)
        return csv.reader(
            quotes.straighten(lines, self.delimiter) if is_curly else lines,
            delimiter=self.delimiter,
            quotechar='"' if is_curly else self.quote,
            quoting=csv.QUOTE_MINIMAL if self.has_quotes else csv.QUOTE_NONE,
            escapechar="\\" if self.has_escapes else None,
            doublequote=not self.has_escapes,
            skipinitialspace=self.skips_blanks,
            strict=self.has_quotes,
        )


class _Scan(NamedTuple):
    """What the lines of a file show.

    Attributes:
        sample: The first lines.
        is_whole: Whether the sample is the whole file.
        n_odd: Lines with an odd number of quotes, where a quoted field begins or ends.
        n_lines: Lines that are not blank.
        delimiters: For each candidate, the number of it in every line; None where lines differ.
    """

    sample: list[str]
    is_whole: bool
    n_odd: int
    n_lines: int
    delimiters: dict[str, int | None]


def choose(lines: Iterator[str], delimiters: Sequence[str], quoting: Quoting | None) -> tuple[Dialect, list[str]]:
    """The dialect of a file, and notes on it for the user.

    Args:
        lines: All lines of the file from the header on.
        delimiters: Candidates, the usual one first.
        quoting: What quotes are, if the user said so.
    """
    scan = _scan(lines, delimiters)
    delimiter = _delimiter(scan, delimiters, quoting)
    plain = Dialect(delimiter, quoting != "none", is_chosen=quoting is not None, multiline_records=scan.n_odd // 2)
    if quoting == "none":
        return plain, []
    counts = _field_counts(plain, scan)
    skipping = plain._replace(skips_blanks=True)
    if _has_quotes_behind_blanks(plain, scan) and _is_even(_field_counts(skipping, scan)):
        return skipping, []
    if quoting is None and (other := _other_quotes(plain, scan, counts)) is not None:
        quote = "“ ”" if other.quote == quotes.CURLY else other.quote
        return other, [tr("fields are quoted with {quote} (`quoting='none'` reads quotes as characters).", quote=quote)]
    n_delimiters = scan.delimiters.get(delimiter)
    if quoting is None and n_delimiters and (scan.n_odd or counts is None) and scan.n_lines > 1:
        return plain._replace(has_quotes=False), [
            tr(
                "quotes are read as characters, since a quote is open at the end of a line "
                "(`quoting='minimal'` reads them around fields)."
            )
        ]
    if counts is None and any('\\"' in line for line in scan.sample):
        escaped = plain._replace(has_escapes=True)
        if _is_even(_field_counts(escaped, scan)):
            return escaped, [tr('a quote with a backslash before it (\\") is read as a quote inside a field.')]
    return plain, []


def _other_quotes(plain: Dialect, scan: _Scan, counts: list[int] | None) -> Dialect | None:
    """The dialect with other quotes around fields, if they make rows of equal length; else None.

    Where `"` makes such rows too, the other quotes must stand around every field.
    """
    for quote in quotes.candidates(scan.sample, plain.delimiter):
        for has_escapes in (False, True):
            dialect = plain._replace(quote=quote, has_escapes=has_escapes)
            if not _is_even(_field_counts(dialect, scan)):
                continue
            records = itertools.islice(plain.reader(scan.sample), 1, 100) if _is_even(counts) else ()
            if not _is_even(counts) or quotes.are_around(field for record in records for field in record):
                return dialect
    return None


def _scan(lines: Iterator[str], delimiters: Sequence[str]) -> _Scan:
    sample, size = list[str](), 0
    for line in lines:
        sample.append(line)
        size += len(line)
        if len(sample) == SAMPLE_LINES or size > SAMPLE_CHARACTERS:
            break
    rest = iter(lines)
    after = next(rest, None)
    filled = [line for line in sample if line.strip("\r\n")]
    counts: dict[str, int | None] = {each: _same(line.count(each) for line in filled) for each in delimiters}
    n_odd, n_lines = sum(line.count('"') & 1 for line in filled), len(filled)
    followed = [each for each, count in counts.items() if count]
    for line in itertools.chain([after] if after is not None else [], rest):
        n_odd += line.count('"') & 1
        if line.strip("\r\n"):
            n_lines += 1
            for each in followed:
                if line.count(each) != counts[each]:
                    counts[each] = None
    return _Scan(sample, after is None, n_odd, n_lines, counts)


def _same(counts: Iterable[int]) -> int | None:
    """The number that all counts have; None if they differ."""
    different = set(counts)
    return different.pop() if len(different) == 1 else None


def _delimiter(scan: _Scan, delimiters: Sequence[str], quoting: Quoting | None) -> str:
    """The first candidate in the first line outside quotes; rather one that makes rows of equal length."""
    first = next((line for line in scan.sample if line.strip("\r\n")), "")
    bare = first if quoting == "none" else _QUOTED.sub("", first)
    present = [each for each in delimiters if each in bare]
    if not present and are_quoted_words(first) and quoting != "none":
        return " "
    if len(present) > 1:
        even = [each for each in present if _is_even(_field_counts(Dialect(each, quoting != "none"), scan))]
        present = even or present
    return present[0] if present else delimiters[0]


def are_quoted_words(line: str) -> bool:
    """Whether a line has quoted fields with blanks between them, as R writes a header."""
    return _QUOTED_WORDS.fullmatch(line.rstrip("\r\n")) is not None


def _field_counts(dialect: Dialect, scan: _Scan) -> list[int] | None:
    """The number of fields in each record of the sample; None if its quoting is broken."""
    counts = []
    try:
        for record in dialect.reader(scan.sample):
            if record:
                counts.append(len(record))
    except csv.Error as error:
        if scan.is_whole or "unexpected end" not in str(error):
            return None
    return counts


def _is_even(counts: list[int] | None) -> bool:
    """Whether all records have the same number of fields, two or more."""
    return bool(counts) and counts is not None and counts[0] > 1 and len(set(counts)) == 1


def _has_quotes_behind_blanks(dialect: Dialect, scan: _Scan) -> bool:
    """Whether a delimiter and blanks stand before a quoted field."""
    if not any(f'{dialect.delimiter} "' in line for line in scan.sample):
        return False
    counts = _field_counts(dialect, scan)
    if not _is_even(counts):
        return True
    records = itertools.islice(dialect.reader(scan.sample), 100)
    return any(_QUOTED_BEHIND_BLANK.fullmatch(field) for record in records for field in record)


_UNUSUAL_SEPARATORS = ("_!_", "||", "::", "，", "；", "^", "~", "\\t")


def unusual_separator(lines: Sequence[str]) -> str:
    """A separator that is not read, but stands equally often in each of these lines; empty if there is none."""
    for separator in _UNUSUAL_SEPARATORS:
        counts = {line.count(separator) for line in lines}
        if len(counts) == 1 and 0 not in counts:
            return separator
    return ""


def separator_hint(lines: Sequence[str]) -> str:
    """A sentence on a separator that is not read; empty if the lines have none."""
    separator = unusual_separator(lines)
    words = lines[0].split(maxsplit=MAX_COLUMNS) if len(lines) == 1 else []
    if not separator and len({column_names.role(word) for word in words} - {None}) > 1:
        return tr("The fields seem to be separated by blanks: put tabs or commas there.")
    return (
        tr("The fields seem to be separated by {separator!r}: put commas or tabs there.", separator=separator)
        if separator
        else ""
    )
