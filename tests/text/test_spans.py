"""Every encoder says which characters of the original text an id comes from."""

import functools
import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import gram_ids, ngrams, vocabulary
from tenor.text import subwords as trained
from tenor.text.encoded import Spans, TextEncoder, Truncation

GOLDEN = Path(__file__).parents[1] / "models" / "golden"
KEEPS = get_args(Truncation)
WOMAN = "👩\u200d💻"  # one emoji of two, joined by a zero-width joiner
TEXTS = [
    "The cat sat. The dog ran!",
    "我爱 Python 编程，ＡＢＣ。",
    f"good {WOMAN} film",
    "cafe\u0301 Café naïve",
    "नमस्ते दुनिया",
    "<br />don't 'panic'",
    "",
]


def pieces(spans: Spans, text: str, ids: int) -> list[list[str]]:
    """The characters of each id."""
    result: list[list[str]] = [[] for _ in range(ids)]
    for at, begin, end in zip(*(part.tolist() for part in spans), strict=True):
        result[at].append(text[begin:end])
    return result


def of(encoder: TextEncoder, text: str, maximum: int = 100, keep: Truncation = "end") -> list[list[str]]:
    spans = encoder.spans(text, maximum, keep)
    return pieces(spans, text, len(encoder.encode([text], maximum, keep).ids))


@functools.cache
def subwords(name: str) -> TextEncoder:
    from tenor.text.subwords import SubwordTokenizer

    specification = json.loads((GOLDEN / name / "tokenizer.json").read_text(encoding="utf-8"))
    return SubwordTokenizer(specification, padding=0 if name == "bert" else 1)


WORDS = vocabulary.build(TEXTS, 1000)
GRAMS = gram_ids.build(TEXTS, 1000, (1, 2), 1)
TRAINED = trained.build(TEXTS * 10, 1000)


def test_words_and_characters_as_they_stand_in_the_text() -> None:
    assert of(WORDS, TEXTS[1]) == [["我"], ["爱"], ["Python"], ["编"], ["程"], ["ＡＢＣ"]]
    assert of(WORDS, TEXTS[2]) == [["good"], ["👩\u200d"], ["💻"], ["film"]]
    assert of(WORDS, TEXTS[3]) == [["cafe\u0301"], ["Café"], ["naïve"]]
    assert of(WORDS, TEXTS[4]) == [["नमस्ते"], ["दुनिया"]]
    assert of(WORDS, TEXTS[5]) == [["don't"], ["panic"]]
    assert of(WORDS, "") == []


@pytest.mark.parametrize(
    ("keep", "expected"),
    [("start", "a b"), ("end", "d e"), ("both", "a e"), ("windows", "a b c d d e"), ("all", "a b c d d e a e")],
)
def test_cut_texts(keep: Truncation, expected: str) -> None:
    words = vocabulary.build(["a b c d e"], 100)
    assert of(words, "a b c d e", 2, keep) == [[word] for word in expected.split()]


@given(st.text(max_size=30) | st.sampled_from(TEXTS), st.integers(1, 6), st.sampled_from(KEEPS))
def test_the_characters_of_a_token_alone_have_its_id(text: str, maximum: int, keep: Truncation) -> None:
    words = vocabulary.build([text], 1000)
    ids = words.encode([text], maximum, keep).ids.tolist()
    for one, (piece,) in zip(ids, of(words, text, maximum, keep), strict=True):
        assert words.encode([piece], 100, "end").ids.tolist() == [one]


def test_an_n_gram_has_each_of_its_tokens_wherever_it_stands() -> None:
    grams = gram_ids.build(["The cat. the CAT sat"], 100, (1, 2), 1)
    result = of(grams, "The cat. the CAT sat")
    expected = [["The", "the"], ["cat", "CAT"], ["sat"], ["The", "cat", "the", "CAT"], ["cat", "the"], ["CAT", "sat"]]
    assert sorted(map(sorted, result)) == sorted(map(sorted, expected))


