"""Texts that are nearly the same, found without comparing every text with every other.

A text is known by the set of its pairs of neighbouring tokens (in Chinese, of characters); a single token pairs with
the text's end. Case, punctuation and HTML line breaks make no difference, as tokens have none.

Two texts are near duplicates where at least SHARE of all the pairs that either has stand in both (Jaccard). What to
compare is found by MinHash with one permutation (Li, Owen and Zhang, 2012): the range of the hashes is cut into
64 bins, the smallest hash of each bin is kept, and an empty bin takes that of the next one (Shrivastava and Li, 2014).
Two texts agree in a bin with a probability that is their Jaccard. Texts that agree in all four bins of one of the 16
bands are compared exactly; two that share 80% are missed about once in 5,000 times where they are long, once in 50
where they have some 15 tokens.
"""

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from tenor._core.threads import cores
from tenor.text import ngrams
from tenor.text.ngrams import BITS, NgramCounts
from tenor.text.tokenise import BLOCK_TEXTS, Hashes, Positions, blocks, mix, tokenise

MIN_SIMILARITY = 0.8

_BANDS, _BINS_OF_BAND = 16, 4
_BINS = _BANDS * _BINS_OF_BAND
_BIN_BITS = 6
_END = np.uint64(0xD6E8FEB86659FD93)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_ENTRIES = 1 << 21  # hashes that are compared at a time, so that memory stays small

assert 1 << _BIN_BITS == _BINS


def groups(pairs: NgramCounts, share: float = MIN_SIMILARITY) -> Positions:
    """Number the groups of near duplicates: (texts,), equal for texts that are linked by near duplicates.

    A text without a token, such as an empty one, is in a group of its own.

    Args:
        pairs: What `count_pairs` finds in the texts.
        share: The smallest Jaccard of two near duplicates, above 0.
    """
    one, other = _candidates(pairs)
    sizes, both = np.diff(pairs.row_offsets), count_common(pairs, one, other)
    near = both >= share * (sizes[one] + sizes[other] - both)
    return _linked(one[near], other[near], len(sizes))


def count_pairs(texts: Sequence[str]) -> NgramCounts:
    """Hashed pairs of neighbouring tokens of each text."""
    with ThreadPoolExecutor(cores()) as pool:
        return ngrams.concatenate(pool.map(_pairs, blocks(texts)))


def _pairs(block: Sequence[str]) -> NgramCounts:
    tokens = tokenise(block)
    single = np.flatnonzero(np.diff(tokens.text_offsets) == 1)
    hashes = np.insert(tokens.hashes, tokens.text_offsets[single + 1], _END)
    ends = np.zeros(len(tokens.text_offsets), np.int64)
    ends[single + 1] = 1
    return ngrams.count_hashes(hashes, tokens.text_offsets + ends.cumsum(), (2,))


def _linked(one: Positions, other: Positions, texts: int) -> Positions:
    """(texts,) number of the group of each, where `one[i]` and `other[i]` are linked."""
    links = scipy.sparse.coo_matrix((np.ones(len(one), bool), (one, other)), shape=(texts, texts))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _candidates(pairs: NgramCounts) -> tuple[Positions, Positions]:
    """Pairs of rows to compare, each once, the first row being the smaller one.

    Of the rows that agree in a band, each is compared with the first and with the one before it: many equal texts do
    not make very many pairs.
    """
    texts = len(pairs.row_offsets) - 1
    blocks_of_rows = [slice(begin, min(begin + BLOCK_TEXTS, texts)) for begin in range(0, texts, BLOCK_TEXTS)]
    with ThreadPoolExecutor(cores()) as pool:
        parts = list(pool.map(functools.partial(_bands, pairs), blocks_of_rows))
    rows = np.flatnonzero(np.diff(pairs.row_offsets))
    if not len(rows):
        return rows, rows
    bands = np.concatenate(parts)
    codes = []
    for band in bands.T:
        keys = band[rows]
        order = np.argsort(keys, kind="stable")
        same = keys[order][1:] == keys[order][:-1]
        sorted_rows = rows[order]
        begins = np.flatnonzero(np.concatenate([[True], ~same]))
        first = np.repeat(sorted_rows[begins], np.diff(begins, append=len(rows)))[1:]
        for earlier in (first, sorted_rows[:-1]):
            codes.append(earlier[same] * texts + sorted_rows[1:][same])
    code = np.unique(np.concatenate(codes))
    return code // texts, code % texts


def _bands(pairs: NgramCounts, rows: slice) -> Hashes:
    """(rows, bands) a hash of the four minima of each text in each band."""
    sizes = np.diff(pairs.row_offsets[rows.start : rows.stop + 1])
    buckets = pairs.buckets[pairs.row_offsets[rows.start] : pairs.row_offsets[rows.stop]]
    cells = np.repeat(np.arange(len(sizes)), sizes) * _BINS + (buckets >> (BITS - _BIN_BITS))
    smallest = np.flatnonzero(np.diff(cells, prepend=-1))  # buckets rise within a text
    minima = np.zeros((len(sizes), _BINS), np.uint64)
    minima.flat[cells[smallest]] = buckets[smallest].astype(np.uint64)
    filled = np.zeros(minima.shape, bool)
    filled.flat[cells[smallest]] = True
    position = np.where(np.tile(filled, 2), np.arange(2 * _BINS), 2 * _BINS)
    following = np.minimum.accumulate(position[:, ::-1], axis=1)[:, : _BINS - 1 : -1]
    minima = np.take_along_axis(minima, following % _BINS, axis=1)
    # The bins of a band stand far apart, since neighbours may have taken the same hash.
    bins = minima.reshape(len(sizes), _BINS_OF_BAND, _BANDS)
    keys = bins[:, 0]
    for further in range(1, _BINS_OF_BAND):
        keys = mix(keys * _STEP + bins[:, further])
    return keys


def count_common(pairs: NgramCounts, one: Positions, other: Positions) -> Positions:
    """How many entries the texts `one[i]` and `other[i]` have in common, for each i."""
    sizes = np.diff(pairs.row_offsets)
    both = np.zeros(len(one), np.int64)
    ends = (sizes[one] + sizes[other]).cumsum()
    begin = 0
    while begin < len(one):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _ENTRIES)))
        keys = np.concatenate([_keys(pairs, rows[begin:end]) for rows in (one, other)])
        keys.sort()
        common = keys[1:][keys[1:] == keys[:-1]]
        both[begin:end] = np.bincount(common >> BITS, minlength=end - begin)
        begin = end
    return both


def _keys(pairs: NgramCounts, rows: Positions) -> Positions:
    """Of the texts in `rows`, one after the other: position in `rows` and bucket in one number."""
    sizes = np.diff(pairs.row_offsets)[rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    within = np.arange(len(owner)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return np.asarray(owner << BITS | pairs.buckets[pairs.row_offsets[rows][owner] + within])
