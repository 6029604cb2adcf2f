import sys
import time
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenor.text import normalise
from tenor.text.normalise import ALONE, SEPARATOR, WORD


def fold(text: str) -> tuple[str, list[int]]:
    folded = normalise.fold(text)
    return folded.text(), folded.kinds.tolist()


def test_ascii_is_lowered_and_split_by_kind() -> None:
    assert fold("Ab9 _!") == ("ab9 _!", [WORD, WORD, WORD, SEPARATOR, WORD, SEPARATOR])


def test_full_width_forms_become_half_width() -> None:
    assert fold("ＡＢＣ１２！")[0] == "abc12!"


def test_chinese_characters_and_emoji_stand_alone() -> None:
    assert fold("我爱，😀")[1] == [ALONE, ALONE, SEPARATOR, ALONE]


def test_ideographs_beyond_the_basic_plane_stand_alone() -> None:
    assert fold("\U00020000")[1] == [ALONE]


def test_combining_marks_belong_to_their_word() -> None:
    assert fold("नि")[1] == [WORD, WORD]


def test_zero_width_and_control_characters_separate() -> None:
    assert fold("a\u200bb\0")[1] == [WORD, SEPARATOR, WORD, SEPARATOR]


def test_a_lone_surrogate_is_a_separator() -> None:
    assert fold("a\ud800b")[1] == [WORD, SEPARATOR, WORD]


def test_symbols_and_fractions_stay_one_character() -> None:
    text = "İstanbul … ½ Ⅳ ＡＢ Straße™ ℃"
    assert normalise.fold(text).origin is None
    assert len(fold(text)[0]) == len(text)


def test_ligatures_are_taken_apart() -> None:
    folded = normalise.fold("Ofﬁce ﻻ")
    assert folded.text() == "office لا"
    assert folded.begin(np.array([2, 3, 4])).tolist() == [2, 2, 3]
    assert folded.end(np.array([3, 4, 5])).tolist() == [3, 3, 4]


def test_a_letter_and_its_marks_are_one() -> None:
    folded = normalise.fold("xe\u0301\u0323Ｅ\u0301 ")
    assert folded.text() == "xẹ\u0301é "
    assert folded.origin is not None
    assert folded.origin.tolist() == [0, 1, 1, 4, 6, 7]


def test_what_only_steers_the_drawing_is_left_out() -> None:
    for mark in ["\u00ad", "\u200c", "\u200d", "\u200e", "\u200f", "\u202b", "\u2067", "\u2060", "\ufe0f", "\ufeff"]:
        folded = normalise.fold(f"{mark}a{mark}{mark}b")
        assert folded.text() == "ab"
        assert folded.begin(np.array([0, 1, 2])).tolist() == [1, 4, 5]


def test_marks_with_nothing_to_stand_on_stay() -> None:
    assert fold("\u0301\n\u0301\u0301a") == ("\u0301\n\u0301\u0301a", [WORD, SEPARATOR, WORD, WORD, WORD])


@example("\u0385 \u1fcd\u0301")  # accents that stand alone are a blank and marks
@given(st.text(max_size=40))
def test_composed_and_decomposed_texts_fold_alike(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert fold(decomposed) == fold(composed)


@pytest.mark.parametrize(
    "text",
    ["Crème brûlée Ångström", "Việt Nam", "한국어 텍스트", "がぎぐパピプ", "\u0958\u095b\u095e", "\ufb2a\u05b8לום"],
)
def test_composed_and_decomposed_words_fold_alike(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert text != decomposed
    assert fold(decomposed) == fold(text)


def test_the_order_of_marks_changes_nothing() -> None:
    assert fold("مد\u0651\u064e") == fold("مد\u064e\u0651")  # both orders are typed


def test_half_width_kana_with_sound_marks_are_full_ones() -> None:
    assert fold("ｶﾞｷﾞﾊﾟ") == fold("ガギパ")


@given(st.text(max_size=40))
def test_every_character_stands_where_it_says(text: str) -> None:
    folded = normalise.fold(text)
    indices = np.arange(len(folded.characters))
    begin, end = folded.begin(indices), folded.end(indices + 1)
    assert ((begin >= 0) & (begin < end) & (end <= len(text))).all()
    assert (np.diff(begin) >= 0).all()
    assert (folded.begin(folded.locate(begin)) == begin).all()


def test_folding_twice_changes_nothing_for_any_character() -> None:
    once = normalise.fold("\n".join(map(chr, range(0x30000))))
    again = normalise.fold(once.text())
    assert again.text() == once.text()
    assert (again.kinds == once.kinds).all()


def test_every_character_has_a_kind() -> None:
    folded = normalise.fold("\n".join(map(chr, [*range(0x30000), *range(0x30000, sys.maxunicode + 1, 97)])))
    assert set(np.unique(folded.kinds)) == {SEPARATOR, WORD, ALONE}


@given(st.text(st.sampled_from("aé\u0301\u0327\u0323\u0f71\u0f72\u0f73\u1161\u11a8\u3099\u05b0"), min_size=101))
def test_a_long_run_of_marks_has_the_form_nfkc(run: str) -> None:
    assert normalise._normalise(run) == unicodedata.normalize("NFKC", run)


@pytest.mark.parametrize("marks", ["\u0301\u0327", "\u0f73"])
def test_very_many_marks_out_of_order_take_a_moment(marks: str) -> None:
    started_at = time.process_time()
    folded = normalise.fold("a" + marks * 50_000).text()
    assert time.process_time() - started_at < 2
    assert len(folded) >= 50_000
