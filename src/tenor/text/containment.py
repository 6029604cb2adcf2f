"""Texts that are part of a longer one: a phrase and its sentence, a message and the answer that quotes it.

As for near duplicates, a text is known by its pairs of neighbouring tokens. It is part of a longer text where all its
pairs, two or more, stand there. Where it is part of many, one is enough to know; it is looked for among the longest
texts that have its rarest pair, so that time grows with the number of pairs alone. A very long text has the pairs of
many short ones by chance, so it is told of as theirs no more.
"""

from collections.abc import Iterator

import numpy as np

from tenor.text import ngrams
from tenor.text.duplicates import count_common
from tenor.text.ngrams import BITS, NgramCounts
from tenor.text.tokenise import Positions

_FEWEST_PAIRS = 2  # of a part; one pair is no more than two words that many texts have
_LONGEST = 8  # texts that a part is looked for in
_MOST_TIMES = 200  # as many pairs has a text that a part is told of at most: in more, a part's may stand by chance
_ENTRIES = 1 << 21  # pairs that are looked at together, so that memory stays small


def find_containers(pairs: NgramCounts) -> Positions:
    """(texts,) the position of a longer text that each is part of, and no part itself; its own where there is none.

    Args:
        pairs: What `count_pairs` finds in the texts.
    """
    sizes = np.diff(pairs.row_offsets)
    rarest, texts_with = _rarest(pairs)
    parts = np.flatnonzero((sizes >= _FEWEST_PAIRS) & (texts_with > 1))
    holders, first, last = _holders(pairs, rarest[parts])
    found = np.arange(len(sizes))
    for _ in range(_LONGEST):
        left = first < last
        parts, first, last = parts[left], first[left], last[left]
        holder = holders[first]
        longer = sizes[holder] > sizes[parts]  # so are the earlier ones; the later ones are not
        parts, first, last, holder = (each[longer] for each in (parts, first, last, holder))
        inside = (count_common(pairs, parts, holder) == sizes[parts]) & (sizes[holder] <= _MOST_TIMES * sizes[parts])
        found[parts[inside]] = holder[inside]
        parts, first, last = parts[~inside], first[~inside] + 1, last[~inside]
    while (found[found] != found).any():
        found = found[found]
    return found


def _rarest(pairs: NgramCounts) -> tuple[Positions, Positions]:
    """Each text's pair that fewest texts have, (texts,), the first of several, and how many have it; 0 for no pair."""
    frequency = ngrams.document_frequency(pairs).astype(np.int32)
    texts = len(pairs.row_offsets) - 1
    rarest, texts_with = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    for rows, entries in _runs(pairs):
        # One number to look for the smallest of: how many texts have a pair, and the pair.
        keys = frequency[pairs.buckets[entries]].astype(np.int64) << BITS | pairs.buckets[entries]
        filled = rows.start + np.flatnonzero(np.diff(pairs.row_offsets[rows.start : rows.stop + 1]))
        smallest = np.minimum.reduceat(keys, pairs.row_offsets[filled] - entries.start)
        rarest[filled], texts_with[filled] = smallest & ((1 << BITS) - 1), smallest >> BITS
    return rarest, texts_with


def _holders(pairs: NgramCounts, wanted: Positions) -> tuple[Positions, Positions, Positions]:
    """The texts that have the pairs `wanted`, the longest of each first.

    Returns:
        Texts; and those that have `wanted[i]` are from `first[i]` to `last[i]` of them.
    """
    among = np.zeros(1 << BITS, bool)
    among[wanted] = True
    sizes = np.diff(pairs.row_offsets)
    found = [np.zeros((2, 0), np.int64)]
    for _, entries in _runs(pairs):
        chosen = np.flatnonzero(among[pairs.buckets[entries]]) + entries.start
        found.append(np.stack([pairs.buckets[chosen], np.searchsorted(pairs.row_offsets, chosen, "right") - 1]))
    buckets, texts = np.concatenate(found, axis=1)
    order = np.lexsort((texts, -sizes[texts], buckets))
    buckets, texts = buckets[order], texts[order]
    return texts, np.searchsorted(buckets, wanted), np.searchsorted(buckets, wanted, "right")


def _runs(pairs: NgramCounts) -> Iterator[tuple[slice, slice]]:
    """Runs of texts, and of their entries: about _ENTRIES each."""
    texts, begin = len(pairs.row_offsets) - 1, 0
    while begin < texts:
        end = max(begin + 1, int(np.searchsorted(pairs.row_offsets, pairs.row_offsets[begin] + _ENTRIES, "right")) - 1)
        yield slice(begin, end), slice(int(pairs.row_offsets[begin]), int(pairs.row_offsets[end]))
        begin = end
