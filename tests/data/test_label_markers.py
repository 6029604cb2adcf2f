"""Labels that may stand for a missing one, and lists of labels in strings."""

from typing import Any

import pytest

from tenor.data import labels
from tenor.data.label_lists import parse_list
from tenor.data.label_markers import find_markers, find_split_labels
from tenor.data.label_values import LabelColumn


@pytest.mark.parametrize(
    ("classes", "certain", "possible"),
    [
        (["?", "neg", "pos"], ["?"], []),
        (["UNK", "a", "b"], ["UNK"], []),
        (["NaN", "N/A", "a"], ["N/A", "NaN"], []),
        (["未标注", "好评", "差评"], ["未标注"], []),
        (["Not labeled", "a", "b"], ["Not labeled"], []),
        (["unknown", "无", "a"], [], ["unknown", "无"]),
        (["-1", "0", "1"], [], ["-1"]),
        (["-1", "0", "1", "2", "3"], [], ["-1"]),
        (["0", "1", "999"], [], ["999"]),
        (["-1", "0", "1", "nan"], ["nan"], ["-1"]),
        (["-1", "1"], [], []),
        (["-2", "-1", "0", "1", "2"], [], []),
        (["1", "50", "99"], [], []),
        (["a", "b"], [], []),
    ],
)
def test_markers_of_a_missing_label_are_found(classes: list[str], certain: list[str], possible: list[str]) -> None:
    assert find_markers(classes) == (certain, possible)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["a", "b", "a, b"], (",", ["a, b"])),
        (["a;b", "b;c"], (";", ["a;b", "b;c"])),
        (["体育、娱乐", "体育"], ("、", ["体育、娱乐"])),
        (["a;b", "c"], None),
        (["Home, garden", "Books"], None),
        (["a", "b"], None),
    ],
)
def test_labels_that_look_like_several_are_found(classes: list[str], expected: Any) -> None:
    assert find_split_labels(classes) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("['a', 'b']", ["a", "b"]),
        ("['it\\'s', \"b\"]", ["it's", "b"]),
        ("['a' 'b']", ["a", "b"]),
        ("[a, b c]", ["a", "b c"]),
        ("('a',)", ["a"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("[]", []),
        ("[1, 2]", [1, 2]),
        ("['a'", None),
        ("(a)", None),
        ("{'a': 1}", None),
        ("[[a]]", None),
        ("a", None),
        ("", None),
        ("[" + "'" * 9_999 + "]", None),
    ],
)
def test_lists_are_read_as_programs_print_them(value: str, expected: Any) -> None:
    assert parse_list(value) == expected


def read(values: list[Any], **options: Any) -> labels.ParsedLabels:
    return labels.parse_labels(values, LabelColumn("data.csv", "label", **options))


def test_a_column_of_lists_is_read_as_sets() -> None:
    parsed = read(["['a', 'b']", "['b']", "[]", None])
    assert (parsed.kind, parsed.values) == ("multilabel", [("a", "b"), ("b",), (), None])
    assert "labels such as \"['a', 'b']\" are read as lists (`task='multiclass'`: as names)." in parsed.note
    assert read(["[a, b]", "[b]"]).values == [("a", "b"), ("b",)]
    assert read(["['a']", "['b']"]).values == ["a", "b"]
    assert read(["[a]", "[b]"]).values == ["[a]", "[b]"]  # words in brackets
    assert read(["['a', 'b']", "['b']"], task="multiclass").values == ["['a', 'b']", "['b']"]
    assert read(["[a, b]", "c", "'d'"], separator=",").values == [("a", "b"), ("c",), ("'d'",)]


def test_missing_labels_are_those_that_are_named() -> None:
    missing = frozenset({"-1", "?"})
    assert read([-1, 0, 1.0, "-1.0"], missing=missing).values == [None, "0", "1", None]
    assert read(["?", "a", "b"], missing=missing).values == [None, "a", "b"]
    assert read([["a", "?"], ["a", "b"]], missing=missing).values == [("a",), ("a", "b")]


def test_a_slip_names_the_option_that_leaves_it_out() -> None:
    with pytest.raises(labels.DataError, match="or leave such rows out with `missing_labels='N/A'`"):
        read(["0.5"] * 19 + ["N/A"])
