"""Which models `auto` makes in which time, on two cores."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tenor import tasks
from tenor._core.callbacks import Callback
from tenor.errors import RenamedSettingWarning, TenorError
from tenor.models.auto import budget, cross_validation, encoder_choice, estimates, plan
from tenor.models.auto.blend import Blend
from tenor.models.auto.candidate import Candidate, TrainedCandidate, parse
from tenor.models.auto.config import Config
from tenor.models.base import Examples, Fitted
from tenor.models.family import NetworkFamily
from tenor.models.neural import backend
from tenor.models.pretrained import catalogue, choosing, hub
from tenor.models.pretrained.catalogue import Encoder
from tenor.models.registry import FAMILIES
from tenor.text import scripts
from tenor.training import class_weight

GOLDEN = Path(__file__).parents[1] / "golden" / "bert"
MINILM = catalogue.find("minilm")

pytestmark = pytest.mark.skipif(not backend.is_installed(), reason="needs Keras")


class Stopped(budget.Clock):
    """A clock that shows what was set."""

    def __init__(self, left: float) -> None:
        self.shown = left

    @property
    def left(self) -> float:
        return self.shown


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates.threads, "available_cores", lambda: 2)
    monkeypatch.setattr(plan.backend, "has_accelerator", lambda: False)
    monkeypatch.setattr(hub, "find_here", lambda encoder: GOLDEN if encoder.name == "minilm" else None)
    monkeypatch.setattr(choosing, "can_read", lambda _, texts: scripts.mostly_in(texts, ("Latin",)))


def texts(number: int, *characters: int, letters: str = "abcd ") -> Examples:
    each = [(letters * size)[:size] for size in characters]
    labels = ["no", "yes"] * (number // 2)
    task = tasks.from_labels("binary", labels)
    targets = task.encode(labels)
    return Examples((each * number)[:number], targets, task, class_weight.sample_weights(task, targets, None))


REVIEWS, NEWS, SENTENCES = texts(23_000, 500, 2_400, 700), texts(3_200, 240), texts(65_000, 55)


def planned_with(
    train: Examples,
    validation: Examples,
    clock: budget.Clock,
    encoder: Encoder | None,
    trained: Sequence[TrainedCandidate],
    in_blend: Callable[[], Sequence[TrainedCandidate]],
    cross_validated: bool = False,
    frozen_encoder: Encoder | None = None,
) -> Iterator[Candidate | None]:
    return plan.Planner(
        train=train,
        validation=validation,
        clock=clock,
        cross_validated=cross_validated,
        encoder=encoder,
        frozen_encoder=frozen_encoder,
        trained=trained,
        in_blend=in_blend,
    ).candidates()


def chosen(examples: Examples, seconds: float | None) -> tuple[Encoder | None, Encoder | None]:
    """The encoder that is tuned, and the one that is tried with frozen weights."""
    encoders = encoder_choice.usable(examples, Config(budget=seconds), Callback())
    return budget.tuned_encoder(seconds, examples, encoders), budget.frozen_encoder(seconds, examples, encoders)


def planned(examples: Examples, seconds: float | None) -> Sequence[Candidate]:
    clock = Stopped(float("inf") if seconds is None else seconds)
    held_out = examples.take(np.arange(min(2_000, len(examples))))
    encoder, frozen = chosen(examples, seconds)
    folds = cross_validation.applies(examples)
    return list(filter(None, planned_with(examples, held_out, clock, encoder, [], lambda: [], folds, frozen)))


@pytest.mark.parametrize(
    ("examples", "seconds", "expected"),
    [
        (REVIEWS, 60, None),
        (REVIEWS, 180, None),
        (REVIEWS, 300, {"max_length": 128, "tune": "all", "predict_truncation": "both", "batch_tokens": 3_072}),
        (REVIEWS, 600, {"max_length": 128, "tune": "all", "predict_truncation": "all"}),
        (REVIEWS, 1_800, {"max_length": 128, "tune": "all", "predict_truncation": "all", "epochs": 2}),
        (REVIEWS, 9_000, {"max_length": 512, "tune": "all", "predict_truncation": "all", "epochs": 2}),
        (NEWS, 40, None),
        (NEWS, 60, {"max_length": 128, "tune": "all", "predict_truncation": "all", "batch_tokens": 1_024}),
        (SENTENCES, 20, None),
        (SENTENCES, 60, {"max_length": 128, "tune": "all", "predict_truncation": "all", "batch_tokens": 1_024}),
        (SENTENCES, 300, {"max_length": 128, "tune": "all", "predict_truncation": "all", "batch_tokens": 3_584}),
        (SENTENCES, None, {"max_length": 512, "tune": "all", "predict_truncation": "all"}),
    ],
)
def test_an_encoder_reads_as_much_as_the_time_allows(
    examples: Examples, seconds: float | None, expected: dict[str, object] | None
) -> None:
    encoders = [each for each in planned(examples, seconds) if each.family.name == "pretrained"]
    assert [dict(each.settings) for each in encoders] == ([] if expected is None else [expected])
    if seconds is None:
        assert not any(each.seconds for each in encoders)
    else:
        assert all(each.seconds is not None and 0 < each.seconds < seconds for each in encoders)


def test_a_gpu_makes_time_for_an_encoder_and_for_more_of_long_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.backend, "has_accelerator", lambda: True)
    for seconds, tokens in ((42, 128), (180, 512)):
        (encoder,) = (each for each in planned(REVIEWS, seconds) if each.family.name == "pretrained")
        assert encoder.settings["max_length"] == tokens
        assert encoder.settings["predict_truncation"] == "all"
        assert encoder.seconds is not None and encoder.seconds < seconds
    assert chosen(REVIEWS, 30)[0] is None  # there is not even time to compile


def test_other_networks_come_after_it_and_n_grams_before() -> None:
    names = [each.family.name for each in planned(REVIEWS, 1_800)]
    assert names == ["ngram", "ngram", "ngram", "pretrained", "bag", "cnn", "lstm"]
    assert [each.family.name for each in planned(REVIEWS, 15)] == ["ngram"] * 3


def labelled(number: int) -> Examples:
    """Sentences with sets of so many labels."""
    few = texts(2_000, 60)
    labels = [(f"{row % number}",) for row in range(len(few))]
    task = tasks.from_labels("multilabel", labels)
    return replace(few, targets=task.encode(labels), task=task)


def test_where_choosing_takes_long_a_model_of_no_choice_comes_first() -> None:
    few, many = labelled(4), labelled(12)
    assert dict(next(iter(planned(few, 12))).settings) == {}
    first, second = planned(many, 12)[:2]
    assert first.config.C is not None and first.config.word_ngrams is not None
    assert dict(second.settings) == {}
    assert budget.allows_comparison(1.0, many) and not budget.allows_comparison(1.0, few)


def test_no_settings_are_chosen_where_the_time_is_too_short_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = itertools.count(0, 2)  # seconds; each look at the clock takes two
    monkeypatch.setattr(plan.time, "perf_counter", lambda: float(next(passed)))
    many = labelled(12)
    asked = planned_with(many, many.take(np.arange(100)), Stopped(3), None, [], lambda: [])
    assert [dict(each.settings) for each in asked if each is not None] == [plan._QUICK]


def test_other_networks_get_what_little_data_need() -> None:
    titles = texts(800, 20, letters="电影很好看")
    # Each network is fitted twice: without the fold that it scores, and to all texts.
    assert [each.family.name for each in planned(titles, 80)] == ["ngram"] * 3 + ["bag", "cnn", "lstm"]
    assert [each.family.name for each in planned(titles, 50)] == ["ngram"] * 3 + ["bag"]
    assert [each.family.name for each in planned(REVIEWS, 53)] == ["ngram"] * 3 + ["bag"]


def test_a_frozen_encoder_needs_five_seconds_and_follows_the_first_model_of_few_texts() -> None:
    few = texts(32, 240)
    assert [each.family.name for each in planned(few, 5)][:2] == ["ngram", "pretrained"]
    assert "pretrained" not in [each.family.name for each in planned(few, 2)]
    assert chosen(texts(32, 40, letters="电影很好看"), 600) == (None, None)
    (frozen,) = (each for each in planned(texts(990, 4_000), 100) if each.is_frozen)
    assert frozen.settings == {"tune": "frozen", "predict_truncation": "both"}  # too long to be read in full


def test_a_frozen_encoder_reads_more_texts_where_there_is_no_time_to_tune_one() -> None:
    assert [each.name for each in planned(SENTENCES.take(np.arange(4_000)), 30) if each.is_frozen] == ["pretrained"]
    assert not [each for each in planned(NEWS, 60) if each.is_frozen]


def test_an_encoder_is_for_scripts_that_it_reads_and_few_labels_are_taken_to_it_as_it_is() -> None:
    assert chosen(texts(400, 40, letters="电影很好看"), 600) == (None, None)
    few = planned(texts(60, 200), 60)
    assert [dict(each.settings) for each in few if each.family.name == "pretrained"] == [{"tune": "frozen"}]
    assert budget.uses_encoder(("ngram", "pretrained")) and not budget.uses_encoder(("ngram",))


def test_time_to_fit_the_blend_to_all_texts_is_reserved() -> None:
    clock = budget.Clock(20.0)
    assert clock.reserving(5.0).left == pytest.approx(clock.left - 5, abs=0.1)
    assert budget.Clock(None).reserving(5.0).deadline is None
    model = made("ngram", 10.0)
    assert model.refit_seconds_if(cross_validated=False) == model.refit_seconds == 13.0
    assert model.refit_seconds_if(cross_validated=True) == 0
    assert made("bag", 10.0).refit_seconds_if(cross_validated=True) == 13.0
    titles = texts(2_000, 20, letters="电影很好看")
    with_room, without = (
        [
            each.family.name
            for each in planned_with(titles, titles.take(np.arange(500)), Stopped(60), None, [], blend)
            if each
        ]
        for blend in (lambda: [], lambda: [made("ngram", 40.0)])
    )
    assert "bag" in with_room and "bag" not in without


def test_models_are_told_apart_by_name() -> None:
    for member, name in (
        ("ngram", "ngram"),
        ("ngram word_ngrams=[1,2,3]", "ngram 1-3"),
        ("ngram char_ngrams=[5]", "ngram c5"),
        ("ngram word_ngrams=[1] char_ngrams=[1,2,3,4] unlabelled=60", "ngram 1 c1-4 +texts"),
        ("bag seed=1", "bag #2"),
    ):
        assert parse(member).name == name


def test_former_names_in_members_become_those_of_today() -> None:
    member = "ngram orders=[1,2] characters=[] strength=3.0"
    assert parse(member).settings == {
        "word_ngrams": [1, 2],
        "char_ngrams": [],
        "C": 3.0,
    }  # silent
    with pytest.warns(RenamedSettingWarning, match=r"^members, ngram: 'orders' is now 'word_ngrams', "):
        parse(member, warn=True)


def made(name: str, seconds: float, seed: int = 0, **expected: object) -> TrainedCandidate:
    """What is known of a model that was made."""
    asked = Candidate(family=FAMILIES[name], settings=expected, seed=seed)
    config = replace(asked.config, epochs=3) if isinstance(asked.family, NetworkFamily) else asked.config
    fitted = Fitted(SENTENCES.task, Blend(()), config, {}, [])
    return TrainedCandidate(
        candidate=asked,
        fitted=fitted,
        logits=np.zeros((100, 1), np.float32),
        seconds=seconds,
        fit_s=seconds,
        texts_per_s=1_000.0,
        latency_ms=1.0,
        size_mib=1.0,
    )


def repeated(result: list[TrainedCandidate], blend: list[TrainedCandidate], seconds: float) -> Iterator[Candidate]:
    """What is asked for once all families have been tried, among them what was `found` and is in the blend."""
    some = texts(2_000, 55)
    asked = planned_with(some, some.take(np.arange(100)), Stopped(seconds), MINILM, result, lambda: blend)
    return (each for each in asked if each is not None and each.seed)


def test_networks_of_the_blend_are_made_again_as_long_as_that_helps() -> None:
    frozen, encoder, bag = made("pretrained", 5.0, tune="frozen"), made("pretrained", 60.0), made("bag", 9.0)
    result, blend = [made("ngram", 2.0), frozen, encoder, bag, made("cnn", 20.0)], [encoder, frozen, bag]
    asked = repeated(result, blend, float("inf"))
    names = []
    for helps in (True, True, False, False):
        again = next(asked)
        names.append(again.name)
        assert again.settings == {"epochs": 3}
        result.append(made(again.family.name, 50.0, again.seed))
        blend += result[-1:] if helps else []
    assert names == ["pretrained #2", "pretrained #3", "pretrained #4", "bag #2"]
    assert next(asked, None) is None  # cnn is not in the blend


@pytest.mark.parametrize(("first_s", "encoders"), [(1.0, 1), (1.5, 1), (6.0, 0)])
def test_a_first_model_that_takes_a_little_longer_tells_of_no_slower_machine(
    monkeypatch: pytest.MonkeyPatch, first_s: float, encoders: int
) -> None:
    clock = Stopped(60)
    monkeypatch.setattr(plan, "time", SimpleNamespace(perf_counter=lambda: -clock.shown))
    names = []
    for each in filter(None, planned_with(NEWS, NEWS.take(np.arange(800)), clock, MINILM, [], lambda: [])):
        names.append(each.family.name)
        clock.shown -= first_s if len(names) == 1 else {"ngram": 0.5, "pretrained": 45.0}.get(names[-1], 8.0)
    assert names.count("pretrained") == encoders


def test_n_grams_for_which_an_encoder_leaves_time_come_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, held_out = Stopped(60), SENTENCES.take(np.arange(2_000))
    monkeypatch.setattr(plan, "time", SimpleNamespace(perf_counter=lambda: -clock.shown))
    asked = planned_with(SENTENCES, held_out, clock, MINILM, [made("ngram", 6.0)], lambda: [])
    names = []
    for each in filter(None, asked):
        names.append(each.name)
        clock.shown -= {"ngram": 6.0, "pretrained": 20.0}.get(each.name, 1.0)
    assert names == ["ngram", "pretrained", "ngram 1-3", "ngram c5", "bag"]


def test_what_was_chosen_is_not_chosen_again() -> None:
    once = made("ngram", 8.0)
    chose = replace(once, fitted=replace(once.fitted, timing={"choose_s": 5.0}))
    assert chose.refit_seconds == pytest.approx(once.refit_seconds * 3 / 8)


def test_no_network_is_made_again_where_all_could_not_learn_from_all_texts_then() -> None:
    blend = [made("pretrained", 60.0), made("ngram", 2.0)]
    needed = 60 + 0.1 + 2 * blend[0].refit_seconds + blend[1].refit_seconds
    assert [each.name for each in itertools.islice(repeated(blend, blend, needed + 1), 1)] == ["pretrained #2"]
    assert not list(repeated(blend, blend, needed - 1))


def test_what_learns_from_what_others_say_waits_for_them() -> None:
    some = texts(400, 55)
    result = [made("ngram", 0.5), made("pretrained", 5.0, tune="frozen")]
    held_out, clock = some.take(np.arange(100)), Stopped(60)
    others = replace(some, unlabelled=["abcd"] * 400)
    asked = list(planned_with(others, held_out, clock, MINILM, result, lambda: []))
    taught = [number for number, each in enumerate(asked) if each is not None and each.unlabelled]
    assert [each.name for each in asked if each is not None and each.unlabelled] == [
        "ngram +texts",
        "pretrained +texts",
    ]
    assert all(asked[number - 1] is None for number in taught)


class Messages(Callback):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_message(self, message: str) -> None:
        self.heard.append(message)


CHINESE = texts(32, 40, letters="电影很好看")


def test_the_best_encoder_on_this_machine_for_the_script_is_taken_if_there_is_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = {"minilm", "bge-base-en", "bge-small-zh", "multilingual-e5-small"}
    monkeypatch.setattr(hub, "find_here", lambda encoder: GOLDEN if encoder.name in here else None)
    monkeypatch.setattr(choosing, "can_read", lambda *_: True)
    names = [[each and each.name for each in chosen(CHINESE, seconds)] for seconds in (600, None)]
    assert names == [["bge-small-zh", "bge-small-zh"]] * 2
    news = [[each and each.name for each in chosen(NEWS, seconds)] for seconds in (60, 3_600)]
    assert news == [["minilm", "minilm"], ["bge-base-en", "bge-base-en"]]
    russian = texts(32, 40, letters="кино")
    assert [each and each.name for each in chosen(russian, 600)] == ["multilingual-e5-small"] * 2
    frozen = [each for each in planned(CHINESE, 600) if each.is_frozen]
    assert [each.settings["model"] for each in frozen] == ["bge-small-zh"]


def test_without_an_encoder_for_the_script_a_message_says_what_a_download_would_bring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    callback = Messages()
    assert encoder_choice.usable(CHINESE, Config(budget=600.0), callback) == []
    [message] = callback.heard
    assert "download=true gets bge-base-zh (102M parameters, about 408 MB, MIT)" in message
    callback = Messages()
    assert encoder_choice.usable(CHINESE, Config(budget=0.5), callback) == [] and callback.heard == []
    located: list[str] = []

    def locate(model: str) -> Path:
        located.append(model)
        return GOLDEN

    monkeypatch.setattr(hub, "locate", locate)
    monkeypatch.setattr(choosing, "can_read", lambda *_: True)
    assert encoder_choice.usable(NEWS, Config(budget=600.0, download=True), callback)[0].name == "minilm"
    assert located == []  # one is on this machine
    [encoder] = encoder_choice.usable(CHINESE, Config(budget=600.0, download=True), callback)
    assert (encoder.name, located) == ("bge-base-zh", ["bge-base-zh"])


def test_a_download_that_fails_ends_without_an_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def locate(model: str) -> Path:
        raise TenorError(f"{model}: the hub is away.")

    monkeypatch.setattr(hub, "locate", locate)
    callback = Messages()
    assert encoder_choice.usable(CHINESE, Config(budget=600.0, download=True), callback) == []
    assert callback.heard[-1] == "no encoder is tried: bge-base-zh: the hub is away."


def test_the_costs_of_encoders_are_relative_to_that_of_the_default_one() -> None:
    costs = {each.name: each.token_cost for each in catalogue.ENCODERS}
    assert costs["minilm"] == 1.0
    assert costs["bge-base-zh"] == pytest.approx(8.0)
