"""Where the tokens of several text fields stand in a row of ids, and which are left out where a row is too long.

A row has room for a number of tokens. Fields that are longest lose tokens first, so that a short title stays whole: all
fields are cut to the largest common length at which the row fits. With `windows`, row k of a text has the k-th part of
each field, or the last one of a field with fewer parts.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.text.encoded import COVERS_WHOLE_TEXT, Positions, Truncation

NOT_A_TOKEN = -1
"""Stands for a special token in `Layout.source`."""


class Layout(NamedTuple):
    """Rows of tokens of several fields.

    Attributes:
        source: (ids,) which token of the fields each id is, or NOT_A_TOKEN.
        special: (ids,) number of the special token, where `source` has none; see `lay_out`.
        row_offsets: (rows + 1,) the ids of row i are those at `row_offsets[i]` to `row_offsets[i + 1]`.
        row_to_text: (rows,) the text that each row comes from.
        n_truncated: How many texts were too long.
    """

    source: Positions
    special: Positions
    row_offsets: Positions
    row_to_text: Positions
    n_truncated: int


class Specials(NamedTuple):
    """How many special tokens a row has: before the first field, between two fields, and after the last."""

    before: int
    between: int
    after: int


def lay_out(offsets: Positions, n_fields: int, max_length: int, truncation: Truncation, specials: Specials) -> Layout:
    """Arrange the tokens of texts of several fields in rows.

    Args:
        offsets: (texts * fields + 1,) the tokens of each field, text after text.
        n_fields: Fields of a text.
        max_length: Ids in a row, at most, the special ones included.
        truncation: What is kept of a field that is too long.
        specials: Special tokens. In `Layout.special` those before are 0, 1, ...; then those between; then those after.
    """
    room = max(max_length - specials.before - specials.after - specials.between * (n_fields - 1), n_fields)
    lengths = np.diff(offsets).reshape(-1, n_fields)
    limits = _limits(lengths, room)
    is_long = limits.sum(axis=1) < lengths.sum(axis=1)
    n_windows = np.maximum(-(-lengths // np.maximum(limits, 1)), 1).max(axis=1) * (truncation in COVERS_WHOLE_TEXT)
    n_rows = np.maximum(n_windows + (truncation == "all") * is_long, 1)
    row_to_text = np.repeat(np.arange(len(lengths)), n_rows)
    number = np.arange(len(row_to_text)) - np.repeat(n_rows.cumsum() - n_rows, n_rows)  # of the row in its text
    kept = limits[row_to_text]  # (rows, fields)
    left_out = lengths[row_to_text] - kept
    is_window = (number < n_windows[row_to_text])[:, None]
    begin = offsets[:-1].reshape(-1, n_fields)[row_to_text] + is_window * np.minimum(number[:, None] * kept, left_out)
    head = {"start": kept, "end": 0 * kept}.get(truncation, (kept + 3) // 4)
    before = np.full(n_fields, specials.between)
    before[0] = specials.before
    after = np.zeros(n_fields, np.int64)
    after[-1] = specials.after
    # Each field of each row is a piece: special tokens, tokens, special tokens.
    pieces = (before + kept + after).ravel()

    def by_id(values: npt.NDArray[np.integer[Any]]) -> Positions:
        """(ids,) the values of pieces (rows, fields) for each of their ids."""
        return np.repeat(np.broadcast_to(values, kept.shape).ravel(), pieces).astype(np.int64)

    leading, n_kept = by_id(before), by_id(kept)
    column = np.arange(pieces.sum()) - np.repeat(pieces.cumsum() - pieces, pieces) - leading
    is_token = (column >= 0) & (column < n_kept)
    jump = by_id(left_out * ~is_window) * (column >= by_id(head))
    first_special = by_id(np.where(np.arange(n_fields) > 0, specials.before, 0))
    trailing = specials.before + specials.between + column - n_kept
    return Layout(
        source=np.where(is_token, by_id(begin) + column + jump, NOT_A_TOKEN),
        special=np.where(column < 0, column + leading + first_special, trailing),
        row_offsets=np.concatenate([[0], (before + kept + after).sum(axis=1)]).cumsum(),
        row_to_text=row_to_text,
        n_truncated=int(is_long.sum()),
    )


def _limits(lengths: Positions, room: int) -> Positions:
    """(texts, fields) how many tokens of each field a row keeps: at most `room` of a text, the longest cut first."""
    n_fields = lengths.shape[1]
    rising = np.sort(lengths, axis=1)
    # The k shortest fields are whole; the others share what they leave.
    whole = np.cumsum(rising, axis=1) - rising
    shares = (room - whole) // (n_fields - np.arange(n_fields))
    fits = rising <= shares
    n_whole = np.where(fits.all(axis=1), n_fields, fits.argmin(axis=1))
    common = np.where(
        n_whole == n_fields,
        rising[:, -1],
        np.take_along_axis(shares, np.minimum(n_whole, n_fields - 1)[:, None], axis=1)[:, 0],
    )
    limits = np.minimum(lengths, common[:, None])
    spare = np.minimum(room, lengths.sum(axis=1)) - limits.sum(axis=1)  # fewer than the fields that are cut
    can_grow = lengths > limits
    return np.asarray(limits + (can_grow & (np.cumsum(can_grow, axis=1) <= spare[:, None])), np.int64)
