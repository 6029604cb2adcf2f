"""Confusion in `metrics.json`: a matrix for few classes, cells for many."""

import json

import numpy as np

from tenor.evaluation import confusion


def test_few_classes_have_a_matrix_and_many_have_cells() -> None:
    targets, predicted = np.array([0, 0, 0, 2, 1]), np.array([0, 2, 2, 0, 1])
    labels = [f"c{number}" for number in range(200)]
    few, many = (confusion.describe(targets, predicted, classes) for classes in (3, 200))
    assert few == {"confusion": [[1, 0, 2], [0, 1, 0], [1, 0, 0]]}
    assert many == {"confusion_cells": [[0, 2, 2], [0, 0, 1], [1, 1, 1], [2, 0, 1]], "confusion_rest": 0}
    expected = [("c0", "c2", 2), ("c2", "c0", 1)]
    assert confusion.mistakes(few, labels) == confusion.mistakes(many, labels) == expected


def test_the_file_grows_with_the_texts_not_with_the_classes() -> None:
    random = np.random.default_rng(0)
    described = confusion.describe(random.integers(0, 5_000, 30_000), random.integers(0, 5_000, 30_000), 5_000)
    assert len(described["confusion_cells"]) == confusion.MOST_CELLS
    assert sum(rows for *_, rows in described["confusion_cells"]) + described["confusion_rest"] == 30_000
    assert len(json.dumps(described)) < 400_000


def test_metrics_without_predictions_have_no_mistakes() -> None:
    assert confusion.mistakes({"task": "regression"}, ()) == []
