import numpy as np
import pytest

from tenor._core.records import RecordError, parse
from tenor.data.fields import SEPARATOR
from tenor.text import chinese
from tenor.text.chinese import CharacterMap


def test_traditional_characters_become_simplified_ones_in_their_places() -> None:
    folding = chinese.traditional_to_simplified()
    texts = ["萬與國家發展 abc", "plain", "", "国家发展", "頭髮和發展", "\ud800廣"]
    assert folding.fold(texts) == ["万与国家发展 abc", "plain", "", "国家发展", "头发和发展", "\ud800广"]
    assert folding.source.startswith("OpenCC ")
    assert len(folding.characters) > 3_000
    assert not set(folding.characters) & set(folding.replacements) or folding.fold(folding.fold(texts))


def test_many_texts_are_folded_block_by_block() -> None:
    texts = [f"第{row}頁" for row in range(3_000)]
    assert chinese.traditional_to_simplified().fold(texts) == [f"第{row}页" for row in range(3_000)]


def test_the_share_of_changed_characters_counts_chinese_ones_alone() -> None:
    assert chinese.traditional_to_simplified().share_changed(["萬abc家 好"]) == pytest.approx(1 / 3)
    assert chinese.traditional_to_simplified().share_changed(["abc"]) == 0


def test_the_variant_is_that_of_most_characters() -> None:
    assert chinese.variants(["萬與國家", "国家发展", "萬国", "好", "hello", ""]).tolist() == [1, -1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["很好的书"] * 3, True),
        (["a film"] * 30 + ["很好的书"] * 3, True),
        (["a film"] * 300 + ["很好的书"] * 3, False),
        (["これは本です", "図書館へ行きました"], False),
        (["a film"], False),
        ([], False),
    ],
)
def test_chinese_is_told_from_japanese_and_english(texts: list[str], expected: bool) -> None:
    assert chinese.are_chinese(texts) is expected


def test_a_map_is_saved_and_read_again() -> None:
    folding = CharacterMap("萬與", "万与", "a table")
    assert chinese.restore(parse_map(folding.characters, folding.replacements, folding.source)) == folding
    with pytest.raises(RecordError, match="there is not one for each character"):
        chinese.restore(parse_map("萬與", "万", "a table"))
    with pytest.raises(RecordError, match="one occurs twice"):
        chinese.restore(parse_map("萬萬", "万与", "a table"))
    with pytest.raises(RecordError, match="there are control characters"):
        chinese.restore(parse_map("萬", SEPARATOR, "a table"))
    with pytest.raises(RecordError, match="65,536 are allowed"):
        chinese.restore(parse_map("萬" * 70_000, "万" * 70_000, "a table"))


def parse_map(characters: str, replacements: str, source: str) -> object:
    import json

    return parse(json.dumps(CharacterMap(characters, replacements, source).to_dict()).encode(), "tenor.json")


def test_folding_keeps_the_kind_of_the_texts() -> None:
    assert np.array(chinese.traditional_to_simplified().fold(("萬",))).tolist() == ["万"]
