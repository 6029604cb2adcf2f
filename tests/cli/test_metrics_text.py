"""Metrics as lines of text: of many classes, and of classes that were not measured."""

import json

import numpy as np

from tenor.cli import metrics_text
from tenor.evaluation import metrics
from tenor.tasks import MultiLabel, SingleLabel


def measured(n_classes: int, targets: list[int]) -> dict[str, object]:
    task = SingleLabel(tuple(f"class-{number:04}" for number in range(n_classes)))
    logits = np.random.default_rng(0).normal(size=(len(targets), task.n_outputs)).astype(np.float32)
    return metrics.compute_metrics(np.array(targets, np.int32), logits, task)


def test_of_thousands_of_classes_the_worst_and_the_largest_are_shown() -> None:
    targets = [*range(2_500), *[7] * 50]
    lines = metrics_text.evaluation_lines(measured(2_500, targets), "--json lists all")
    assert len(lines) < 40
    assert "the 10 of 2,500 classes with the lowest F1 (--json lists all)" in lines
    after = lines[lines.index("the 10 with the most texts") + 2]
    assert after.startswith("class-0007") and after.endswith("51")
    assert any(line.startswith("most frequent mistakes: class-0007 as ") for line in lines)


def test_up_to_twenty_classes_are_all_shown() -> None:
    lines = metrics_text.evaluation_lines(measured(20, [*range(20)] * 3), "")
    assert sum(line.startswith("class-") for line in lines) == 20
    assert not any("lowest F1" in line for line in lines)


def test_a_class_without_texts_is_said_not_to_be_measured() -> None:
    lines = metrics_text.evaluation_lines(measured(3, [0, 1, 1]), "")
    said = "not measured: 1 class has no text here (class-0002); means over classes are about the other 2."
    assert said in lines
    assert next(line for line in lines if line.startswith("class-0002")).split() == [
        "class-0002",
        "not",
        "measured",
        "0",
    ]


def test_metrics_of_a_single_class_name_it() -> None:
    lines = metrics_text.evaluation_lines(measured(2, [1, 1, 1]), "")
    assert "ROC AUC   not measured" in lines
    assert "not measured: 1 class has no text here (class-0000); all metrics are about class-0001 alone." in lines
    assert not any("1.0000  1.0000" in line for line in lines if line.startswith("class-0000"))


def test_labels_of_which_no_text_has_one_are_named() -> None:
    task = MultiLabel(("a", "b", "c"))
    result = metrics.compute_metrics(np.float32([[1, 0, 0], [1, 1, 0]]), np.float32([[1, -1, 0], [1, 1, -1]]), task)
    lines = metrics_text.evaluation_lines(result, "")
    assert "not measured: 1 label has no text here (c); means over labels are about the other 2." in lines


def test_metrics_of_an_earlier_version_are_read() -> None:
    """They have a matrix for any number of classes, zeros for a class without texts, and no count of classes."""
    result = measured(101, [*range(100)])
    cells = result.pop("confusion_cells")
    del result["confusion_rest"], result["measured_classes"]
    matrix = np.zeros((101, 101), int)
    for true, predicted, rows in cells:
        matrix[true, predicted] = rows
    earlier = result | {"confusion": matrix.tolist(), "roc_auc": None}
    earlier["per_class"]["class-0100"] = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 0}
    lines = metrics_text.evaluation_lines(json.loads(json.dumps(earlier)), "")
    assert "not measured: 1 class has no text here (class-0100); means over classes are about the other 100." in lines
    assert any(line.startswith("most frequent mistakes: ") for line in lines)


def test_folds_say_which_classes_they_lack() -> None:
    each = [
        {"rows": 5, "accuracy": 0.8, "roc_auc": None, "unmeasured_classes": ["rare"]},
        {"rows": 5, "accuracy": 0.6, "roc_auc": 0.9},
    ]
    folds = {"folds": 2, "mean": {"accuracy": 0.7, "roc_auc": 0.9}, "std": {"accuracy": 0.14, "roc_auc": None}}
    lines = metrics_text.fold_lines({**folds, "each": each})
    assert "ROC AUC   0.9000  not measured  (1 of 2 folds)" in lines
    assert lines[-1].startswith("not measured in 1 of 2 folds, as no text there has them: rare;")
