"""Texts that are nearly the same, found without comparing every text with every other.

A text is represented by the set of its pairs of neighbouring tokens (in Chinese, of characters); a single token pairs
with the end of the text. Case, punctuation and HTML line breaks make no difference, since tokens have none.

Two texts are near duplicates if their Jaccard similarity is at least MIN_SIMILARITY: the share of all pairs in either
text that are in both. Candidates are found by MinHash with one permutation (Li, Owen and Zhang, 2012). The range of
the hashes is cut into 64 bins, and the smallest hash of each bin is kept; an empty bin takes that of the next one
(Shrivastava and Li, 2014). Two texts agree in a bin with a probability that equals their similarity. Texts that agree
in all four bins of one of the 16 bands are compared exactly. Two texts with a similarity of 80% are missed about once
in 5,000 cases if they are long, and once in 50 if they have some 15 tokens.
"""

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from tenor._core.threads import available_cores
from tenor.text import ngrams
from tenor.text.field_buckets import BITS
from tenor.text.ngrams import NgramCounts
from tenor.text.tokenise import BLOCK_TEXTS, Hashes, Positions, blocks, mix, tokenise

MIN_SIMILARITY = 0.8

_BANDS, _BINS_OF_BAND = 16, 4
_BINS = _BANDS * _BINS_OF_BAND
_BIN_BITS = 6
_END = np.uint64(0xD6E8FEB86659FD93)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_BLOCK_ENTRIES = 1 << 21  # hashes that are compared at a time, so that memory stays small

assert 1 << _BIN_BITS == _BINS


def groups(pairs: NgramCounts, min_similarity: float = MIN_SIMILARITY) -> Positions:
    """Find the groups of near duplicates.

    Args:
        pairs: The texts' pairs, from `count_pairs`.
        min_similarity: The smallest Jaccard similarity of two near duplicates, above 0.

    Returns:
        (texts,) number of each text's group. Texts that are linked by near duplicates share a group; a text without a
        token is alone.
    """
    one, other = _candidates(pairs)
    sizes, both = np.diff(pairs.row_offsets), count_common(pairs, one, other)
    near = both >= min_similarity * (sizes[one] + sizes[other] - both)
    return _linked(one[near], other[near], len(sizes))


def count_pairs(texts: Sequence[str]) -> NgramCounts:
    """Count the hashed pairs of neighbouring tokens in each text."""
    with ThreadPoolExecutor(available_cores()) as pool:
        return ngrams.concatenate(pool.map(_pairs, blocks(texts)))


def _pairs(block: Sequence[str]) -> NgramCounts:
    """`count_pairs` of one block. A text with a single token gets the hash _END after it."""
    tokens = tokenise(block)
    single = np.flatnonzero(np.diff(tokens.text_offsets) == 1)
    hashes = np.insert(tokens.hashes, tokens.text_offsets[single + 1], _END)
    ends = np.zeros(len(tokens.text_offsets), np.int64)
    ends[single + 1] = 1
    return ngrams.count_hashes(hashes, tokens.text_offsets + ends.cumsum(), (2,))


def _linked(one: Positions, other: Positions, texts: int) -> Positions:
    """(texts,) number of each text's group, if `one[i]` and `other[i]` are linked for each i."""
    links = scipy.sparse.coo_matrix((np.ones(len(one), bool), (one, other)), shape=(texts, texts))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _candidates(pairs: NgramCounts) -> tuple[Positions, Positions]:
    """Pairs of rows to compare, each once and with the smaller row first.

    Each of the rows that agree in a band is compared with the first of them and with the one before it. This keeps the
    number of pairs small if many texts are equal.
    """
    texts = len(pairs.row_offsets) - 1
    blocks_of_rows = [slice(begin, min(begin + BLOCK_TEXTS, texts)) for begin in range(0, texts, BLOCK_TEXTS)]
    with ThreadPoolExecutor(available_cores()) as pool:
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
    """(rows, bands) for each text and band a hash of the smallest hashes in its four bins."""
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
    # The bins of a band are far apart, since neighbouring ones may hold the same hash.
    bins = minima.reshape(len(sizes), _BINS_OF_BAND, _BANDS)
    keys = bins[:, 0]
    for further in range(1, _BINS_OF_BAND):
        keys = mix(keys * _STEP + bins[:, further])
    return keys


def count_common(pairs: NgramCounts, one: Positions, other: Positions) -> Positions:
    """(pairs,) how many entries the texts `one[i]` and `other[i]` have in common."""
    sizes = np.diff(pairs.row_offsets)
    both = np.zeros(len(one), np.int64)
    ends = (sizes[one] + sizes[other]).cumsum()
    begin = 0
    while begin < len(one):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _BLOCK_ENTRIES)))
        keys = np.concatenate([_keys(pairs, rows[begin:end]) for rows in (one, other)])
        keys.sort()
        common = keys[1:][keys[1:] == keys[:-1]]
        both[begin:end] = np.bincount(common >> BITS, minlength=end - begin)
        begin = end
    return both


def _keys(pairs: NgramCounts, rows: Positions) -> Positions:
    """The entries of the texts `rows`, as (position in `rows`, bucket) in one number."""
    sizes = np.diff(pairs.row_offsets)[rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    within = np.arange(len(owner)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return np.asarray(owner << BITS | pairs.buckets[pairs.row_offsets[rows][owner] + within])
