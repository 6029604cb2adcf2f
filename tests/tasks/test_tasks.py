import json

import numpy as np
import pytest

from tenor import tasks
from tenor.tasks import MultiLabel, Regression, SingleLabel


def test_two_classes_have_one_output_that_speaks_for_the_second() -> None:
    task = SingleLabel(("bad", "good"))
    assert (task.kind, task.n_outputs) == ("binary", 1)
    probabilities = task.probabilities(np.array([[0.0], [2.0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.5, 0.5], [0.119203, 0.880797]], atol=1e-6)


def test_more_classes_use_softmax() -> None:
    task = SingleLabel(("a", "b", "c"))
    assert (task.kind, task.n_outputs) == ("multiclass", 3)
    probabilities = task.probabilities(np.array([[1.0, 2.0, 3.0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.090031, 0.244728, 0.665241]], atol=1e-6)


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c")])
def test_probabilities_of_huge_logits_are_finite_and_sum_to_one(labels: tuple[str, ...]) -> None:
    task = SingleLabel(labels)
    logits = np.tile(np.array([[-1e30], [-1e4], [1e4], [1e30]], np.float32), (1, task.n_outputs))
    logits[:, 0] *= 0.5
    probabilities = task.probabilities(logits)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_labels_become_their_positions() -> None:
    assert SingleLabel(("a", "b", "c")).encode(["c", "a"]).tolist() == [2, 0]


def test_labels_of_a_set_have_probabilities_by_themselves_and_thresholds() -> None:
    task = MultiLabel(("a", "b", "c"), (0.5, 0.2, 0.9))
    assert (task.kind, task.n_outputs, task.activation) == ("multilabel", 3, "sigmoid")
    probabilities = task.probabilities(np.float32([[0.0, -1.0, 2.0], [-5.0, -5.0, -5.0]]))
    np.testing.assert_allclose(probabilities[0], [0.5, 0.268941, 0.880797], atol=1e-6)
    assert task.label_indicators(probabilities).tolist() == [[True, True, False], [False, False, False]]
    assert task.encode([("c", "a"), ()]).tolist() == [[1, 0, 1], [0, 0, 0]]


def test_where_every_text_has_a_label_the_one_nearest_to_its_threshold_is_given() -> None:
    task = MultiLabel(("a", "b"), (0.5, 0.04), never_none=True)
    assert task.label_indicators(np.float32([[0.3, 0.03], [0.1, 0.001], [0.6, 0.9]])).tolist() == [
        [False, True],
        [True, False],
        [True, True],
    ]
    assert task.label_indicators(np.zeros((0, 2), np.float32)).shape == (0, 2)


def test_what_a_set_misses_is_counted_at_the_best_common_threshold() -> None:
    task = MultiLabel(("a", "b"))
    targets = np.float32([[1, 0], [1, 1], [0, 0], [0, 1]])
    logits = np.float32([[-1, -3], [-1, -4], [-5, -6], [-4, -1.5]])
    np.testing.assert_allclose(task.one_minus_f1(targets, logits), [0, 1 / 3, 0, 0], atol=1e-6)


def test_values_are_learned_in_units_of_their_spread() -> None:
    task = tasks.from_labels("regression", [1.0, 3.0])
    assert task == Regression(mean=2.0, std=1.0)
    assert task.output_targets(task.encode([1.0, 3.0])).tolist() == [[-1.0], [1.0]]
    assert task.values(np.float32([[-1.0], [2.0]])).tolist() == [1.0, 4.0]
    assert tasks.from_labels("regression", [4.0, 4.0]) == Regression(mean=4.0, std=1.0)


@pytest.mark.parametrize(
    ("task", "labels", "logits", "expected"),
    [
        (SingleLabel(("a", "b")), ["b", "a"], [[2.0], [2.0]], [0.126928, 2.126928]),
        (SingleLabel(("a", "b", "c")), ["c"], [[1.0, 2.0, 3.0]], [0.407606]),
        (MultiLabel(("a", "b")), [("a",)], [[2.0, 0.0]], [(0.126928 + 0.693147) / 2]),
        (Regression(mean=10.0, std=2.0), [14.0], [[1.0]], [1.0]),
    ],
)
def test_losses_are_the_formulas(task: tasks.Task, labels: list, logits: list, expected: list) -> None:
    result = task.losses(task.encode(labels), np.array(logits, np.float32))
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_a_sure_mistake_has_a_finite_loss() -> None:
    assert SingleLabel(("a", "b")).losses(np.array([0]), np.float32([[1e30]]))[0] == pytest.approx(16.2, abs=1e-3)


def test_balanced_weights_let_all_classes_count_the_same() -> None:
    task, targets = SingleLabel(("a", "b")), np.array([0, 0, 0, 1])
    np.testing.assert_allclose(task.sample_weights(targets, "balanced"), [2 / 3, 2 / 3, 2 / 3, 2])
    np.testing.assert_allclose(task.sample_weights(targets, {"b": 5.0}), [0.5, 0.5, 0.5, 2.5])


@pytest.mark.parametrize(
    "task",
    [
        SingleLabel(("a", "b", "c")),
        MultiLabel(("a", "b"), (0.1, 0.5), True),
        MultiLabel(("a",)),
        Regression(mean=1.5, std=0.25),
    ],
)
def test_a_task_survives_its_description(task: tasks.Task) -> None:
    assert tasks.from_dict(json.loads(json.dumps(task.to_dict()))) == task


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": ["a", "a"]}, r"tenor\.json, field 'task\.labels': one occurs twice"),
        ({"labels": "ab"}, r"'task\.labels': it is 'ab', not a list"),
        ({"thresholds": [0.5]}, r"'task\.thresholds': they are not one for each label"),
        ({"thresholds": [0.5, 2.0]}, "above 0 and below 1"),
        ({"kind": "regression", "centre": 1, "spread": float("nan")}, "'task.spread': it is NaN, not a number"),
    ],
)
def test_a_description_that_cannot_be_is_refused(changed: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tasks.from_dict(MultiLabel(("a", "b")).to_dict() | changed)


def test_like_texts_are_parted_alike() -> None:
    several = MultiLabel(("rare", "common"))
    assert several.strata(np.float32([[1, 1], [0, 1], [0, 1], [0, 0]])).tolist() == [0, 1, 1, -1]
    assert np.bincount(Regression().strata(np.arange(100.0))).tolist() == [10] * 10


TASKS = {
    "binary": (SingleLabel(("no", "yes")), ["yes", "no", "yes"], [[2.0], [-1.0], [0.5]]),
    "multiclass": (SingleLabel(("a", "b", "c")), ["c", "a"], [[0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]),
    "multilabel": (MultiLabel(("x", "y"), (0.4, 0.5)), [("x", "y"), (), ("y",)], [[1.0, 1.0], [-2, -2], [-1.0, 0.1]]),
    "regression": (Regression(mean=10.0, std=2.0), [12.0, 9.0], [[1.0], [-0.5]]),
}


@pytest.mark.parametrize("kind", TASKS)
def test_what_a_model_that_is_right_predicts_is_decoded_to_the_labels(kind: str) -> None:
    task, labels, rows = TASKS[kind]
    logits, targets = np.array(rows, np.float32), task.encode(labels)
    assert task.decode(task.predict(logits)).tolist() == labels == task.decode(targets).tolist()
    assert task.scores(logits).shape == (len(labels), max(1, len(task.labels)))
    assert task.confidence_in_error(targets, logits) == pytest.approx(np.zeros(len(labels)), abs=1e-6)
    terms = task.metric_terms(targets, task.predict(logits))
    assert terms[:, 0].sum() == (terms[:, 1].sum() if task.has_labels else 0)
    assert [task.label_problem(list(label) if isinstance(label, tuple) else label) for label in labels] == [None] * len(
        labels
    )


@pytest.mark.parametrize("kind", TASKS)
def test_labels_of_texts_are_the_same_as_a_matrix_and_as_positions(kind: str) -> None:
    task, labels, rows = TASKS[kind]
    targets = task.encode(labels)
    matrix = task.label_matrix(targets)
    assert matrix.shape == (len(labels), len(task.labels)) == task.nonconformity(np.array(rows, np.float32)).shape
    assert np.argwhere(matrix).tolist() == np.stack(task.label_positions(targets), axis=1).tolist()
    assert [task.label_names(label) for label in labels] == [
        tuple(np.array(task.labels)[row].tolist()) for row in matrix
    ]


@pytest.mark.parametrize("kind", TASKS)
def test_directions_give_the_logit_of_each_label(kind: str) -> None:
    task, _, rows = TASKS[kind]
    logits = np.array(rows, np.float32)
    weights, constant = task.logit_directions()
    result = logits @ weights.T + constant
    if kind == "binary":
        assert result == pytest.approx(np.concatenate([-logits, logits], axis=1))
    elif kind == "multiclass":
        assert result == pytest.approx(logits - logits.mean(axis=1, keepdims=True))
    else:
        assert result == pytest.approx(logits if task.has_labels else task.scores(logits))


def test_tasks_are_joined_and_described() -> None:
    assert SingleLabel(("a", "c")).union(SingleLabel(("b", "c"))) == SingleLabel(("a", "b", "c"))
    assert MultiLabel(("a",), (0.2,)).union(MultiLabel(("b",))) == MultiLabel(("a", "b"), (), True)
    assert Regression(std=2.0).union(Regression()) == Regression(std=2.0)
    assert [task.describe() for task, _, _ in TASKS.values()] == [
        "labels: no, yes",
        "labels: a, b, c",
        "labels: x, y (any number per text)",
        "values: mean 10, standard deviation 2",
    ]
    described = [SingleLabel(("a", "b")).describe_label("a"), MultiLabel(("a", "b")).describe_label(("a", "b"))]
    assert [*described, MultiLabel(("a",)).describe_label(()), Regression().describe_label(1.23456789)] == [
        "a",
        "a, b",
        "—",
        "1.23457",
    ]


def test_a_calibration_sees_every_decision_as_one_of_several_classes() -> None:
    targets, logits = SingleLabel(("a", "b")).class_logits(np.array([1, 0]), np.array([[2.0], [-1.0]], np.float32))
    assert (targets.tolist(), logits.tolist()) == ([1, 0], [[0.0, 2.0], [0.0, -1.0]])
    targets, logits = MultiLabel(("a", "b")).class_logits(np.array([[1, 0]]), np.array([[2.0, -1.0]], np.float32))
    assert (targets.tolist(), logits.tolist()) == ([1, 0], [[0.0, 2.0], [0.0, -1.0]])
    assert Regression().class_logits(np.zeros(1), np.zeros((1, 1), np.float32)) is None
