import json
from pathlib import Path

import pytest

import tenor
from tenor._core.language import join_names, tr, tr_number
from tenor._core.printable import printable, printable_json, printable_lines, printable_row, shortened
from tenor.errors import DataError, Location, listed


class Messages(tenor.Callback):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, message: str) -> None:
        self.lines.append(message)


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


def test_long_names_and_values_are_shortened_in_every_message() -> None:
    long = f"begin{'x' * 1_000_000}end"
    for message in (
        tr("{name}: there is no column {column!r}.", name="a.csv", column=long),
        tr_number("{number} row has {value!r}", "{number} rows have {value!r}", 2, value=long),
        join_names([long, long]),
        listed([long]),
        str(DataError("the label is empty.", at=Location("a.csv", 3, long))),
    ):
        assert "begin" in message and "end" in message and len(message) < 500
    assert tr("{problem}", problem=long) == long  # a part of a message stays whole
    assert shortened("x" * 200) == "x" * 200


def test_messages_about_a_file_are_short(tmp_path: Path) -> None:
    column, name = "x" * 1_000_000, "数" * 5_000
    file = tmp_path / "a.csv"
    rows = [f"a film number {number},{name if number % 2 else 'other'},{number % 3}" for number in range(12)]
    file.write_text("\n".join([f"text,{column} label,{column}", *rows, "no label,,1"]), encoding="utf-8")
    data, label = str(file), f"{column} label"
    callback = Messages()
    report = tenor.check(data, label=label, features="all", callback=callback)
    with pytest.raises(DataError, match=r"row 13, column 'xxx.*\.\.\.xxx.* label': the label is empty") as raised:
        tenor.train(tenor.RunConfig(data, label=label, features="all"), callback=callback)
    messages = [*callback.lines, str(raised.value), *(finding.problem for finding in report.findings)]
    assert len(messages) > 2 and max(map(len, messages)) < 1_000
