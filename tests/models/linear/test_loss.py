from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse

from tenor._core import disk_arrays
from tenor.models.linear import solver
from tenor.models.linear.loss import OutputTargets, make_loss
from tenor.models.linear.matrices import StoredMatrix, split_rows
from tenor.models.linear.solver import Penalty
from tenor.tasks import Activation, SingleLabel


def stored(matrix: scipy.sparse.csr_matrix, entries: int) -> StoredMatrix:
    row = disk_arrays.store([matrix.indptr], np.int64)
    columns, data = disk_arrays.store([matrix.indices], np.int32), disk_arrays.store([matrix.data], np.float32)
    return StoredMatrix(row, columns, data, matrix.shape[1], split_rows(row, entries))


@pytest.mark.parametrize("classes", [2, 3, 80])
@pytest.mark.parametrize("entries", [100, 100_000])
def test_a_matrix_on_disk_gives_the_weights_of_one_in_memory(classes: int, entries: int) -> None:
    random = np.random.default_rng(0)
    features = scipy.sparse.csr_matrix(scipy.sparse.random(300, 40, 0.2, "csr", np.float32, random_state=1))
    targets = random.integers(0, classes, 300).astype(np.int32)
    task = SingleLabel(tuple(f"class {number:02}" for number in range(classes)))
    weights = random.uniform(0.5, 1.5, 300).astype(np.float32)
    scale = random.uniform(0.5, 1.5, (40, task.n_outputs)).astype(np.float32)
    asked = (task.activation, Penalty(3.0, scale), weights)
    whole = solver.fit(features, task.output_targets(targets), *asked)
    parted = solver.fit(stored(features, entries), OutputTargets(task, targets), *asked)
    np.testing.assert_allclose(parted.weights, whole.weights, atol=2e-3)
    np.testing.assert_allclose(parted.intercept, whole.intercept, atol=2e-3)


def test_rows_are_cut_into_runs_of_about_so_many_entries() -> None:
    row = np.array([0, 3, 3, 5, 50, 51, 60])
    assert split_rows(row, 10) == (slice(0, 3), slice(3, 4), slice(4, 6))
    assert split_rows(np.array([0]), 10) == ()


def test_parts_of_a_matrix_on_disk_are_looked_at_where_they_are() -> None:
    whole = scipy.sparse.csr_matrix(scipy.sparse.random(300, 40, 0.2, "csr", np.float32, random_state=1))
    matrix = stored(whole, 100)
    for part in matrix.parts:
        result = matrix[part]
        assert np.shares_memory(result.data, matrix.data) and np.shares_memory(result.indices, matrix.columns)
        np.testing.assert_array_equal(result.toarray(), whole[part].toarray())


@pytest.mark.parametrize("entries", [None, 100])
def test_residuals_are_outputs_minus_targets(entries: int | None) -> None:
    features = scipy.sparse.csr_matrix(scipy.sparse.random(300, 40, 0.2, "csr", np.float32, random_state=1))
    task = SingleLabel(("one", "two", "three"))
    targets = np.repeat(np.array([0, 1, 2], np.int32), [200, 90, 10])
    matrix = features if entries is None else stored(features, entries)
    with ThreadPoolExecutor(1) as pool:
        loss = make_loss(pool, matrix, OutputTargets(task, targets), "softmax", np.ones(300, np.float32))
        result = loss.residual_sum()
    np.testing.assert_allclose(result, [-100, 10, 90], atol=1e-3)


@pytest.mark.parametrize("entries", [None, 100])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_the_curvature_is_how_the_gradient_changes(entries: int | None, activation: Activation) -> None:
    features = scipy.sparse.csr_matrix(scipy.sparse.random(300, 40, 0.2, "csr", np.float32, random_state=1))
    random, weights = np.random.default_rng(0), np.linspace(0.5, 1.5, 300).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[random.integers(0, 3, 300)]
    matrix = features if entries is None else stored(features, entries)
    with ThreadPoolExecutor(1) as pool:
        loss = make_loss(pool, matrix, targets, activation, weights)
        one = np.ones((1, 1), np.float32)
        loss.set_direction(random.normal(size=(41, 3)).astype(np.float32))
        start = loss.step(one)
        curvature = loss.curvature()
        for feature, output in ((0, 0), (17, 2), (40, 1)):
            direction = np.zeros((41, 3), np.float32)
            direction[feature, output] = 0.02
            loss.set_direction(direction)
            change = (loss.step(one) - start)[feature, output] / 0.02
            loss.set_direction(-direction)
            loss.step(one)
            assert change == pytest.approx(curvature[feature, output], rel=0.05)
