"""Subwords trained on texts. Those of pretrained encoders are in tests/models/pretrained/test_pretrained.py."""

import json
import os
import pickle
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.text import normalise, subwords
from tenor.text.subwords import SubwordTokenizer

TEXTS = [
    "今天天气很好，我们去公园。",
    "今天天气不好，我们在家。",
    "公园里的天气 The weather is good!",
    "the weather today 😀 is 😀 bad",
    "Ａｎｄ naïve naïve Việt Việt",
    "שָׁלוֹם עולם العَرَبِيَّة جميلة हिन्दी ภาษาไทยสนุก",
    "Python 很好 🎉 天气 the\u200bweather\x01is",
] * 10
SIZE = 1000


TRAINED = subwords.build(TEXTS, SIZE)


def ids(encoder: SubwordTokenizer, text: str) -> list[int]:
    return encoder.encode([text], 1000, "end").ids.tolist()


def cut(encoder: SubwordTokenizer, text: str) -> list[str]:
    """The pieces of a text as they stand in it."""
    _, begin, end = encoder.spans(text, 1000, "end")
    return [text[b:e] for b, e in zip(begin.tolist(), end.tolist(), strict=True)]


def test_what_is_frequent_is_one_subword() -> None:
    assert cut(TRAINED, "今天天气好") == ["今天天气", "好"]
    assert cut(TRAINED, "The WEATHER,ｉｓ") == ["The", "WEATHER", ",", "ｉｓ"]
    assert cut(TRAINED, "😀 good") == ["😀", "good"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("עולם (Weather) العَرَبِيَّة!", ["עולם", "(", "Weather", ")", "العَرَبِيَّة", "!"]),
        ("\u200fעולם\u200f שָׁלוֹם", ["עולם\u200f", "שָׁלוֹם"]),
        (unicodedata.normalize("NFD", "naïve Việt"), ["nai\u0308ve", "Vie\u0323\u0302t"]),
        ("हिन्दी ภาษาไทยสนุก", ["हिन्दी", "ภาษาไทยสนุก"]),
        ("today,wea\u00adth\u200cer\ufeff", ["today", ",", "wea\u00adth\u200cer\ufeff"]),
        ("天气\u200b天气　ｗｅａｔｈｅｒ", ["天气", "天气", "ｗｅａｔｈｅｒ"]),
        ("天气Python很好🎉🎉עולם", ["天气", "Python", "很好", "🎉", "🎉", "עולם"]),
        ("is😀\ufe0f", ["is", "😀\ufe0f"]),
        ("<br />the'weather", ["the", "'", "weather"]),
    ],
)
def test_pieces_are_as_they_stand_in_the_text(text: str, expected: list[str]) -> None:
    assert cut(TRAINED, text) == expected


def test_ids_are_in_range_and_padding_and_the_mask_are_never_among_them() -> None:
    assert TRAINED.size <= SIZE
    assert TRAINED.n_special_tokens == 0
    assert (TRAINED.token_id("[PAD]"), TRAINED.token_id("[MASK]")) == (0, 1)
    result = TRAINED.encode([*TEXTS, "[PAD] [MASK] <0x41> 鑫"], 1000, "end").ids
    assert result.min() > 1 and result.max() < TRAINED.size


@given(st.text(max_size=40))
@settings(deadline=None)
def test_no_character_is_unknown(text: str) -> None:
    folded = normalise.fold(text).text()
    _, begin, end = TRAINED.spans(folded, 1000, "end")
    covered = {at for b, e in zip(begin.tolist(), end.tolist(), strict=True) for at in range(b, e)}
    assert covered >= {at for at, character in enumerate(folded) if not character.isspace()}


def test_a_new_character_is_its_bytes() -> None:
    expected = [TRAINED.token_id(f"<0x{byte:02X}>") for byte in "鑫".encode()]
    assert ids(TRAINED, "鑫") == expected
    assert cut(TRAINED, "鑫") == ["鑫"] * 3
    assert ids(TRAINED, "\ud800") == ids(TRAINED, "\ufffd")


