"""`auto` through the estimator: time, repetition, interruption."""

import time
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pytest

from tenor import TextClassifier, tasks
from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.errors import SettingsError
from tenor.models.auto import budget
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.families import auto
from tenor.training import class_weight, fitting

pytestmark = pytest.mark.slow

WORDS = ["good", "great", "fine", "bad", "dull", "poor"]
TEXTS = [f"a {WORDS[row % 6]} film, number {row}, seen {row % 7} times" for row in range(300)]
LABELS = ["positive" if row % 6 < 3 else "negative" for row in range(300)]


class Heard(Callback):
    """Keeps what was told; presses Ctrl-C at the first progress of a family."""

    def __init__(self, stop_at: str = "") -> None:
        self.stop_at, self.said, self.ready = stop_at, list[str](), dict[str, dict[str, float]]()

    def on_message(self, message: str) -> None:
        self.said.append(message)

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        if self.stop_at and stage.startswith(self.stop_at):
            raise KeyboardInterrupt

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        self.ready[name] = metrics


def fit(
    callback: Callback, ready: Callable[[fitting.Fitted], None] | None = None, /, **values: object
) -> fitting.Fitted:
    task = tasks.from_labels("binary", LABELS)
    targets = task.encode(LABELS)
    examples = Examples(TEXTS, targets, task, class_weight.sample_weights(task, targets, None))
    config = settings.make(auto.Config, dict(values), "test")
    return fitting.fit(auto.FAMILY, examples, config, FitContext(seed=0, callback=callback, on_candidate=ready))


def test_a_budget_is_kept_and_its_members_repeat_the_run() -> None:
    callback = Heard()
    begin = time.process_time()  # of this process: what else the machine does may not fail the test
    result = fit(callback, budget=25.0)
    assert time.process_time() - begin < 25 * 1.05 + 5
    assert {"ngram", "pretrained"} <= set(callback.ready)
    words = 'ngram word_ngrams=[1,2,3] weighting="tf-idf-naive-bayes"'
    characters = 'ngram char_ngrams=[5] min_df=3 weighting="tf-idf-naive-bayes"'
    assert [member for member in result.config.members if member.startswith("ngram")] == ["ngram", words, characters]
    families = [row["family"].split()[0] for row in result.history]  # of "bag #2" the family alone
    assert families == [member.split()[0] for member in result.config.members]
    assert sum(row["weight"] > 0 for row in result.history) == len(result.model.members)
    first = callback.ready["ngram"]
    assert first["validation_accuracy_low"] <= first["validation_accuracy"] <= first["validation_accuracy_high"]
    assert first["size_mib"] > 0 < first["latency_ms"]
    again = fit(Callback(), members=list(result.config.members))
    assert again.config.members == result.config.members
    np.testing.assert_array_equal(result.model.logits(TEXTS), again.model.logits(TEXTS))


def test_little_time_gives_n_grams_alone() -> None:
    result = fit(Callback(), budget=2.0)
    assert [member.family.name for member in result.model.members] == ["ngram"]
    assert all(member.startswith("ngram") for member in result.config.members)
    assert result.calibration is not None


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_chinese_texts_are_looked_at_by_characters(kind: Literal["multiclass", "regression"]) -> None:
    texts = [f"{'好坏'[row % 2]}的{'电影书籍音乐'[row % 3 * 2 :][:2]}，第{row}次" for row in range(240)]
    labels = [str(row % 2 + (row % 3) / 10) for row in range(240)]
    task = tasks.from_labels(kind, labels)
    targets = task.encode(labels)
    examples = Examples(texts, targets, task, class_weight.sample_weights(task, targets, None))
    result = fitting.fit(auto.FAMILY, examples, auto.Config(budget=15.0), FitContext(seed=0))
    weighting = "tf-idf" if kind == "regression" else "tf-idf-naive-bayes"
    assert result.config.members == (
        "ngram",
        f'ngram char_ngrams=[1,2] weighting="{weighting}"',
        f'ngram word_ngrams=[1] char_ngrams=[1,2,3,4] weighting="{weighting}"',
    )


def test_an_interruption_keeps_what_is_ready() -> None:
    callback = Heard(stop_at="bag")
    result = fit(callback, members=["ngram", "bag epochs=2"])
    assert [member.family.name for member in result.model.members] == ["ngram"]
    assert callback.said == [
        "interrupted: no further models are tried, and those that are ready are saved.",
        "Kept ngram: there was no other model to compare it with.",
    ]
    with pytest.raises(KeyboardInterrupt):
        fit(Heard(stop_at="bag"), members=["bag epochs=2"])


def test_a_first_model_is_ready_whatever_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "_MIN_FIRST_TIMES", 0.0)
    ready: list[fitting.Fitted] = []
    result = fit(Callback(), ready.append, budget=1e-6)
    assert [len(each.model.members) for each in ready] == [1]
    assert ready[0].calibration is not None
    assert [member.family.name for member in result.model.members] == ["ngram"]


def test_what_is_too_large_is_left_out() -> None:
    members = ["ngram", "bag epochs=2 embedding=256"]
    sizes = {row["family"]: row["size_mib"] for row in fit(Callback(), members=members).history}
    smaller = min(sizes, key=lambda name: sizes[name])
    result = fit(Callback(), members=members, maximum_size=sizes[smaller] * 1.2)
    assert [member.family.name for member in result.model.members] == [smaller]
    with pytest.raises(SettingsError, match=r"the smallest has .* MiB"):
        fit(Callback(), members=members, maximum_size=1e-6)
    with pytest.raises(SettingsError, match=r"the quickest takes .* ms"):
        fit(Callback(), budget=1.0, maximum_latency=1e-9)


def test_steps_end_a_run_within_an_epoch() -> None:
    model = TextClassifier("bag", {"steps": 3, "epochs": 4, "batch_tokens": 1024, "validation": 0.0}).fit(TEXTS, LABELS)
    assert len(model.predictor_.bundle.history) == 1
    assert model.predictor_.bundle.config.steps == 3


@pytest.mark.parametrize(
    ("member", "problem"),
    [("ngrm", "names 'ngrm'"), ("bag step=3", "no setting 'step'"), ("auto", "names 'auto'")],
)
def test_members_that_cannot_be_made_are_refused(member: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        fit(Callback(), members=[member])
