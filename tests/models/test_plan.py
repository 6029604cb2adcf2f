"""Which models `auto` makes in which time, on two cores."""

from collections.abc import Sequence

import numpy as np
import pytest

from tenor import fitting, tasks
from tenor.models import backend, hub, plan
from tenor.models.family import Examples

pytestmark = pytest.mark.skipif(not backend.installed(), reason="needs Keras")


class Stopped(plan.Clock):
    """A clock that shows what was set."""

    def __init__(self, left: float) -> None:
        self.shown = left

    @property
    def left(self) -> float:
        return self.shown


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.threads, "cores", lambda: 2)
    monkeypatch.setattr(hub, "find", lambda _: None)


def texts(number: int, *characters: int, letters: str = "abcd ") -> Examples:
    each = [(letters * size)[:size] for size in characters]
    labels = ["no", "yes"] * (number // 2)
    task = tasks.make("binary", labels)
    targets = task.encode(labels)
    return Examples((each * number)[:number], targets, task, fitting.weights(task, targets, None))


REVIEWS, SENTENCES = texts(23_000, 500, 2_400, 700), texts(65_000, 55)


def planned(examples: Examples, seconds: float) -> Sequence[plan.Candidate]:
    clock = Stopped(seconds)
    held_out = examples.take(np.arange(min(2_000, len(examples))))
    encoder = plan.encodes(None, seconds, examples)
    return list(plan.plan(None, examples, held_out, clock, encoder, []))


@pytest.mark.parametrize(
    ("examples", "seconds", "wanted"),
    [
        (REVIEWS, 60, None),
        (REVIEWS, 180, None),
        (REVIEWS, 300, {"maximum_tokens": 128, "tune": "all", "batch_tokens": 3_072}),
        (REVIEWS, 600, {"maximum_tokens": 128, "tune": "all"}),
        (REVIEWS, 1_800, {"maximum_tokens": 256, "tune": "all", "epochs": 2}),
        (REVIEWS, 9_000, {"maximum_tokens": 512, "tune": "all", "epochs": 2}),
        (SENTENCES, 20, None),
        (SENTENCES, 60, {"maximum_tokens": 128, "tune": "all", "batch_tokens": 1_024}),
        (SENTENCES, 300, {"maximum_tokens": 512, "tune": "all", "batch_tokens": 3_584}),
    ],
)
def test_an_encoder_reads_as_much_as_the_time_allows(
    examples: Examples, seconds: float, wanted: dict[str, object] | None
) -> None:
    encoders = [each for each in planned(examples, seconds) if each.family.name == "pretrained"]
    assert [dict(each.wanted) for each in encoders] == ([] if wanted is None else [wanted])
    assert all(each.seconds is not None and 0 < each.seconds < seconds for each in encoders)


def test_other_networks_come_after_it_and_n_grams_before() -> None:
    names = [each.family.name for each in planned(REVIEWS, 1_800)]
    assert names == ["ngram", "ngram", "ngram", "pretrained", "bag", "cnn", "lstm"]
    assert [each.family.name for each in planned(REVIEWS, 15)] == ["ngram"] * 3


def test_an_encoder_is_for_scripts_that_it_reads_and_few_labels_are_taken_to_it_as_it_is() -> None:
    assert not plan.encodes(None, 600, texts(400, 40, letters="电影很好看"))
    few = planned(texts(60, 200), 60)
    assert [dict(each.wanted) for each in few if each.family.name == "pretrained"] == [{"tune": "frozen"}]
    assert plan.encodes(("ngram", "pretrained"), None, few_texts := texts(60, 200))
    assert not plan.encodes(("ngram",), None, few_texts)
