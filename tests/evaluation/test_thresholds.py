import numpy as np
import pytest

from tenor.evaluation import thresholds

RANDOM = np.random.default_rng(0)


def test_a_frequent_label_gets_the_threshold_with_the_best_f1() -> None:
    truth = RANDOM.random(20_000) < 0.2
    probabilities = np.where(truth, RANDOM.uniform(0.25, 1, 20_000), RANDOM.uniform(0, 0.3, 20_000)).astype(np.float32)
    [threshold] = thresholds.choose(truth[:, None], probabilities[:, None])

    def f1(at: float) -> float:
        chosen = probabilities >= at
        return float(2 * (chosen & truth).sum() / (chosen.sum() + truth.sum()))

    assert f1(threshold) == pytest.approx(max(f1(at) for at in np.linspace(0.01, 0.99, 99)), abs=0.002)


def test_the_threshold_of_a_rare_label_is_near_that_of_all() -> None:
    truth = np.zeros((1000, 2), bool)
    truth[:300, 0], truth[0, 1] = True, True
    probabilities = np.zeros((1000, 2), np.float32)
    probabilities[:, 0] = np.where(truth[:, 0], 0.6, 0.2)
    probabilities[:, 1] = 0.01
    frequent, rare = thresholds.choose(truth, probabilities)
    assert frequent == pytest.approx(0.4, abs=0.02)
    assert 0.25 < rare < 0.4  # its own best is 0.005


def test_without_any_label_the_thresholds_are_a_half() -> None:
    assert thresholds.choose(np.zeros((5, 3), bool), np.full((5, 3), 0.1, np.float32)) == (0.5, 0.5, 0.5)
