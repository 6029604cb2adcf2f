import itertools

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression, Ridge

from tenor._core.callbacks import Callback
from tenor.models.linear import solver
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.solver import Penalty
from tenor.tasks import Activation


def data(classes: int, rows: int = 300, columns: int = 40) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    random = np.random.default_rng(0)
    features = scipy.sparse.random(rows, columns, 0.2, "csr", np.float32, random_state=1)
    scores = features @ random.normal(size=(columns, classes)) + random.normal(0, 0.3, (rows, classes))
    return scipy.sparse.csr_matrix(features), scores.argmax(axis=1).astype(np.int32)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, 1.0, 30.0])
def test_weights_are_those_of_scikit_learn(classes: int, C: float) -> None:
    features, targets = data(classes)
    desired, activation = (targets[:, None], "sigmoid") if classes == 2 else (np.eye(classes)[targets], "softmax")
    result = solver.fit(features, desired.astype(np.float32), activation, Penalty(C), stop=StopRule(500, 1e-10))
    peer = LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(features, targets)
    ours, theirs = solver.logits(features, result), peer.decision_function(features).reshape(len(targets), -1)
    if classes > 2:  # softmax does not know a constant that is added to all classes
        ours, theirs = (logits - logits.mean(axis=1, keepdims=True) for logits in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_scale_is_the_same_as_scaled_columns() -> None:
    features, targets = data(2)
    scale = np.linspace(0.1, 3, features.shape[1]).astype(np.float32)[:, None]
    scaled = scipy.sparse.csr_matrix(features.multiply(scale.T))
    desired = targets[:, None].astype(np.float32)
    one = solver.fit(features, desired, "sigmoid", Penalty(1.0, scale), stop=StopRule(500, 1e-10))
    other = solver.fit(scaled, desired, "sigmoid", Penalty(1.0), stop=StopRule(500, 1e-10))
    np.testing.assert_allclose(solver.logits(features, one), solver.logits(scaled, other), atol=5e-3)


def test_more_steps_never_raise_the_objective() -> None:
    features, targets = data(2)

    def objective(steps: int) -> float:
        result = solver.fit(
            features, targets[:, None].astype(np.float32), "sigmoid", Penalty(5.0), stop=StopRule(steps, 0)
        )
        logits = solver.logits(features, result)[:, 0].astype(np.float64)
        loss = np.logaddexp(0, logits) - logits * targets
        return float(5.0 * loss.sum() + 0.5 * (result.weights.astype(np.float64) ** 2).sum())

    values = [objective(steps) for steps in range(1, 15)]
    assert all(later <= earlier * (1 + 1e-5) for earlier, later in itertools.pairwise(values))


def test_features_that_are_all_zero_give_the_share_of_the_classes() -> None:
    features = scipy.sparse.csr_matrix((100, 3), dtype=np.float32)
    desired = np.array([[1]] * 80 + [[0]] * 20, np.float32)
    result = solver.fit(features, desired, "sigmoid", Penalty(1.0), stop=StopRule(50, 1e-10))
    assert 1 / (1 + np.exp(-result.intercept[0])) == pytest.approx(0.8, abs=1e-3)
    assert not result.weights.any()


def test_least_squares_are_those_of_scikit_learn() -> None:
    features, _ = data(2)
    values = features @ np.random.default_rng(4).normal(size=(features.shape[1], 2)).astype(np.float32)
    result = solver.fit(features, values, "identity", Penalty(2.0), stop=StopRule(500, 1e-10))
    peer = Ridge(alpha=0.5, solver="lsqr", tol=1e-10).fit(features, values)
    np.testing.assert_allclose(solver.logits(features, result), peer.predict(features), atol=0.02)


def test_labels_of_a_set_are_learned_each_by_itself() -> None:
    features, targets = data(3)
    desired = np.stack([targets == 0, targets != 1], axis=1).astype(np.float32)
    both = solver.fit(features, desired, "sigmoid", Penalty(1.0), stop=StopRule(500, 1e-10))
    for label in range(2):
        alone = solver.fit(features, desired[:, [label]], "sigmoid", Penalty(1.0), stop=StopRule(500, 1e-10))
        np.testing.assert_allclose(both.weights[:, [label]], alone.weights, atol=0.01)


def test_a_weight_of_two_is_a_row_twice_and_arrays_are_features_too() -> None:
    features, targets = data(2, rows=60)
    desired, weights = targets[:, None].astype(np.float32), np.repeat(np.float32([2, 1]), 30)
    twice = scipy.sparse.csr_matrix(scipy.sparse.vstack([features, features[:30]]))
    options = {"stop": StopRule(500, 1e-10)}
    weighted = solver.fit(features.toarray(), desired, "sigmoid", Penalty(1.0), weights=weights, **options)
    repeated = solver.fit(twice, np.concatenate([desired, desired[:30]]), "sigmoid", Penalty(1.0), **options)
    np.testing.assert_allclose(weighted.weights, repeated.weights, atol=2e-3)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_rare_outputs_cost_no_further_steps(activation: str) -> None:
    random = np.random.default_rng(3)
    features = scipy.sparse.random(4000, 2000, 0.01, "csr", np.float32, random_state=4)
    rarity = np.array([0.0, -6.0, -8.0, -10.0])
    scores = features @ random.normal(size=(2000, 4)) + rarity + random.gumbel(size=(4000, 4))
    desired = (scores > 0) if activation == "sigmoid" else np.eye(4)[scores.argmax(axis=1)]
    assert 0 < desired.sum(axis=0).min() < 50

    def objective(steps: int) -> float:
        expected = desired.astype(np.float32)
        result = solver.fit(features, expected, activation, Penalty(1.0), stop=StopRule(steps, 0))  # type: ignore[arg-type]
        logits = solver.logits(features, result).astype(np.float64)
        whole = np.logaddexp(0, logits).sum() if activation == "sigmoid" else np.logaddexp.reduce(logits, axis=1).sum()
        loss = whole - (logits * desired).sum()
        return float(loss + 0.5 * (result.weights.astype(np.float64) ** 2).sum())

    assert objective(8) < 1.02 * objective(200)


class Recorder(Callback):
    """Keeps messages, and counts steps."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.steps = 0

    def on_message(self, message: str) -> None:
        self.messages.append(message)

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        self.steps = max(self.steps, done)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, 1.0, 30.0, 1_000.0])
def test_the_search_ends_close_to_the_least_objective(classes: int, C: float) -> None:
    features, targets = data(classes)
    desired = targets[:, None].astype(np.float32) if classes == 2 else np.eye(classes, dtype=np.float32)[targets]
    activation: Activation = "sigmoid" if classes == 2 else "softmax"

    def objective(stop: StopRule) -> float:
        model = solver.fit(features, desired, activation, Penalty(C), stop=stop, callback=recorder)
        logits = solver.logits(features, model).astype(np.float64)
        sums = np.logaddexp(0, logits) if classes == 2 else np.logaddexp.reduce(logits, axis=1)
        penalty = (model.weights.astype(np.float64) ** 2).sum() / 2 / C
        return float(sums.sum() - (logits * desired).sum() + penalty)

    recorder = Recorder()
    reached = objective(StopRule())
    assert recorder.steps < 100
    assert recorder.messages == []
    at_start = len(targets) * np.log(classes)
    assert reached - objective(StopRule(500, 1e-10)) < 3e-4 * at_start


def test_too_few_steps_are_reported() -> None:
    features, targets = data(4)
    recorder = Recorder()
    desired = np.eye(4, dtype=np.float32)[targets]
    solver.fit(features, desired, "softmax", Penalty(30.0), stop=StopRule(3), callback=recorder)
    assert len(recorder.messages) == 1
    assert "has not converged after 3 steps" in recorder.messages[0]


@pytest.mark.parametrize("path", [(0.1, 1.0, 3.0, 30.0), (30.0, 1.0)])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_path_has_the_weights_of_single_fits(path: tuple[float, ...], activation: Activation) -> None:
    features, targets = data(4)
    desired, stop = np.eye(4, dtype=np.float32)[targets], StopRule(500, 1e-10)
    scale = np.linspace(0.5, 2, features.shape[1] * 4).reshape(-1, 4).astype(np.float32)
    for C, model in zip(path, solver.fit_path(features, desired, activation, scale, path, stop=stop), strict=True):
        alone = solver.fit(features, desired, activation, Penalty(C, scale), stop=stop)
        ours, theirs = solver.logits(features, model), solver.logits(features, alone)
        if activation == "softmax":  # which does not know a constant that is added to all classes
            ours, theirs = (logits - logits.mean(axis=1, keepdims=True) for logits in (ours, theirs))
        np.testing.assert_allclose(ours, theirs, atol=0.02)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("scaled", [False, True])
def test_weights_from_those_of_more_rows_are_those_of_a_new_fit(activation: Activation, scaled: bool) -> None:
    features, targets = data(4)
    desired, weights = np.eye(4, dtype=np.float32)[targets], np.ones(len(targets), np.float32)
    scale = np.linspace(0, 2, features.shape[1] * 4).reshape(-1, 4).astype(np.float32) if scaled else None
    stop, some = StopRule(500, 1e-10), slice(0, len(targets) * 3 // 4)
    penalty, part = Penalty(10.0, scale), (features[some], desired[some], activation)
    start = solver.fit(features, desired, activation, penalty, stop=stop)
    ours = solver.logits(features, solver.refit(*part, penalty, weights[some], start, stop))
    theirs = solver.logits(features, solver.fit(*part, penalty, stop=stop))
    if activation == "softmax":
        ours, theirs = (logits - logits.mean(axis=1, keepdims=True) for logits in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=0.02)