def test_a_character_that_stands_once_is_learned_as_bytes() -> None:
    assert subwords.build(["好好", "坏"], SIZE).token_id("坏") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＢＣ，１２３", "abc,123"),
        ("naïve Việt", unicodedata.normalize("NFD", "naïve Việt")),
        ("weather", "wea\u00adth\u200der\ufeff"),
        ("\u200fعربي\u200e text", "عربي text"),
        ("a<br />b", "a b"),
        ("👩\u200d💻", "👩💻"),
        ("कि\u200dत", "कित"),
    ],
)
def test_texts_are_folded_as_everywhere(one: str, other: str) -> None:
    assert ids(TRAINED, one) == ids(TRAINED, other)


@given(st.lists(st.text(max_size=20) | st.sampled_from(TEXTS), max_size=6))
@settings(deadline=None)
def test_a_text_has_the_same_ids_alone_and_among_others(texts: list[str]) -> None:
    together = TRAINED.encode(texts, 1000, "end")
    assert together.ids.tolist() == [one for text in texts for one in ids(TRAINED, text)]
    assert len(together.lengths) == len(texts)


def test_rows_are_cut() -> None:
    text = "the weather is good bad"
    whole = ids(TRAINED, text)
    assert TRAINED.encode([text], 2, "start").ids.tolist() == whole[:2]
    assert TRAINED.encode([text], 2, "both").ids.tolist() == [whole[0], whole[-1]]
    windows = TRAINED.encode([text, "", "bad"], 2, "windows")
    assert windows.row_to_text.tolist() == [0] * (len(windows.row_to_text) - 2) + [1, 2]
    assert windows.n_truncated == 1


def test_the_same_texts_train_the_same_subwords() -> None:
    assert subwords.build(TEXTS, SIZE).to_dict() == subwords.build(TEXTS, SIZE).to_dict()


def test_a_saved_tokenizer_is_the_same() -> None:
    description = json.loads(json.dumps(TRAINED.to_dict()))
    for other in (subwords.restore(description), pickle.loads(pickle.dumps(TRAINED))):
        assert other.encode(TEXTS, 10, "windows").ids.tolist() == TRAINED.encode(TEXTS, 10, "windows").ids.tolist()


@pytest.mark.parametrize("damage", [{"model": 3}, [], {}])
def test_a_damaged_tokenizer_is_refused(damage: object) -> None:
    with pytest.raises(ValueError, match=r"'(tokenizer|model)': it is (3|a list|missing)"):
        subwords.restore({**TRAINED.to_dict(), "tokenizer": damage})


def test_ids_with_gaps_are_refused() -> None:
    description = json.loads(json.dumps(TRAINED.to_dict()))
    vocabulary = description["tokenizer"]["model"]["vocab"]
    vocabulary[max(vocabulary, key=vocabulary.get)] = 10**6
    with pytest.raises(ValueError, match="the ids have gaps"):
        subwords.restore(description)


def test_a_long_text_without_blanks_is_parted_for_training() -> None:
    trained = subwords.build(["天气很好" * 1000], SIZE)
    assert cut(trained, "天气很好" * 4) == ["天气很好天气很好"] * 2


def test_texts_without_characters_train_bytes_alone() -> None:
    for texts in ([], ["", " "]):
        assert subwords.build(texts, SIZE).size == 258


def test_little_room_goes_to_the_most_frequent_characters() -> None:
    many = ["".join(chr(0x4E00 + number) for number in range(3000)) * 2, "的的的的一一一"]
    trained = subwords.build(many, SIZE)
    assert trained.size <= SIZE
    assert trained.token_id("的") is not None


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted as Linux tells of them")
def test_the_package_starts_as_many_threads_as_the_process_may_use() -> None:
    program = (
        "import os\n"
        "from tenor.text import subwords\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "found = subwords.build(['a good film'] * 50, 1000)\n"
        "found.encode(['a good film'] * 1000, 10, 'end')\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "RAYON_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) <= 1
