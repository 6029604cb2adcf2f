"""The language of messages."""

import pytest

from tenor._core import language
from tenor._core.language import sentences, tr, tr_number, use_language
from tenor.errors import DataError, Location, counted, listed


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "TENOR_LANG": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "TENOR_LANG": "zh"}, "zh"),
        ({"TENOR_LANG": "zh-Hans"}, "zh"),
        ({"TENOR_LANG": "../../etc"}, "en"),
    ],
)
def test_the_language_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("TENOR_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language.language() == expected


def test_a_block_has_its_own_language_and_gives_it_back() -> None:
    assert language.language() == "en"
    with use_language("zh"):
        assert language.language() == "zh"
        with use_language(None):
            assert language.language() == "zh"
        with use_language("en"):
            assert tr("no problems found.") == "no problems found."
        assert language.language() == "zh"
    with pytest.raises(KeyError), use_language("zh"):
        raise KeyError
    assert language.language() == "en"


def test_a_message_is_translated_and_filled_in() -> None:
    with use_language("zh"):
        message = tr("{name}: there is no column {column!r}.", name="a.csv", column="{text}")
        assert message.startswith("a.csv：") and "'{text}'" in message and "column" not in message
        assert tr("a message that nobody wrote") == "a message that nobody wrote"
        assert tr("") == ""


def test_numbers_have_the_form_of_the_language() -> None:
    assert (counted(1, "row"), counted(2_000, "row")) == ("1 row", "2,000 rows")
    assert tr_number("{number} class", "{number} classes", 2) == "2 classes"
    with use_language("zh"):
        assert counted(2_000, "row") == "2,000 行"


def test_errors_and_lists_are_written_as_chinese_is() -> None:
    with use_language("zh"):
        error = DataError("甲。", "乙。", Location("a.csv", 3, "text"))
        assert str(error) == "a.csv，第 3 行，列 'text'：甲。乙。"
        assert listed(["a", "b"]) == "a、b"
        assert sentences("甲。", "", "乙。") == "甲。乙。"
    assert str(DataError("One.", "Two.", Location("a.csv", 3, "text"))) == "a.csv, row 3, column 'text': One. Two."
