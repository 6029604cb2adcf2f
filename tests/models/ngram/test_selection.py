import numpy as np
import pytest

from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.families import ngram
from tenor.models.ngram import selection
from tenor.tasks import SingleLabel

TASK = SingleLabel(("n", "y"))
# Every word occurs once; what the classes have in common is an ending.
STEMS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "lmnr"]
TEXTS = [stem + "ized" for stem in STEMS] + [stem + "ology" for stem in STEMS]
TARGETS = np.repeat(np.arange(2, dtype=np.int32), len(STEMS))


def examples(texts: list[str], targets: np.ndarray) -> Examples:
    return Examples(texts, targets, TASK, np.ones(len(texts), np.float32))


def test_n_grams_of_characters_are_chosen_where_words_say_nothing() -> None:
    fitted = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), FitContext(seed=1))
    assert fitted.config.char_ngrams
    logits = fitted.model.logits(["pized", "pology"])
    assert logits[0, 0] < 0 < logits[1, 0]


def test_much_text_is_not_searched_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MAX_CHARACTERS", 10)
    fitted = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), FitContext(seed=1))
    assert fitted.config.char_ngrams == ()


@pytest.mark.parametrize(
    ("asked", "word_ngrams", "char_ngrams"),
    [
        ({"word_ngrams": (1,)}, (1,), ()),
        ({"char_ngrams": (2, 3)}, (), (2, 3)),
        ({"word_ngrams": (1,), "char_ngrams": (2,)}, (1,), (2,)),
    ],
)
def test_where_one_kind_of_n_gram_is_set_the_other_is_off(
    asked: dict[str, tuple[int, ...]], word_ngrams: tuple[int, ...], char_ngrams: tuple[int, ...]
) -> None:
    config = ngram.Config(weighting="tf-idf", C=1.0, **asked)  # type: ignore[arg-type]
    fitted = ngram.fit(examples(TEXTS, TARGETS), config, FitContext(seed=1))
    assert (fitted.config.word_ngrams, fitted.config.char_ngrams) == (word_ngrams, char_ngrams)
    assert fitted.history == []


def test_the_number_of_cores_changes_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    many = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), FitContext(seed=1)).model.arrays()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = ngram.fit(examples(TEXTS, TARGETS), ngram.Config(), FitContext(seed=1)).model.arrays()
    assert all(np.array_equal(many[name], one[name]) for name in many)
