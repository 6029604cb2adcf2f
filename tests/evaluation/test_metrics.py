import numpy as np
import pytest

from tenor.evaluation import metrics
from tenor.tasks import Task

TARGETS = np.array([0, 0, 1, 1], np.int32)
PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]], np.float32)


def test_known_answers_for_two_classes() -> None:
    found = metrics.evaluate(TARGETS, PROBABILITIES, Task(("no", "yes")))
    assert found["accuracy"] == 0.75
    assert found["confusion"] == [[1, 1], [0, 2]]
    assert found["per_class"]["yes"] == {
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
        "rows": 2,
    }
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.7, 0.8]).mean(), abs=1e-6)
    assert found["roc_auc"] == 1.0


def test_the_interval_holds_the_accuracy_and_narrows_with_rows() -> None:
    task = Task(("no", "yes"))
    small = metrics.evaluate(TARGETS, PROBABILITIES, task)["accuracy_interval"]
    many = metrics.evaluate(np.tile(TARGETS, 500), np.tile(PROBABILITIES, (500, 1)), task)["accuracy_interval"]
    assert small[0] <= 0.75 <= small[1]
    assert many[0] <= 0.75 <= many[1]
    assert many[1] - many[0] == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 2000), rel=0.05)


def test_a_sure_mistake_has_a_finite_log_loss() -> None:
    assert metrics.log_loss(np.array([0], np.int32), np.array([[0.0, 1.0]], np.float32)) == pytest.approx(
        16.118, abs=1e-3
    )


def test_a_class_without_rows_has_no_roc_auc_and_does_not_lower_macro_f1() -> None:
    found = metrics.evaluate(
        np.array([0, 1], np.int32), np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], np.float32), Task(("a", "b", "c"))
    )
    assert found["roc_auc"] is None
    assert found["macro_f1"] == 1.0
