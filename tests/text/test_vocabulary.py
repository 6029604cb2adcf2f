import numpy as np
import pytest

from tenor.text import vocabulary
from tenor.text.vocabulary import UNKNOWN, Vocabulary

TEXTS = ["the cat sat", "The cat ran", "a dog 我 我"]


def test_the_most_frequent_tokens_come_first_and_ties_by_alphabet() -> None:
    assert vocabulary.build(TEXTS, 100).tokens == ("cat", "the", "我", "a", "dog", "ran", "sat")


def test_the_size_counts_padding_and_unknown() -> None:
    assert vocabulary.build(TEXTS, 5).tokens == ("cat", "the", "我")
    assert vocabulary.build([], 5).tokens == ()


def test_ids_follow_the_ranks_and_other_tokens_are_unknown() -> None:
    encoded = Vocabulary(("cat", "the")).encode(["THE cat sat", ""], 10, "end")
    assert encoded.ids.tolist() == [3, 2, UNKNOWN]
    assert encoded.lengths.tolist() == [3, 0]


@pytest.mark.parametrize(("keep", "expected"), [("end", [4, 5]), ("start", [2, 3])])
def test_long_texts_are_cut_at_one_end_and_counted(keep: str, expected: list[int]) -> None:
    words = Vocabulary(("a", "b", "c", "d"))
    encoded = words.encode(["a b c d", "a"], 2, keep)  # type: ignore[arg-type]
    assert encoded.ids.tolist() == [*expected, 2]
    assert encoded.n_truncated == 1


def test_padding_is_on_the_right() -> None:
    encoded = Vocabulary(("a", "b")).encode(["a b", "b", ""], 5, "end")
    assert encoded.pad(np.array([1, 0, 2]), 3).tolist() == [[3, 0, 0], [2, 3, 0], [0, 0, 0]]


def test_a_vocabulary_built_from_texts_finds_every_token_again() -> None:
    texts = ["Don't stop! 我们 ＡＢＣ😀 naïve", "x" * 400]
    words = vocabulary.build(texts, 1000)
    assert UNKNOWN not in words.encode(texts, 100, "end").ids


def test_many_blocks_count_like_one() -> None:
    texts = [f"w{number % 500} w{number % 7}" for number in range(4_000)]
    words = vocabulary.build(texts, 10)
    assert set(words.tokens[:7]) == {f"w{number}" for number in range(7)}
