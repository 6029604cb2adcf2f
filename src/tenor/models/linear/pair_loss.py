"""The cross-entropy of thousands of classes, where only some pairs of a feature and a class have a weight.

The logit of a class that shares no pair with a row is the intercept. So the sum over all classes is the sum of the
exponentials of the intercepts, corrected at the classes that do share one: the cells of the row. Nothing of the size
rows times classes is computed, and the result is exact.

The logits of the cells are linear in the weights: a sparse matrix of (cells, pairs) times the weights.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import scipy

from tenor.models.linear.class_pairs import Pairs
from tenor.models.linear.loss import SearchLoss
from tenor.models.linear.matrices import Matrix, slice_rows, split_rows, squared
from tenor.tasks import Floats

T = TypeVar("T")

_BLOCK_PRODUCTS, _BLOCK_CELLS = 1 << 18, 1 << 21  # entries of a block of rows, and rows times classes while it is built
_MAX_LOGIT = 70.0  # its exponential, and sums of these, are finite in float32
_LEAST_SUM = 1e-30


class _Block(NamedTuple):
    """Some rows, and their cells: the classes that share a pair with the row, rising.

    Attributes:
        matrix: (cells, pairs) the features whose weights add up to the logit of a cell.
        rows: (cells,) int32: the row of each cell, in the block.
        classes: (cells,) int32: the class of each cell.
        first_cells: (rows + 1,) where the cells of each row begin.
        targets: (rows,) the class of each row.
        own_cells: The cells of a row's own class.
        weights: (rows,) how much each row counts.
        logits: (cells,) logits without the intercept.
        change: (cells,) their change along the direction.
    """

    matrix: Matrix
    rows: npt.NDArray[np.int32]
    classes: npt.NDArray[np.int32]
    first_cells: npt.NDArray[np.int64]
    targets: npt.NDArray[np.integer[Any]]
    own_cells: npt.NDArray[np.int64]
    weights: Floats
    logits: Floats
    change: Floats

    def sum_by_row(self, values: Floats) -> Floats:
        """(rows,): the sum of the values of each row's cells."""
        sums = np.add.reduceat(np.append(values, np.float32(0)), self.first_cells[:-1], dtype=np.float64)
        return np.where(np.diff(self.first_cells) > 0, sums, 0).astype(np.float32)


class _Outputs(NamedTuple):
    """The model's outputs at the cells of a block, not divided by their sum.

    Attributes:
        inside: (cells,) exponentials of the logits.
        base: (cells,) exponentials of the intercepts.
        sums: (rows,) the sums of the exponentials of all logits.
    """

    inside: Floats
    base: Floats
    sums: Floats


def make_pair_loss(
    pool: Executor, features: Matrix, pairs: Pairs, targets: npt.NDArray[np.integer[Any]], weights: Floats
) -> SearchLoss:
    """The loss of weights for pairs. Tables have one column: a row for each pair, then an intercept for each class.

    Args:
        pool: Threads to compute with.
        features: (rows, features), sparse.
        pairs: (features, classes) the pairs with a weight.
        targets: (rows,) the class of each row.
        weights: (rows,) how much each row counts.
    """
    return _PairLoss(pool, features, pairs, targets, weights)


