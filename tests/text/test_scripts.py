import pytest

from tenor.text.scripts import SCRIPTS, main_scripts


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("a good film", "Latin"),
        ("Ça été très bon", "Latin"),
        ("今天天气很好 OK", "Han"),
        ("この映画は本当に素晴らしい", "Kana"),
        ("영화가 좋다", "Hangul"),
        ("фильм хороший", "Cyrillic"),
        ("فيلم جيد", "Arabic"),
        ("", "none"),
        ("123 !!! 😀", "none"),
    ],
)
def test_the_script_of_most_letters_is_told(text: str, script: str) -> None:
    assert SCRIPTS[main_scripts([text])[0]] == script


def test_each_text_is_told_by_itself() -> None:
    texts = ["好", "good", "да", "!", "é"] * 1000
    assert [SCRIPTS[script] for script in main_scripts(texts)] == ["Han", "Latin", "Cyrillic", "none", "Latin"] * 1000
    assert main_scripts([]).tolist() == []
