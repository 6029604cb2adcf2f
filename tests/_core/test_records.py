import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tenor._core import records
from tenor._core.records import Record, RecordError


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"a\.json: it is not JSON \(line 1"),
        ("[]", r"a\.json: it contains a list, not an object"),
        ('{"a": NaN}', "field 'a': NaN is not a usable number"),
        ('{"a": [1, {"b": -Infinity}]}', r"field 'a\[1\]\.b': -Infinity is not a usable number"),
        ('{"a": 1e400}', "field 'a': 1e400 is not a usable number"),
        ('{"a": 1' + "0" * 400 + "}", "field 'a': 10+ is not a usable number"),
        ('{"a": 1' + "0" * 9_000 + "}", "field 'a': 10+ is not a usable number"),
        ('{"a": {"b": 1, "c": 2, "b": 3}}', "field 'b': it occurs twice"),
        ('{"a": "\\ud800"}', "field 'a': it contains a lone surrogate"),
        ('{"\\udc00": 1}', r"field '\\\\udc00': it contains a lone surrogate"),
        ('{"a":' * 61 + "1" + "}" * 61, "more than 60 levels"),
        ('{"a":' + "[" * 100_000 + "}", "more than 60 levels"),
        ("\ufeff{}", "it is not JSON"),
        ('{"a": "b\nc"}', "it is not JSON"),
    ],
)
def test_what_no_file_of_ours_holds_is_refused(text: str, problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        records.parse(text.encode(), "a.json")


def test_half_characters_are_read_where_they_are_allowed() -> None:
    assert records.parse(b'{"a": "\\udcff"}', "a.json", allow_surrogates=True).string("a") == "\udcff"


def test_bytes_that_are_no_text_and_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}'):
        with pytest.raises(RecordError, match=r"it is not UTF-8 \(byte 7\)"):
            records.parse(data, "a.json")
    monkeypatch.setattr(records, "_MAX_VALUES", 10)
    assert len(records.parse(b'{"a": [1, 2, 3]}', "a.json").values["a"]) == 3
    with pytest.raises(RecordError, match="more than 10 values"):
        records.parse(b'{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}', "a.json")


def test_pairs_of_surrogates_are_characters() -> None:
    assert records.parse(b'{"a": "\\ud83d\\ude00"}', "a.json").string("a") == "😀"


RECORD = records.parse(b'{"s": "x", "n": 2, "f": 0.5, "t": true, "l": [1, "a", {}], "o": {"k": 1}}', "a.json")


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        (lambda record: record.string("missing"), "field 'missing': it is missing"),
        (lambda record: record.string("n"), "field 'n': it is 2, not a string"),
        (lambda record: record.string("s", 0), "it has 1 characters, and 0 are allowed"),
        (lambda record: record.choice("s", ("a", "b")), "'x' is not known; known: a, b"),
        (lambda record: record.boolean("n"), "not true or false"),
        (lambda record: record.integer("t", 0, 9), "it is true, not a whole number from 0 to 9"),
        (lambda record: record.integer("f", 0, 9), "it is 0.5, not a whole number"),
        (lambda record: record.integer("n", 3, 9), "it is 2, not a whole number from 3 to 9"),
        (lambda record: record.number("t"), "it is true, not a number"),
        (lambda record: record.number("f", 0.6, 1), "it is 0.5, not a number from 0.6 to 1"),
        (lambda record: record.items("o"), "it is an object, not a list"),
        (lambda record: record.items("l", 2), "it has 3 items, and 2 are allowed"),
        (lambda record: record.strings("l"), r"field 'l\[0\]': it is 1, not a string"),
        (lambda record: record.integers("l", 0, 9), r"field 'l\[1\]': it is 'a', not a whole number"),
        (lambda record: record.record("l"), "it is a list, not an object"),
        (lambda record: record.record("o").string("k"), r"field 'o\.k': it is 1, not a string"),
        (lambda record: record.records("l"), r"field 'l\[0\]': it is 1, not an object"),
        (lambda record: record.refuse_unknown(("s", "n")), "field 'f': the field is unknown"),
    ],
)
def test_a_field_that_is_something_else_is_named(read: Callable[[Record], Any], problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        read(RECORD)


def test_fields_that_fit_are_read() -> None:
    assert (RECORD.string("s"), RECORD.choice("s", "xy"), RECORD.integer("n", 2, 2), RECORD.boolean("t")) == (
        "x",
        "x",
        2,
        True,
    )
    assert RECORD.number("n") == 2.0 and RECORD.record("o").integer("k", 0, 1) == 1


def test_an_error_says_where_it_stands_in_a_larger_record_and_can_be_pickled() -> None:
    error = RecordError("a.json", "b", "it is missing").within("members[1]")
    assert str(pickle.loads(pickle.dumps(error))) == "a.json, field 'members[1].b': it is missing"
    assert len(str(RecordError("a.json", "x" * 10_000, "it is missing"))) < 300
