"""Counts of n-grams -> weighted features, as sparse matrices."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse

from tenor._core import disk_arrays
from tenor.models.linear.loss import PART_ENTRIES, Desired, Stored, cut
from tenor.tasks import Floats, Targets
from tenor.text import ngrams
from tenor.text.ngrams import NgramCounts

MOST_FEATURES, MOST_WEIGHTS = 1 << 21, 1 << 25
"""Features of a model, and features times outputs, at most."""

_CELLS = 1 << 24  # what outputs should be, looked at together

Weighting = Literal["naive-bayes", "tf-idf", "tf-idf-naive-bayes"]


class Features(NamedTuple):
    """Weighted features of the training texts, and what it takes to make those of others.

    Attributes:
        buckets: (features,) the buckets that are features, the most frequent first.
        idf: (features,), or empty where the weighting has none.
        scale: (features, outputs) log-ratios, or None.
        matrix: (texts, features), sparse.
    """

    buckets: npt.NDArray[np.int32]
    idf: Floats
    scale: Floats | None
    matrix: "scipy.sparse.csr_matrix | Stored"


def prepare(counts: NgramCounts, desired: Floats | Desired, weighting: Weighting, minimum_texts: int) -> Features:
    """Features of the training texts: the n-grams of at least `min_df` texts, or all where there are none.

    Where there are more than MOST_FEATURES n-grams, or they would have more than MOST_WEIGHTS weights, some are kept:
    where each text has one class, those that tell most of it, else the most frequent.

    Args:
        counts: The counts; where they are on disk, so is the matrix.
        desired: (texts, outputs) what the outputs should be; where a weighting uses it, 0 and 1.
        weighting: How counts become features.
        minimum_texts: In how many texts an n-gram has to occur.
    """
    frequency = ngrams.document_frequency(counts)
    rows, outputs = desired.shape
    telling = None
    if not disk_arrays.is_on_disk(counts.buckets) and isinstance(desired, Desired) and desired.task.is_single_label:
        telling = partial(_most_telling, counts, targets=desired.targets)
    buckets, idf = vocabulary(frequency, rows, outputs, weighting, minimum_texts, telling)
    matrix, used = weighed(counts, desired, buckets, idf, weighting)
    scale = None if used is None else log_ratios(frequency[buckets], used)
    return Features(buckets, idf, scale, matrix)


def vocabulary(
    frequency: npt.NDArray[np.int64],
    rows: int,
    outputs: int,
    weighting: Weighting,
    minimum_texts: int,
    telling: Callable[..., npt.NDArray[np.int64]] | None = None,
) -> tuple[npt.NDArray[np.int32], Floats]:
    """The buckets that are features, and their inverse document frequency, empty where the weighting has none.

    Args:
        frequency: In how many of the training texts each bucket occurs.
        rows: How many these are.
        outputs: How many outputs the model has.
        weighting: How counts become features.
        minimum_texts: In how many texts an n-gram has to occur.
        telling: (buckets, most=how many are to be kept) -> positions of those; None: the most frequent.
    """
    buckets, most = ngrams.frequent_buckets(frequency, minimum_texts), min(MOST_FEATURES, MOST_WEIGHTS // outputs)
    if len(buckets) > most:
        buckets = buckets[:most] if telling is None else buckets[telling(buckets, most=most)][:most]
    if weighting == "naive-bayes":
        return buckets, np.zeros(0, np.float32)
    return buckets, np.asarray(np.log((1 + rows) / (1 + frequency[buckets])) + 1, np.float32)


def weighed(
    counts: NgramCounts, desired: Floats | Desired, buckets: npt.NDArray[np.int32], idf: Floats, weighting: Weighting
) -> "tuple[scipy.sparse.csr_matrix | Stored, Floats | None]":
    """The features of training texts, and in how many texts of each output each occurs: (features, outputs).

    None in place of the latter where the weighting does not use it.
    """
    rows, outputs = desired.shape
    columns = ngrams.bucket_positions(buckets)
    used = None if weighting == "tf-idf" else np.zeros((len(buckets), outputs), np.float32)

    def prepared(part: slice) -> scipy.sparse.csr_matrix:
        selected = select(_texts(counts, part), columns, len(buckets))
        if used is not None:
            presence = selected.copy()
            presence.data = np.ones_like(presence.data)
            step = max(1, _CELLS // outputs)
            for at in range(0, part.stop - part.start, step):
                some = presence if step >= presence.shape[0] else presence[at : at + step]
                used[:] += some.T @ desired[part.start + at : part.start + at + some.shape[0]]
        return weigh(selected, weighting, idf)

    if disk_arrays.is_on_disk(counts.buckets):
        parts = cut(counts.row_offsets, PART_ENTRIES)
        matrix: Any = _stored((prepared(part) for part in parts), parts, len(buckets), counts)
    else:
        matrix = prepared(slice(0, rows))
    return matrix, used


def _most_telling(
    counts: NgramCounts, buckets: npt.NDArray[np.int32], targets: Targets, most: int
) -> npt.NDArray[np.int64]:
    """Positions, rising, of the n-grams whose presence tells most of the class.

    That is how much likelier each text's class is among the other texts with the n-gram than among all, as a sum of
    logarithms. The text itself does not count, or else what stands in one text of each class would seem to tell much.
    """
    presence = select(counts, ngrams.bucket_positions(buckets), len(buckets))
    presence.data = np.ones_like(presence.data)
    rows = np.arange(len(targets))
    of_class = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, targets)))
    table = (presence.T @ of_class).tocoo()
    texts, of_classes = np.asarray(presence.sum(axis=0)).ravel(), np.asarray(of_class.sum(axis=0)).ravel()
    share = of_classes[table.col] / len(rows)
    likelier = (table.data - 1 + share) / (texts[table.row] * share)
    gain = np.bincount(table.row, table.data * np.log(likelier), len(buckets))
    return np.sort(np.argsort(-gain, kind="stable")[:most])


def _texts(counts: NgramCounts, part: slice) -> NgramCounts:
    row = counts.row_offsets[part.start : part.stop + 1]
    entries = slice(int(row[0]), int(row[-1]))
    return NgramCounts(row - row[0], counts.buckets[entries], counts.counts[entries])


def _stored(
    matrices: Iterable[scipy.sparse.csr_matrix], parts: tuple[slice, ...], width: int, counts: NgramCounts
) -> Stored:
    """The matrices, one under the other, on disk."""
    row, columns, data = disk_arrays.Writer(np.int64), disk_arrays.Writer(np.int32), disk_arrays.Writer(np.float32)
    row.append([0])
    entries = 0
    for matrix in matrices:
        row.append(matrix.indptr[1:].astype(np.int64) + entries)
        columns.append(matrix.indices)
        data.append(matrix.data)
        entries += int(matrix.indptr[-1])
        disk_arrays.drop_pages(*counts)
    return Stored(row.finish(), columns.finish(), data.finish(), width, parts)


def select(counts: NgramCounts, columns: npt.NDArray[np.int32], width: int) -> scipy.sparse.csr_matrix:
    """Counts of the buckets that are features, as (texts, width)."""
    column = columns[counts.buckets]
    kept = np.flatnonzero(column >= 0)
    row = np.searchsorted(kept, counts.row_offsets).astype(np.int32)
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


def log_ratios(frequency: npt.NDArray[np.int64], used: Floats) -> Floats:
    """How much more a class uses an n-gram than the other classes do: (features, outputs), from presence, smoothed.

    Args:
        frequency: (features,) in how many texts each n-gram occurs.
        used: (features, outputs) in how many of those of each class.
    """
    ours, others = used + 1, frequency.astype(np.float32)[:, None] - used + 1
    return np.asarray(np.log((ours / ours.sum(axis=0)) / (others / others.sum(axis=0))), np.float32)
