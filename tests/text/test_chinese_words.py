"""Chinese text as words."""

import pytest

from tenor.text.chinese_words import chinese_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("no Chinese", []),
        ("好", []),
        ("房间很脏，早餐还不错", ["房间", "很脏", "早餐", "不错"]),
        ("a房间b", ["房间"]),
        ("😀服务态度😀差", ["服务态度"]),
        ("服\n务", []),
    ],
)
def test_words_are_runs_of_two_or_more_characters(text: str, expected: list[str]) -> None:
    assert [text[begin:end] for begin, end in chinese_words(text)] == expected


def test_rare_characters_count_as_one_each() -> None:
    text = "𠮷野家的房间"
    spans = [*chinese_words(text)]
    assert [text[begin:end] for begin, end in spans][-1] == "房间"
    assert spans[-1] == (4, 6)
