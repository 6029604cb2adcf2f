"""How similar the two texts of a pair are, as numbers.

For words, for pairs of words and for runs of characters: which share of the n-grams of the one text is in the other,
and the cosine, with rare n-grams counting more (inverse document frequency). Besides: lengths, and whether the texts
begin and end with the same word and have the same numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject, Record
from tenor.text import ngrams
from tenor.text.document_frequency import DocumentFrequency
from tenor.text.field_buckets import BITS
from tenor.text.ngrams import NgramCounts
from tenor.text.tokenise import tokenise

_NGRAMS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (((1,), ()), ((2,), ()), ((), (3, 4)))  # words, chars
_MAX_BUCKETS = 1 << 17  # that have a frequency of their own, for each of _NGRAMS
_NUMBER = re.compile(r"\d+")
_EMPTY = 1e-9  # keeps ratios of empty texts at 0

Numbers = npt.NDArray[np.float64]
"""Numbers of any range, not standardised."""


@dataclass(frozen=True)
class _Frequencies:
    """In how many of the texts n-grams occur.

    Attributes:
        n_texts: The texts.
        buckets: (n-grams,) those in 2 texts or more, rising.
        counts: (n-grams,) in how many each occurs.
    """

    n_texts: int
    buckets: tuple[int, ...]
    counts: tuple[int, ...]

    def idf(self, buckets: npt.NDArray[np.int32]) -> Numbers:
        """(n-grams,) inverse document frequency of these buckets."""
        if not self.buckets:
            return np.ones(len(buckets))
        known, counts = self._arrays
        at = np.minimum(np.searchsorted(known, buckets), len(known) - 1)
        frequency = np.where(known[at] == buckets, counts[at], 0)
        return np.asarray(np.log((1 + self.n_texts) / (1 + frequency)) + 1, np.float64)

    @cached_property
    def _arrays(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return np.array(self.buckets, np.int64), np.array(self.counts, np.int64)


@dataclass(frozen=True)
class PairSimilarity:
    """Computes the similarity of two texts.

    Attributes:
        frequencies: For each kind of n-gram in how many training texts they occur.
    """

    frequencies: tuple[_Frequencies, ...]

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "PairSimilarity":
        """Count n-grams in these texts: the first and the second of each training pair."""
        return cls(tuple(_count_frequencies(texts, *lengths) for lengths in _NGRAMS))

    def encode(self, texts: Sequence[str]) -> Numbers:
        """(pairs, numbers) from the first and the second text of each pair, pair after pair."""
        of_ngrams = [
            _overlaps(ngrams.count(texts, *lengths), frequencies)
            for lengths, frequencies in zip(_NGRAMS, self.frequencies, strict=True)
        ]
        return np.concatenate([*of_ngrams, _shapes(texts)], axis=1)

    def to_dict(self) -> JsonObject:
        """The parameters as JSON."""
        return {
            "bits": BITS,
            "frequencies": [
                {"texts": each.n_texts, "buckets": list(each.buckets), "counts": list(each.counts)}
                for each in self.frequencies
            ],
        }

    @classmethod
    def from_record(cls, record: Record) -> "PairSimilarity":
        """What `to_dict` wrote. Raises RecordError, a ValueError, for anything else."""
        record.refuse_unknown({"bits", "frequencies"})
        record.integer("bits", BITS, BITS)
        frequencies = []
        for each in record.records("frequencies", len(_NGRAMS)):
            each.refuse_unknown({"texts", "buckets", "counts"})
            each.items("buckets", _MAX_BUCKETS)
            n_texts = each.integer("texts", 0, 1 << 40)
            buckets, counts = each.integers("buckets", 0, (1 << BITS) - 1), each.integers("counts", 0, n_texts)
            if len(buckets) != len(counts):
                raise each.error("counts", tr("there is not one for each bucket"))
            if buckets != sorted(set(buckets)):
                raise each.error("buckets", tr("they do not rise"))
            frequencies.append(_Frequencies(n_texts, tuple(buckets), tuple(counts)))
        if len(frequencies) != len(_NGRAMS):
            raise record.error(
                "frequencies",
                tr(
                    "there are {n_frequencies:,}, not {n_ngrams:,}",
                    n_frequencies=len(frequencies),
                    n_ngrams=len(_NGRAMS),
                ),
            )
        return cls(tuple(frequencies))


def _count_frequencies(texts: Sequence[str], word_ngrams: Sequence[int], char_ngrams: Sequence[int]) -> _Frequencies:
    frequency = DocumentFrequency.of(ngrams.count(texts, word_ngrams, char_ngrams))
    chosen = np.flatnonzero(frequency.texts >= 2)
    if len(chosen) > _MAX_BUCKETS:
        chosen = np.sort(chosen[np.argsort(-frequency.texts[chosen], kind="stable")[:_MAX_BUCKETS]])
    return _Frequencies(len(texts), tuple(frequency.buckets[chosen].tolist()), tuple(frequency.texts[chosen].tolist()))


def _overlaps(counts: NgramCounts, frequencies: _Frequencies) -> Numbers:
    """(pairs, numbers) what the n-grams of two texts have in common."""
    text = np.repeat(np.arange(len(counts.row_offsets) - 1), np.diff(counts.row_offsets))
    pair, n_pairs = text // 2, (len(counts.row_offsets) - 1) // 2
    weight = frequencies.idf(counts.buckets)
    order = np.argsort(pair << BITS | counts.buckets, kind="stable")
    key = (pair << BITS | counts.buckets)[order]
    is_shared = key[1:] == key[:-1]  # an n-gram of the first text, and the same one of the second

    def total(values: Numbers) -> Numbers:
        """The sum over what is in both texts of a pair."""
        sums = np.bincount(pair[order][1:][is_shared], values[order][1:][is_shared], n_pairs)
        return np.asarray(sums, np.float64)

    sizes, squares = (np.bincount(text, values, 2 * n_pairs).reshape(-1, 2) for values in (weight, weight**2))
    shared = total(weight)
    return np.stack(
        [
            shared / (sizes[:, 0] + _EMPTY),
            shared / (sizes[:, 1] + _EMPTY),
            shared / (sizes.min(axis=1) + _EMPTY),
            shared / (sizes.sum(axis=1) - shared + _EMPTY),
            total(weight**2) / np.sqrt(squares.prod(axis=1) + _EMPTY),
            np.log1p(np.maximum(sizes.sum(axis=1) - 2 * shared, 0)),
        ],
        axis=1,
    )


def _shapes(texts: Sequence[str]) -> Numbers:
    """(pairs, numbers) lengths, and whether the two texts begin, end and count alike."""
    tokens = tokenise(texts) if texts else None
    if tokens is None:
        return np.zeros((0, 5))
    lengths = np.diff(tokens.text_offsets)
    hashes = np.append(tokens.hashes, np.uint64(0))
    first = np.where(lengths > 0, hashes[np.minimum(tokens.text_offsets[:-1], len(hashes) - 1)], np.uint64(0))
    last = np.where(lengths > 0, hashes[np.maximum(tokens.text_offsets[1:] - 1, 0)], np.uint64(0))
    numbers = [set(_NUMBER.findall(text)) for text in texts]
    one, other = lengths[::2], lengths[1::2]
    numbers_of_pair = zip(numbers[::2], numbers[1::2], strict=True)
    columns: list[npt.ArrayLike] = [
        np.minimum(one, other) / np.maximum(np.maximum(one, other), 1),
        np.log1p(one + other),
        first[::2] == first[1::2],
        last[::2] == last[1::2],
        [one == other for one, other in numbers_of_pair],
    ]
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
