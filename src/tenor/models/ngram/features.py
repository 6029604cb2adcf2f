"""Counts of n-grams -> weighted features, as sparse matrices."""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from tenor._core import disk_arrays
from tenor.models.linear import class_pairs, matrices
from tenor.models.linear.class_pairs import Pairs
from tenor.models.linear.loss import OutputTargets
from tenor.models.linear.matrices import PART_ENTRIES, Matrix, StoredMatrix, split_rows
from tenor.tasks import Floats, Targets
from tenor.text import document_frequency
from tenor.text.document_frequency import Buckets, DocumentFrequency
from tenor.text.ngrams import NgramCounts

MAX_FEATURES, MAX_WEIGHTS = 1 << 21, 1 << 25
"""Maximum number of features of a model, and of features times outputs."""

_CELLS = 1 << 24  # output targets that are computed together

Weighting = Literal["naive-bayes", "tf-idf", "tf-idf-naive-bayes"]


class Features(NamedTuple):
    """Weighted features of the training texts, and what is needed to compute those of other texts.

    Attributes:
        buckets: (features,) the buckets that are features, the most frequent first.
        idf: (features,) inverse document frequency; empty where the weighting has none.
        scale: (features, outputs) log-ratios; None where the weighting has none.
        matrix: (texts, features), sparse.
        pairs: (features, outputs) the pairs of a feature and a class with a weight; None: all.
    """

    buckets: Buckets
    idf: Floats
    scale: Floats | None
    matrix: Matrix
    pairs: Pairs | None = None


def fit_features(
    counts: NgramCounts,
    targets: Floats | OutputTargets,
    weighting: Weighting,
    min_df: int,
    only_pairs: bool = False,
) -> Features:
    """Features of the training texts: the n-grams in at least `min_df` texts, or all where there are none.

    There are at most MAX_FEATURES n-grams, with at most MAX_WEIGHTS weights. Where each text has one class, the most
    informative ones are kept, else the most frequent.

    Args:
        counts: The counts; where they are on disk, so is the matrix.
        targets: (texts, outputs) what the outputs should be; 0 and 1 for weightings with log-ratios.
        weighting: How counts become features.
        min_df: Minimum number of texts with an n-gram.
        only_pairs: Thousands of classes: only pairs of a feature and a class that occur together get a weight, so all
            n-grams have room.
    """
    frequency = DocumentFrequency.of(counts)
    rows, outputs = targets.shape
    most_informative = None
    in_memory = not disk_arrays.is_on_disk(counts.buckets)
    if in_memory and isinstance(targets, OutputTargets) and targets.task.is_single_label:
        most_informative = partial(_most_informative, counts, targets.targets)
    columns = 1 if only_pairs else outputs
    buckets, idf = select_buckets(frequency, (rows, columns), weighting, min_df, most_informative)
    matrix, text_counts = weigh_training_texts(counts, targets, buckets, idf, weighting)
    scale = None if text_counts is None else log_ratios(frequency.texts_with(buckets), text_counts)
    pairs = None
    if only_pairs:
        assert isinstance(targets, OutputTargets)
        pairs = class_pairs.select_pairs(matrix, targets.targets, outputs)
    return Features(buckets, idf, scale, matrix, pairs)


