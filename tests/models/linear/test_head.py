import numpy as np
import pytest

from tenor.models.linear.head import Head, LabelledFeatures, random_folds
from tenor.tasks import Floats, MultiLabel, Regression, SingleLabel, Targets, Task

RANDOM = np.random.default_rng(5)


def fit(features: Floats, targets: Targets, task: Task) -> Head:
    labelled = LabelledFeatures(features, targets, task, np.ones(len(features), np.float32))
    return labelled.fit_frozen(random_folds(len(features), 0))


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_is_a_logistic_regression_of_the_features(classes: int) -> None:
    targets = (np.arange(240) % classes).astype(np.int32)
    centres = RANDOM.normal(size=(classes, 6)) * 3
    features = (centres[targets] + RANDOM.normal(size=(240, 6)) + 10).astype(np.float32)
    task = SingleLabel(("a", "b", "c")[:classes])
    (kernel, bias), C, tried = fit(features, targets, task)
    logits = features @ kernel + bias
    result = (logits[:, 0] > 0).astype(int) if classes == 2 else logits.argmax(axis=1)
    assert (result == targets).mean() > 0.97
    assert C in [row["C"] for row in tried] and len(tried) > 1


def test_with_few_texts_nothing_is_chosen() -> None:
    features = np.eye(3, dtype=np.float32)
    targets = np.array([0, 0, 1], np.int32)
    (kernel, _), _, tried = fit(features, targets, SingleLabel(("a", "b")))
    assert tried == []
    assert (features @ kernel).argmax() == 2


def test_a_class_with_few_texts_does_not_stop_the_choice() -> None:
    targets = np.array([0, 1] * 150 + [2] * 2, np.int32)
    features = (np.eye(3)[targets] * 4 + RANDOM.normal(size=(302, 3))).astype(np.float32)
    (kernel, bias), C, tried = fit(features, targets, SingleLabel(("a", "b", "c")))
    assert C in [row["C"] for row in tried] and len(tried) > 1
    assert kernel.shape == (3, 3) and np.isfinite(bias).all()


def test_the_head_learns_sets_of_labels_and_values() -> None:
    features = RANDOM.normal(size=(300, 4)).astype(np.float32)
    sets = (features[:, :2] > 0).astype(np.float32)
    (kernel, bias), *_ = fit(features, sets, MultiLabel(("a", "b")))
    assert (((features @ kernel + bias) > 0) == sets).mean() > 0.95
    values = features @ np.float32([1, 2, 0, -1]) * 10 + 100
    task = Regression(mean=float(values.mean()), std=float(values.std()))
    (kernel, bias), *_ = fit(features, values, task)
    np.testing.assert_allclose(task.values(features @ kernel + bias), values, atol=2)


def test_regularisation_weakens_only_where_that_is_better_beyond_noise() -> None:
    many = (np.arange(600) % 20).astype(np.int32)
    clear = (np.eye(20)[many] * 5 + RANDOM.normal(size=(600, 20))).astype(np.float32)
    assert fit(clear, many, SingleLabel(tuple("abcdefghijklmnopqrst"))).C > 0.01
    unrelated = RANDOM.normal(size=(600, 20)).astype(np.float32)
    assert fit(unrelated, many % 2, SingleLabel(("a", "b"))).C <= 0.01
