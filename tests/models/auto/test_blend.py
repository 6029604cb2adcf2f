"""Weights of a blend, and what is kept out of it."""

import numpy as np
import pytest

from tenor import tasks
from tenor.models import registry
from tenor.models.auto import blend
from tenor.models.family import SavedModel

RANDOM = np.random.default_rng(0)
TASK = tasks.from_labels("binary", ["no", "yes"] * 400)
TARGETS = TASK.encode(["no", "yes"] * 400)
SIGN = (2 * TARGETS.astype(np.float32) - 1)[:, None]


def says(sureness: float, seed: int) -> np.ndarray:
    """Logits of a model that is right by `sureness` on average, with noise of its own."""
    noise = np.random.default_rng(seed).normal(size=(len(TARGETS), 1)).astype(np.float32)
    return (sureness * SIGN + 2 * noise).astype(np.float32)


def loss(logits: np.ndarray) -> float:
    return float(np.mean(TASK.losses(TARGETS, logits)))


def test_independent_models_are_blended_into_a_better_one_the_best_first() -> None:
    each = [says(2.0, 1), says(3.0, 2), says(2.5, 3)]
    chosen = blend.choose(each, TARGETS, TASK).weights
    assert list(chosen) == [1, 2, 0]
    blended = blend.combined([each[number] for number in chosen], list(chosen.values()))
    assert blended.dtype == np.float32
    assert loss(blended) < 0.8 * min(map(loss, each))


def test_a_model_that_adds_nothing_is_left_out_and_one_alone_keeps_its_logits() -> None:
    good, noise = says(3.0, 1), says(0.0, 2)
    assert blend.choose([noise, good], TARGETS, TASK).weights == {1: 1.0}
    assert blend.choose([good, good], TARGETS, TASK).weights == {0: 1.0}


def test_a_model_that_is_better_by_chance_does_not_replace_the_first() -> None:
    kept = sum(
        list(blend.choose([says(1.0, seed)[:20], says(0.0, seed + 50)[:20]], TARGETS[:20], TASK).weights) == [0]
        for seed in range(40)
    )
    assert kept >= 34  # of 40; the lowest loss alone would keep the first model in fewer than 20


def test_models_are_compared_on_texts_that_both_scored() -> None:
    first, second = says(1.0, 1), says(3.0, 2)
    second[200:] = np.nan
    choice = blend.choose([first, second], TARGETS, TASK)
    assert 1 in choice.weights
    assert choice.n_texts == 200 and choice.loss < choice.baseline_loss
    assert choice.baseline == 0 and choice.n_compared == 2
    unscored = np.full_like(first, np.nan)
    assert blend.choose([first, unscored], TARGETS, TASK).weights == {0: 1.0}


def test_limits_leave_out_models_whatever_their_loss() -> None:
    models = [says(1.0, 1), says(3.0, 2)]
    choice = blend.choose(models, TARGETS, TASK, lambda numbers: numbers == [1])
    assert choice.weights == {1: 1.0} and choice.baseline == 1 and choice.n_compared == 1
    assert not blend.choose(models, TARGETS, TASK, lambda _: False).weights


def test_few_texts_do_not_make_a_blend_surer_than_its_models() -> None:
    half = np.arange(20)[:, None] < 10
    each = [SIGN[:20] * np.where(half == first, 3, -0.5) for first in (True, False)]
    # Their sum is right of all texts, so more would always fit better.
    assert 1 < sum(blend.choose(each, TARGETS[:20], TASK).weights.values()) < 4


def test_values_are_blended_by_their_squared_error() -> None:
    values = RANDOM.normal(size=600)
    task = tasks.from_labels("regression", values.tolist())
    targets = task.encode(values.tolist())
    each = [(targets.reshape(-1, 1) + RANDOM.normal(size=(600, 1))).astype(np.float32) for _ in range(2)]
    chosen = blend.choose(each, targets, task).weights
    assert sorted(chosen) == [0, 1]
    # Least squares of two equal, independent measurements: 1 / (2 + variance of the noise) each.
    assert list(chosen.values()) == pytest.approx([1 / 3, 1 / 3], abs=0.06)


def test_a_description_that_does_not_fit_is_refused() -> None:
    def saved(*members: object) -> SavedModel:
        return SavedModel(None, {"kind": "blend", "members": list(members)}, {}, TASK, {}, registry.find)

    with pytest.raises(ValueError, match="field 'members': there is none"):
        blend.restore(saved())
    member = {"family": "ngram", "settings": {}, "encoder": {}, "weight": -1}
    with pytest.raises(ValueError, match=r"'members\[0\]\.weight': it is -1, not a number from 0 to 20"):
        blend.restore(saved(member))
