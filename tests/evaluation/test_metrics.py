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


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_has_the_known_answers_of_newcombe_1998(right: int, rows: int, low: float, high: float) -> None:
    assert metrics.wilson(right, rows) == pytest.approx((low, high), abs=5e-5)
    assert metrics.wilson(rows - right, rows) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_answers_that_are_all_right_leave_a_doubt() -> None:
    targets = np.zeros(20, np.int32)
    found = metrics.evaluate(targets, np.tile(np.float32([0.9, 0.1]), (20, 1)), Task(("no", "yes")))
    assert found["accuracy"] == 1.0
    assert found["accuracy_interval"] == pytest.approx([0.8389, 1.0], abs=5e-5)
    assert found["accuracy_interval"][1] <= 1.0


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
