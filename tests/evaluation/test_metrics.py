import json
import tracemalloc

import numpy as np
import pytest

from tenor.evaluation import metrics
from tenor.tasks import MultiLabel, Regression, SingleLabel

TARGETS = np.array([0, 0, 1, 1], np.int32)
LOGITS = np.log(np.array([[0.1 / 0.9], [0.6 / 0.4], [0.7 / 0.3], [0.8 / 0.2]], np.float32))


def test_known_answers_for_two_classes() -> None:
    result = metrics.classification_metrics(TARGETS, LOGITS, SingleLabel(("no", "yes")))
    assert result["accuracy"] == 0.75
    assert result["confusion"] == [[1, 1], [0, 2]]
    assert result["per_class"]["yes"] == {
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
        "rows": 2,
    }
    assert result["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    assert result["roc_auc"] == 1.0


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_has_the_known_answers_of_newcombe_1998(right: int, rows: int, low: float, high: float) -> None:
    assert metrics.wilson_interval(right, rows) == pytest.approx((low, high), abs=5e-5)
    assert metrics.wilson_interval(rows - right, rows) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_answers_that_are_all_right_leave_a_doubt() -> None:
    targets = np.zeros(20, np.int32)
    result = metrics.classification_metrics(targets, np.full((20, 1), -2, np.float32), SingleLabel(("no", "yes")))
    assert result["accuracy"] == 1.0
    assert result["accuracy_interval"] == pytest.approx([0.8389, 1.0], abs=5e-5)
    assert result["accuracy_interval"][1] <= 1.0


def test_the_interval_holds_the_accuracy_and_narrows_with_rows() -> None:
    task = SingleLabel(("no", "yes"))
    small = metrics.classification_metrics(TARGETS, LOGITS, task)["accuracy_interval"]
    many = metrics.classification_metrics(np.tile(TARGETS, 500), np.tile(LOGITS, (500, 1)), task)["accuracy_interval"]
    assert small[0] <= 0.75 <= small[1]
    assert many[0] <= 0.75 <= many[1]
    assert many[1] - many[0] == pytest.approx(2 * 1.96 * np.sqrt(0.75 * 0.25 / 2000), rel=0.05)


def test_a_class_without_rows_is_not_measured_and_does_not_change_a_mean() -> None:
    result = metrics.classification_metrics(
        np.array([0, 1], np.int32),
        np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], np.float32),
        SingleLabel(("a", "b", "c")),
    )
    assert (result["roc_auc"], result["macro_f1"], result["measured_classes"]) == (1.0, 1.0, 2)
    assert result["per_class"]["c"] == {"precision": None, "recall": None, "f1": None, "rows": 0}
    alone = metrics.classification_metrics(np.zeros(3, np.int32), np.zeros((3, 1), np.float32), SingleLabel(("a", "b")))
    assert (alone["roc_auc"], alone["measured_classes"]) == (None, 1)


def test_a_class_that_is_never_predicted_has_precision_0() -> None:
    result = metrics.classification_metrics(
        np.array([0, 1], np.int32), np.full((2, 1), -2, np.float32), SingleLabel(("a", "b"))
    )
    assert result["per_class"]["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 1}


def test_thousands_of_classes_take_no_table_of_classes_by_classes() -> None:
    classes, texts = 4_000, 500
    random = np.random.default_rng(0)
    task = SingleLabel(tuple(f"{number:04}" for number in range(classes)))
    targets, logits = random.integers(0, classes, texts).astype(np.int32), random.random((texts, classes), np.float32)
    tracemalloc.start()
    result = metrics.compute_metrics(targets, logits, task)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * classes * classes  # bytes; a table of float32 would be this large
    assert result["measured_classes"] == len(set(targets.tolist()))
    assert len(json.dumps(result)) < 120 * classes


def test_known_answers_for_sets_of_labels() -> None:
    task = MultiLabel(("a", "b", "c", "d"), (0.5, 0.5, 0.2, 0.5))
    truth = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]], np.float32)
    probabilities = np.array([[0.9, 0.6, 0.1, 0.0], [0.4, 0.7, 0.1, 0.0], [0.1, 0.8, 0.3, 0.0]], np.float32)
    result = metrics.multilabel_metrics(truth, probabilities, task)
    assert result["micro_f1"] == pytest.approx(2 * 4 / (5 + 5))
    assert result["macro_f1"] == pytest.approx((2 / 3 + 0.8 + 1) / 3)
    assert result["hamming_loss"] == pytest.approx(2 / 12)
    assert result["exact_match"] == pytest.approx(1 / 3)
    assert result["average_precision"] == 1.0
    assert result["per_class"]["b"] == {
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
        "average_precision": 1.0,
        "rows": 2,
    }
    assert result["per_class"]["d"]["average_precision"] is None
    assert result["measured_classes"] == 3


def test_known_answers_for_values() -> None:
    result = metrics.regression_metrics(np.float32([1, 2, 3, 6]), np.float32([1, 3, 3, 5]))
    assert result["mae"] == 0.5
    assert result["rmse"] == pytest.approx(np.sqrt(0.5))
    assert result["r2"] == pytest.approx(1 - 2 / 14)
    assert result["pearson"] == pytest.approx(10 / np.sqrt(14 * 8))
    assert result["spearman"] == pytest.approx(0.9487, abs=1e-4)
    same = metrics.regression_metrics(np.float32([2, 2]), np.float32([1, 3]))
    assert (same["r2"], same["pearson"], same["spearman"]) == (None, None, None)


def test_each_task_has_its_metrics() -> None:
    logits = np.float32([[2.0], [-1.0]])
    result = metrics.compute_metrics(np.array([1, 0], np.int32), logits, SingleLabel(("no", "yes")))
    assert (result["task"], result["rows"], result["accuracy"]) == ("binary", 2, 1.0)
    assert result["log_loss"] == pytest.approx(np.log1p(np.exp([-2, -1])).mean())
    assert metrics.compute_metrics(np.float32([[1], [0]]), logits, MultiLabel(("a",)))["exact_match"] == 1.0
    assert metrics.compute_metrics(np.float32([14, 8]), logits, Regression(mean=10.0, std=2.0))["rmse"] == 0.0


def test_the_interval_of_no_rows_right_and_of_all_ends_exactly() -> None:
    """One end of it is the share itself, so that no part of the data seems worse than a whole that is right."""
    for rows in range(1, 200):
        assert metrics.wilson_interval(rows, rows)[1] == 1.0
        assert metrics.wilson_interval(0, rows)[0] == 0.0
