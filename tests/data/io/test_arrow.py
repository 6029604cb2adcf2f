from pathlib import Path

import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest

from helpers.tables import read
from tenor.data.io import table
from tenor.errors import DataError


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    columns = {"text": ["a", None, "三"], "n": [1, 2, None], "parts": [[1.5], [], None]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == columns


def test_a_parquet_file_that_is_cut_short_or_changed_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"text {row} {row * 7919 % 1009}" for row in range(10_000)]
    pyarrow.parquet.write_table(pyarrow.table({"text": texts}), path, row_group_size=1_000)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1_000])
    with pytest.raises(DataError, match=r"^a\.parquet: this is not a whole Parquet file: .*\. Copy or write it again"):
        read(path)
    path.write_bytes(whole[:1_000] + bytes(len(whole) // 2) + whole[1_000 + len(whole) // 2 :])
    with pytest.raises(DataError, match=r"^a\.parquet: this is not a whole Parquet file: .*\. Copy or write it again"):
        read(path)


def test_a_parquet_column_whose_name_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"text", b"te\xfft"))
    with pytest.raises(
        DataError, match=r"^a\.parquet: this is not a whole Parquet file: .*utf-?8.*\. Copy or write it"
    ):
        read(path)


def test_parquet_columns_of_the_same_name_get_their_numbers(tmp_path: Path) -> None:
    twice = pyarrow.Table.from_arrays([pyarrow.array(["a"]), pyarrow.array(["b"])], names=["text", "text"])
    pyarrow.parquet.write_table(twice, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == {"text (column 1)": ["a"], "text (column 2)": ["b"]}


def test_a_parquet_value_that_python_cannot_hold_is_refused_with_row_and_column(tmp_path: Path) -> None:
    far = pyarrow.array([0, 1 << 60], pyarrow.int64()).cast(pyarrow.timestamp("us"))
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", "b"], "when": far}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"^a\.parquet, row 2, column 'when': the value of type timestamp\[us\] cannot"):
        read(tmp_path / "a.parquet")


def test_a_parquet_text_that_is_not_utf_8_is_refused_with_row_and_column(tmp_path: Path) -> None:
    raw = pyarrow.array([b"a"] * 3_000 + [b"\xff"], pyarrow.binary()).view(pyarrow.string())
    pyarrow.parquet.write_table(pyarrow.table({"text": raw}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"^a\.parquet, row 3001, column 'text': the value .* cannot be read: 'utf-?8'"):
        read(tmp_path / "a.parquet")


ROWS = {"text": [f"好 {row}" for row in range(5_000)], "n": list(range(5_000)), "label": [None, "x"] * 2_500}


@pytest.mark.parametrize("name", ["a.arrow", "a.feather"])
@pytest.mark.parametrize("form", ["file", "stream", "lz4"])
def test_arrow_files_and_streams_are_read_in_small_chunks(tmp_path: Path, name: str, form: str) -> None:
    rows = pyarrow.table(ROWS)
    if form == "lz4":
        pyarrow.feather.write_feather(rows, tmp_path / name, compression="lz4")
    else:
        write_ipc(tmp_path / name, rows, form)
    assert read(tmp_path / name) == ROWS
    opened = table.open_table(tmp_path / name)
    assert opened.schema.equals(rows.schema)
    assert [len(chunk) for chunk in opened.chunks] == [2048, 2048, 904]


def write_ipc(path: Path, rows: pyarrow.Table, form: str = "file") -> Path:
    make = pyarrow.ipc.new_file if form == "file" else pyarrow.ipc.new_stream
    with make(str(path), rows.schema) as writer:
        writer.write_table(rows)
    return path


@pytest.mark.parametrize("form", ["file", "stream"])
def test_an_arrow_file_that_is_cut_short_anywhere_is_refused(tmp_path: Path, form: str) -> None:
    path = write_ipc(tmp_path / "a.arrow", pyarrow.table({"text": ["a", "b"]}), form)
    whole = path.read_bytes()
    for size in [0, 5, *range(20, len(whole), 24), len(whole) - 8, len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"^a\.arrow: this is not a whole Arrow file: .*\. Copy or write it again"):
            read(path)


def test_an_arrow_text_that_is_not_utf_8_or_points_outside_is_refused(tmp_path: Path) -> None:
    raw = pyarrow.array([b"a", b"\xff"], pyarrow.binary()).view(pyarrow.string())
    with pytest.raises(
        DataError, match=r"^a\.arrow: this is not a whole Arrow file: .*UTF8.*\. Copy or write it again"
    ):
        read(write_ipc(tmp_path / "a.arrow", pyarrow.table({"text": raw})))
    far = pyarrow.StringArray.from_buffers(
        2, pyarrow.py_buffer(bytes([0, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0])), pyarrow.py_buffer(b"ab")
    )
    path = tmp_path / "b.arrow"
    with pyarrow.ipc.new_file(str(path), pyarrow.schema([("text", pyarrow.string())])) as writer:
        writer.write_batch(pyarrow.RecordBatch.from_arrays([far], names=["text"]))
    with pytest.raises(DataError, match=r"^b\.arrow: this is not a whole Arrow file: .*\. Copy or write it again"):
        read(path)


def test_categories_of_arrow_are_their_names(tmp_path: Path) -> None:
    rows = pyarrow.table({"label": pyarrow.array(["x", None, "y"]).dictionary_encode()})
    assert read(write_ipc(tmp_path / "a.arrow", rows)) == {"label": ["x", None, "y"]}
