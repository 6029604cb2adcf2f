"""The common form of every family's explanation: what each character of a text adds to the model's output."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.text.encoded import Spans

Shares = npt.NDArray[np.float64]
"""What ids or characters add to a model's output; they sum up to it."""

_MIN_SHARE = 1e-9  # the weight of a span that adds nothing by itself


FeatureShares = tuple[tuple[str, float], ...]
"""What each feature beside the text adds to a model's output: its name, and its share."""


class Attribution(NamedTuple):
    """How a model comes to a weighted sum of a text's logits.

    The sum is `base_value + characters.sum() + convergence_delta`, and what the features add.

    Attributes:
        characters: (characters,) what each adds.
        was_read: (characters,) whether the model reads it: False where the text was truncated.
        base_value: The weighted sum for an empty text.
        convergence_delta: What numerical integration leaves over; 0 where the attribution is exact.
        features: What the numbers, categories and dates beside the text add, and the similarity of a pair of texts.
    """

    characters: Shares
    was_read: npt.NDArray[np.bool_]
    base_value: float
    convergence_delta: float = 0.0
    features: FeatureShares = ()


def share_by_character(spans: Spans, shares: Shares, length: int, own: Shares | None = None) -> Shares:
    """Divide the share of each id among the characters of its spans: (characters,). The sum stays the same.

    Args:
        spans: Where the ids are in the text.
        shares: (ids,) what each id adds. The share of an id without a span goes to no character.
        length: Number of characters in the text.
        own: (characters,) what each adds by itself. A span gets more of its id's share the more its own characters
            add, so that in "a dreadful" the word "dreadful" gets it. None: all spans of an id get the same.
    """
    widths = spans.end - spans.begin
    starts = np.repeat(widths.cumsum() - widths, widths)
    positions = np.repeat(spans.begin, widths) + np.arange(len(starts)) - starts
    span_weights = np.ones(len(spans.at))
    if own is not None and len(span_weights):
        span_weights = np.abs(np.add.reduceat(own[positions], widths.cumsum() - widths)) / widths + _MIN_SHARE
    totals = np.bincount(spans.at, span_weights, len(shares))[spans.at]
    per_character = shares[spans.at] * span_weights / totals / widths
    return np.bincount(positions, np.repeat(per_character, widths), minlength=length).astype(np.float64)


def mark_read_characters(kept: Spans, whole: Spans, length: int) -> npt.NDArray[np.bool_]:
    """Which characters a model reads: (characters,). Those between two tokens go with the token before them.

    Args:
        kept: Where the ids that the model gets are.
        whole: Where all ids of the text are, without truncation.
        length: Number of characters in the text.
    """
    edges = np.zeros(length + 1, np.int64)
    state = np.zeros(length, np.int64)  # 1: read, -1: truncated, 0: between tokens
    for value, spans in ((-1, whole), (1, kept)):
        edges[:] = 0
        np.add.at(edges, spans.begin, 1)
        np.add.at(edges, spans.end, -1)
        state[edges[:-1].cumsum() > 0] = value
    last_token = np.maximum.accumulate(np.where(state != 0, np.arange(length), 0))
    return np.asarray(state[last_token] >= 0)
