import sys

import numpy as np

from tenor.text import normalise
from tenor.text.normalise import ALONE, SEPARATOR, WORD


def fold(text: str) -> tuple[str, list[int]]:
    folded, kinds = normalise.fold(normalise.encode(text))
    return "".join(map(chr, folded.tolist())), kinds.tolist()


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


def test_positions_never_move() -> None:
    text = "İstanbul ﬁne ½ ＡＢ\u0301 Straße"
    assert len(fold(text)[0]) == len(text)


def test_folding_twice_changes_nothing_for_any_character() -> None:
    codes = np.arange(0x30000, dtype=np.uint32)
    folded, kinds = normalise.fold(codes)
    again, again_kinds = normalise.fold(folded)
    unstable = codes[(folded != again) | (kinds != again_kinds)]
    assert unstable.tolist() == []


def test_every_character_has_a_kind() -> None:
    _, kinds = normalise.fold(np.arange(sys.maxunicode + 1, dtype=np.uint32))
    assert set(np.unique(kinds)) == {SEPARATOR, WORD, ALONE}