class _PairLoss:
    """See `make_pair_loss`."""

    def __init__(
        self, pool: Executor, features: Matrix, pairs: Pairs, targets: npt.NDArray[np.integer[Any]], weights: Floats
    ) -> None:
        self._pool, (_, n_classes), self._n_pairs = pool, pairs.shape, pairs.nnz
        n_products = np.concatenate([[0], np.diff(pairs.indptr)[features.indices].cumsum()])[features.indptr]
        size = max(1, _BLOCK_CELLS // n_classes)
        slices = [
            slice(at, min(at + size, part.stop))
            for part in split_rows(n_products, _BLOCK_PRODUCTS)
            for at in range(part.start, part.stop, size)
        ]

        def make_block(rows: slice) -> _Block:
            return _make_block(slice_rows(features, rows), pairs, targets[rows], weights[rows])

        self._blocks = list(pool.map(make_block, slices))
        self._class_weights = np.bincount(targets, weights, n_classes).astype(np.float32)
        self._intercept, self._intercept_change = (np.zeros(n_classes, np.float32) for _ in range(2))

    def total(self) -> Floats:
        exponentials, largest = _exponentials(self._intercept)
        base_sum = float(exponentials.sum())

        def of_block(block: _Block) -> float:
            outputs = _outputs(block, block.logits, exponentials, base_sum)
            own = np.zeros(len(block.targets), np.float32)
            own[block.rows[block.own_cells]] = block.logits[block.own_cells]
            return float(block.weights @ (np.log(outputs.sums) + largest - own - self._intercept[block.targets]))

        return np.full((1, 1), sum(self._map(of_block)), np.float32)

    def set_direction(self, direction: Floats) -> None:
        weights = direction[: self._n_pairs, 0]
        self._intercept_change = direction[self._n_pairs :, 0].copy()  # the search scales its table before the step

        def of_block(block: _Block) -> None:
            block.change[:] = block.matrix @ weights

        self._map(of_block)

    def derivative(self, lengths: Floats) -> Floats:
        length = np.float32(lengths[0, 0])
        change = self._intercept_change
        exponentials, _ = _exponentials(self._intercept + length * change)
        base_sum, base_change = float(exponentials.sum()), float(exponentials @ change)

        def of_block(block: _Block) -> float:
            outputs = _outputs(block, block.logits + length * block.change, exponentials, base_sum)
            of_class = change[block.classes]
            by_cell = outputs.inside * (block.change + of_class) - outputs.base * of_class
            by_row = (base_change + block.sum_by_row(by_cell)) / outputs.sums
            own = block.own_cells
            return float(block.weights @ by_row) - float(block.weights[block.rows[own]] @ block.change[own])

        of_cells = sum(self._map(of_block))
        return np.full((1, 1), of_cells - float(self._class_weights @ change), np.float32)

    def step(self, lengths: Floats) -> Floats:
        length = np.float32(lengths[0, 0])
        self._intercept = self._intercept + length * self._intercept_change
        exponentials, _ = _exponentials(self._intercept)
        base_sum = float(exponentials.sum())

        def of_block(block: _Block) -> tuple[Floats, Floats, float]:
            block.logits[:] += length * block.change
            outputs = _outputs(block, block.logits, exponentials, base_sum)
            share = block.weights / outputs.sums
            by_cell = outputs.inside * share[block.rows]
            beyond = _sum_by_class(block, by_cell - outputs.base * share[block.rows], len(exponentials))
            by_cell[block.own_cells] -= block.weights[block.rows[block.own_cells]]
            return block.matrix.T @ by_cell, beyond, float(share.sum())

        by_pair, by_class, share = self._add(of_block)
        return self._table(by_pair, by_class + exponentials * share - self._class_weights)

    def curvature(self) -> Floats:
        exponentials, _ = _exponentials(self._intercept)
        base_sum = float(exponentials.sum())

        def of_block(block: _Block) -> tuple[Floats, Floats, npt.NDArray[np.float64]]:
            outputs = _outputs(block, block.logits, exponentials, base_sum)
            inverse, weights = (1 / outputs.sums)[block.rows], block.weights[block.rows]
            inside, base = outputs.inside * inverse, outputs.base * inverse
            by_cell = weights * (inside - inside * inside)
            beyond = _sum_by_class(block, by_cell - weights * (base - base * base), len(exponentials))
            shares = block.weights / outputs.sums
            moments = np.array([shares.sum(), (shares / outputs.sums).sum()], np.float64)
            return squared(block.matrix).T @ by_cell, beyond, moments

        by_pair, by_class, moments = self._add(of_block)
        return self._table(by_pair, by_class + exponentials * moments[0] - exponentials**2 * moments[1])

    def _table(self, by_pair: Floats, by_class: Floats) -> Floats:
        return np.concatenate([by_pair, by_class]).astype(np.float32)[:, None]

    def _add(self, function: Callable[[_Block], tuple[Any, ...]]) -> tuple[Any, ...]:
        """The sums of what a function returns for each block, in their order: the same for any number of cores."""
        sums: tuple[Any, ...] | None = None
        for values in self._pool.map(function, self._blocks):
            sums = values if sums is None else tuple(one + other for one, other in zip(sums, values, strict=True))
        assert sums is not None
        return sums

    def _map(self, function: Callable[[_Block], T]) -> list[T]:
        return list(self._pool.map(function, self._blocks))


def _sum_by_class(block: _Block, values: npt.NDArray[np.floating[Any]], n_classes: int) -> Floats:
    """(classes,): the sum of the values of each class's cells."""
    return np.bincount(block.classes, values, n_classes).astype(np.float32)


def _exponentials(intercept: Floats) -> tuple[Floats, np.float32]:
    """The exponentials of the intercepts minus the largest, which changes no probability, and the largest."""
    largest = intercept.max()
    return np.exp(intercept - largest), largest


def _make_block(features: Matrix, pairs: Pairs, targets: npt.NDArray[np.integer[Any]], weights: Floats) -> _Block:
    """The cells of some rows."""
    n_rows, n_classes = features.shape[0], pairs.shape[1]
    n_pairs = np.diff(pairs.indptr)[features.indices]
    entry = np.repeat(np.arange(len(n_pairs)), n_pairs)
    place = np.arange(len(entry)) - np.repeat(n_pairs.cumsum() - n_pairs, n_pairs)
    pair = (pairs.indptr[features.indices][entry] + place).astype(np.int32)
    row = np.repeat(np.arange(n_rows), np.diff(features.indptr))[entry]
    key = row * n_classes + pairs.indices[pair]
    cell_of_key = np.zeros(n_rows * n_classes, np.int32)
    cell_of_key[key] = 1
    keys = np.flatnonzero(cell_of_key)
    cell_of_key[keys] = np.arange(len(keys), dtype=np.int32)
    products = scipy.sparse.coo_matrix(
        (features.data[entry], (cell_of_key[key], pair)), (len(keys), pairs.nnz), dtype=np.float32
    )
    products.has_canonical_format = True  # no pair is twice in a cell, so SciPy need not look
    rows = (keys // n_classes).astype(np.int32)
    own_keys = np.arange(n_rows) * n_classes + targets
    return _Block(
        matrix=products.tocsr(),
        rows=rows,
        classes=(keys % n_classes).astype(np.int32),
        first_cells=np.searchsorted(rows, np.arange(n_rows + 1)),
        targets=targets,
        own_cells=np.flatnonzero(np.isin(keys, own_keys, assume_unique=True)),
        weights=np.asarray(weights, np.float32),
        logits=np.zeros(len(keys), np.float32),
        change=np.zeros(len(keys), np.float32),
    )


def _outputs(block: _Block, logits: Floats, exponentials: Floats, base_sum: float) -> _Outputs:
    """The outputs at these logits of the cells; `exponentials` are those of the intercepts."""
    base = exponentials[block.classes]
    inside = base * np.exp(np.minimum(logits, np.float32(_MAX_LOGIT)))
    sums = np.maximum(block.sum_by_row(inside - base) + np.float32(base_sum), np.float32(_LEAST_SUM))
    return _Outputs(inside, base, sums)