def select_buckets(
    frequency: DocumentFrequency,
    shape: tuple[int, int],
    weighting: Weighting,
    min_df: int,
    most_informative: Callable[[Buckets, int], npt.NDArray[np.int64]] | None = None,
) -> tuple[Buckets, Floats]:
    """The buckets that are features, and their inverse document frequency.

    Args:
        frequency: In how many training texts each bucket occurs.
        shape: (training texts, outputs of the model).
        weighting: How counts become features.
        min_df: Minimum number of texts with an n-gram.
        most_informative: (buckets, how many to keep) -> positions of those; None: the most frequent are kept.

    Returns:
        (features,) each; the second is empty where the weighting has no inverse document frequency.
    """
    rows, outputs = shape
    buckets, limit = frequency.most_frequent(min_df), min(MAX_FEATURES, MAX_WEIGHTS // outputs)
    if len(buckets) > limit:
        buckets = buckets[:limit] if most_informative is None else buckets[most_informative(buckets, limit)][:limit]
    if weighting == "naive-bayes":
        return buckets, np.zeros(0, np.float32)
    return buckets, np.asarray(np.log((1 + rows) / (1 + frequency.texts_with(buckets))) + 1, np.float32)


def weigh_training_texts(
    counts: NgramCounts, targets: Floats | OutputTargets, buckets: Buckets, idf: Floats, weighting: Weighting
) -> tuple[Matrix, Floats | None]:
    """The features of training texts, and in how many texts of each output each occurs.

    Returns:
        (texts, features), sparse; and (features, outputs), or None where the weighting has no log-ratios.
    """
    rows, outputs = targets.shape
    text_counts = None if weighting == "tf-idf" else np.zeros((len(buckets), outputs), np.float32)

    def weigh_part(part: slice) -> Matrix:
        of_part = _rows_of(counts, part)
        selected = select_columns(of_part, document_frequency.find(of_part.buckets, buckets), len(buckets))
        if text_counts is not None:
            presence = selected.copy()
            presence.data = np.ones_like(presence.data)
            step = max(1, _CELLS // outputs)
            for at in range(0, part.stop - part.start, step):
                some = presence if step >= presence.shape[0] else presence[at : at + step]
                text_counts[:] += some.T @ targets[part.start + at : part.start + at + some.shape[0]]
        disk_arrays.drop_pages(*counts)
        return apply_weighting(selected, weighting, idf)

    if disk_arrays.is_on_disk(counts.buckets):
        parts = split_rows(counts.row_offsets, PART_ENTRIES)
        matrix: Matrix = matrices.store((weigh_part(part) for part in parts), len(buckets), parts)
    else:
        matrix = weigh_part(slice(0, rows))
    return matrix, text_counts


def select_columns(counts: NgramCounts, column: npt.NDArray[np.int32], width: int) -> Matrix:
    """Counts of the buckets that are features, (texts, width).

    Args:
        counts: The counts.
        column: (entries,) column of each entry; -1: its bucket is not a feature.
        width: Number of features.
    """
    kept = np.flatnonzero(column >= 0)
    row = np.searchsorted(kept, counts.row_offsets).astype(np.int32)
    values = counts.counts[kept].astype(np.float32)
    return scipy.sparse.csr_matrix((values, column[kept], row), shape=(len(row) - 1, width))


def apply_weighting(counts: Matrix, weighting: Weighting, idf: Floats) -> Matrix:
    """Counts -> features, (texts, features); `counts` is used up."""
    if weighting == "naive-bayes":
        counts.data = np.ones_like(counts.data)
        return counts
    values = (1 + np.log(counts.data)) * idf[counts.indices]
    n_entries = np.diff(counts.indptr)
    squares = np.add.reduceat(values * values, counts.indptr[:-1][n_entries > 0], dtype=np.float64)
    counts.data = values / np.repeat(np.sqrt(squares).astype(np.float32), n_entries[n_entries > 0])
    return counts


def log_ratios(frequency: npt.NDArray[np.int64], text_counts: Floats) -> Floats:
    """How much more often a class has an n-gram than the other classes: (features, outputs), smoothed log-ratios.

    Args:
        frequency: (features,) in how many texts each n-gram occurs.
        text_counts: (features, outputs) in how many texts of each class.
    """
    inside, outside = text_counts + 1, frequency.astype(np.float32)[:, None] - text_counts + 1
    return np.asarray(np.log((inside / inside.sum(axis=0)) / (outside / outside.sum(axis=0))), np.float32)


def append_columns(matrix: Matrix, columns: Matrix | None, scale: float) -> Matrix:
    """The features of n-grams, and beside them other columns times `scale`: (texts, features + columns), sparse."""
    if columns is None:
        return matrix

    def join(one: Matrix, other: Matrix) -> Matrix:
        return scipy.sparse.hstack([one, other * np.float32(scale)], format="csr", dtype=np.float32)

    if not isinstance(matrix, StoredMatrix):
        return join(matrix, columns)
    width = matrix.shape[1] + columns.shape[1]
    return matrices.store((join(matrix[part], columns[part]) for part in matrix.parts), width, matrix.parts)


def append_to_scale(scale: Floats | None, n_columns: int) -> Floats | None:
    """The log-ratios of n-grams, and 1 for each of other columns."""
    if scale is None or not n_columns:
        return scale
    return np.concatenate([scale, np.ones((n_columns, scale.shape[1]), np.float32)])


def _most_informative(counts: NgramCounts, targets: Targets, buckets: Buckets, limit: int) -> npt.NDArray[np.int64]:
    """Positions, ascending, of the n-grams whose presence tells most about the class.

    An n-gram's score is how much likelier each text's class is among the other texts with the n-gram than among all,
    as a sum of logarithms. The text itself does not count; otherwise n-grams of a single text would score high.
    """
    presence = select_columns(counts, document_frequency.find(counts.buckets, buckets), len(buckets))
    presence.data = np.ones_like(presence.data)
    rows = np.arange(len(targets))
    one_hot = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, targets)))
    table = (presence.T @ one_hot).tocoo()
    texts, class_sizes = np.asarray(presence.sum(axis=0)).ravel(), np.asarray(one_hot.sum(axis=0)).ravel()
    share = class_sizes[table.col] / len(rows)
    ratio = (table.data - 1 + share) / (texts[table.row] * share)
    score = np.bincount(table.row, table.data * np.log(ratio), len(buckets))
    return np.sort(np.argsort(-score, kind="stable")[:limit])


def _rows_of(counts: NgramCounts, part: slice) -> NgramCounts:
    row = counts.row_offsets[part.start : part.stop + 1]
    entries = slice(int(row[0]), int(row[-1]))
    return NgramCounts(row - row[0], counts.buckets[entries], counts.counts[entries])
