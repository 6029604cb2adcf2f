"""Ranking metrics beside those of scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from tenor.evaluation import ranking
from tenor.tasks import SingleLabel


@pytest.mark.parametrize(("texts", "classes"), [(300, 2), (300, 3), (90, 40), (5_000, 4)])
def test_the_area_under_the_roc_curve_is_that_of_scikit_learn(texts: int, classes: int) -> None:
    random = np.random.default_rng(0)
    task = SingleLabel(tuple(f"{number:02}" for number in range(classes)))
    targets = random.integers(0, classes, texts).astype(np.int32)
    logits = random.normal(size=(texts, task.n_outputs)).astype(np.float32).round(1)  # with ties
    probabilities = task.probabilities(logits)
    present = [1] if classes == 2 else np.unique(targets).tolist()
    expected = np.mean([metrics.roc_auc_score(targets == index, probabilities[:, index]) for index in present])
    assert ranking.mean_roc_auc(targets, logits) == pytest.approx(expected, abs=1e-4)


def test_texts_of_one_class_have_no_area() -> None:
    assert ranking.mean_roc_auc(np.zeros(5, np.int32), np.zeros((5, 3), np.float32)) is None
    assert ranking.mean_roc_auc(np.ones(5, np.int32), np.zeros((5, 1), np.float32)) is None


@pytest.mark.parametrize("decimals", [1, 6])
def test_the_average_precision_is_that_of_scikit_learn(decimals: int) -> None:
    random = np.random.default_rng(0)
    truth, scores = random.random(500) < 0.2, random.random(500).astype(np.float32).round(decimals)
    assert ranking.average_precision(truth, scores) == pytest.approx(metrics.average_precision_score(truth, scores))
    precision, recall = ranking.precision_by_recall(truth, scores)
    expected_precision, expected_recall, _ = metrics.precision_recall_curve(truth, scores)
    np.testing.assert_allclose(precision[::-1], expected_precision[:-1])
    np.testing.assert_allclose(recall[::-1], expected_recall[:-1])
    assert ranking.average_precision(np.zeros(3, bool), np.zeros(3, np.float32)) is None


@pytest.mark.parametrize("known", [2, 3])
def test_a_class_that_the_model_does_not_know_is_ranked_by_chance(known: int) -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, known + 1, 200)
    logits = random.normal(size=(200, 1 if known == 2 else known)).astype(np.float32)
    probabilities = SingleLabel(tuple("abc"[:known])).probabilities(logits)
    columns = [*probabilities.T, np.zeros(200)]
    expected = np.mean([metrics.roc_auc_score(targets == index, column) for index, column in enumerate(columns)])
    assert ranking.mean_roc_auc(targets, logits) == pytest.approx(expected)
