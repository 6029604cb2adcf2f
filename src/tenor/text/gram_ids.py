"""Texts -> ids of the n-grams that occur in them: a set, not a sequence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tenor._core.records import Record
from tenor._core.threads import parallel_map
from tenor.data.text_source import text_source
from tenor.text import encoded, ngrams
from tenor.text.encoded import Encoded, Ids, Spans, Truncation
from tenor.text.ngrams import BITS
from tenor.text.tokenise import BLOCK_TEXTS, Tokens, blocks, tokenise

MAX_NGRAM_LENGTH = 8
"""Tokens in an n-gram, and lengths of n-grams, at most."""
_RESERVED = 1  # padding; an n-gram that is not known is left out


@dataclass(frozen=True)
class NgramVocabulary:
    """The n-grams in the bucket `buckets[k]` have the id k + 1. Buckets are those of `ngrams`.

    Attributes:
        orders: Lengths of the n-grams in tokens.
        buckets: Numbers of the buckets, the most frequent first.
    """

    orders: tuple[int, ...]
    buckets: tuple[int, ...]

    @cached_property
    def _ids(self) -> Ids:
        return ngrams.bucket_positions(self.buckets) + np.int32(_RESERVED)

    @property
    def size(self) -> int:
        return len(self.buckets) + _RESERVED

    def max_row_length(self, maximum: int) -> int:
        return maximum * len(self.orders)

    def encode(self, texts: Sequence[str], maximum: int, keep: Truncation) -> Encoded:
        """Ids of the n-grams among at most `maximum` tokens of each text, rising, each once."""
        _ = self._ids
        parts = parallel_map(lambda block: self._encode(tokenise(block), maximum, keep), blocks(texts))
        return encoded.concatenate(parts, text_source(texts).on_disk)

    def _encode(self, tokens: Tokens, maximum: int, keep: Truncation) -> Encoded:
        positions, first, text = encoded.truncate(tokens.text_offsets, maximum, keep)
        hashes = tokens.hashes[positions]
        parts = []
        for at in range(0, len(text), BLOCK_TEXTS):
            rows = first[at : at + BLOCK_TEXTS + 1]
            parts.append(ngrams.count_hashes(hashes[rows[0] : rows[-1]], rows - rows[0], self.orders))
        counts = ngrams.concatenate(parts)
        ids = self._ids[counts.buckets]
        row = np.repeat(np.arange(len(text)), np.diff(counts.row_offsets))[ids > 0]
        ids = ids[ids > 0]
        ids = ids[np.lexsort((ids, row))]
        ends = np.bincount(row, minlength=len(text)).cumsum()
        longer = int((np.diff(tokens.text_offsets) > maximum).sum())
        return Encoded(ids, np.concatenate([[0], ends]), text, longer)

    def spans(self, text: str, maximum: int, keep: Truncation) -> Spans:
        """The characters of each token of each n-gram that `encode` finds."""
        tokens = tokenise([text])
        positions, first, _ = encoded.truncate(tokens.text_offsets, maximum, keep)
        ids, begins, ends, rows = [], [], [], []
        for row, kept in enumerate(np.split(positions, first[1:-1])):
            buckets, begin, end = ngrams.ngram_spans(
                tokens.hashes[kept], tokens.begin[kept], tokens.end[kept], self.orders
            )
            found = self._ids[buckets]
            known = found > 0
            ids.append(found[known])
            begins.append(begin[known])
            ends.append(end[known])
            rows.append(np.full(len(ids[-1]), row))
        keys = np.concatenate(rows) * self.size + np.concatenate(ids)
        return encoded.group_spans(keys, np.concatenate(begins), np.concatenate(ends))

    def describe(self) -> dict[str, Any]:
        return {"kind": "n-grams", "bits": BITS, "orders": list(self.orders), "buckets": list(self.buckets)}


def restore(description: dict[str, Any]) -> NgramVocabulary:
    """What `NgramVocabulary.describe` tells of. Raises ValueError where a number is out of range."""
    record = Record(description, "encoder.json")
    record.whole("bits", BITS, BITS)
    orders = record.wholes("orders", 1, MAX_NGRAM_LENGTH)
    if not 0 < len(orders) <= MAX_NGRAM_LENGTH:
        raise record.error("orders", f"it has {len(orders):,} items; from 1 to {MAX_NGRAM_LENGTH} are allowed")
    return NgramVocabulary(tuple(orders), tuple(record.wholes("buckets", 0, (1 << BITS) - 1)))


def build(texts: Sequence[str], size: int, orders: tuple[int, ...], minimum_texts: int) -> NgramVocabulary:
    """The `size - 1` n-grams that occur in most texts, if in `minimum_texts` at least, or all where none do."""
    buckets = ngrams.frequent_buckets(ngrams.document_frequency(ngrams.count(texts, orders)), minimum_texts)
    return NgramVocabulary(orders, tuple(buckets[: size - _RESERVED].tolist()))
