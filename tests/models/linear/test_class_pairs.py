"""The linear model of many classes: weights only for pairs of a feature and a class that occur together."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from helpers.rows import of_many_classes
from tenor import TextClassifier, load
from tenor.inference.bundle import FORMAT
from tenor.models.linear import class_pairs, pair_solver, solver
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.pair_loss import make_pair_loss
from tenor.models.linear.solver import LinearWeights, Penalty
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram import selection, weight_arrays
from tenor.models.ngram import trial as trials

ROWS, FEATURES, OUTPUTS = 60, 12, 5
CLASSES = 100


@pytest.fixture
def problem() -> tuple[scipy.sparse.csr_matrix, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    features = scipy.sparse.random(ROWS, FEATURES, 0.3, "csr", np.float32, draw)
    return features, draw.integers(0, OUTPUTS, ROWS), draw.uniform(0.5, 2, ROWS).astype(np.float32)


def every_pair() -> scipy.sparse.csr_matrix:
    return scipy.sparse.csr_matrix(np.ones((FEATURES, OUTPUTS), np.float32))


def test_with_all_pairs_it_is_the_dense_model(problem: tuple) -> None:
    features, classes, weights = problem
    stop = StopRule(500, 1e-7)
    targets = np.eye(OUTPUTS, dtype=np.float32)[classes]
    for C in (0.5, 20.0):
        dense = solver.fit(features, targets, "softmax", Penalty(C), weights, stop)
        pairs = next(pair_solver.fit_path(features, every_pair(), classes, (C,), weights, stop))
        expected, logits = solver.logits(features, dense), solver.logits(features, pairs)
        expected, logits = (table - table.mean(axis=1, keepdims=True) for table in (expected, logits))
        assert np.allclose(logits, expected, atol=0.01)


def test_the_gradient_and_its_diagonal_are_those_of_differences(problem: tuple) -> None:
    features, classes, weights = problem
    pairs = class_pairs.select_pairs(features, classes, OUTPUTS)
    assert 0 < pairs.nnz < FEATURES * OUTPUTS
    draw = np.random.default_rng(5)
    size = (pairs.nnz + OUTPUTS, 1)
    point, direction = (draw.normal(size=size).astype(np.float32) for _ in range(2))

    def dense_loss(table: np.ndarray) -> float:
        values, intercept = table[: pairs.nnz, 0].astype(np.float64), table[pairs.nnz :, 0].astype(np.float64)
        kernel = scipy.sparse.csr_matrix((values, pairs.indices, pairs.indptr), pairs.shape).toarray()
        logits = features.toarray().astype(np.float64) @ kernel + intercept
        largest = logits.max(axis=1)
        sums = np.log(np.exp(logits - largest[:, None]).sum(axis=1)) + largest
        return float(weights @ (sums - logits[np.arange(ROWS), classes]))

    one = np.ones((1, 1), np.float32)
    with ThreadPoolExecutor(2) as pool:
        loss = make_pair_loss(pool, features, pairs, classes, weights)
        loss.set_direction(point)
        gradient = loss.step(one)
        assert loss.total()[0, 0] == pytest.approx(dense_loss(point), rel=1e-5)
        curvature = loss.curvature()
        loss.set_direction(direction)
        slope = loss.derivative(one / 2)[0, 0]
    step = 1e-3
    for at in range(len(point)):
        moved = np.zeros(size)
        moved[at] = step
        above, here, below = (dense_loss(point + factor * moved) for factor in (1, 0, -1))
        assert gradient[at, 0] == pytest.approx((above - below) / (2 * step), abs=2e-3)
        assert curvature[at, 0] == pytest.approx((above - 2 * here + below) / step**2, abs=2e-3)
    middle = point + direction / 2
    difference = dense_loss(middle + step * direction) - dense_loss(middle - step * direction)
    assert slope == pytest.approx(difference / (2 * step), abs=2e-3)


def test_a_feature_of_many_classes_keeps_those_that_have_it_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_pairs, "_MAX_CLASSES_OF_FEATURE", 4)
    classes = np.repeat(np.arange(8), 3)
    everywhere = np.ones(24, np.float32)
    often = np.where(classes < 3, 1, np.arange(24) % 3 == 0).astype(np.float32)
    own = (classes == 5).astype(np.float32)
    pairs = class_pairs.select_pairs(scipy.sparse.csr_matrix(np.stack([everywhere, often, own], axis=1)), classes, 8)
    assert [pairs[feature].indices.tolist() for feature in range(3)] == [[], [0, 1, 2], [5]]


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ngram_model, selection, trials):
        monkeypatch.setattr(module, "MIN_CLASSES", 50)


@pytest.mark.usefixtures("few_are_many")
def test_many_classes_are_learned_saved_and_explained(tmp_path: Path) -> None:
    model = TextClassifier(family="ngram").fit(*of_many_classes(CLASSES, 6, 0))
    texts, labels = of_many_classes(CLASSES, 2, 1)
    assert model.score(texts, labels) > 0.9
    fitted = model.predictor_.bundle.model
    assert scipy.sparse.issparse(fitted.linear.weights)
    assert fitted.linear.weights.nnz < fitted.linear.weights.shape[0] * CLASSES / 10
    model.save(tmp_path / "many")
    assert json.loads((tmp_path / "many" / "manifest.json").read_text())["format"] == FORMAT
    loaded = load(tmp_path / "many")
    assert loaded.predict_proba(texts) == pytest.approx(model.predict_proba(texts), abs=1e-6)
    directions = np.eye(CLASSES, dtype=np.float32)[:3]
    for shares, text, direction in zip(fitted.attribute(texts[:3], directions), texts[:3], directions, strict=True):
        expected = fitted.logits([text])[0] @ direction
        assert shares.characters.sum() + shares.base_value == pytest.approx(expected, abs=1e-4)
    assert fitted.represent(texts[:2]).shape == (2, len(fitted.buckets))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pair_classes": np.array([0, 3], np.int32)}, "'pair_classes': one is out of range"),
        ({"pair_classes": np.array([1, 0], np.int32)}, "'pair_classes': they must rise within a feature"),
        ({"pair_offsets": np.array([0, 3, 2], np.int32)}, "'pair_offsets': they must rise from 0"),
        ({"weights": np.zeros((2, 3), np.float32)}, "'weights': there is pair_weights too"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    weights = scipy.sparse.csr_matrix(np.array([[1, 2, 0], [0, 0, 0]], np.float32))
    arrays = weight_arrays.to_arrays(weights)
    restored = weight_arrays.from_arrays(arrays, (2, 3))
    assert (restored.toarray() == weights.toarray()).all()
    with pytest.raises(ValueError, match=message):
        weight_arrays.from_arrays({**arrays, **change}, (2, 3))
    with pytest.raises(ValueError, match="there is no pair_weights"):
        weight_arrays.from_arrays({"pair_classes": arrays["pair_classes"]}, (2, 3))


def test_weights_say_the_same_dense_and_sparse() -> None:
    table = np.array([[1, 0, 2], [0, 0, 0], [0, -1, 0]], np.float32)
    dense, sparse = (
        LinearWeights(weights, np.zeros(3, np.float32)) for weights in (table, scipy.sparse.csr_matrix(table))
    )
    directions = np.array([[1, 2, 3], [4, 5, 6], [1, 1, 1]], np.float32)
    assert (dense.along(np.array([2, 0, 1]), directions) == sparse.along(np.array([2, 0, 1]), directions)).all()
    assert (dense.norms() == sparse.norms()).all()
    assert (dense.rows(slice(1, None)) == sparse.rows(slice(1, None))).all()
