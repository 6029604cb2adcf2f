"""Texts -> counts of hashed n-grams, as compressed sparse rows.

An n-gram is n neighbouring tokens, or n neighbouring characters. Its hash mixes the hashes of its parts, and the top
bits of the hash are its bucket (Weinberger et al., 2009, "Feature Hashing for Large Scale Multitask Learning"). All
n-grams share the buckets; `field_buckets` gives those of several fields buckets of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core import disk_arrays
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.threads import parallel_map
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.data.text_source import text_source
from tenor.text import encoded
from tenor.text.encoded import Spans
from tenor.text.field_buckets import BITS, BucketSpans, FieldBuckets, row_keys, row_spans, split_texts
from tenor.text.tokenise import BLOCK_TEXTS, Hashes, Positions, blocks, hash_characters, mix, tokenise

_STEP = np.uint64(0x9E3779B97F4A7C15)


class NgramCounts(NamedTuple):
    """Counts of buckets, as compressed sparse rows.

    Text i has the counts `counts[row_offsets[i]:row_offsets[i + 1]]` of the same slice of `buckets`.

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
    word_ngrams: Sequence[int],
    char_ngrams: Sequence[int] = (),
    callback: Callback | None = None,
    fields: Fields = SINGLE_TEXT,
    field_buckets: FieldBuckets = "shared",
) -> NgramCounts:
    """Count the hashed n-grams of tokens and of characters in each text, on all cores.

    Args:
        texts: The texts.
        word_ngrams: Lengths of the n-grams of tokens; may be empty.
        char_ngrams: Lengths of the n-grams of characters; may be empty.
        callback: Gets the progress.
        fields: The columns that a text is joined from; n-grams come from the text fields.
        field_buckets: How the n-grams of several text fields share the buckets.

    Returns:
        The counts, on disk if the texts are. They do not depend on the number of cores.
    """
    callback = callback or Callback()

    def count_one(block: Sequence[str]) -> NgramCounts:
        return count_block(block, word_ngrams, char_ngrams, fields, field_buckets)

    def counted() -> Iterator[NgramCounts]:
        done = 0
        for part in parallel_map(count_one, text_blocks(texts, fields)):
            yield part
            done += len(part.row_offsets) - 1
            callback.on_progress(tr("count"), done, len(texts), {})

    return concatenate(counted(), text_source(texts).on_disk)


def text_blocks(texts: Sequence[str], fields: Fields = SINGLE_TEXT) -> Iterator[Sequence[str]]:
    """The texts in blocks that `count_block` can count."""
    return blocks(texts, BLOCK_TEXTS // len(fields.texts))


def count_block(
    block: Sequence[str],
    word_ngrams: Sequence[int],
    char_ngrams: Sequence[int] = (),
    fields: Fields = SINGLE_TEXT,
    field_buckets: FieldBuckets = "shared",
) -> NgramCounts:
    """`count` for one block of `text_blocks`, in this thread."""
    keys, values = [], split_texts(block, fields)
    if word_ngrams:
        tokens = tokenise(values)
        keys += _ngram_keys(tokens.hashes, tokens.text_offsets, word_ngrams)
    if char_ngrams:
        characters = hash_characters(values)
        keys += _ngram_keys(characters.hashes, characters.text_offsets, char_ngrams)
    return _count_keys(row_keys(keys, len(fields.texts), field_buckets), len(block))


def spans(
    text: str,
    word_ngrams: Sequence[int],
    char_ngrams: Sequence[int] = (),
    fields: Fields = SINGLE_TEXT,
    field_buckets: FieldBuckets = "shared",
) -> Spans:
    """The characters that the counts of `count([text], ...)` come from; `at` is the position in its `buckets`."""
    values = split_texts([text], fields)
    tokens, characters = tokenise(values), hash_characters(values)  # positions of tokens are those in the row
    of_fields, start = [], 0
    for number, value in enumerate(values):
        stop = start + len(value)
        part = slice(*tokens.text_offsets[number : number + 2])
        of_words = ngram_spans(tokens.hashes[part], tokens.begin[part], tokens.end[part], word_ngrams)
        part = slice(*characters.text_offsets[number : number + 2])
        # `hash_characters` puts a blank before and after each text.
        begin, end = (np.clip(edge[part] - 2 * number - 1, start, stop) for edge in (characters.begin, characters.end))
        of_characters = ngram_spans(characters.hashes[part], begin, end, char_ngrams)
        joined = (np.concatenate([one, other]) for one, other in zip(of_words, of_characters, strict=True))
        of_fields.append(BucketSpans(*joined))
        start = stop + 1
    return encoded.group_spans(*row_spans(of_fields, field_buckets))


def ngram_spans(
    hashes: Hashes, begin: Positions, end: Positions, lengths: Sequence[int]
) -> tuple[Positions, Positions, Positions]:
    """Where the n-grams of one text are.

    Args:
        hashes: (tokens,) hash of each token.
        begin: (tokens,) its first character.
        end: (tokens,) the position after its last character.
        lengths: Lengths of the n-grams.

    Returns:
        For each token of each n-gram the bucket of the n-gram, and begin and end of the token.
    """
    buckets, parts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    rising = sorted(set(lengths))
    for length, keys in zip(rising, _ngram_keys(hashes, np.array([0, len(hashes)]), rising), strict=True):
        buckets.append(np.repeat(keys.astype(np.int64), length))
        parts.append((np.arange(len(keys))[:, None] + np.arange(length)).ravel())
    part = np.concatenate(parts)
    return np.concatenate(buckets), begin[part], end[part]


def concatenate(parts: Iterable[NgramCounts], on_disk: bool = False) -> NgramCounts:
    """Concatenate blocks of counts.

    Args:
        parts: The blocks.
        on_disk: Write the result to disk, in little memory for any number of blocks.
    """
    if on_disk:
        return _concatenate_on_disk(parts)
    parts = list(parts)
    if not parts:
        return NgramCounts(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))
    return NgramCounts(
        row_offsets=np.concatenate([[0], *[np.diff(part.row_offsets) for part in parts]]).cumsum(),
        buckets=np.concatenate([part.buckets for part in parts]),
        counts=np.concatenate([part.counts for part in parts]),
    )