@given(st.sampled_from(TEXTS) | st.text(max_size=30), st.integers(2, 6), st.sampled_from(KEEPS))
def test_each_n_gram_of_the_set_has_spans(text: str, maximum: int, keep: Truncation) -> None:
    for encoder in (gram_ids.build([text], 1000, (1, 2), 1), GRAMS):
        assert all(of(encoder, text, maximum, keep))


def test_windows_of_n_grams_have_their_own_positions() -> None:
    grams = gram_ids.build(["a b c d e"], 100, (1,), 1)
    result = of(grams, "a b c d e", 2, "windows")
    assert [sorted(result[:2]), sorted(result[2:4]), sorted(result[4:])] == [
        [["a"], ["b"]],
        [["c"], ["d"]],
        [["d"], ["e"]],
    ]


@given(st.text(max_size=30) | st.sampled_from(TEXTS))
def test_every_count_of_the_linear_model_has_its_characters(text: str) -> None:
    counts = ngrams.count([text], (1, 2), (3,))
    assert len(pieces(ngrams.spans(text, (1, 2), (3,)), text, len(counts.buckets))) == len(counts.buckets)
    single = ngrams.count([text], (1,))
    result = pieces(ngrams.spans(text, (1,)), text, len(single.buckets))
    assert list(map(len, result)) == single.counts.tolist()


def test_n_grams_of_characters_know_where_they_stand() -> None:
    text = "No  one"
    counts = ngrams.count([text], (), (3,))
    result = {"|".join(parts) for parts in pieces(ngrams.spans(text, (), (3,)), text, len(counts.buckets))}
    assert result == {"N|o", "N|o|  ", "o|  |o", "  |o|n", "o|n|e", "n|e"}


def test_a_text_without_n_grams_has_no_spans() -> None:
    assert [len(part) for part in ngrams.spans("", (1, 2), ())] == [0, 0, 0]
    assert [len(part) for part in GRAMS.spans("", 5, "windows")] == [0, 0, 0]


def test_subwords_as_they_stand_in_the_text() -> None:
    bert, roberta = subwords("bert"), subwords("roberta")
    assert of(bert, "A  GOOD film") == [[], ["A"], ["GOOD"], ["film"], []]
    assert of(roberta, "我 film") == [[], ["我"], ["我"], ["我"], ["film"], []]  # three bytes
    assert of(roberta, f"bad{WOMAN}")[2:] == [["👩"]] * 4 + [["\u200d"]] * 3 + [["💻"]] * 4 + [[]]
    assert of(bert, "cafe\u0301 film") == [[], ["cafe"], ["film"], []]  # it strips accents
    assert of(bert, "") == [[], []]


@pytest.mark.parametrize("keep", KEEPS)
def test_subwords_of_cut_texts(keep: Truncation) -> None:
    windows = "good bad film plot"
    cut = {
        "start": "good bad",
        "end": "film plot",
        "both": "good plot",
        "windows": windows,
        "all": f"{windows} good plot",
    }
    expected = cut[keep]
    result = of(subwords("bert"), "good bad film plot", 4, keep)
    assert [piece for piece in result if piece] == [[word] for word in expected.split()]
    assert result[0] == result[-1] == []


def test_half_a_character_is_an_unknown_one() -> None:
    bert = subwords("bert")
    assert len(bert.encode(["good \ud800 film"], 10, "end").ids) == len(of(bert, "good \ud800 film", 10)) >= 4


@given(st.text(max_size=30) | st.sampled_from(TEXTS), st.sampled_from(KEEPS))
def test_spans_lie_in_the_text_and_rise(text: str, keep: Truncation) -> None:
    for encoder in (WORDS, GRAMS, TRAINED, subwords("bert"), subwords("roberta")):
        at, begin, end = encoder.spans(text, 5, keep)
        assert (np.diff(at) >= 0).all()
        assert (begin >= 0).all() and (begin < end).all() and (end <= len(text)).all()
        assert not len(at) or at[-1] < len(encoder.encode([text], 5, keep).ids)
