import numpy as np
import pytest

from tenor import TextClassifier, settings
from tenor.errors import SettingsError
from tenor.models import ngram
from tenor.tasks import Task

TASK = Task(("n", "y"))
# Every word occurs once; what the classes have in common is an ending.
STEMS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "lmnr"]
TEXTS = [stem + "ized" for stem in STEMS] + [stem + "ology" for stem in STEMS]
TARGETS = np.repeat(np.arange(2, dtype=np.int32), len(STEMS))


def test_n_grams_of_characters_are_chosen_where_words_say_nothing() -> None:
    fitted = ngram.fit(TEXTS, TARGETS, TASK, ngram.Config(), 1)
    assert fitted.config.characters
    logits = fitted.model.logits(["pized", "pology"])
    assert logits[0, 0] < 0 < logits[1, 0]


def test_much_text_is_not_searched_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngram, "_CHARACTERS", 10)
    fitted = ngram.fit(TEXTS, TARGETS, TASK, ngram.Config(), 1)
    assert fitted.config.characters == ()


@pytest.mark.parametrize(
    ("asked", "orders", "characters"),
    [
        ({"orders": (1,)}, (1,), ()),
        ({"characters": (2, 3)}, (), (2, 3)),
        ({"orders": (1,), "characters": (2,)}, (1,), (2,)),
    ],
)
def test_where_one_kind_of_n_gram_is_set_the_other_is_off(
    asked: dict[str, tuple[int, ...]], orders: tuple[int, ...], characters: tuple[int, ...]
) -> None:
    config = ngram.Config(weighting="tf-idf", strength=1.0, **asked)  # type: ignore[arg-type]
    fitted = ngram.fit(TEXTS, TARGETS, TASK, config, 1)
    assert (fitted.config.orders, fitted.config.characters) == (orders, characters)
    assert fitted.history == []


def test_a_model_from_before_n_grams_of_characters_loads() -> None:
    config = ngram.Config(orders=(1,), weighting="tf-idf", strength=1.0)
    model = ngram.fit(TEXTS * 2, np.tile(TARGETS, 2), TASK, config, 1).model
    encoder = model.encoder()
    del encoder["characters"]
    again = ngram.restore(config, encoder, model.arrays(), TASK)
    assert np.array_equal(again.logits(TEXTS), model.logits(TEXTS))


def test_the_number_of_cores_changes_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    many = ngram.fit(TEXTS, TARGETS, TASK, ngram.Config(), 1).model.arrays()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = ngram.fit(TEXTS, TARGETS, TASK, ngram.Config(), 1).model.arrays()
    assert all(np.array_equal(many[name], one[name]) for name in many)


@pytest.mark.parametrize("wrong", [{"orders": [9]}, {"characters": [0]}, {"orders": []}, {"characters": []}])
def test_lengths_that_are_no_lengths_are_refused(wrong: dict[str, list[int]]) -> None:
    with pytest.raises(SettingsError, match="must be lengths from 1 to 8"):
        settings.make(ngram.Config, wrong, "run.toml")


def test_a_classifier_with_characters_takes_empty_and_chinese_texts() -> None:
    model = TextClassifier("ngram", {"characters": [1, 2, 3]}, random_state=1).fit(
        ["很好！", "很差。"] * 10, ["y", "n"] * 10
    )
    assert model.predict(["好！", "差。"]).tolist() == ["y", "n"]
    assert np.isfinite(model.predict_proba(["", "  "])).all()
