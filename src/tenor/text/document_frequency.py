"""In how many texts each bucket of n-grams occurs, and the positions of buckets among others.

A table of all 2^BITS buckets takes tens of milliseconds to fill. Few entries are sorted and searched instead.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from tenor.data.blocks import row_blocks
from tenor.text.field_buckets import BITS
from tenor.text.ngrams import NgramCounts
from tenor.text.tokenise import Positions

_BLOCK_ENTRIES = 1 << 22  # entries that are counted together
# On 2 cores, sorting this many entries takes as long as a table of all buckets, and searching for this many does too.
_MAX_SORTED, _MAX_SEARCHED = 1 << 20, 1 << 15

Buckets = npt.NDArray[np.int32]


class DocumentFrequency(NamedTuple):
    """In how many texts each bucket occurs.

    Attributes:
        buckets: (buckets,) those that occur, rising.
        texts: (buckets,) int64, the number of texts with each of them.
    """

    buckets: Buckets
    texts: Positions

    @classmethod
    def of(cls, counts: NgramCounts) -> Self:
        """The frequencies in some texts."""
        if len(counts.buckets) <= _MAX_SORTED:
            return cls(*np.unique(counts.buckets, return_counts=True))
        total = np.zeros(1 << BITS, np.int64)
        for block in row_blocks(counts.buckets, _BLOCK_ENTRIES):
            total += np.bincount(block, minlength=1 << BITS)
        return cls._from_table(total)

    @classmethod
    def sum(cls, parts: Iterable["DocumentFrequency"]) -> Self:
        """The frequencies in all texts, from those in parts of them."""
        total = np.zeros(1 << BITS, np.int64)
        for part in parts:
            total[part.buckets] += part.texts
        return cls._from_table(total)

    @classmethod
    def _from_table(cls, total: npt.NDArray[np.int64]) -> Self:
        buckets = np.flatnonzero(total)
        return cls(buckets.astype(np.int32), total[buckets])

    def most_frequent(self, min_df: int) -> Buckets:
        """The buckets that occur in most texts, the most frequent first, so that those used most share a cache.

        Args:
            min_df: Texts in which a bucket has to occur; if none does, all are taken.
        """
        chosen = np.flatnonzero(self.texts >= min_df)
        if not len(chosen):
            return self.buckets[np.argsort(-self.texts, kind="stable")]
        return self.buckets[chosen[np.argsort(-self.texts[chosen], kind="stable")]]

    def texts_with(self, buckets: Buckets) -> Positions:
        """The number of texts with each of some buckets. All of them have to occur."""
        return self.texts[find(buckets, self.buckets)]


def positions(buckets: Sequence[int] | npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int32]:
    """(2^BITS,) the position of each bucket in `buckets`, or -1."""
    table = np.full(1 << BITS, -1, np.int32)
    table[np.asarray(buckets, np.int64)] = np.arange(len(buckets), dtype=np.int32)
    return table


def find(entries: Buckets, buckets: Buckets) -> npt.NDArray[np.int32]:
    """(entries,) the position of each entry in `buckets`, or -1."""
    if not len(buckets) or len(entries) + len(buckets) > _MAX_SEARCHED:
        return positions(buckets)[entries]
    order = np.argsort(buckets)
    at = order[np.minimum(np.searchsorted(buckets, entries, sorter=order), len(buckets) - 1)]
    return np.where(buckets[at] == entries, at, -1).astype(np.int32)
