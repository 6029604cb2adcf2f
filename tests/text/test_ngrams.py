import re
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import ngrams

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), max_size=12).map(" ".join)


def plain_counts(text: str, orders: list[int]) -> list[int]:
    """Sorted counts of the distinct n-grams, by the definition."""
    tokens = text.split()
    grams = Counter(tuple(tokens[at : at + order]) for order in orders for at in range(len(tokens) - order + 1))
    return sorted(grams.values())


@given(st.lists(WORDS, max_size=10), st.sampled_from([[1], [1, 2], [2], [1, 2, 3], [3]]))
def test_counts_are_those_of_the_definition(texts: list[str], orders: list[int]) -> None:
    counts = ngrams.count(texts, orders)
    assert len(counts.row_offsets) == len(texts) + 1
    for index, text in enumerate(texts):
        part = slice(counts.row_offsets[index], counts.row_offsets[index + 1])
        assert sorted(counts.counts[part].tolist()) == plain_counts(text, orders)
        assert len(set(counts.buckets[part].tolist())) == part.stop - part.start


@given(st.lists(st.text(max_size=20), max_size=10))
def test_a_text_has_the_same_counts_alone_and_among_others(texts: list[str]) -> None:
    together = ngrams.count(texts, (1, 2))
    for index, text in enumerate(texts):
        alone = ngrams.count([text], (1, 2))
        part = slice(together.row_offsets[index], together.row_offsets[index + 1])
        assert together.buckets[part].tolist() == alone.buckets.tolist()
        assert together.counts[part].tolist() == alone.counts.tolist()


def test_the_number_of_cores_changes_nothing(monkeypatch: object) -> None:
    texts = [f"word{number % 97} and word{number % 13} 好{number}" for number in range(5_000)]
    many = ngrams.count(texts, (1, 2, 3))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # type: ignore[attr-defined]
    one = ngrams.count(texts, (1, 2, 3))
    assert all(np.array_equal(a, b) for a, b in zip(many, one, strict=True))


def test_order_of_words_matters_to_pairs() -> None:
    one, other = ngrams.count(["good not"], (2,)), ngrams.count(["not good"], (2,))
    assert one.buckets.tolist() != other.buckets.tolist()


def test_no_texts_give_no_rows() -> None:
    assert ngrams.count([], (1, 2)).row_offsets.tolist() == [0]


@given(st.lists(st.text("abA,! \n\t", max_size=12), max_size=8), st.sampled_from([[2], [1, 2, 3], [4]]))
def test_n_grams_of_characters_are_those_of_the_definition(texts: list[str], orders: list[int]) -> None:
    counts = ngrams.count(texts, (), orders)
    for index, text in enumerate(texts):
        framed = " " + re.sub(r"[ \n\t]+", " ", text.lower()).strip() + " "
        framed = framed if framed.strip() else " "
        grams = Counter(framed[at : at + order] for order in orders for at in range(len(framed) - order + 1))
        part = slice(counts.row_offsets[index], counts.row_offsets[index + 1])
        assert sorted(counts.counts[part].tolist()) == sorted(grams.values())


def test_tokens_and_characters_are_counted_side_by_side() -> None:
    texts = ["Good, not bad", "", "很好！Good"]
    words, characters = ngrams.count(texts, (1, 2)), ngrams.count(texts, (), (2, 3))
    both = ngrams.count(texts, (1, 2), (2, 3))
    for index in range(len(texts)):
        parts = [part.buckets[part.row_offsets[index] : part.row_offsets[index + 1]] for part in (words, characters)]
        assert both.buckets[both.row_offsets[index] : both.row_offsets[index + 1]].tolist() == sorted(
            np.concatenate(parts).tolist()
        )
