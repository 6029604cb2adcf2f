import json

import pytest

from tenor._core.printable import printable, printable_json, printable_lines, printable_row
from tenor.errors import DataError, Location


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07", r"\x1b[31mred\x1b[0m \x1b]0;title\x07"),
        ("\x7f\x80\x9b31m\x9f", r"\x7f\x80\x9b31m\x9f"),
        ("a\nb\r\tc\0\x0b\x0c", r"a\nb\r\tc\x00\x0b\x0c"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\u202a\u202e\u2066\u2069\u200e\u200f\u061c", r"\u202a\u202e\u2066\u2069\u200e\u200f\u061c"),
        ("half \ud83d", r"half \ud83d"),
    ],
)
def test_what_cannot_be_shown_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown  # once is enough


@pytest.mark.parametrize(
    "text",
    [
        "这本书很好，喜欢！",
        "كتاب رائع",
        "ספר",
        "👩‍💻 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "नमस्ते",
        "क्‍ष",
        "e\u0301 ﬁ ½",
        r"C:\new\x1b",
        "[red]a[/red]",
        "\u3000\xa0",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == printable_row(text) == printable_lines(text) == text


def test_tabs_and_line_ends_stay_where_they_are_meant() -> None:
    text = "a\tb\nc\x1b"
    assert printable_row(text) == "a\tb\\nc\\x1b"
    assert printable_lines(text) == "a\tb\nc\\x1b"


def test_json_keeps_its_value() -> None:
    value = {"好\u202e": ["\x9b31m", "\x1b", "\n", "\x7f", "👩‍💻", "\u2028"]}
    line = printable_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(line) == value
    assert line == printable(line)
    assert "好" in line and "👩‍💻" in line


def test_an_error_is_printable() -> None:
    error = DataError("the label \x1b]0;x\x07 is\nodd.", "Mend\u202eit.", Location("a\nerror: b.csv", 1, "c\x9b"))
    assert str(error) == r"a\nerror: b.csv, row 1, column 'c\x9b': the label \x1b]0;x\x07 is\nodd. Mend\u202eit."
    assert (error.problem + error.remedy).isprintable()
