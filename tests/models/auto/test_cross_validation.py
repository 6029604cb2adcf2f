"""Few texts: candidates are fitted to all of them, and scored by models that left a fold out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenor import tasks
from tenor._core.callbacks import Callback
from tenor.models.auto import cross_validation
from tenor.models.auto.candidate import parse
from tenor.models.base import Examples, HeldOut
from tenor.models.context import FitContext
from tenor.models.families import auto, ngram
from tenor.models.linear import held_out
from tenor.training import fitting

ENCODER = Path(__file__).parents[1] / "golden/bert"
TEXTS = [f"{'good' if row % 2 else 'bad'} film and plot {row} {'really ' * (row % 3)}" for row in range(40)]
LABELS = ["good" if row % 2 else "bad" for row in range(40)]
CONTEXT = FitContext(seed=3, fit_network=fitting.fit_network)


def examples(n_texts: int = 40) -> Examples:
    task = tasks.from_labels("binary", LABELS)
    return Examples(TEXTS[:n_texts], task.encode(LABELS[:n_texts]), task, np.ones(n_texts, np.float32))


@pytest.mark.parametrize("member", ["ngram", f'pretrained tune="frozen" max_length=16 model="{ENCODER}"'])
def test_a_model_of_all_texts_has_scores_of_models_that_left_each_out(member: str) -> None:
    trained = cross_validation.cross_validate(parse(member), examples(), CONTEXT)
    own = fitting.fit_uncalibrated(trained.candidate.family, examples(), trained.candidate.config_with_folds, CONTEXT)
    np.testing.assert_allclose(trained.fitted.model.logits(TEXTS), own.model.logits(TEXTS), atol=1e-6)
    assert own.held_out is not None and own.held_out.rows is not None
    np.testing.assert_allclose(trained.logits[own.held_out.rows], own.held_out.logits, atol=1e-6)
    np.testing.assert_array_equal(examples().targets[own.held_out.rows], own.held_out.targets)
    assert len(trained.scored_rows) == 40


def test_scores_of_other_rows_are_replaced_by_those_of_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cross_validation.cross_validate(parse("ngram"), examples(), CONTEXT)
    monkeypatch.setattr(held_out, "score_folds", lambda *_: HeldOut(np.zeros(1), np.zeros((1, 1), np.float32)))
    again = cross_validation.cross_validate(parse("ngram"), examples(), CONTEXT)
    assert len(again.scored_rows) == 40
    assert np.corrcoef(whole.logits[:, 0], again.logits[:, 0])[0, 1] > 0.9


def test_a_network_scores_folds_until_these_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [cross_validation.n_network_folds(n_texts) for n_texts in (40, 200, 300, 500, 999)] == [4, 4, 3, 2, 1]
    monkeypatch.setattr(cross_validation, "_MIN_SCORED", 10)
    candidate = parse("bag epochs=1 embedding=4 vocabulary=40")
    trained = cross_validation.cross_validate(candidate, examples(), CONTEXT)
    assert len(trained.scored_rows) == 10 and trained.fit_s <= trained.seconds
    np.testing.assert_allclose(
        trained.fitted.model.logits(TEXTS)[trained.scored_rows], trained.logits[trained.scored_rows], atol=1e-5
    )


def test_other_texts_are_split_once() -> None:
    few = examples()
    assert cross_validation.applies(few)
    assert not cross_validation.applies(replace(few, validation=few))
    assert not cross_validation.applies(replace(few, unlabelled=["a film"]))
    assert not cross_validation.applies(examples(3))


class Messages(Callback):
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages = list[str]()

    def on_message(self, message: str) -> None:
        self.messages.append(message)


def test_few_texts_give_the_model_of_ngram_alone_unless_another_is_better() -> None:
    callback = Messages()
    context = replace(CONTEXT, callback=callback)
    fitted = fitting.fit(auto.FAMILY, examples(), auto.Config(members=("ngram", "ngram")), context)
    alone = fitting.fit(ngram.FAMILY, examples(), ngram.Config(), CONTEXT)
    np.testing.assert_allclose(fitted.model.logits(TEXTS), alone.model.logits(TEXTS), atol=1e-6)
    sentence = "Kept ngram: no other model was better beyond noise on 40 held-out texts."
    assert callback.messages == [sentence]
    assert fitted.selection is not None and fitted.selection["sentence"] == sentence
    assert fitted.held_out is not None and len(fitted.held_out.targets) == 40
