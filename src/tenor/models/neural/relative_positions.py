"""Buckets of relative positions: near tokens have a bucket for each distance, far ones share buckets.

Bias: Raffel et al. (2020), "Exploring the Limits of Transfer Learning" (T5), and Song et al. (2020), "MPNet";
disentangled attention: He et al. (2021), "DeBERTa".
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BIAS, DISENTANGLED = "bias", "disentangled"
KINDS = (BIAS, DISENTANGLED)

Buckets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RelativeShape:
    """How relative positions are numbered.

    Attributes:
        kind: `bias`, a number for each head that is added to the scores, or `disentangled`, a vector.
        positions: Length of the longest row.
        buckets: For `bias` the number of buckets, for `disentangled` that of buckets in each direction.
        max_distance: Distance from which on all tokens share a bucket; None: each distance has a bucket of its own.
        epsilon: Epsilon of the normalisation of the vectors; None: no normalisation.
    """

    kind: str
    positions: int
    buckets: int
    max_distance: int | None
    epsilon: float | None = None

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.buckets if self.kind == BIAS else 2 * self.buckets

    def numbers(self) -> Buckets:
        """The bucket of each distance of a key from a query, from `1 - positions` to `positions - 1`, in this order."""
        distances = np.arange(1 - self.positions, self.positions)
        if self.kind == BIAS:
            return bias_buckets(distances, self.buckets, self.max_distance or self.buckets)
        buckets = log_buckets(-distances, self.buckets, self.max_distance) + self.buckets
        return np.clip(buckets, 0, self.rows - 1)


def bias_buckets(distances: Buckets, buckets: int, max_distance: int) -> Buckets:
    """The buckets of distances of a key from a query: the lower half for keys before it, the upper for those after."""
    half = buckets // 2
    exact = half // 2
    far = np.maximum(np.abs(distances), exact).astype(np.float32)
    scale = np.float32(np.log(np.float64(max_distance) / exact))
    large = exact + (np.log(far / np.float32(exact)) / scale * np.float32(half - exact)).astype(np.int64)
    near = np.abs(distances) < exact
    return np.where(distances > 0, half, 0) + np.where(near, np.abs(distances), np.minimum(large, half - 1))


def log_buckets(distances: Buckets, buckets: int, max_distance: int | None) -> Buckets:
    """The signed buckets of distances of a query from a key. Up to half the buckets each distance has its own."""
    middle = buckets // 2
    if max_distance is None:
        return np.asarray(distances, np.int64)
    far = np.maximum(np.abs(distances), middle).astype(np.float32)
    scale = np.log(np.float32((max_distance - 1) / middle))
    large = np.ceil(np.log(far / np.float32(middle)) / scale * np.float32(middle - 1)) + middle
    return np.where(np.abs(distances) <= middle, distances, np.sign(distances) * large).astype(np.int64)
