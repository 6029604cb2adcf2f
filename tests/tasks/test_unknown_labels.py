"""Metrics of rows whose label the model does not know."""

import numpy as np
import pytest

from tenor.data.dataset import Dataset
from tenor.evaluation import metrics
from tenor.evaluation.calibration import Calibration
from tenor.evaluation.conformal import Conformal
from tenor.tasks import MultiLabel, SingleLabel, Task, with_unknown_labels

FEW = Conformal(np.zeros(1, np.float32), np.zeros(1, np.float32), np.zeros(1, np.int32))  # sets hold every known label


def test_known_labels_leave_the_task_alone() -> None:
    task = SingleLabel(("a", "b"))
    assert with_unknown_labels(task, ["a", "b", "a"]) is task


@pytest.mark.parametrize("labels", [("b", "d"), ("b", "d", "e")])
def test_an_unknown_label_is_a_mistake_in_every_metric(labels: tuple[str, ...]) -> None:
    known = SingleLabel(labels)
    task = with_unknown_labels(known, ["b", "a", "c"])
    assert task.labels == (*labels, "a", "c")
    logits = np.full((4, known.n_outputs), -5.0, np.float32)
    if known.n_outputs > 1:
        logits[:, 0] = 5
    targets = task.encode(["b", "b", "a", "c"])
    result = metrics.compute_metrics(targets, logits, task, Calibration(1.0, 0.1).apply(logits, task), FEW)
    assert (result["accuracy"], result["rows"]) == (0.5, 4)
    assert result["per_class"]["b"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "rows": 2}
    assert (result["per_class"]["a"]["rows"], result["per_class"]["a"]["f1"]) == (1, 0)
    assert result["log_loss"] > 8
    assert all(row["found"] == 0.5 for row in result["coverage"])


def test_an_unknown_name_in_a_set_is_a_mistake() -> None:
    known = MultiLabel(("joy", "love"), (0.4, 0.6), never_none=True)
    task: Task = with_unknown_labels(known, [("joy", "fear")])
    targets, logits = task.encode([("joy", "fear"), ("joy",)]), np.array([[9.0, -9.0]] * 2, np.float32)
    result = metrics.compute_metrics(targets, logits, task, None, FEW)
    assert result["micro_f1"] == pytest.approx(4 / 5)
    assert result["exact_match"] == 0.5
    assert result["per_class"]["fear"]["recall"] == 0
    assert [row["found"] for row in result["coverage"]] == [0.5] * len(result["coverage"])
    assert np.isfinite(result["log_loss"])
    assert task.decode(task.predict(logits)).tolist() == [("joy",), ("joy",)]


def test_an_evaluation_has_the_unknown_labels() -> None:
    from tenor import TextClassifier
    from tenor.evaluation.evaluate import run_evaluation

    model = TextClassifier().fit(["good film", "bad film"] * 10, ["good", "bad"] * 10).predictor_
    evaluation = run_evaluation(model, Dataset("t", ["good film", "bad film"], ["good", "odd"]))
    assert evaluation.metrics["accuracy"] == 0.5
    assert evaluation.task.labels == ("bad", "good", "odd")
