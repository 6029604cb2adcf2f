import itertools
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenor.text import duplicates


def similar(one: list[str], other: list[str]) -> float:
    """Jaccard of the pairs of neighbouring words, a single one with the end, in plain Python."""
    pairs = [set(itertools.pairwise(words if words[1:] else [*words, "end"])) for words in (one, other)]
    return len(pairs[0] & pairs[1]) / len(pairs[0] | pairs[1])


def groups(*texts: str) -> list[int]:
    return duplicates.groups(duplicates.count_pairs(texts)).tolist()


def test_case_punctuation_and_line_breaks_make_no_difference() -> None:
    assert groups("A good film.", "a GOOD<br />film!", "a bad film") == [0, 0, 1]
    assert groups("Good!", "good", "bad") == [0, 0, 1]
    assert groups("今天，天气很好。", "今天天气很好", "今天天气很坏") == [0, 0, 1]


def test_a_text_without_a_token_is_alone() -> None:
    assert groups("", "", "!!!", "!!!") == [0, 1, 2, 3]
    assert groups() == []


def test_texts_of_at_least_the_share_are_found_and_others_are_not() -> None:
    draw = random.Random(0)
    vocabulary = [f"w{number}" for number in range(3000)]
    result = expected = 0
    for number in range(60):
        words = draw.choices(vocabulary, k=draw.choice([20, 60, 300]))
        changed = list(words)
        for place in draw.sample(range(len(words)), max(1, len(words) * (number % 4) // 40)):
            changed[place] = draw.choice(vocabulary)
        near = similar(words, changed) >= duplicates.MIN_SIMILARITY
        one, other = groups(" ".join(words), " ".join(changed))
        assert near or one != other
        expected += near
        result += one == other
    assert expected > 20
    assert result >= expected - 1


def test_one_changed_character_of_a_chinese_title_is_a_near_duplicate() -> None:
    title = "次世代动作角色扮演游戏无主之地将于十月在全球正式面世"
    assert groups(title, title.replace("面世", "面市"), title[::-1]) == [0, 0, 1]


def test_groups_are_linked_through_others() -> None:
    words = [f"w{number}" for number in range(50)]
    texts = [" ".join(words[start : start + 40]) for start in (0, 3, 6, 9)]
    assert similar(texts[0].split(), texts[3].split()) < duplicates.MIN_SIMILARITY
    assert groups(*texts) == [0, 0, 0, 0]


def test_many_equal_texts_are_one_group() -> None:
    assert set(groups(*["the same words again and again"] * 5000)) == {0}


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), max_size=12))
def test_only_texts_that_share_enough_are_linked(rows: list[list[str]]) -> None:
    numbers = groups(*map(" ".join, rows))
    for row, number in enumerate(numbers):
        mates = [other for other, same in enumerate(numbers) if same == number and other != row]
        assert not mates or max(similar(rows[row], rows[mate]) for mate in mates) >= duplicates.MIN_SIMILARITY
    equal = {tuple(words): number for words, number in zip(rows, numbers, strict=True)}
    assert [equal[tuple(words)] for words in rows] == numbers


def test_the_exact_comparison_counts_pairs() -> None:
    texts = ["a b c d", "a b c e", "x y"]
    pairs = duplicates.count_pairs(texts)
    one, other = np.array([0, 0, 1]), np.array([1, 2, 1])
    assert duplicates.count_common(pairs, one, other).tolist() == [2, 0, 3]
