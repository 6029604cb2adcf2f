"""Which features have a weight for which class, when there are thousands of classes.

A dense table of features times classes would have tens of millions of weights, nearly all of them for a feature that
never occurs in a text of the class. Adding the same number to all weights of a feature changes no probability, so these
can be 0, and only the pairs of a feature and a class that occur together get a weight. PD-Sparse (Yen et al., 2016)
and DiSMEC (Babbar and Schölkopf, 2017) keep few weights for the same reason.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from tenor.models.linear.matrices import Matrix

MIN_CLASSES = 500
"""From this many classes on, only pairs that occur together have weights."""

_MAX_CLASSES_OF_FEATURE = 64  # a feature of more classes says little; on generated and real texts 250 were no better
_MIN_CLASSES_OF_FEATURE = 4
_MAX_PRODUCTS, _PRODUCTS_OF_ROW = 1 << 23, 512  # weights that all rows, or one row, use in a step of the solver

Pairs = Any
"""(features, classes) sparse matrix by rows, whose stored entries are the pairs with a weight. SciPy has no types."""


def select_pairs(features: Matrix, classes: npt.NDArray[np.integer[Any]], n_classes: int) -> Pairs:
    """The pairs of a feature and a class that get a weight: those that occur together.

    Of a feature that occurs with many classes, those are kept that have it clearly more often than the others; where
    all have it alike, the feature gets no weight. How many depends on how much memory the solver would need.

    Args:
        features: (rows, features), sparse.
        classes: (rows,) the class of each row.
        n_classes: Number of classes.

    Returns:
        (features, classes); an entry is the number of rows of the class with the feature.
    """
    n_rows = features.shape[0]
    presence = scipy.sparse.csr_matrix(features, copy=True)
    presence.data = np.ones_like(presence.data)
    one_hot = scipy.sparse.csr_matrix((np.ones(n_rows, np.float32), (np.arange(n_rows), classes)), (n_rows, n_classes))
    counts = (presence.T.tocsr() @ one_hot).tocsr()
    counts.sort_indices()
    n_texts, n_pairs = np.bincount(features.indices, minlength=features.shape[1]), np.diff(counts.indptr)
    limit, most = _MAX_CLASSES_OF_FEATURE, max(_MAX_PRODUCTS, _PRODUCTS_OF_ROW * n_rows)
    while limit > _MIN_CLASSES_OF_FEATURE and int(n_texts @ np.minimum(n_pairs, limit)) > most:
        limit //= 2
    return _limit_classes(counts, n_texts, np.bincount(classes, minlength=n_classes), limit)


def _limit_classes(
    counts: Pairs, n_texts: npt.NDArray[np.integer[Any]], class_sizes: npt.NDArray[np.integer[Any]], limit: int
) -> Pairs:
    """The pairs without those of features with more than `limit` classes, except the `limit` most telling.

    Args:
        counts: (features, classes) rows of the class with the feature.
        n_texts: (features,) rows with the feature.
        class_sizes: (classes,) rows of each class.
        limit: Maximum number of classes of a feature.
    """
    is_kept = np.ones(counts.nnz, bool)
    for feature in np.flatnonzero(np.diff(counts.indptr) > limit):
        part = slice(counts.indptr[feature], counts.indptr[feature + 1])
        observed, size = counts.data[part], class_sizes[counts.indices[part]]
        score = observed * np.log(observed * class_sizes.sum() / (n_texts[feature] * size))  # a term of the G-test
        best_left_out = np.partition(score, -limit - 1)[-limit - 1]
        is_kept[part] = score > best_left_out
    feature_of_pair = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))[is_kept]
    offsets = np.searchsorted(feature_of_pair, np.arange(counts.shape[0] + 1)).astype(np.int32)
    return scipy.sparse.csr_matrix((counts.data[is_kept], counts.indices[is_kept], offsets), counts.shape)