def _concatenate_on_disk(parts: Iterable[NgramCounts]) -> NgramCounts:
    row_offsets, buckets = disk_arrays.Writer(np.int64), disk_arrays.Writer(np.int32)
    counts = disk_arrays.Writer(np.int32)
    row_offsets.append([0])
    n_entries = 0
    for part in parts:
        row_offsets.append(part.row_offsets[1:] + n_entries)
        buckets.append(part.buckets)
        counts.append(part.counts)
        n_entries += int(part.row_offsets[-1])
    return NgramCounts(row_offsets.finish(), buckets.finish(), counts.finish())


def count_hashes(hashes: Hashes, text_offsets: Positions, lengths: Sequence[int]) -> NgramCounts:
    """Count the n-grams of one block of at most BLOCK_TEXTS texts.

    Args:
        hashes: (tokens,) hash of each token.
        text_offsets: (texts + 1,) text i has `hashes[text_offsets[i]:text_offsets[i + 1]]`.
        lengths: Lengths of the n-grams.
    """
    return _count_keys(_ngram_keys(hashes, text_offsets, lengths), len(text_offsets) - 1)


def _ngram_keys(hashes: Hashes, text_offsets: Positions, lengths: Sequence[int]) -> list[npt.NDArray[np.uint32]]:
    """For each length the n-grams as (number of the text, bucket) in 32 bits."""
    owner = np.repeat(np.arange(len(text_offsets) - 1, dtype=np.uint32), np.diff(text_offsets))
    keys, ngram_hashes = [], hashes
    for length in range(1, max(lengths, default=0) + 1):
        if length > 1:
            ngram_hashes = mix(ngram_hashes[:-1] * _STEP + hashes[length - 1 :])
        if length in lengths:
            bucket = (ngram_hashes >> np.uint64(64 - BITS)).astype(np.uint32)
            key = owner[: len(bucket)] << np.uint32(BITS) | bucket
            keys.append(key[owner[: len(key)] == owner[length - 1 :]] if length > 1 else key)
    return keys


def _count_keys(keys: list[npt.NDArray[np.uint32]], n_texts: int) -> NgramCounts:
    """Count equal keys."""
    key = np.concatenate(keys)
    key.sort()
    is_first = np.ones(len(key), bool)
    np.not_equal(key[1:], key[:-1], out=is_first[1:])
    begin = np.flatnonzero(is_first)
    key = key[begin]
    row_offsets = np.zeros(n_texts + 1, np.int64)
    np.cumsum(np.bincount(key >> np.uint32(BITS), minlength=n_texts), out=row_offsets[1:])
    buckets = (key & np.uint32((1 << BITS) - 1)).astype(np.int32)
    return NgramCounts(row_offsets, buckets, np.diff(begin, append=len(is_first)).astype(np.int32))


def take(counts: NgramCounts, rows: npt.NDArray[np.int64]) -> NgramCounts:
    """The counts of the chosen texts, in that order."""
    lengths = np.diff(counts.row_offsets)[rows]
    row_offsets = np.concatenate([[0], lengths]).cumsum()
    entries = np.arange(row_offsets[-1]) + np.repeat(counts.row_offsets[rows] - row_offsets[:-1], lengths)
    return NgramCounts(row_offsets, counts.buckets[entries], counts.counts[entries])
