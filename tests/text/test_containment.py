import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.text import containment, duplicates


def within(*texts: str) -> list[int]:
    return containment.find_containers(duplicates.count_pairs(texts)).tolist()


def test_a_phrase_is_part_of_its_sentence() -> None:
    texts = ["a very good film", "It is a very good film, on the whole.", "very good film", "a very bad film", "Film"]
    assert within(*texts) == [1, 1, 1, 3, 4]
    assert within("天气很好", "今天天气很好，我们出去走走", "天气") == [1, 1, 2]
    assert within() == []
    assert within("", "!!!") == [0, 1]


def test_two_words_are_no_part_as_many_texts_have_them() -> None:
    assert within("good film", "a good film") == [0, 1]


def test_a_very_long_text_has_the_pairs_of_short_ones_by_chance() -> None:
    part = "one two three"
    assert within(part, f"{part} " + " ".join(f"w{number}" for number in range(300))) == [1, 1]
    assert within(part, f"{part} " + " ".join(f"w{number}" for number in range(500))) == [0, 1]


def test_what_holds_a_text_is_no_part_itself() -> None:
    words = [f"w{number}" for number in range(12)]
    nested = [" ".join(words[:length]) for length in (3, 5, 8, 12)]
    assert within(*nested) == [3, 3, 3, 3]


def test_equal_texts_are_not_part_of_one_another() -> None:
    assert within("one and the same", "one and the same") == [0, 1]


def test_phrases_of_many_sentences_are_found() -> None:
    draw = random.Random(0)
    sentences = [draw.choices([f"w{number}" for number in range(300)], k=30) for _ in range(200)]
    phrases = []
    for sentence in sentences:
        begin = draw.randrange(20)
        phrases.append(sentence[begin : begin + draw.randint(4, 9)])
    result = within(*[" ".join(words) for words in sentences + phrases])
    assert result == [*range(200), *range(200)]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=7), max_size=12))
def test_what_is_found_holds_all_pairs(rows: list[list[str]]) -> None:
    pairs = [set(itertools.pairwise(words)) for words in rows]
    for row, holder in enumerate(within(*map(" ".join, rows))):
        assert holder == row or (pairs[row] < pairs[holder] and len(pairs[row]) >= 2)


def test_a_phrase_that_many_sentences_begin_with_is_part_of_one() -> None:
    sentences = [f"it is what it is said number{number}" for number in range(50)]
    result = within("it is what it", *sentences)
    assert result[0] > 0
    assert result[1:] == list(range(1, 51))
