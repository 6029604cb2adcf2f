"""Texts that are part of a longer one: a phrase and its sentence, a message and the answer that quotes it.

As for near duplicates, a text is represented by its pairs of neighbouring tokens. A longer text contains it if it has
all its pairs, two or more. One such container is enough. It is looked for among the longest texts that have the rarest
pair, so that time grows with the number of pairs alone. A very long text has the pairs of many short ones by chance, so
it does not count as their container.
"""

from collections.abc import Iterator

import numpy as np

from tenor.text.document_frequency import DocumentFrequency
from tenor.text.duplicates import count_common
from tenor.text.field_buckets import BITS
from tenor.text.ngrams import NgramCounts
from tenor.text.tokenise import Positions

_MIN_PAIRS = 2  # of a contained text; one pair is just two words that many texts have
_MAX_CANDIDATES = 8  # longest texts in which a text is looked for
_MAX_RATIO = 200  # pairs of a container for one of the contained text: with more, they may be there by chance
_BLOCK_ENTRIES = 1 << 21  # pairs that are read together, so that memory stays small


def find_containers(pairs: NgramCounts) -> Positions:
    """Find a longer text that contains each text.

    Args:
        pairs: The texts' pairs, from `duplicates.count_pairs`.

    Returns:
        (texts,) the position of a container that is itself contained in no text; the own position if there is none.
    """
    sizes = np.diff(pairs.row_offsets)
    rarest, n_texts = _rarest_pairs(pairs)
    texts = np.flatnonzero((sizes >= _MIN_PAIRS) & (n_texts > 1))
    candidates, begin, end = _texts_with(pairs, rarest[texts])
    container = np.arange(len(sizes))
    for _ in range(_MAX_CANDIDATES):
        left = begin < end
        texts, begin, end = texts[left], begin[left], end[left]
        candidate = candidates[begin]
        longer = sizes[candidate] > sizes[texts]  # if this candidate is not longer, no later one is
        texts, begin, end, candidate = (each[longer] for each in (texts, begin, end, candidate))
        inside = count_common(pairs, texts, candidate) == sizes[texts]
        inside &= sizes[candidate] <= _MAX_RATIO * sizes[texts]
        container[texts[inside]] = candidate[inside]
        texts, begin, end = texts[~inside], begin[~inside] + 1, end[~inside]
    while (container[container] != container).any():
        container = container[container]
    return container


def _rarest_pairs(pairs: NgramCounts) -> tuple[Positions, Positions]:
    """(texts,) the pair of each text that fewest texts have, and how many have it; 0 if the text has no pair."""
    frequency = DocumentFrequency.of(pairs)
    n_texts = len(pairs.row_offsets) - 1
    rarest, texts_with = np.zeros(n_texts, np.int64), np.zeros(n_texts, np.int64)
    for rows, entries in _blocks(pairs):
        # The number of texts and the pair share one number, so that its minimum gives both.
        keys = frequency.texts_with(pairs.buckets[entries]) << BITS | pairs.buckets[entries]
        filled = rows.start + np.flatnonzero(np.diff(pairs.row_offsets[rows.start : rows.stop + 1]))
        smallest = np.minimum.reduceat(keys, pairs.row_offsets[filled] - entries.start)
        rarest[filled], texts_with[filled] = smallest & ((1 << BITS) - 1), smallest >> BITS
    return rarest, texts_with


def _texts_with(pairs: NgramCounts, buckets: Positions) -> tuple[Positions, Positions, Positions]:
    """The texts that have each of some pairs, the longest first.

    Returns:
        Texts, and for each of `buckets` the begin and the end of its texts among them.
    """
    is_chosen = np.zeros(1 << BITS, bool)
    is_chosen[buckets] = True
    sizes = np.diff(pairs.row_offsets)
    blocks = [np.zeros((2, 0), np.int64)]
    for _, entries in _blocks(pairs):
        chosen = np.flatnonzero(is_chosen[pairs.buckets[entries]]) + entries.start
        blocks.append(np.stack([pairs.buckets[chosen], np.searchsorted(pairs.row_offsets, chosen, "right") - 1]))
    of_text, texts = np.concatenate(blocks, axis=1)
    order = np.lexsort((texts, -sizes[texts], of_text))
    of_text, texts = of_text[order], texts[order]
    return texts, np.searchsorted(of_text, buckets), np.searchsorted(of_text, buckets, "right")


def _blocks(pairs: NgramCounts) -> Iterator[tuple[slice, slice]]:
    """Blocks of texts, and of their entries: about _BLOCK_ENTRIES each."""
    n_texts, begin = len(pairs.row_offsets) - 1, 0
    while begin < n_texts:
        limit = pairs.row_offsets[begin] + _BLOCK_ENTRIES
        end = max(begin + 1, int(np.searchsorted(pairs.row_offsets, limit, "right")) - 1)
        yield slice(begin, end), slice(int(pairs.row_offsets[begin]), int(pairs.row_offsets[end]))
        begin = end
