"""Counts of n-grams -> weighted features, as sparse matrices."""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tenor.tasks import Floats
from tenor.text import ngrams
from tenor.text.ngrams import Counts

Weighting = Literal["naive-bayes", "tf-idf", "tf-idf-naive-bayes"]


class Features(NamedTuple):
    """Weighted features of the training texts, and what it takes to make those of others.

    Attributes:
        buckets: (features,) the buckets that are features, the most frequent first.
        idf: (features,), or empty where the weighting has none.
        scale: (features, outputs) log-ratios, or None.
        matrix: (texts, features).
    """

    buckets: npt.NDArray[np.int32]
    idf: Floats
    scale: Floats | None
    matrix: scipy.sparse.csr_matrix


def prepare(counts: Counts, desired: Floats, weighting: Weighting, minimum_texts: int) -> Features:
    """Features of the training texts: the n-grams of at least `minimum_texts` texts, or all where there are none.

    `desired` is what the outputs should be, (texts, outputs); where a weighting uses it, 0 and 1.
    """
    buckets = ngrams.frequent(counts, minimum_texts)
    selected = select(counts, ngrams.positions(buckets), len(buckets))
    idf = np.zeros(0, np.float32)
    if weighting != "naive-bayes":
        idf = np.asarray(np.log((1 + len(desired)) / (1 + selected.getnnz(axis=0))) + 1, np.float32)
    scale = None if weighting == "tf-idf" else _log_ratios(selected, desired)
    return Features(buckets, idf, scale, weigh(selected, weighting, idf))


def select(counts: Counts, columns: npt.NDArray[np.int32], width: int) -> scipy.sparse.csr_matrix:
    """Counts of the buckets that are features, as (texts, width)."""
    column = columns[counts.buckets]
    kept = np.flatnonzero(column >= 0)
    row = np.searchsorted(kept, counts.row).astype(np.int32)
    values = counts.counts[kept].astype(np.float32)
    return scipy.sparse.csr_matrix((values, column[kept], row), shape=(len(row) - 1, width))


def weigh(counts: scipy.sparse.csr_matrix, weighting: Weighting, idf: Floats) -> scipy.sparse.csr_matrix:
    """Counts -> features; `counts` is used up."""
    if weighting == "naive-bayes":
        counts.data = np.ones_like(counts.data)
        return counts
    values = (1 + np.log(counts.data)) * idf[counts.indices]
    owner = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(owner, values * values, counts.shape[0])).astype(np.float32)
    counts.data = values / length[owner]
    return counts


def _log_ratios(counts: scipy.sparse.csr_matrix, desired: Floats) -> Floats:
    """How much more a class uses an n-gram than the other classes do: (features, outputs), from presence, smoothed."""
    presence = counts.copy()
    presence.data = np.ones_like(presence.data)
    total = np.asarray(presence.sum(axis=0)).reshape(-1, 1)
    used = np.asarray(presence.T @ desired)
    ours, others = used + 1, total - used + 1
    return np.asarray(np.log((ours / ours.sum(axis=0)) / (others / others.sum(axis=0))), np.float32)
