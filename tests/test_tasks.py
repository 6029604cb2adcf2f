import numpy as np
import pytest

from tenor.tasks import Task


def test_two_classes_have_one_output_that_speaks_for_the_second() -> None:
    task = Task(("bad", "good"))
    assert (task.kind, task.outputs) == ("binary", 1)
    probabilities = task.probabilities(np.array([[0.0], [2.0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.5, 0.5], [0.119203, 0.880797]], atol=1e-6)


def test_more_classes_use_softmax() -> None:
    task = Task(("a", "b", "c"))
    assert (task.kind, task.outputs) == ("multiclass", 3)
    probabilities = task.probabilities(np.array([[1.0, 2.0, 3.0]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.090031, 0.244728, 0.665241]], atol=1e-6)


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c")])
def test_probabilities_of_huge_logits_are_finite_and_sum_to_one(labels: tuple[str, ...]) -> None:
    task = Task(labels)
    logits = np.tile(np.array([[-1e30], [-1e4], [1e4], [1e30]], np.float32), (1, task.outputs))
    logits[:, 0] *= 0.5
    probabilities = task.probabilities(logits)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_labels_become_their_positions() -> None:
    assert Task(("a", "b", "c")).encode(["c", "a"]).tolist() == [2, 0]
