"""Texts as ids, the common form of every way to encode them; and how texts that are too long are cut."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays

PADDING = 0
"""The id of padding in every encoder."""

Ids = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int64]
Truncation = Literal["end", "start", "both", "windows", "all"]
"""What is kept of a text that is too long: its end, its start, both (a quarter from the start, the rest from the
end), all of it in several rows, or all of it and both in one more row."""
COVERS_WHOLE_TEXT: tuple[Truncation, ...] = ("windows", "all")
"""Those that leave nothing out."""


@dataclass(frozen=True)
class Encoded:
    """Rows of ids: those of row i are `ids[first[i]:first[i + 1]]`.

    Attributes:
        ids: (tokens,) int32.
        row_offsets: (rows + 1,) int64.
        row_to_text: (rows,) int64: the text that a row is of. It rises, and every text has at least one row.
        n_truncated: How many texts were longer than the maximum.
    """

    ids: Ids
    row_offsets: Positions
    row_to_text: Positions
    n_truncated: int

    @property
    def lengths(self) -> Positions:
        """Tokens in each row."""
        return np.diff(self.row_offsets)

    @property
    def rows_of_text(self) -> Positions:
        """(texts,) rows that each text has."""
        return np.bincount(self.row_to_text)

    def pad(self, rows: Positions, width: int) -> Ids:
        """Ids of the chosen rows as (rows, width), padded on the right with 0."""
        column, first = np.arange(width), self.row_offsets[rows][:, None]
        inside = column < self.row_offsets[rows + 1][:, None] - first
        padded = np.zeros((len(rows), width), np.int32)
        padded[inside] = self.ids[(first + column)[inside]]
        disk_arrays.drop_pages(self.ids)
        return padded

    def mean_by_text(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The mean over the rows of each text: (rows, width) -> (texts, width)."""
        if len(values) == 0 or self.row_to_text[-1] + 1 == len(values):
            return values
        sums = np.add.reduceat(values, np.searchsorted(self.row_to_text, np.arange(self.row_to_text[-1] + 1)))
        return np.asarray(sums / self.rows_of_text[:, None], values.dtype)


class Spans(NamedTuple):
    """Which characters of one text its ids come from.

    Span k says that the id at position `at[k]` comes from the characters `text[begin[k]:end[k]]` of the text as it was
    given, before anything was folded, normalised or cut. An id may have several spans: an n-gram has one for each of
    its tokens, wherever it stands. A special token has none. Ids that are bytes of one character share its span.

    Attributes:
        at: (spans,) int64, rising.
        begin: (spans,) int64.
        end: (spans,) int64, above `begin`.
    """

    at: Positions
    begin: Positions
    end: Positions


class TextEncoder(Protocol):
    """Turns texts into ids, 0 being padding."""

    @property
    def size(self) -> int:
        """Ids run from 0 to `size - 1`."""

    def max_row_length(self, maximum: int) -> int:
        """Ids in a row of at most `maximum` tokens."""

    def encode(self, texts: Sequence[str], maximum: int, keep: Truncation) -> Encoded:
        """Ids of the texts, with at most `maximum` tokens in a row."""

    def spans(self, text: str, maximum: int, keep: Truncation) -> Spans:
        """Where the ids of `encode([text], maximum, keep)` come from, `at` being positions in its `ids`."""

    def describe(self) -> dict[str, Any]:
        """What `encoder.json` holds, with `kind` first."""


def truncate(first: Positions, maximum: int, keep: Truncation) -> tuple[Positions, Positions, Positions]:
    """Cut texts that are longer than `maximum` tokens.

    Args:
        first: (texts + 1,): the tokens of text i are those at `first[i]` to `first[i + 1]`.
        maximum: Tokens in a row, at most.
        keep: What is kept.

    Returns:
        The positions of the tokens kept, and `first` and `text` of `Encoded`.
    """
    lengths = np.diff(first)
    windows = np.maximum(-(-lengths // maximum), 1) * (keep in COVERS_WHOLE_TEXT)
    rows = np.maximum(windows + (keep == "all") * (lengths > maximum), 1)
    text = np.repeat(np.arange(len(lengths)), rows)
    number = np.arange(len(text)) - np.repeat(rows.cumsum() - rows, rows)
    kept = np.minimum(lengths, maximum)[text]
    left_out = lengths[text] - kept
    window = number < windows[text]
    begin = first[:-1][text] + window * np.minimum(number * maximum, left_out)  # the last ends with the text
    head = {"start": maximum, "end": 0}.get(keep, (maximum + 3) // 4)  # after it something is left out
    row_first = np.concatenate([[0], kept]).cumsum()
    column = np.arange(row_first[-1]) - np.repeat(row_first[:-1], kept)
    jump = np.repeat(left_out * ~window, kept) * (column >= head)
    return np.repeat(begin, kept) + column + jump, row_first, text


def concatenate(parts: Iterable[Encoded], on_disk: bool = False) -> Encoded:
    """Put blocks of encoded texts one after the other; with `on_disk` there, in little memory for any number."""
    if on_disk:
        return _store(parts)
    parts = list(parts)
    if not parts:
        return Encoded(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0, np.int64), 0)
    texts = np.concatenate([[0], [part.row_to_text[-1] + 1 if len(part.row_to_text) else 0 for part in parts]]).cumsum()
    return Encoded(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([[0], *[part.lengths for part in parts]]).cumsum(),
        np.concatenate([part.row_to_text + before for part, before in zip(parts, texts, strict=False)]),
        sum(part.n_truncated for part in parts),
    )


def _store(parts: Iterable[Encoded]) -> Encoded:
    ids, first, text = disk_arrays.Writer(np.int32), disk_arrays.Writer(np.int64), disk_arrays.Writer(np.int64)
    first.append([0])
    tokens = texts = cut = 0
    for part in parts:
        ids.append(part.ids)
        first.append(part.row_offsets[1:] + tokens)
        text.append(part.row_to_text + texts)
        tokens, cut = tokens + len(part.ids), cut + part.n_truncated
        texts += int(part.row_to_text[-1]) + 1 if len(part.row_to_text) else 0
    return Encoded(ids.finish(), first.finish(), text.finish(), cut)


def group_spans(ids: Positions, begin: Positions, end: Positions) -> Spans:
    """Spans of ids of which each stands once, rising; several pairs of `begin` and `end` may be of one id."""
    _, at = np.unique(ids, return_inverse=True)
    order = np.argsort(at, kind="stable")
    order = order[(begin < end)[order]]
    return Spans(at[order], begin[order], end[order])
