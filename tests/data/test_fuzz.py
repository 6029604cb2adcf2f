"""Whatever stands in a file, a reader gives its rows or an error in words; and it gives every row that was written."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hostile
from helpers.tables import delimited, json_lines, pack, read, write
from tenor.data import dataset
from tenor.errors import DataError, TenorError

FUZZ = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ANY = settings(FUZZ, max_examples=200)

# A surrogate half is no character, and NUL is refused in text files.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LINE = TEXT.filter(lambda text: not set(text) & set("\r\n") and bool(text.strip()))
WORD = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
VALUE = TEXT | st.none() | st.integers(-(2**62), 2**62) | st.booleans() | st.lists(TEXT, max_size=2)
PACKED = st.sampled_from(["", ".gz", ".zst"])

Rows = list[list[Any]]


@st.composite
def tables(draw: Callable[..., Any], value: st.SearchStrategy[Any] = TEXT, least: int = 0) -> Rows:
    """A header and rows."""
    header = draw(st.lists(WORD, min_size=1, max_size=4, unique=True))
    row = st.lists(value, min_size=len(header), max_size=len(header))
    return [header, *draw(st.lists(row, min_size=least, max_size=8))]


def as_columns(rows: Rows) -> dict[str, list[Any]]:
    return {name: [row[index] for row in rows[1:]] for index, name in enumerate(rows[0])}


def as_objects(rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def arrow(rows: Rows, kind: str) -> bytes:
    """The rows as a Parquet file, an Arrow file or an Arrow stream."""
    schema = pyarrow.schema([(name, pyarrow.string()) for name in rows[0]])
    table, stream = pyarrow.table(as_columns(rows), schema), io.BytesIO()
    if kind == "parquet":
        pyarrow.parquet.write_table(table, stream)
    else:
        make = {"arrow": pyarrow.ipc.new_file, "feather": pyarrow.ipc.new_stream}[kind]
        with make(stream, schema) as writer:
            writer.write_table(table)
    return stream.getvalue()


# What is written is what is read.


@FUZZ
@given(tables(), st.sampled_from(["csv", "tsv"]), PACKED, st.sampled_from(["\n", "\r\n"]))
def test_every_row_of_a_delimited_file_is_read(tmp_path: Path, rows: Rows, kind: str, packed: str, end: str) -> None:
    text = delimited(rows, "\t" if kind == "tsv" else ",", end)
    assert read(write(tmp_path / f"a.{kind}{packed}", text)) == as_columns(rows)


@FUZZ
@given(tables(VALUE, least=1), st.booleans(), PACKED)
def test_every_object_of_a_json_file_is_read(tmp_path: Path, rows: Rows, ascii_only: bool, packed: str) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in as_objects(rows))
    assert read(write(tmp_path / f"a.jsonl{packed}", lines)) == as_columns(rows)
    whole = json.dumps(as_objects(rows), ensure_ascii=ascii_only)
    assert read(write(tmp_path / f"a.json{packed}", whole)) == as_columns(rows)


@FUZZ
@given(tables(TEXT | st.none()), st.sampled_from(["parquet", "arrow", "feather"]))
def test_every_row_of_an_arrow_or_parquet_file_is_read(tmp_path: Path, rows: Rows, kind: str) -> None:
    assert read(write(tmp_path / f"a.{kind}", arrow(rows, kind))) == as_columns(rows)


@FUZZ
@given(st.lists(TEXT.map(lambda text: re.sub("[\r\n]", " ", text)), max_size=8), PACKED)
def test_every_line_of_a_text_file_is_read(tmp_path: Path, texts: list[str], packed: str) -> None:
    path = write(tmp_path / f"a.txt{packed}", "".join(f"{text}\n" for text in ["first", *texts]))
    assert read(path) == {"text": ["first", *texts]}


@FUZZ
@given(st.lists(st.tuples(st.lists(WORD, max_size=3), LINE), max_size=8))
def test_every_labelled_line_is_read(tmp_path: Path, rows: list[tuple[list[str], str]]) -> None:
    rows = [(["x"], "first"), *((labels, text.strip(" \t\v\f")) for labels, text in rows)]
    lines = ("".join(f"__label__{label} " for label in labels) + f"{text}\n" for labels, text in rows)
    result = read(write(tmp_path / "a.txt", "".join(lines)))
    assert result["text"] == [text for _, text in rows]
    assert result["label"] == [labels if len(labels) > 1 else next(iter(labels), None) for labels, _ in rows]


@FUZZ
@given(st.lists(st.tuples(TEXT, st.lists(WORD, max_size=2, unique=True), st.integers(0, 3)), min_size=1, max_size=6))
def test_every_task_is_read(tmp_path: Path, tasks: list[tuple[str, list[str], int]]) -> None:
    def annotation(choices: list[str], cancelled: bool = False) -> dict[str, Any]:
        result = {"type": "choices", "from_name": "q", "value": {"choices": choices}}
        return {"result": [result], "was_cancelled": cancelled}

    exported = [
        {"data": {"text": text}, "annotations": [annotation(["no"], True)] + [annotation(choices)] * times}
        for text, choices, times in tasks
    ]
    labels = [choices if len(choices) > 1 else next(iter(choices), None) for _, choices, times in tasks if times]
    found = read(write(tmp_path / "a.json", json.dumps(exported)))
    assert found["text"] == [text for text, _, _ in tasks]
    assert [label for label, task in zip(found["label"], tasks, strict=True) if task[2]] == labels
    assert all(label is None for label, task in zip(found["label"], tasks, strict=True) if not task[2])


@FUZZ
@given(st.lists(st.tuples(WORD, TEXT), min_size=1, max_size=6, unique_by=lambda row: row[0].lower()))
def test_every_file_of_a_class_folder_is_read(tmp_path_factory: pytest.TempPathFactory, rows: Any) -> None:
    folder = tmp_path_factory.mktemp("classes")
    for name, text in rows:
        write(folder / name[0] / f"{name}.txt", text.encode("utf-8-sig"))
    result = read(folder)
    assert sorted(zip(result["text"], result["label"], strict=True)) == sorted((text, name[0]) for name, text in rows)


@FUZZ
@given(tables(), st.data())
def test_every_row_of_several_files_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    cuts = sorted(data.draw(st.lists(st.integers(1, len(rows)), max_size=3)))
    for part, (start, end) in enumerate(zip([1, *cuts], [*cuts, len(rows)], strict=True)):
        write(folder / f"{part}.csv", delimited([rows[0], *rows[start:end]]))
    assert read(folder) == read(folder / "?.csv") == as_columns(rows)


@FUZZ
@given(tables(LINE, least=1), st.sampled_from(["csv", "jsonl"]))
def test_every_row_of_standard_input_is_read(rows: Rows, kind: str) -> None:
    text = delimited(rows) if kind == "csv" else json_lines(as_objects(rows))
    with given_input(text.encode()):
        assert read(Path("-")) == as_columns(rows)


@contextlib.contextmanager
def given_input(data: bytes) -> Any:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data))
    try:
        yield
    finally:
        sys.stdin = before


LABELLED = st.tuples(TEXT, st.none() | TEXT | st.integers())


@FUZZ
@given(st.lists(LABELLED, min_size=1, max_size=8))
def test_every_row_is_kept_or_reported(tmp_path: Path, rows: list[tuple[str, Any]]) -> None:
    path = write(tmp_path / "a.jsonl", json_lines([{"text": text, "label": label} for text, label in rows]))
    unlabelled = [row for row, (_, label) in enumerate(rows, 1) if not str("" if label is None else label).strip()]
    empty = [row for row, (text, _) in enumerate(rows, 1) if not text.strip()]
    problem = ""
    try:
        assert dataset.read(path).texts == [text for text, _ in rows]
    except DataError as error:
        problem = error.problem
    reported = unlabelled or empty
    assert bool(problem) == bool(reported)
    assert not reported or f"({len(reported):,} such row" in problem
    assert not reported or re.findall(r"row (\d+)", problem)[0] == str(reported[0])


@FUZZ
@given(st.lists(st.integers(1, 4), min_size=1, max_size=9))
def test_every_row_with_too_few_or_too_many_fields_is_reported(tmp_path: Path, widths: list[int]) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "".join(",".join("x" * width) + "\n" for width in widths))
    wrong = sum(width != 2 for width in widths)
    if not wrong:
        assert len(read(path)["text"]) == len(widths)
        return
    with pytest.raises(DataError, match=rf"the header has 2 \({wrong} such row"):
        read(path)


# Any bytes give rows or an error in words.

PIECES = [
    b"text,label\n",
    b"text\tlabel\n",
    b'"',
    b'""',
    b",",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"a",
    b" ",
    b"\0",
    b"\xff",
]
PIECES += [b'{"text": "a"}\n', b'{"text":', b"1e999", b"\\u0000", b"\\ud800", b"[", b"}", b"]", b"NaN", b"\xef\xbb\xbf"]
PIECES += [
    b"__label__",
    b"__label__a b\n",
    b'[{"data": {"text": "a"}, "annotations": [',
    b'{"choices": [',
    b'"result": ',
]
PIECES += [
    "好".encode(),
    "好".encode("gb18030"),
    b"\xff\xfe",
    b"\xfe\xff",
    "a,好\n".encode("utf-16-le"),
    b"PAR1",
    b"ARROW1",
]
BYTES = st.binary(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join)
TEXT_KINDS = ["csv", "tsv", "jsonl", "json", "txt"]
ARROW_KINDS = ["parquet", "arrow", "feather"]


def check_rows_or_words(path: Path, name: str = "a.") -> None:
    problem = None
    try:
        read(path)  # which checks that the columns are of one length
    except TenorError as error:
        problem = error
    assert problem is None or (str(problem).startswith(name) and problem.remedy)


@ANY
@given(BYTES, st.sampled_from([*TEXT_KINDS, *ARROW_KINDS]), PACKED)
def test_any_bytes_give_rows_or_an_error_in_words(tmp_path: Path, data: bytes, kind: str, packed: str) -> None:
    check_rows_or_words(write(tmp_path / f"a.{kind}{packed if kind in TEXT_KINDS else ''}", data))


@FUZZ
@given(BYTES)
def test_any_bytes_in_a_folder_or_from_standard_input_give_rows_or_an_error(tmp_path: Path, data: bytes) -> None:
    write(tmp_path / "a." / "x" / "1.txt", data)
    check_rows_or_words(tmp_path / "a.", str(tmp_path / "a."))
    with given_input(data):
        check_rows_or_words(Path("-"), "standard input")


ROWS = [["text", "label"], *[["这本书很好看", "好"], ['"a", b', None]] * 40]
WHOLE = {kind: arrow(ROWS, kind) for kind in ARROW_KINDS}
WHOLE |= {f"csv{packed}": pack(delimited(ROWS).encode(), packed) for packed in ("", ".gz", ".zst")}
WHOLE["jsonl"] = json_lines(as_objects(ROWS)).encode()
WHOLE["txt"] = "__label__好 这本书很好看\n__label__a __label__b c\n".encode() * 20
_RESULT = {"type": "choices", "from_name": "q", "value": {"choices": ["a", "b"]}}
WHOLE["json"] = json.dumps([{"data": {"text": "好"}, "annotations": [{"result": [_RESULT]}] * 2}] * 3).encode()


@ANY
@given(st.sampled_from(list(WHOLE)), st.data())
def test_a_file_changed_anywhere_gives_rows_or_an_error_in_words(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    whole = bytearray(WHOLE[kind])
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=3)):
        whole[place] = data.draw(st.integers(0, 255))
    (tmp_path / f"a.{kind}").write_bytes(whole[: data.draw(st.integers(0, len(whole)))] or whole)
    check_rows_or_words(tmp_path / f"a.{kind}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "text", "label", "annotations", "result", "type", "from_name", "value", "choices"])
            | WORD,
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TASK = st.fixed_dictionaries(
    {"data": JSON | st.fixed_dictionaries({"text": JSON})},
    optional={"annotations": JSON | st.lists(st.fixed_dictionaries({"result": JSON | st.lists(JSON)}), max_size=3)},
)


@settings(ANY, max_examples=100)
@given(st.lists(JSON | TASK, max_size=4), st.booleans())
def test_any_json_gives_rows_or_an_error_in_words(tmp_path: Path, values: list[Any], lines: bool) -> None:
    if lines:
        path = write(tmp_path / "a.jsonl", "".join(json.dumps(value) + "\n" for value in values))
    else:
        path = write(tmp_path / "a.json", json.dumps(values))
    check_rows_or_words(path)
    with contextlib.suppress(TenorError):
        dataset.read(path)


def test_files_that_mean_harm_are_read_or_refused_within_limits(tmp_path: Path) -> None:
    hostile.write(tmp_path, int(os.environ.get("TENOR_FUZZ_ROUNDS", "12")), seed=7)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, hostile.__file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2_000:]
