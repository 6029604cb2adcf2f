import numpy as np
import pytest

from tenor.evaluation import calibration
from tenor.evaluation.calibration import Calibration
from tenor.tasks import Floats, MultiLabel, SingleLabel, Targets

TWO, FOUR, SETS = SingleLabel(("n", "y")), SingleLabel(("a", "b", "c", "d")), MultiLabel(("a", "b", "c"))


def drawn(task: SingleLabel | MultiLabel, slope: float, floor: float, texts: int = 20_000) -> tuple[Targets, Floats]:
    """Logits, and labels drawn with the probabilities that a calibration with this slope and floor gives."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (texts, task.n_outputs)).astype(np.float32)
    probabilities = task.probabilities(Calibration(slope, floor).apply(logits, task))
    if isinstance(task, MultiLabel):
        return (random.random(probabilities.shape) < probabilities).astype(np.float32), logits
    return (probabilities.cumsum(axis=1) < random.random((texts, 1))).sum(axis=1).astype(np.int32), logits


@pytest.mark.parametrize(
    ("task", "slope", "floor"), [(TWO, 0.6, 0.0), (TWO, 1.8, 0.1), (FOUR, 0.6, 0.0), (FOUR, 1.8, 0.1), (SETS, 0.6, 0.0)]
)
def test_the_slope_and_the_floor_that_made_the_labels_are_found(
    task: SingleLabel | MultiLabel, slope: float, floor: float
) -> None:
    targets, logits = drawn(task, slope, floor)
    result = calibration.fit(targets, logits, task)
    assert result.slope == pytest.approx(slope, rel=0.06)
    assert result.floor == pytest.approx(floor, abs=0.02)
    before, after = (
        calibration.calibration_metrics(targets, each, task) for each in (logits, result.apply(logits, task))
    )
    assert after["expected_calibration_error"] < 0.01 < before["expected_calibration_error"]
    assert after["brier_score"] < before["brier_score"]


@pytest.mark.parametrize("task", [TWO, FOUR])
def test_which_label_wins_stays(task: SingleLabel) -> None:
    logits = np.random.default_rng(1).normal(0, 8, (5_000, task.n_outputs)).astype(np.float32)
    for result in (Calibration(0.2), Calibration(3.0, 0.02), Calibration(0.5, 0.5)):
        calibrated = task.probabilities(result.apply(logits, task))
        np.testing.assert_array_equal(calibrated.argmax(axis=1), task.probabilities(logits).argmax(axis=1))
        np.testing.assert_allclose(calibrated.sum(axis=1), 1, atol=1e-6)


def test_the_floor_is_a_share_of_the_uniform_distribution() -> None:
    logits = np.float32([[8, 0, 0, 0], [1, 2, 3, 4], [900, -900, 0, 0]])
    result = FOUR.probabilities(Calibration(1.0, 0.2).apply(logits, FOUR))
    np.testing.assert_allclose(result, 0.8 * FOUR.probabilities(logits) + 0.05, atol=1e-6)
    logit = np.float32([[3], [-900]])
    np.testing.assert_allclose(
        TWO.probabilities(Calibration(1.0, 0.2).apply(logit, TWO)), 0.8 * TWO.probabilities(logit) + 0.1, atol=1e-6
    )


def test_few_texts_change_little() -> None:
    logits = np.float32([[4], [-4], [4], [-4]])
    result = calibration.fit(np.int32([1, 0, 1, 0]), logits, TWO)
    assert 0.9 < result.slope < 1.2 and result.floor < 0.01
    wrong = calibration.fit(np.int32([0, 1, 0, 1]), logits, TWO)
    assert 0.1 < wrong.slope < 0.6


def test_known_answers_of_the_measures() -> None:
    second = np.float32([[0.1], [0.1], [0.7], [0.55]])
    result = calibration.calibration_metrics(np.int32([0, 1, 1, 1]), np.log(second / (1 - second)), TWO)
    # 0.9: half of two are right; 0.7 and 0.55, each in a bin of its own, are right.
    assert result["expected_calibration_error"] == pytest.approx((2 * 0.4 + 0.3 + 0.45) / 4)
    assert result["brier_score"] == pytest.approx((0.01 + 0.81 + 0.09 + 0.2025) / 4)
    assert [each["count"] for each in result["reliability"]] == [1, 1, 2]
    assert result["reliability"][2] == {"confidence": pytest.approx(0.9), "accuracy": 0.5, "count": 2}
    sure = calibration.calibration_metrics(np.int32([0, 3]), 900 * np.eye(4, dtype=np.float32)[[0, 2]], FOUR)
    assert (sure["expected_calibration_error"], sure["brier_score"]) == (0.5, 1.0)
    sets = calibration.calibration_metrics(np.float32([[1, 0, 0]]), np.log(np.float32([[9, 0.25, 1e-9]])), SETS)
    assert sets["expected_calibration_error"] == pytest.approx(0.1)
    assert sets["brier_score"] == pytest.approx(0.05 / 3)


def test_a_calibration_survives_json_and_others_are_refused() -> None:
    result = Calibration(1.25, 0.01)
    assert calibration.restore(result.describe(), TWO) == result
    for wrong in ({"slope": 0.0}, {"slope": float("nan")}, {"floor": -0.1}, {"floor": 0.9}):
        with pytest.raises(
            ValueError, match=r"tenor\.json, field 'calibration\.(slope|floor)': it is .*, not a number from"
        ):
            calibration.restore(result.describe() | wrong, TWO)
    with pytest.raises(ValueError, match=r"'calibration\.floor': it is 0\.01, not a number from 0 to 0"):
        calibration.restore(result.describe(), SETS)


def test_thousands_of_classes_are_calibrated_on_enough_texts() -> None:
    task = SingleLabel(tuple(f"{number:04}" for number in range(2_000)))
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (1_000, 2_000)).astype(np.float32)
    odds = logits * np.float32(1.5) + random.gumbel(size=logits.shape).astype(np.float32)
    result = calibration.fit(odds.argmax(axis=1).astype(np.int32), logits, task)
    assert result.slope == pytest.approx(1.5, rel=0.03)
