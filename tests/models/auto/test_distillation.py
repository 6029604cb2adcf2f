"""Learning from what a model says: soft targets, texts without labels, a small model in place of a blend."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tenor import TextClassifier, tasks
from tenor.config import settings
from tenor.errors import SettingsError
from tenor.models.auto import distillation, plan
from tenor.models.auto.distillation import SoftMultiLabel, SoftSingleLabel, Teacher
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.families import auto, ngram
from tenor.tasks import Kind, Task
from tenor.training import class_weight, fitting

pytestmark = pytest.mark.slow

WORDS = ["good", "great", "fine", "bad", "dull", "poor"]
TEXTS = [f"a {WORDS[row % 6]} film, number {row}, seen {row % 7} times" for row in range(300)]
LABELS = ["positive" if row % 6 < 3 else "negative" for row in range(300)]
OTHERS = [f"this {WORDS[row % 6]} one is of 19{row:02}, superb" for row in range(120)]
KINDS: tuple[tuple[Kind, list[Any]], ...] = (
    ("binary", LABELS),
    ("multiclass", [WORDS[row % 3] for row in range(300)]),
    ("multilabel", [(WORDS[row % 3], WORDS[3 + row % 2]) for row in range(300)]),
    ("regression", [row % 6 / 2 for row in range(300)]),
)


class Fixed:
    """A model that says the same of every text."""

    def __init__(self, logits: Sequence[float]) -> None:
        self.row = np.array(logits, np.float32)

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        return np.tile(self.row, (len(texts), 1))


def examples(kind: Kind = "binary", labels: Sequence[Any] = LABELS, unlabelled: Sequence[str] = ()) -> Examples:
    task = tasks.from_labels(kind, labels)
    targets = task.encode(labels)
    return Examples(TEXTS, targets, task, class_weight.sample_weights(task, targets, None), None, unlabelled)


def teacher(task: Task, logits: Sequence[float]) -> Teacher:
    return Teacher(Fixed(logits), task, None)  # type: ignore[arg-type]


def test_soft_targets_of_0_and_1_are_the_labels() -> None:
    random = np.random.default_rng(0)
    for labels, targets in (("ab", np.array([0, 1, 1, 0])), ("abc", np.array([2, 0, 1, 1]))):
        hard, soft = tasks.SingleLabel(tuple(labels)), SoftSingleLabel(tuple(labels))
        certain = np.eye(len(labels), dtype=np.float32)[targets]
        logits = random.normal(size=(4, hard.n_outputs)).astype(np.float32)
        np.testing.assert_array_equal(soft.output_targets(certain), hard.output_targets(targets))
        np.testing.assert_allclose(soft.losses(certain, logits), hard.losses(targets, logits), rtol=1e-6)
        assert soft.training_metrics(certain, logits) == hard.training_metrics(targets, logits)
        np.testing.assert_array_equal(soft.strata(certain), targets)


def test_the_loss_of_soft_targets_is_smallest_where_the_model_says_the_same() -> None:
    soft = SoftSingleLabel(("a", "b"))
    targets = np.array([[0.3, 0.7]], np.float32)
    at = [float(soft.losses(targets, np.array([[logit]], np.float32))[0]) for logit in np.log([1, 7 / 3, 4])]
    assert at[1] == min(at)
    assert at[1] == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7), abs=1e-5)


@pytest.mark.parametrize(("kind", "labels"), KINDS)
def test_a_teacher_labels_texts_and_another_model_learns_from_that(kind: Kind, labels: list[Any]) -> None:
    known = examples(kind, labels)
    fitted = fitting.fit(ngram.FAMILY, known, ngram.Config(), FitContext(seed=0))
    taught = Teacher(fitted.model, known.task, fitted.calibration).pseudo_label(OTHERS)
    both = distillation.concatenate(known, taught)
    assert len(both) == len(both.targets) == len(both.weights) == 420
    assert both.targets.ndim == known.task.output_targets(known.targets).ndim - (kind == "regression")
    again = fitting.fit_uncalibrated(ngram.FAMILY, both, ngram.Config(), FitContext(seed=0))
    assert known.task.training_metrics(known.targets, again.model.logits(TEXTS)) == pytest.approx(
        known.task.training_metrics(known.targets, fitted.model.logits(TEXTS)), abs=0.1
    )


def test_groups_of_labelled_texts_stay_and_others_stand_alone() -> None:
    known = examples()
    grouped = Examples(known.texts, known.targets, known.task, known.weights, np.arange(300) // 2)
    both = distillation.concatenate(grouped, teacher(known.task, [1.0]).pseudo_label(OTHERS))
    assert both.groups is not None
    np.testing.assert_array_equal(both.groups[:300], np.arange(300) // 2)
    assert len(set(both.groups[300:].tolist()) - set(range(150))) == 120


def test_labelled_texts_are_taught_half_their_label() -> None:
    known = examples()
    softened = teacher(known.task, [np.log(3.0)]).soften(known)  # says: three quarters positive
    np.testing.assert_allclose(softened.targets[0], [0.125, 0.875], atol=1e-6)
    np.testing.assert_allclose(softened.targets[3], [0.625, 0.375], atol=1e-6)
    sets = examples("multilabel", KINDS[2][1])
    assert isinstance(teacher(sets.task, [0.0] * 5).soften(sets).task, SoftMultiLabel)


def fit(unlabelled: Sequence[str] = (), **values: Any) -> fitting.Fitted:
    config = settings.make(auto.Config, values, "test")
    return fitting.fit(auto.FAMILY, examples(unlabelled=unlabelled), config, FitContext(seed=0))


def test_members_learn_from_texts_without_labels_and_repeat() -> None:
    members = ["ngram word_ngrams=[1]", "ngram word_ngrams=[1] unlabelled=100"]
    result = fit(OTHERS, members=members)
    assert result.config.members == tuple(members)
    assert [row["family"] for row in result.history] == ["ngram 1", "ngram 1 +texts"]
    again = fit(OTHERS, members=members)
    np.testing.assert_array_equal(result.model.logits(TEXTS), again.model.logits(TEXTS))
    with pytest.raises(SettingsError, match="asks for 100 texts without labels, and there are 0"):
        fit(members=members)
    with pytest.raises(SettingsError, match="name a model first"):
        fit(OTHERS, members=members[::-1])


def test_a_budget_tries_texts_without_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.backend, "is_installed", lambda: False)
    result = fit(OTHERS, budget=120.0)  # more than it takes: it ends when all is tried
    assert result.config.members[-1].endswith(f"unlabelled={len(OTHERS)}")
    assert len(result.model.members) >= 1


def test_a_small_model_takes_the_place_of_the_blend_and_repeats() -> None:
    members = ["ngram word_ngrams=[1]", "bag epochs=2"]
    result = fit(OTHERS, members=members, distil="ngram word_ngrams=[1,2]")
    assert [member.family.name for member in result.model.members] == ["ngram"]
    assert result.model.members[0].config.word_ngrams == (1, 2)
    assert result.config.distil == f"ngram word_ngrams=[1,2] unlabelled={len(OTHERS)}"
    assert result.history[-1]["family"] == "distilled ngram"
    assert result.calibration is not None
    again = fit(OTHERS, members=list(result.config.members), distil=result.config.distil)
    np.testing.assert_array_equal(result.model.logits(TEXTS), again.model.logits(TEXTS))
    network = fit(members=members[:1], distil="bag epochs=3")
    assert network.model.members[0].model.task == network.task
    assert network.model.members[0].config.label_smoothing == 0


def test_the_estimator_takes_texts_without_labels() -> None:
    model = TextClassifier("auto", {"members": ["ngram", "ngram unlabelled=50"]})
    assert (model.fit(TEXTS, LABELS, unlabelled=OTHERS).predict(TEXTS) == LABELS).mean() > 0.9
    with pytest.raises(SettingsError, match="'ngram' trains on labelled texts alone"):
        TextClassifier("ngram").fit(TEXTS, LABELS, unlabelled=OTHERS)
