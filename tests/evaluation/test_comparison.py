import numpy as np
import pytest

from tenor.evaluation import comparison
from tenor.tasks import MultiLabel, Regression, SingleLabel

TASK = SingleLabel(("a", "b", "c"))
RANDOM = np.random.default_rng(3)


def noisy(targets: np.ndarray, wrong: float, random: np.random.Generator) -> np.ndarray:
    flipped = (targets + random.integers(1, 3, len(targets))) % 3
    return np.where(random.random(len(targets)) < wrong, flipped, targets)


def test_a_better_model_is_told() -> None:
    targets = RANDOM.integers(0, 3, 2_000)
    result = comparison.compare(TASK, targets, noisy(targets, 0.3, RANDOM), noisy(targets, 0.2, RANDOM))
    assert result["better"] == "second"
    assert result["mcnemar"]["p"] < 1e-6
    swapped = comparison.compare(TASK, targets, noisy(targets, 0.2, RANDOM), noisy(targets, 0.3, RANDOM))
    assert swapped["better"] == "first"


def test_models_of_equal_quality_are_rarely_told_apart() -> None:
    told = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        targets = random.integers(0, 3, 300)
        result = comparison.compare(TASK, targets, noisy(targets, 0.3, random), noisy(targets, 0.3, random), seed)
        told += result["better"] is not None
    assert told <= 6  # 5% of 40 is 2; more than 6 has a chance of 0.3%


def test_the_interval_of_accuracy_is_that_of_the_normal_approximation() -> None:
    targets = RANDOM.integers(0, 3, 4_000)
    first, second = noisy(targets, 0.3, RANDOM), noisy(targets, 0.28, RANDOM)
    gain = (second == targets).astype(float) - (first == targets)
    half = 1.96 * gain.std() / np.sqrt(len(gain))
    metric = comparison.compare(TASK, targets, first, second)["metrics"]["accuracy"]
    assert metric["difference"] == pytest.approx(gain.mean())
    np.testing.assert_allclose(metric["interval"], [gain.mean() - half, gain.mean() + half], atol=0.1 * half)


def test_macro_f1_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    targets = RANDOM.integers(0, 3, 200)
    first, second = noisy(targets, 0.3, RANDOM), noisy(targets, 0.5, RANDOM)
    metric = comparison.compare(TASK, targets, first, second)["metrics"]["macro_f1"]
    assert metric["first"] == pytest.approx(f1_score(targets, first, average="macro"))
    assert metric["second"] == pytest.approx(f1_score(targets, second, average="macro"))


def test_mcnemar_is_the_binomial_test_of_the_texts_that_differ() -> None:
    first = np.array([True] * 8 + [False] * 2 + [True] * 5)
    second = np.array([False] * 8 + [True] * 2 + [True] * 5)
    result = comparison.mcnemar(first, second)
    assert (result["only_first_right"], result["only_second_right"]) == (8, 2)
    assert result["p"] == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert comparison.mcnemar(first, first)["p"] == 1


def test_sets_of_labels_are_compared_by_f1() -> None:
    task = MultiLabel(("x", "y"))
    targets = (RANDOM.random((500, 2)) < 0.4).astype(np.float32)
    flip = (RANDOM.random((500, 2)) < 0.2).astype(np.float32)
    result = comparison.compare(task, targets, targets, np.abs(targets - flip))
    assert result["metrics"]["micro_f1"]["first"] == 1
    assert result["better"] == "first"
    assert result["changed"] == int(flip.any(axis=1).sum())


def test_of_numbers_the_smaller_error_is_better() -> None:
    targets = RANDOM.normal(size=400).astype(np.float32)
    near, far = (targets + scale * RANDOM.normal(size=400).astype(np.float32) for scale in (0.1, 0.3))
    assert comparison.compare(Regression(), targets, far, near)["better"] == "second"
    result = comparison.compare(Regression(), targets, near, far)
    assert result["better"] == "first"
    assert result["mcnemar"] is None
