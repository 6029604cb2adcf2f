"""The weights of the linear model as arrays of `weights.safetensors`: a dense table, or pairs with a weight."""

from typing import Any

import numpy as np
import scipy

from tenor._core.language import tr
from tenor._core.records import RecordError
from tenor.models.base import Arrays
from tenor.models.linear.matrices import Matrix
from tenor.models.neural import shapes

_DENSE = "weights"
PAIR_WEIGHTS, _CLASSES, _OFFSETS = "pair_weights", "pair_classes", "pair_offsets"
NAMES = _DENSE, PAIR_WEIGHTS, _CLASSES, _OFFSETS
"""Names of the arrays."""


def to_arrays(weights: Matrix) -> Arrays:
    """`weights` (features, outputs); or of sparse weights their values, their classes, and where a feature begins."""
    if not scipy.sparse.issparse(weights):
        return {_DENSE: weights}
    return {PAIR_WEIGHTS: weights.data, _CLASSES: weights.indices, _OFFSETS: weights.indptr.astype(np.int32)}


def from_arrays(arrays: Arrays, shape: tuple[int, int]) -> Matrix:
    """The weights, (features, outputs).

    Raises:
        RecordError: Arrays are missing, or they do not fit together.
    """
    if PAIR_WEIGHTS not in arrays:
        for name in (_CLASSES, _OFFSETS):
            if name in arrays:
                raise RecordError(shapes.FILE, name, tr("there is no {pair_weights}", pair_weights=PAIR_WEIGHTS))
        return shapes.require_array(arrays, _DENSE, shape, np.float32)
    if _DENSE in arrays:
        raise RecordError(shapes.FILE, _DENSE, tr("there is {pair_weights} too", pair_weights=PAIR_WEIGHTS))
    n_pairs = arrays[PAIR_WEIGHTS].size
    values = shapes.require_array(arrays, PAIR_WEIGHTS, (n_pairs,), np.float32)
    classes = shapes.require_array(arrays, _CLASSES, (n_pairs,), np.int32)
    offsets = shapes.require_array(arrays, _OFFSETS, (shape[0] + 1,), np.int32)
    if offsets[0] != 0 or offsets[-1] != n_pairs or (np.diff(offsets) < 0).any():
        raise RecordError(
            shapes.FILE,
            _OFFSETS,
            tr("they must rise from 0 to the number of {pair_weights}", pair_weights=PAIR_WEIGHTS),
        )
    feature = np.repeat(np.arange(shape[0], dtype=np.int64), np.diff(offsets))
    if n_pairs and not 0 <= classes.min() <= classes.max() < shape[1]:
        raise RecordError(shapes.FILE, _CLASSES, tr("one is out of range"))
    if (np.diff(feature * shape[1] + classes) <= 0).any():
        raise RecordError(shapes.FILE, _CLASSES, tr("they must rise within a feature"))
    weights: Any = scipy.sparse.csr_matrix(shape, dtype=np.float32)
    weights.data, weights.indices, weights.indptr = values, classes, offsets
    return weights
