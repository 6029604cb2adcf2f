"""What the characters of a text add to what a model says of it: the common form of every family's explanation."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.text.encoded import Spans

Shares = npt.NDArray[np.float64]

_LEAST = 1e-9  # what a span counts that adds nothing by itself


class Attribution(NamedTuple):
    """How a model comes to one number, a weighted sum of a text's logits: `base + characters.sum() + gap`.

    Attributes:
        characters: (characters,) what each adds.
        read: (characters,) whether the model reads it: False where a text was cut.
        base: What the model says where it is told nothing.
        gap: What numerical integration leaves over; 0 where weights are exact.
    """

    characters: Shares
    read: npt.NDArray[np.bool_]
    base: float
    gap: float = 0.0


def spread(spans: Spans, shares: Shares, length: int, own: Shares | None = None) -> Shares:
    """Give the share of each id to the characters of its spans: (characters,). Its sum stays the same.

    Args:
        spans: Where the ids stand in the text.
        shares: (ids,) what each id adds. That of an id without a span goes to no character.
        length: Characters of the text.
        own: (characters,) what each adds by itself: a span gets more of its id's share the more its own characters add,
            so that "a dreadful" counts for "dreadful"; None: all spans of an id get the same.
    """
    widths = spans.end - spans.begin
    first = np.repeat(widths.cumsum() - widths, widths)
    place = np.repeat(spans.begin, widths) + np.arange(len(first)) - first
    part = np.ones(len(spans.at))
    if own is not None and len(part):
        part = np.abs(np.add.reduceat(own[place], widths.cumsum() - widths)) / widths + _LEAST
    each = shares[spans.at] * part / np.bincount(spans.at, part, len(shares))[spans.at] / widths
    return np.bincount(place, np.repeat(each, widths), minlength=length).astype(np.float64)


def read_characters(kept: Spans, whole: Spans, length: int) -> npt.NDArray[np.bool_]:
    """Which characters a model reads: (characters,).

    Those between two tokens go with the one before them.

    Args:
        kept: Where the ids that the model gets stand.
        whole: Where all ids of the text stand, had it not been cut.
        length: Characters of the text.
    """
    edge = np.zeros(length + 1, np.int64)
    found = np.zeros(length, np.int64)
    for value, spans in ((-1, whole), (1, kept)):
        edge[:] = 0
        np.add.at(edge, spans.begin, 1)
        np.add.at(edge, spans.end, -1)
        found[edge[:-1].cumsum() > 0] = value
    last = np.maximum.accumulate(np.where(found != 0, np.arange(length), 0))
    return np.asarray(found[last] >= 0)
