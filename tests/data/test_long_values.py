"""Long values, made to keep a pattern busy for hours: each is read or refused in a moment.

The steps of a pattern that grow with the square of 50,000 characters take several seconds, linear ones milliseconds.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.tables import write
from tenor.checks import label_spellings
from tenor.data import column_names, dataset, label_lists, label_markers, label_values, times
from tenor.data.io import encodings, header, preamble, quotes, text_lines
from tenor.data.read_options import ReadOptions

LENGTH = 50_000
SECONDS = 1.0  # of processor time

CASES: dict[str, tuple[Callable[[], object], object]] = {
    "quotes that open and never close": (lambda: quotes.candidates(["text,label", ",'a" * LENGTH], ","), []),
    "digits that are not an identifier": (
        lambda: header.lacks_first_name(["text"], [["1" * LENGTH + "!", "a"], ["2", "b"]]),
        False,
    ),
    "zeros that are not a number": (lambda: label_values.label_key("0" * LENGTH + "x"), "0" * LENGTH + "x"),
    "blanks in a broken list": (lambda: label_lists.parse_list("[a," + " " * LENGTH + "{x]"), None),
    "times of day": (lambda: times.parse_date("a 1:11" * LENGTH + "\n"), None),
    "letters of ASCII": (lambda: encodings.sample_of("a" * LENGTH), ""),
    "long labels": (lambda: label_spellings.similar_pairs({"ab" * LENGTH + str(at): at for at in range(50)}), []),
    "spellings of a missing label": (
        lambda: len(label_markers.find_markers([f"not{'_' * at}labeled" for at in range(1, 3_000)]).certain),
        2_999,
    ),
    "names in a comment": (
        lambda: preamble.skip(iter(["#" + "zzz," * 10 * LENGTH + "\n", "text,label\n"])).n_comments,
        1,
    ),
    "words of a name": (lambda: column_names.role("aB1" * 100 * LENGTH), None),
    "labels of fastText": (lambda: text_lines.label_of("__label__" * LENGTH), "__label__" * (LENGTH - 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_long_value_takes_a_moment(name: str) -> None:
    compute, expected = CASES[name]
    started_at = time.process_time()
    assert compute() == expected
    assert time.process_time() - started_at < SECONDS


def test_a_list_of_labels_is_read_as_before() -> None:
    lists = {"[a, , b ]": ["a", "", "b"], "['a' \"b\"]": ["a", "b"], r"['it\'s' , ]": ["it's"], "[a, [b]]": None}
    assert {text: label_lists.parse_list(text) for text in lists} == lists


def test_words_beyond_ascii_are_found_whole() -> None:
    assert encodings.sample_of("plain abc-dé, (naïve) x") == "'abc-dé', 'naïve'"


def test_digits_that_are_no_decimal_number_are_no_numbers_of_columns() -> None:
    assert not header.is_data(["²", "³"], [["a film", "good"], ["a book", "bad"]])
    assert header.is_data(["0", "1"], [["3", "1"], ["4", "0"]])


def test_a_long_text_leaves_the_quotes_of_its_file(tmp_path: Path) -> None:
    rows = [(f"{'a fine film ' * 20_000}{at}", "good" if at % 2 else "bad") for at in range(4)]
    path = write(tmp_path / "in.csv", '"text","label"\n' + "".join(f'"{text}","{label}"\n' for text, label in rows))
    data = dataset.read(path, ReadOptions())
    assert list(zip(data.texts, data.labels, strict=True)) == rows
