"""Texts as token ids, the common form of all text encoders; and how texts that are too long are truncated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import scipy

from tenor._core import disk_arrays
from tenor._core.records import JsonObject

PADDING = 0
"""The id of padding in every encoder."""
MAX_PROMPT = 2_000
"""Characters of the prompt of an encoder, at most."""

Ids = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int64]
Truncation = Literal["end", "start", "both", "windows", "all"]
"""What is kept of a text that is too long: its end, its start, both (a quarter from the start, the rest from the
end), windows (all of it, in several rows), or all (windows, and one more row with both)."""
COVERS_WHOLE_TEXT: tuple[Truncation, ...] = ("windows", "all")
"""The truncations that leave nothing out."""

Float = TypeVar("Float", bound=np.floating[Any])


@dataclass(frozen=True)
class Encoded:
    """Rows of token ids: those of row i are `ids[row_offsets[i]:row_offsets[i + 1]]`.

    Attributes:
        ids: (tokens,) int32.
        row_offsets: (rows + 1,) int64.
        row_to_text: (rows,) int64, rising: the text that each row comes from. Every text has at least one row.
        n_truncated: How many texts were longer than the maximum length.
        features: (texts, features) float32, a sparse matrix of SciPy: what the rows have besides texts; None: nothing.
    """

    ids: Ids
    row_offsets: Positions
    row_to_text: Positions
    n_truncated: int
    features: Any = None

    @property
    def lengths(self) -> Positions:
        """(rows,) ids in each row."""
        return np.diff(self.row_offsets)

    @property
    def rows_of_text(self) -> Positions:
        """(texts,) rows of each text."""
        return np.bincount(self.row_to_text)

    def pad(self, rows: Positions, width: int) -> Ids:
        """(rows, width) ids of the chosen rows, padded on the right with 0."""
        column, first = np.arange(width), self.row_offsets[rows][:, None]
        inside = column < self.row_offsets[rows + 1][:, None] - first
        padded = np.zeros((len(rows), width), np.int32)
        padded[inside] = self.ids[(first + column)[inside]]
        disk_arrays.drop_pages(self.ids)
        return padded

    def mean_by_text(self, values: npt.NDArray[Float]) -> npt.NDArray[Float]:
        """The mean over the rows of each text: (rows, outputs) -> (texts, outputs)."""
        if len(values) == 0 or self.row_to_text[-1] + 1 == len(values):
            return values
        sums = np.add.reduceat(values, np.searchsorted(self.row_to_text, np.arange(self.row_to_text[-1] + 1)))
        return np.asarray(sums / self.rows_of_text[:, None], values.dtype)


class Spans(NamedTuple):
    """Which characters of one text its ids come from.

    The id at position `at[k]` comes from the characters `text[begin[k]:end[k]]` of the original text. An id may have
    several spans: an n-gram has one for each of its tokens, wherever it occurs. A special token has none. Ids that are
    bytes of one character share its span.

    Attributes:
        at: (spans,) int64, rising.
        begin: (spans,) int64.
        end: (spans,) int64, above `begin`.
    """

    at: Positions
    begin: Positions
    end: Positions


class TextEncoder(Protocol):
    """Turns texts into token ids. The id 0 is padding."""

    @property
    def size(self) -> int:
        """Ids run from 0 to `size - 1`."""

    @property
    def n_special_tokens(self) -> int:
        """Special tokens around each row."""

    def token_id(self, token: str) -> int | None:
        """The id of a token, or None if the encoder has no such token."""

    def max_row_length(self, max_length: int) -> int:
        """The largest number of ids in a row of at most `max_length` tokens."""

    def encode(self, texts: Sequence[str], max_length: int, truncation: Truncation) -> Encoded:
        """The ids of the texts, with at most `max_length` tokens in a row."""

    def spans(self, text: str, max_length: int, truncation: Truncation) -> Spans:
        """The characters that the ids of `encode([text], max_length, truncation)` come from."""

    def to_dict(self) -> JsonObject:
        """The encoder as JSON for `encoder.json`, with `kind` first."""


def truncate(
    text_offsets: Positions, max_length: int, truncation: Truncation
) -> tuple[Positions, Positions, Positions]:
    """Truncate texts that are longer than `max_length` tokens.

    Args:
        text_offsets: (texts + 1,) the tokens of text i are those at `text_offsets[i]` to `text_offsets[i + 1]`.
        max_length: Tokens in a row, at most.
        truncation: What to keep.

    Returns:
        (kept,) the positions of the tokens kept, and `row_offsets` and `row_to_text` of `Encoded`.
    """
    lengths = np.diff(text_offsets)
    n_windows = np.maximum(-(-lengths // max_length), 1) * (truncation in COVERS_WHOLE_TEXT)
    n_rows = np.maximum(n_windows + (truncation == "all") * (lengths > max_length), 1)
    row_to_text = np.repeat(np.arange(len(lengths)), n_rows)
    number = np.arange(len(row_to_text)) - np.repeat(n_rows.cumsum() - n_rows, n_rows)  # of the row in its text
    n_kept = np.minimum(lengths, max_length)[row_to_text]
    n_left_out = lengths[row_to_text] - n_kept
    is_window = number < n_windows[row_to_text]
    # The last window ends with the text. Other rows leave out tokens after their head.
    begin = text_offsets[:-1][row_to_text] + is_window * np.minimum(number * max_length, n_left_out)
    head = {"start": max_length, "end": 0}.get(truncation, (max_length + 3) // 4)
    row_offsets = np.concatenate([[0], n_kept]).cumsum()
    column = np.arange(row_offsets[-1]) - np.repeat(row_offsets[:-1], n_kept)
    jump = np.repeat(n_left_out * ~is_window, n_kept) * (column >= head)
    return np.repeat(begin, n_kept) + column + jump, row_offsets, row_to_text


def concatenate(parts: Iterable[Encoded], on_disk: bool = False) -> Encoded:
    """Concatenate blocks of encoded texts.

    Args:
        parts: The blocks.
        on_disk: Write the result to disk, in little memory for any number of blocks.
    """
    if on_disk:
        return _concatenate_on_disk(parts)
    parts = list(parts)
    if not parts:
        return Encoded(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0, np.int64), 0)
    texts_before = np.concatenate([[0], [_n_texts(part) for part in parts]]).cumsum()
    return Encoded(
        ids=np.concatenate([part.ids for part in parts]),
        row_offsets=np.concatenate([[0], *[part.lengths for part in parts]]).cumsum(),
        row_to_text=np.concatenate(
            [part.row_to_text + before for part, before in zip(parts, texts_before, strict=False)]
        ),
        n_truncated=sum(part.n_truncated for part in parts),
        features=_stack([part.features for part in parts]),
    )


def _stack(matrices: Sequence[Any]) -> Any:
    """The features of all parts; None where a part has none."""
    if not matrices or any(matrix is None for matrix in matrices):
        return None
    return scipy.sparse.vstack(matrices, format="csr")


def _n_texts(part: Encoded) -> int:
    return int(part.row_to_text[-1]) + 1 if len(part.row_to_text) else 0


def _concatenate_on_disk(parts: Iterable[Encoded]) -> Encoded:
    ids, row_offsets = disk_arrays.Writer(np.int32), disk_arrays.Writer(np.int64)
    row_to_text = disk_arrays.Writer(np.int64)
    row_offsets.append([0])
    n_ids = n_texts = n_truncated = 0
    matrices = []
    for part in parts:
        matrices.append(part.features)
        ids.append(part.ids)
        row_offsets.append(part.row_offsets[1:] + n_ids)
        row_to_text.append(part.row_to_text + n_texts)
        n_ids, n_truncated = n_ids + len(part.ids), n_truncated + part.n_truncated
        n_texts += _n_texts(part)
    stacked = _stack(matrices)
    return Encoded(ids.finish(), row_offsets.finish(), row_to_text.finish(), n_truncated, stacked)


def group_spans(ids: Positions, begin: Positions, end: Positions) -> Spans:
    """Spans of ids that occur once each, sorted by id.

    Args:
        ids: (parts,) the id of each part; an id may have several.
        begin: (parts,) first character of each part.
        end: (parts,) the position after its last character; empty parts are left out.
    """
    _, at = np.unique(ids, return_inverse=True)
    order = np.argsort(at, kind="stable")
    order = order[(begin < end)[order]]
    return Spans(at[order], begin[order], end[order])
