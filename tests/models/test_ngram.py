import numpy as np
import pytest

from conftest import english
from tenor import TextClassifier, settings
from tenor.data import split
from tenor.errors import SettingsError
from tenor.models import ngram
from tenor.models.family import Examples
from tenor.tasks import Classes
from tenor.text import ngrams

TASK = Classes(("n", "y"))
# Every word occurs once; what the classes have in common is an ending.
STEMS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "lmnr"]
TEXTS = [stem + "ized" for stem in STEMS] + [stem + "ology" for stem in STEMS]
TARGETS = np.repeat(np.arange(2, dtype=np.int32), len(STEMS))


def examples(texts: list[str], targets: np.ndarray) -> Examples:
    return Examples(texts, targets, TASK, np.ones(len(texts), np.float32))


def test_n_grams_of_characters_are_chosen_where_words_say_nothing() -> None:
    fitted = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), 1)
    assert fitted.config.characters
    logits = fitted.model.logits(["pized", "pology"])
    assert logits[0, 0] < 0 < logits[1, 0]


def test_much_text_is_not_searched_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngram, "CHARACTERS", 10)
    fitted = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), 1)
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
    fitted = ngram.fit(examples(TEXTS, TARGETS), config, 1)
    assert (fitted.config.orders, fitted.config.characters) == (orders, characters)
    assert fitted.history == []


def test_a_model_from_before_n_grams_of_characters_loads() -> None:
    config = ngram.Config(orders=(1,), weighting="tf-idf", strength=1.0)
    model = ngram.fit(examples(TEXTS * 2, np.tile(TARGETS, 2)), config, 1).model
    encoder = model.encoder()
    del encoder["characters"]
    again = ngram.restore(config, encoder, model.arrays(), TASK)
    assert np.array_equal(again.logits(TEXTS), model.logits(TEXTS))


def test_the_number_of_cores_changes_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    many = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), 1).model.arrays()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), 1).model.arrays()
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


def test_a_text_is_scored_out_of_its_fold_without_its_own_label() -> None:
    texts, labels = map(list, zip(*english(120), strict=True))
    task, weights = Classes(("negative", "positive")), np.ones(120, np.float32)
    targets, counts = task.encode(labels), ngrams.count(texts, (1, 2))
    config = ngram.Config(orders=(1, 2), characters=(), weighting="tf-idf-naive-bayes", strength=30.0)
    folds = split.folds(texts, labels, 4, 0)
    logits = ngram.out_of_fold(counts, targets, task, weights, config, folds)
    assert ((logits[:, 0] > 0) == targets).mean() > 0.95
    turned, scored = targets.copy(), folds[0][1]
    turned[scored] = 1 - turned[scored]
    again = ngram.out_of_fold(counts, turned, task, weights, config, folds)
    np.testing.assert_array_equal(again[scored], logits[scored])
