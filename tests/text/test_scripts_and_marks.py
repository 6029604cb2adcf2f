"""What is one token, one n-gram, one id, whatever way a text is written down."""

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import gram_ids, ngrams, subwords, tokenise, vocabulary

WORDS = [
    "Crème brûlée",
    "Việt Nam",
    "한국어를 배워요",
    "がぎぐ パピプ",
    "हिन्दी क़लम",
    "العَرَبِيَّة جميلة",
    "עִבְרִית יפה",
    "ภาษาไทย น้ำ",
    "русский язык",
    "中文 Python 混合 text",
]
SUBWORDS = subwords.build(WORDS * 10, 1000)
INVISIBLE = {
    "soft hyphen": "\u00ad",
    "zero-width joiner": "\u200d",
    "zero-width non-joiner": "\u200c",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "left-to-right mark": "\u200e",
    "right-to-left mark": "\u200f",
    "Arabic letter mark": "\u061c",
    "embedding": "\u202b",
    "isolate": "\u2067",
    "variation selector": "\ufe0f",
}


def hashes(text: str) -> list[int]:
    return tokenise.tokenise([text]).hashes.tolist()


def counts(text: str) -> tuple[list[int], list[int]]:
    """What `ngram` sees."""
    result = ngrams.count([text], (1, 2), (2, 3))
    return result.buckets.tolist(), result.counts.tolist()


def seen_alike(one: str, other: str) -> bool:
    """Whether `ngram` and the networks make the same of two texts."""
    texts: Sequence[str] = [one, other, " ".join(WORDS)]
    encoders = (vocabulary.build(texts, 1000), gram_ids.build(texts, 1000, (1, 2), 1), SUBWORDS)
    ids = [[encoder.encode([text], 100, "end").ids.tolist() for text in (one, other)] for encoder in encoders]
    return hashes(one) == hashes(other) and counts(one) == counts(other) and all(a == b for a, b in ids)


@pytest.mark.parametrize("text", WORDS)
def test_composed_and_decomposed_are_the_same(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert seen_alike(composed, decomposed)


@given(st.text(max_size=30))
def test_composed_and_decomposed_are_the_same_for_any_text(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert hashes(composed) == hashes(decomposed)
    assert counts(composed) == counts(decomposed)


def test_full_width_is_half_width() -> None:
    assert seen_alike("ＡＢＣ　１２３！，ok", "abc 123!,ok")
    assert seen_alike("ｶﾞｷﾞ ﾊﾟﾋﾟ", "ガギ パピ")


@pytest.mark.parametrize("mark", INVISIBLE.values(), ids=INVISIBLE.keys())
@pytest.mark.parametrize("text", WORDS)
def test_characters_that_cannot_be_seen_change_nothing(text: str, mark: str) -> None:
    assert seen_alike(mark.join([text[:3], text[3:6], text[6:]]) + mark, text)
    assert seen_alike(mark + text, text)


def test_a_mark_between_a_letter_and_its_accent_changes_nothing() -> None:
    assert seen_alike("e\u200d\u0301", "é")


def test_a_zero_width_space_stands_between_words() -> None:
    assert seen_alike("ភាសា\u200bខ្មែរ", "ភាសា ខ្មែរ")


@pytest.mark.parametrize("blank", ["\t", "\x01", "\x7f", "\x85", "\xa0", "\u2028", "\u3000"])
def test_blanks_of_any_kind_and_control_characters_are_one(blank: str) -> None:
    assert seen_alike(f"one{blank}two", "one two")


def test_words_that_run_from_right_to_left_are_in_the_order_of_reading() -> None:
    result = tokenise.tokenise(["שלום (world) مرحبا!"])
    words = [result.joined[begin:end] for begin, end in zip(result.begin, result.end, strict=True)]
    assert words == ["שלום", "world", "مرحبا"]


def test_presentation_forms_are_letters() -> None:
    assert seen_alike("\ufefb", "لا")
    assert seen_alike("\ufee2\ufead", "مر")


def test_vowel_signs_and_accents_count() -> None:
    assert hashes("كَتَبَ") != hashes("كتب")
    assert hashes("resume") != hashes("résumé")


def test_emoji_are_kept_and_their_drawing_does_not_count() -> None:
    assert len(hashes("so good 😀👍🏽")) == 5  # the colour of the skin is a token
    assert seen_alike("❤\ufe0f love", "❤ love")
    assert hashes("👩\u200d💻") == hashes("👩💻")
    assert len(set(hashes("😀😡"))) == 2


def test_scripts_mix_in_one_text() -> None:
    result = tokenise.tokenise(["用Python写的עברית文🎉ok"])
    words = [result.joined[begin:end] for begin, end in zip(result.begin, result.end, strict=True)]
    assert words == ["用", "Python", "写", "的", "עברית", "文", "🎉", "ok"]
