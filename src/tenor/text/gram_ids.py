"""Texts -> ids of the n-grams that occur in them, as sets, not sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor._core.threads import parallel_map
from tenor.data.text_source import text_source
from tenor.text import document_frequency, encoded, ngrams
from tenor.text.document_frequency import DocumentFrequency
from tenor.text.encoded import Encoded, Ids, Spans, Truncation
from tenor.text.field_buckets import BITS
from tenor.text.tokenise import BLOCK_TEXTS, Tokens, blocks, tokenise

MAX_NGRAM_LENGTH = 8
"""The most tokens in an n-gram, and the most lengths of n-grams."""
_RESERVED = 1  # padding; unknown n-grams are left out


@dataclass(frozen=True)
class NgramVocabulary:
    """The most frequent n-grams. Those in the bucket `buckets[k]` of `ngrams` have the id k + 1.

    Attributes:
        word_ngrams: Lengths of the n-grams in tokens.
        buckets: Numbers of the buckets, the most frequent first.
    """

    word_ngrams: tuple[int, ...]
    buckets: tuple[int, ...]

    @cached_property
    def _ids(self) -> Ids:
        return document_frequency.positions(self.buckets) + np.int32(_RESERVED)

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return len(self.buckets) + _RESERVED

    @property
    def n_special_tokens(self) -> int:
        """None."""
        return 0

    def token_id(self, token: str) -> int | None:
        """None: single tokens have no id of their own."""
        return None

    def max_row_length(self, max_length: int) -> int:
        """The number of n-grams of `max_length` tokens, at most."""
        return max_length * len(self.word_ngrams)

    def encode(self, texts: Sequence[str], max_length: int, truncation: Truncation) -> Encoded:
        """The ids of the n-grams in at most `max_length` tokens of each text, rising, each once."""
        _ = self._ids  # computed once, before threads use it
        parts = parallel_map(lambda block: self._encode(tokenise(block), max_length, truncation), blocks(texts))
        return encoded.concatenate(parts, text_source(texts).on_disk)

    def _encode(self, tokens: Tokens, max_length: int, truncation: Truncation) -> Encoded:
        positions, row_offsets, row_to_text = encoded.truncate(tokens.text_offsets, max_length, truncation)
        hashes = tokens.hashes[positions]
        parts = []
        for at in range(0, len(row_to_text), BLOCK_TEXTS):
            offsets = row_offsets[at : at + BLOCK_TEXTS + 1]
            block = hashes[offsets[0] : offsets[-1]]
            parts.append(ngrams.count_hashes(block, offsets - offsets[0], self.word_ngrams))
        counts = ngrams.concatenate(parts)
        ids = self._ids[counts.buckets]
        row = np.repeat(np.arange(len(row_to_text)), np.diff(counts.row_offsets))[ids > 0]
        ids = ids[ids > 0]
        ids = ids[np.lexsort((ids, row))]
        ends = np.bincount(row, minlength=len(row_to_text)).cumsum()
        n_truncated = int((np.diff(tokens.text_offsets) > max_length).sum())
        return Encoded(ids, np.concatenate([[0], ends]), row_to_text, n_truncated)

    def spans(self, text: str, max_length: int, truncation: Truncation) -> Spans:
        """The characters of each token of each n-gram in `encode([text], ...)`."""
        tokens = tokenise([text])
        positions, row_offsets, _ = encoded.truncate(tokens.text_offsets, max_length, truncation)
        ids, begins, ends, rows = [], [], [], []
        for row, kept in enumerate(np.split(positions, row_offsets[1:-1])):
            buckets, begin, end = ngrams.ngram_spans(
                tokens.hashes[kept], tokens.begin[kept], tokens.end[kept], self.word_ngrams
            )
            ids_of_row = self._ids[buckets]
            known = ids_of_row > 0
            ids.append(ids_of_row[known])
            begins.append(begin[known])
            ends.append(end[known])
            rows.append(np.full(len(ids[-1]), row))
        keys = np.concatenate(rows) * self.size + np.concatenate(ids)
        return encoded.group_spans(keys, np.concatenate(begins), np.concatenate(ends))

    def to_dict(self) -> JsonObject:
        """The n-grams as JSON for `encoder.json`."""
        return {"kind": "n-grams", "bits": BITS, "orders": list(self.word_ngrams), "buckets": list(self.buckets)}


def restore(description: JsonObject) -> NgramVocabulary:
    """The n-grams of `NgramVocabulary.to_dict`. Raises ValueError if a number is out of range."""
    record = Record(description, "encoder.json")
    record.integer("bits", BITS, BITS)
    word_ngrams = record.integers("orders", 1, MAX_NGRAM_LENGTH)
    if not 0 < len(word_ngrams) <= MAX_NGRAM_LENGTH:
        raise record.error(
            "orders",
            tr(
                "it has {n_word_ngrams:,} items; from 1 to {max_ngram_length} are allowed",
                n_word_ngrams=len(word_ngrams),
                max_ngram_length=MAX_NGRAM_LENGTH,
            ),
        )
    return NgramVocabulary(tuple(word_ngrams), tuple(record.integers("buckets", 0, (1 << BITS) - 1)))


def build(texts: Sequence[str], size: int, word_ngrams: tuple[int, ...], min_df: int) -> NgramVocabulary:
    """The n-grams that occur in most texts.

    Args:
        texts: The texts.
        size: Ids at most: one more than the n-grams.
        word_ngrams: Lengths of the n-grams in tokens.
        min_df: Texts in which an n-gram has to occur; if none does, all are taken.
    """
    buckets = DocumentFrequency.of(ngrams.count(texts, word_ngrams)).most_frequent(min_df)
    return NgramVocabulary(word_ngrams, tuple(buckets[: size - _RESERVED].tolist()))
