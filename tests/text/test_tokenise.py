import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import tokenise
from tenor.text.tokenise import MAX_TOKEN_CHARACTERS


def words(texts: list[str]) -> list[list[str]]:
    result = tokenise.tokenise(texts)
    spans = [result.joined[b:e] for b, e in zip(result.begin, result.end, strict=True)]
    return [spans[a:b] for a, b in zip(result.text_offsets, result.text_offsets[1:], strict=False)]


def test_words_apostrophes_and_line_breaks() -> None:
    assert words(["Don't 'panic',<br />it''s OK"]) == [["Don't", "panic", "it", "s", "OK"]]


def test_chinese_is_split_into_characters() -> None:
    assert words(["我爱Python编程。"]) == [["我", "爱", "Python", "编", "程"]]


def test_empty_texts_have_no_tokens() -> None:
    assert words(["", "a", " ", ""]) == [[], ["a"], [], []]
    assert tokenise.tokenise([]).text_offsets.tolist() == [0]


def test_a_newline_in_a_text_does_not_shift_its_neighbours() -> None:
    assert words(["a\nb", "c"]) == [["a", "b"], ["c"]]


@given(st.lists(st.text(), max_size=8))
def test_a_token_has_one_hash_wherever_it_stands(texts: list[str]) -> None:
    result = tokenise.tokenise(texts)
    for b, e, value in zip(result.begin.tolist(), result.end.tolist(), result.hashes.tolist(), strict=True):
        alone = tokenise.tokenise([result.joined[b:e]])
        assert value in alone.hashes.tolist()


@given(st.lists(st.text("abcXYZ019 .,'", max_size=30), max_size=5))
def test_tokens_of_ascii_text_are_those_of_a_regular_expression(texts: list[str]) -> None:
    expected = [re.findall(r"[a-z0-9]+(?:'[a-z0-9]+)*", text.lower()) for text in texts]
    assert [[word.lower() for word in line] for line in words(texts)] == expected


def test_hashes_of_a_large_vocabulary_are_distinct() -> None:
    texts = [f"w{number}" for number in range(200_000)]
    hashes = np.concatenate([tokenise.tokenise(block).hashes for block in tokenise.blocks(texts)])
    assert len(np.unique(hashes)) == 200_000


def test_case_and_width_do_not_change_a_hash() -> None:
    hashes = tokenise.tokenise(["Café", "CAFÉ", "ｃａｆé"]).hashes
    assert len(set(hashes.tolist())) == 1


def test_tokens_across_the_edge_of_a_window_hash_the_same() -> None:
    text = "word " * 200_000  # several windows
    assert len(np.unique(tokenise.tokenise([text]).hashes)) == 1


def test_a_very_long_token_is_known_by_its_beginning() -> None:
    one, other = "x" * MAX_TOKEN_CHARACTERS + "a", "x" * MAX_TOKEN_CHARACTERS + "b"
    hashes = tokenise.tokenise([one, other, "x" * (MAX_TOKEN_CHARACTERS - 1)]).hashes
    assert hashes[0] == hashes[1] != hashes[2]


@given(st.lists(st.integers(0, 3_000), max_size=40))
def test_blocks_keep_every_text_in_order(lengths: list[int]) -> None:
    texts = [str(index) * length for index, length in enumerate(lengths)]
    assert [text for block in tokenise.blocks(texts) for text in block] == texts
