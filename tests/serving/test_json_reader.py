"""Bodies are read as JSON has them, up to what is wrong with them and no further."""

import json
from typing import Any

import hypothesis
import pytest
from fastapi import HTTPException
from hypothesis import strategies as st

from tenor.serving import json_reader
from tenor.serving.json_reader import MAX_KEYS, JsonReader
from tenor.serving.limits import Limits

LISTS = frozenset({"inputs", "label"})
BODY = b'{"inputs": '
NOISE = b"\xff\x00]}" * 10
"""What would be refused for another reason, were it read."""

HALF = r"is half of a character \(a surrogate\), and the other half is missing\."


def read(body: bytes, **limits: int) -> Any:
    return JsonReader(body, Limits(**limits), LISTS).read()


@pytest.fixture(params=[7, 64 << 10])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows so small that everything is parted by one, and those of the server."""
    monkeypatch.setattr(json_reader, "_WINDOW", request.param)


texts = st.text(max_size=30) | st.sampled_from(["😀" * 9, "电影" * 9, "\\" * 9, '"' * 9, "\t\n\x7f\x80"])
scalars = texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()
questions = st.fixed_dictionaries({"inputs": texts | st.lists(texts, max_size=5)}) | st.dictionaries(
    texts, scalars, max_size=4
)


@pytest.mark.usefixtures("window")
@hypothesis.given(questions | scalars, st.booleans(), st.sampled_from([None, 1]))
@hypothesis.settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_what_is_read_is_what_json_has(question: Any, ascii_only: bool, indent: int | None) -> None:
    written = json.dumps(question, ensure_ascii=ascii_only, indent=indent).encode()
    assert read(written) == json.loads(written)
    assert read(b"\xef\xbb\xbf \n" + written + b"\r\t") == json.loads(written)


@pytest.mark.usefixtures("window")
@hypothesis.given(questions, st.data())
@hypothesis.settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_what_json_has_not_is_never_read(question: Any, data: st.DataObject) -> None:
    written = bytearray(json.dumps(question, ensure_ascii=data.draw(st.booleans())).encode())
    at = data.draw(st.integers(0, len(written) - 1))
    written[at : at + data.draw(st.integers(0, 2))] = data.draw(
        st.sampled_from([b"", b",", b'"', b"\\", b"\xff", b"1"])
    )
    try:
        result = read(bytes(written))
    except (HTTPException, ValueError):  # JSONDecodeError and UnicodeDecodeError are such
        return
    assert result == json.loads(written) or json.loads(written) == [result]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (BODY + b"[1, 1, " + NOISE, 422, r"inputs\.0: give a string\."),
        (BODY + b'["a", null, ' + NOISE, 422, r"inputs\.1: give a string\."),
        (BODY + b'["a", ' + b"[" * 100_000, 422, r"inputs\.1: give a string\."),
        (BODY + b'{"a": ' * 100_000, 422, r"inputs: give a string, a number, true, false or null\."),
        (
            b'{"odd": [1, ' + NOISE,
            422,
            r"odd: give a string, a number, true, false or null\. A list of strings belongs into 'inputs' or 'label'\.",
        ),
        (b'{"' + b"x" * 500 + b'": {' + NOISE, 422, r"x{80}: give a string, a number, true, false or null\."),
        (rb'{"\ud800": {', 422, rf"body: \\ud800 {HALF}"),
        (BODY + rb'"a \uD800 b", ' + NOISE, 422, rf"inputs: \\ud800 {HALF}"),
        (BODY + rb'["a", "\ude00\ud83d", ' + NOISE, 422, rf"inputs\.1: \\ude00 {HALF}"),
        (BODY + rb'"' + b"a" * 5 + rb'\ud83d"' + NOISE, 422, rf"inputs: \\ud83d {HALF}"),
        (b"{" + b'"key": 1, ' * MAX_KEYS + NOISE, 422, r"body: there are more than 32 keys\."),
        (b'{"top_k": ' + b"1" * 100_000, 422, r"top_k: the number has too many digits\."),
        (BODY + b'["", "", "", ' + NOISE, 413, r"a request may have 2 texts, and this one has more\."),
        (BODY + b'"' + b"a" * 100_000, 413, r"a request may have 40 characters, and this one has more\."),
        (BODY + b'["%b", "b"' % (b"a" * 40) + NOISE, 413, r"a request may have 40 characters, and this one has more\."),
    ],
)
@pytest.mark.usefixtures("window")
def test_reading_ends_at_what_is_wrong(body: bytes, status: int, detail: str) -> None:
    with pytest.raises(HTTPException, match=rf"^{status}: {detail}$"):
        read(body, max_texts=2, max_characters=40 if status == 413 else 1_000)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a"}',
        b'{"a": 1,}',
        b'{,"a": 1}',
        b'{"a": 1 "b": 2}',
        b'{"a": NaN}',
        b'{"a": 01}',
        b'{"a": -}',
        b"x",
        b'{"a": "\n"}',
        rb'{"a": "\x"}',
        rb'{"a": "\u12"}',
        b'{"a": "b',
        b'{"inputs": [}',
        b'{"inputs": ["a",]}',
        b"1 2",
    ],
)
@pytest.mark.usefixtures("window")
def test_what_is_no_json_is_told_with_its_place(body: bytes) -> None:
    with pytest.raises(json.JSONDecodeError, match=r"line 1 column \d+"):
        read(body)


def test_a_place_counts_characters() -> None:
    with pytest.raises(json.JSONDecodeError, match=r"\(char 15\)"):
        read('{"inputs": "好" x}'.encode())


@pytest.mark.parametrize("body", [b"\xff", b'{"inputs": "\xff"}', b'{"inputs": "\xe5\xa5"}', b'{"a": 1} \xff'])
def test_what_is_no_utf_8_is_told(body: bytes) -> None:
    with pytest.raises(UnicodeDecodeError, match="utf-8"):
        read(body)
