import datetime
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenor.data.io import table, writer
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.table import Chunk
from tenor.errors import DataError

COLUMNS = ["text", "n", "label", "score"]
CHUNKS = [
    Chunk(1, {"text": ['a, "b"', None], "n": [1234567.891, None], "label": ["好", "x y"], "score": [0.5, 0.987654]}),
    Chunk(3, {"text": ["c\rd\ne"], "n": [0.1], "label": ["x"], "score": [1.0]}),
]


def write(path: Path, chunks: list[Chunk] = CHUNKS, columns: list[str] = COLUMNS, schema: Any = None) -> Path:
    source = table.Table("in", columns, iter(()), schema)
    with writer.open_writer(path, columns, source, ["label", "score"]) as put:
        for chunk in chunks:
            put(chunk)
    return path


def read(path: Path, options: FileOptions = RECOGNISED) -> dict[str, list[Any]]:
    opened = table.open_table(path, options)
    chunks = list(opened.chunks)
    return {name: [value for chunk in chunks for value in chunk.columns[name]] for name in opened.columns}


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.tsv.zst"])
def test_a_delimited_file_reads_back_and_numbers_keep_their_digits(tmp_path: Path, name: str) -> None:
    assert read(write(tmp_path / name)) == {
        "text": ['a, "b"', "", "c\rd\ne"],
        "n": ["1234567.891", "", "0.1"],
        "label": ["好", "x y", "x"],
        "score": ["0.5", "0.987654", "1.0"],
    }
    assert b"\r\n" not in (tmp_path / name).read_bytes()


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.jsonl.zst", "a.parquet", "a.arrow", "a.feather"]
)
def test_a_typed_file_reads_back_as_it_was(tmp_path: Path, name: str) -> None:
    assert read(write(tmp_path / name)) == {name: CHUNKS[0].columns[name] + CHUNKS[1].columns[name] for name in COLUMNS}


def test_a_text_file_gets_what_was_found_alone(tmp_path: Path) -> None:
    assert write(tmp_path / "a.txt").read_text(encoding="utf-8") == "好\t0.5\nx y\t0.987654\nx\t1.0\n"


def test_nested_values_and_dates_are_written_as_text(tmp_path: Path) -> None:
    chunk = Chunk(1, {"parts": [[{"三": 1}]], "day": [datetime.date(2024, 5, 1)]})
    assert read(write(tmp_path / "a.csv", [chunk], ["parts", "day"])) == {
        "parts": ['[{"三": 1}]'],
        "day": ["2024-05-01"],
    }
    lines = write(tmp_path / "a.jsonl", [chunk], ["parts", "day"]).read_text(encoding="utf-8")
    assert json.loads(lines) == {"parts": [{"三": 1}], "day": "2024-05-01"}


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_parquet_and_arrow_keep_the_types_of_the_input(tmp_path: Path, kind: str) -> None:
    schema = pyarrow.schema([("text", pyarrow.large_string()), ("n", pyarrow.int8()), ("d", pyarrow.date32())])
    columns = {"text": ["a"], "n": [3], "d": [datetime.date(2024, 5, 1)], "label": ["x"], "score": [0.5]}
    path = write(tmp_path / f"a.{kind}", [Chunk(1, columns)], list(columns), schema)
    result = table.open_table(path).schema
    assert [result.field(name).type for name in ("text", "n", "d")] == [schema.field(i).type for i in range(3)]
    assert read(path) == columns


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "txt", "parquet", "arrow"])
def test_no_rows_make_a_file_that_can_be_read(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"a.{kind}", [], schema=pyarrow.schema([("n", pyarrow.int8())]))
    if kind in ("parquet", "arrow"):
        types = [str(kind) for kind in table.open_table(path).schema.types]
        assert (list(read(path)), types) == (COLUMNS, ["string", "int8", "string", "double"])
    else:
        header = {"csv": "text,n,label,score\n", "tsv": "text\tn\tlabel\tscore\n"}.get(kind, "")
        assert path.read_text(encoding="utf-8") == header


