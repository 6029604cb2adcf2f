"""Texts -> counts of hashed n-grams, as compressed sparse rows.

An n-gram is a run of n neighbouring tokens, or of n neighbouring characters. Its hash mixes those of its parts, and the
top bits of the hash are its bucket (Weinberger et al., 2009, "Feature Hashing for Large Scale Multitask Learning"). All
n-grams share the buckets.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays
from tenor._core.callbacks import Callback
from tenor._core.threads import parallel_map
from tenor.data.blocks import row_blocks
from tenor.data.text_source import text_source
from tenor.text import encoded
from tenor.text.encoded import Spans
from tenor.text.tokenise import BLOCK_TEXTS, Hashes, Positions, blocks, hash_characters, mix, tokenise

BITS = 22  # buckets: 2^22; a text's number in its block and a bucket share 32 bits, so that sorting is fast
_STEP = np.uint64(0x9E3779B97F4A7C15)
_RUN = 1 << 22  # entries that are looked at together

assert BLOCK_TEXTS <= 1 << (32 - BITS)


class NgramCounts(NamedTuple):
    """Counts of buckets: text i has `counts[row[i]:row[i + 1]]` of the buckets `buckets[row[i]:row[i + 1]]`.

    Attributes:
        row_offsets: (texts + 1,) int64.
        buckets: (entries,) int32, rising within a text.
        counts: (entries,) int32, 1 or more.
    """

    row_offsets: npt.NDArray[np.int64]
    buckets: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]


def count(
    texts: Sequence[str],
    orders: Sequence[int],
    character_orders: Sequence[int] = (),
    callback: Callback | None = None,
) -> NgramCounts:
    """Count the hashed n-grams of tokens and of characters in each text; either may have no orders.

    On all cores; the result does not depend on their number. Counts of texts on disk are on disk.
    """
    callback = callback or Callback()

    def count_block(block: Sequence[str]) -> NgramCounts:
        keys = []
        if orders:
            tokens = tokenise(block)
            keys += _keys(tokens.hashes, tokens.text_offsets, orders)
        if character_orders:
            characters_of = hash_characters(block)
            keys += _keys(characters_of.hashes, characters_of.text_offsets, character_orders)
        return _tally(keys, len(block))

    def counted() -> Iterator[NgramCounts]:
        done = 0
        for part in parallel_map(count_block, blocks(texts)):
            yield part
            done += len(part.row_offsets) - 1
            callback.on_progress("count", done, len(texts), {})

    parts = counted()
    return concatenate(parts, text_source(texts).on_disk)


def spans(text: str, orders: Sequence[int], character_orders: Sequence[int] = ()) -> Spans:
    """Which characters the counts of `count([text], ...)` come from; `at` is the position in its `buckets`."""
    tokens, single = tokenise([text]), hash_characters([text])
    found = ngram_spans(tokens.hashes, tokens.begin, tokens.end, orders)
    # A text's characters stand between two blanks, which are none of its own.
    begin, end = (np.clip(edge - 1, 0, len(text)) for edge in (single.begin, single.end))
    of_characters = ngram_spans(single.hashes, begin, end, character_orders)
    buckets, begin, end = (np.concatenate([one, other]) for one, other in zip(found, of_characters, strict=True))
    return encoded.group_spans(buckets, begin, end)


def ngram_spans(
    hashes: Hashes, begin: Positions, end: Positions, orders: Sequence[int]
) -> tuple[Positions, Positions, Positions]:
    """Where the n-grams of one text are, whose tokens are `begin` to `end`: bucket, begin and end of each part."""
    buckets, parts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    rising = sorted(set(orders))
    for order, keys in zip(rising, _keys(hashes, np.array([0, len(hashes)]), rising), strict=True):
        buckets.append(np.repeat(keys.astype(np.int64), order))
        parts.append((np.arange(len(keys))[:, None] + np.arange(order)).ravel())
    part = np.concatenate(parts)
    return np.concatenate(buckets), begin[part], end[part]


def concatenate(parts: Iterable[NgramCounts], on_disk: bool = False) -> NgramCounts:
    """Put blocks of counts one under the other; with `on_disk` there, in little memory for any number."""
    if on_disk:
        return _store(parts)
    parts = list(parts)
    if not parts:
        return NgramCounts(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    row = np.concatenate([[0], *[np.diff(part.row_offsets) for part in parts]]).cumsum()
    return NgramCounts(
        row, np.concatenate([part.buckets for part in parts]), np.concatenate([part.counts for part in parts])
    )


def _store(parts: Iterable[NgramCounts]) -> NgramCounts:
    """As `concatenate`, on disk."""
    row, buckets, counts = disk_arrays.Writer(np.int64), disk_arrays.Writer(np.int32), disk_arrays.Writer(np.int32)
    row.append([0])
    entries = 0
    for part in parts:
        row.append(part.row_offsets[1:] + entries)
        buckets.append(part.buckets)
        counts.append(part.counts)
        entries += int(part.row_offsets[-1])
    return NgramCounts(row.finish(), buckets.finish(), counts.finish())


def count_hashes(hashes: Hashes, first: Positions, orders: Sequence[int]) -> NgramCounts:
    """Count the n-grams of one block of at most BLOCK_TEXTS texts; text i has `hashes[first[i]:first[i + 1]]`."""
    return _tally(_keys(hashes, first, orders), len(first) - 1)


def _keys(hashes: Hashes, first: Positions, orders: Sequence[int]) -> list[npt.NDArray[np.uint32]]:
    """For each order the n-grams as (number of the text, bucket) in 32 bits."""
    owner = np.repeat(np.arange(len(first) - 1, dtype=np.uint32), np.diff(first))
    keys, grams = [], hashes
    for order in range(1, max(orders, default=0) + 1):
        if order > 1:
            grams = mix(grams[:-1] * _STEP + hashes[order - 1 :])
        if order in orders:
            key = owner[: len(grams)] << np.uint32(BITS) | (grams >> np.uint64(64 - BITS)).astype(np.uint32)
            keys.append(key[owner[: len(grams)] == owner[order - 1 :]] if order > 1 else key)
    return keys


def _tally(keys: list[npt.NDArray[np.uint32]], texts: int) -> NgramCounts:
    """Count equal keys."""
    key = np.concatenate(keys)
    key.sort()
    first = np.ones(len(key), bool)
    np.not_equal(key[1:], key[:-1], out=first[1:])
    begin = np.flatnonzero(first)
    key = key[begin]
    row = np.zeros(texts + 1, np.int64)
    np.cumsum(np.bincount(key >> np.uint32(BITS), minlength=texts), out=row[1:])
    buckets = (key & np.uint32((1 << BITS) - 1)).astype(np.int32)
    return NgramCounts(row, buckets, np.diff(begin, append=len(first)).astype(np.int32))


def take(counts: NgramCounts, rows: npt.NDArray[np.int64]) -> NgramCounts:
    """The counts of the chosen texts, in that order."""
    lengths = np.diff(counts.row_offsets)[rows]
    row = np.concatenate([[0], lengths]).cumsum()
    entries = np.arange(row[-1]) + np.repeat(counts.row_offsets[rows] - row[:-1], lengths)
    return NgramCounts(row, counts.buckets[entries], counts.counts[entries])


def document_frequency(counts: NgramCounts) -> npt.NDArray[np.int64]:
    """(2^BITS,) in how many texts each bucket occurs."""
    return np.asarray(
        sum(
            (np.bincount(run, minlength=1 << BITS) for run in row_blocks(counts.buckets, _RUN)),
            np.zeros(1 << BITS, np.int64),
        )
    )


def frequent_buckets(frequency: npt.NDArray[np.int64], minimum_texts: int) -> npt.NDArray[np.int32]:
    """The buckets that occur in most texts, the most frequent first, so that what is needed most shares a cache.

    Those in at least `minimum_texts` texts; all, where there are none.
    """
    buckets = np.flatnonzero(frequency >= minimum_texts)
    if not len(buckets):
        buckets = np.flatnonzero(frequency)
    return buckets[np.argsort(-frequency[buckets], kind="stable")].astype(np.int32)


def bucket_positions(buckets: Sequence[int] | npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """(2^BITS,) bucket -> its position in `buckets`, -1 where it is not among them."""
    found = np.full(1 << BITS, -1, np.int32)
    found[np.asarray(buckets, np.int64)] = np.arange(len(buckets), dtype=np.int32)
    return found