@pytest.mark.parametrize("name", ["a.doc", "a", "a.parquet.gz", "a.json", "a.json.gz"])
def test_another_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r": files ending in '.*' cannot be written\. Give \.csv, \.tsv"):
        write(tmp_path / name)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no/a\.csv: the folder .*no does not exist\. Make it first"):
        write(tmp_path / "no" / "a.csv")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/a\.csv: .*file is a file, not a folder\. Choose another name"):
        write(tmp_path / "file" / "a.csv")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_column_whose_type_changes_does_not_fit_parquet_or_arrow(tmp_path: Path, kind: str) -> None:
    for first, second in ((None, "a"), (1, 1.5), (1, "a"), (1, 2**70)):
        chunks = [Chunk(1, {"n": [first]}), Chunk(2, {"n": [second]})]
        with pytest.raises(DataError, match=rf"a column does not fit {kind.capitalize()}: .*\. Write \.jsonl inst"):
            write(tmp_path / f"a.{kind}", chunks, ["n"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["csv", "jsonl", "txt", "csv.gz", "csv.zst", "parquet", "arrow"])
def test_an_error_on_the_way_leaves_the_old_file_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_text("old", encoding="utf-8")

    def broken() -> None:
        with writer.open_writer(path, COLUMNS) as put:
            put(CHUNKS[0])
            raise DataError("the input broke off.")

    with pytest.raises(DataError, match=r"^the input broke off\.$"):
        broken()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "csv.gz", "csv.zst", "parquet", "arrow"])
def test_a_full_disk_leaves_the_old_file_alone(
    tmp_path: Path, kind: str, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_text("old", encoding="utf-8")
    texts = [f"{row * 2654435761 % 2**32:x}" for row in range(20_000)]
    message = rf"a\.{kind}: the file cannot be written: File too large\. Nothing was changed there\. Free some space"
    with full_disk(50_000), pytest.raises(DataError, match=message):
        write(path, [Chunk(1, {"text": texts})], ["text"])
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.sampled_from(["csv", "tsv", "jsonl", "parquet"]))
def test_any_strings_read_back_as_they_were(tmp_path: Path, rows: list[tuple[str, str]], kind: str) -> None:
    columns = {"text": [text for text, _ in rows], "label": [label for _, label in rows]}
    path = write(tmp_path / f"a.{kind}", [Chunk(1, columns)] if rows else [], ["text", "label"])
    if not rows and kind == "jsonl":  # without a row, JSON lines do not name their columns
        return
    has_line_ends = any(len(f"{cell}x".splitlines()) > 1 for row in rows for cell in row)
    if kind in ("csv", "tsv") and has_line_ends:
        assert read(path, FileOptions(quoting="minimal")) == columns
        assert reads_back_or_tells_of_quotes(path, columns)
    else:
        assert read(path) == columns


def reads_back_or_tells_of_quotes(path: Path, columns: dict[str, list[str]]) -> bool:
    """Whether a file reads back as it was written, or the reader says that a quote may be open.

    The lines of a quoted field may look like rows, as those of `",\n"` do.
    """
    opened = table.open_table(path)
    try:
        chunks = list(opened.chunks)
    except DataError as error:
        return "a quote seems to be open" in str(error)
    values = {name: [value for chunk in chunks for value in chunk.columns[name]] for name in opened.columns}
    return values == columns or any("quotes are read as characters" in note for note in opened.notes)


def test_json_has_null_for_what_is_no_number(tmp_path: Path) -> None:
    given = {
        "text": ["a"],
        "n": [float("nan")],
        "label": [{"one": [float("-inf"), ("key", float("nan")), 1.5]}],
        "score": [0.5],
    }
    path = write(tmp_path / "out.jsonl", [Chunk(1, given)])
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {
        "text": "a",
        "n": None,
        "label": {"one": [None, ["key", None], 1.5]},
        "score": 0.5,
    }
