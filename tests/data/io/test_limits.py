"""Files that would take far more memory or time than they have bytes are refused, in words and at once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from helpers.tables import delimited, json_lines, read, write
from tenor.data import dataset
from tenor.data.io import limits, lines, open_file, parquet_pages, table
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError

FAR_TOO_MUCH = (
    r"the file has [\d,.]+ (MB|bytes) and holds more than [\d,.]+ MB: over 200 times its size\. If it is right"
)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.zst", "a.json.gz", "a.txt.zst"])
def test_a_packed_file_that_is_unpacked_to_far_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(open_file, "FREE_BYTES", 3 << 20)
    row = "a" * 100_000
    data = {
        "a.csv.gz": f"text,label\n{row},b\n" * 80,
        "a.jsonl.zst": json_lines([{"text": row}] * 80),
        "a.json.gz": f"[{json_lines([{'text': row}]).strip()}," * 80,
        "a.txt.zst": f"{row}\n" * 80,
    }[name]
    path = write(tmp_path / name, data.replace(",[", ","))
    with pytest.raises(DataError, match=rf"^{name}.*: {FAR_TOO_MUCH}, decompress it yourself, and give that file"):
        read(path)


def test_a_packed_file_of_ordinary_ratio_may_be_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_file, "FREE_BYTES", 0)
    rows = [["text", "label"], *[[f"text {row * 7919 % 100_003}", "x"] for row in range(20_000)]]
    assert len(read(write(tmp_path / "a.csv.gz", delimited(rows)))["text"]) == 20_000


TEXT = pyarrow.array(["a"] * 1_000)
REPEATED = pyarrow.array([0] * 1_000, pyarrow.int32())


def repeated(size: int, rows: int = 1_000) -> Any:
    return pyarrow.DictionaryArray.from_arrays(REPEATED[:rows], pyarrow.array(["x" * size]))


def views(size: int, rows: int) -> Any:
    view = size.to_bytes(4, "little") + b"xxxx" + bytes(8)
    buffers = [None, pyarrow.py_buffer(view * rows), pyarrow.py_buffer(b"x" * size)]
    return pyarrow.Array.from_buffers(pyarrow.string_view(), rows, buffers)


def laughs(depth: int) -> Any:
    values = pyarrow.array(["lol"] * 10)
    for _ in range(depth):
        begins, sizes = pyarrow.array([0] * 10, pyarrow.int32()), pyarrow.array([10] * 10, pyarrow.int32())
        values = pyarrow.ListViewArray.from_arrays(begins, sizes, values)
    return values


BOMBS = {
    "a dictionary": repeated(2_000_000),
    "runs": pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([1_000], pyarrow.int32()), ["x" * 2_000_000]),
    "views": views(2_000_000, 1_000),
    "lists of lists": laughs(8),
    "a list of nothing": pyarrow.ListArray.from_arrays(
        pyarrow.array([0, 1 << 30], pyarrow.int32()), pyarrow.nulls(1 << 30)
    ),
}


def write_arrow(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    batch = pyarrow.record_batch(columns)
    settings = pyarrow.ipc.IpcWriteOptions(**options)
    with pyarrow.ipc.new_file(str(path), batch.schema, options=settings) as writer:
        writer.write_batch(batch)
    return path


@pytest.mark.parametrize("kind", BOMBS)
def test_a_value_that_stands_in_far_too_many_rows_of_an_arrow_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("tenor.data.io.arrow.FREE_ARROW_BYTES", 64 << 20)
    path = write_arrow(tmp_path / "a.arrow", {"text": BOMBS[kind]})
    much = rf"({FAR_TOO_MUCH}, write|the row takes [\d,.]+ MB, and at most 268\.4 MB are read\. If it is right, write)"
    with pytest.raises(DataError, match=rf"^a\.arrow, row \d+: {much} the rows again as \.jsonl"):
        read(path)


@pytest.mark.parametrize("form", ["file", "stream"])
@pytest.mark.parametrize("packing", ["zstd", "lz4"])
def test_a_packed_batch_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str, form: str
) -> None:
    monkeypatch.setattr("tenor.data.io.arrow_messages.FREE_ARROW_BYTES", 4 << 20)
    batch = pyarrow.record_batch({"text": ["x" * 100_000] * 40})
    options = pyarrow.ipc.IpcWriteOptions(compression=packing)
    make = pyarrow.ipc.new_file if form == "file" else pyarrow.ipc.new_stream
    with make(str(tmp_path / "a.arrow"), batch.schema, options=options) as writer:
        writer.write_batch(batch)
    with pytest.raises(DataError, match=rf"^a\.arrow: {FAR_TOO_MUCH}, write it again without compression"):
        read(tmp_path / "a.arrow")


def test_packed_batches_of_ordinary_ratio_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenor.data.io.arrow_messages.FREE_ARROW_BYTES", 0)
    columns = {"text": [f"text {row * 7919 % 10_007}" for row in range(9_000)], "label": ["x", None, "y"] * 3_000}
    assert read(write_arrow(tmp_path / "a.arrow", columns, compression="zstd")) == columns


def write_parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path, dictionary_pagesize_limit=1 << 24, **options)
    return path


@pytest.mark.parametrize("stored", [True, False])
def test_a_value_that_stands_in_far_too_many_rows_of_a_parquet_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    monkeypatch.setattr("tenor.data.io.arrow.FREE_ARROW_BYTES", 64 << 20)
    path = write_parquet(tmp_path / "a.parquet", {"text": repeated(2_000_000)}, compression="zstd", store_schema=stored)
    assert path.stat().st_size < 5_000
    with pytest.raises(DataError, match=rf"^a\.parquet, row \d+: {FAR_TOO_MUCH}, write the rows again as \.jsonl"):
        read(path)


@pytest.mark.parametrize(
    ("columns", "options"),
    [
        ({"text": ["x" * 1_000_000] * 9}, {"use_dictionary": False}),
        ({"a": [["y" * 1_000] * 1_000] * 9}, {}),
        ({"a": pyarrow.ListArray.from_arrays([0, 2_000_000], pyarrow.nulls(2_000_000, pyarrow.int8()))}, {}),
    ],
    ids=["pages", "lists of one string", "a list of nothing"],
)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_the_pages_of_a_parquet_file_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: dict[str, Any], options: Any, version: str
) -> None:
    monkeypatch.setattr("tenor.data.io.parquet_pages.FREE_ARROW_BYTES", 16 << 20)
    path = write_parquet(tmp_path / "a.parquet", columns, compression="zstd", data_page_version=version, **options)
    with pytest.raises(DataError, match=rf"^a\.parquet: {FAR_TOO_MUCH}, write it again as \.jsonl"):
        read(path)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_parquet_files_of_every_form_are_read(tmp_path: Path, codec: str, version: str) -> None:
    columns: dict[str, Any] = {
        "text": [f"text {row % 1_001}" for row in range(6_000)],
        "label": [["a", "b"][: row % 3] for row in range(6_000)],
        "n": [None, 1.5] * 3_000,
        "same": ["x" * 1_000] * 6_000,
    }
    options = {"compression": codec, "data_page_version": version, "row_group_size": 2_500, "data_page_size": 9_000}
    assert read(write_parquet(tmp_path / "a.parquet", columns, **options)) == columns
    if version == "2.0":
        encodings = {"text": "DELTA_BYTE_ARRAY", "same": "DELTA_LENGTH_BYTE_ARRAY", "n": "BYTE_STREAM_SPLIT"}
        few = {name: values[:300] for name, values in columns.items() if name != "label"}
        options |= {"use_dictionary": False, "column_encoding": encodings}
        assert read(write_parquet(tmp_path / "b.parquet", few, **options)) == few


def test_a_parquet_file_whose_dictionary_has_long_values_is_read_a_few_rows_at_a_time(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"text": repeated(1_000_000, 40), "n": TEXT[:40]}, compression="zstd")
    chunks = list(table.open_table(path).chunks)
    assert sum(map(len, chunks)) == 40
    assert max(map(len, chunks)) <= 16


NESTED = "[" * 201 + "]" * 201
DEEP = "lists or objects are nested more than 200 levels deep"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", f'{{"a": {NESTED}}}', rf"row 1: {DEEP}\. Write"),
        ("a.json", f'[{{"a": 1}}, {{"a": {NESTED}}}]', rf"row 2: {DEEP}\. Write"),
        ("a.json", f'[{{"data": {{"text": "a"}}, "annotations": [{NESTED}]}}]', rf"row 1: {DEEP}\. Write"),
        ("a.json", "[" + '{"a": ' * 5_000, rf"row 1: {DEEP}\. Write"),
        ("a.jsonl", json.dumps({f"k{key}": 1 for key in range(10_001)}), r"row 1: there are 10,001 columns, and at"),
        ("a.jsonl", json_lines([{"a": 1}, {f"k{key}": 1 for key in range(10_000)}]), r"there are 10,001 columns, and"),
        ("a.csv", ",".join(f"c{column}" for column in range(10_001)), r"there are 10,001 columns, and at most 10,000"),
        ("a.csv", "text,label\n" + "," * 1_000_001, r"row 1: a row has more than 1,000,000 delimiters\. Check"),
        ("a.csv", "text,label\n" + '"\n",' * 1_000_001, r"row 1: a row has more than 1,000,000 delimiters\. Check"),
        ("a.jsonl", '{"a": [' + "[]," * 1_000_000 + "1]}", r"row 1: there are more than 1,000,000 values\. Give each"),
        ("a.json", '[{"a": [' + "[]," * 1_000_000 + "1]}]", r"row 1: there are more than 1,000,000 values\. Give each"),
        ("a.txt", "__label__a " * 10_001 + "text", r"row 1: the row has 10,001 labels, and at most 10,000 are read"),
        ("a.jsonl", '{"a": ' + "1" * 5_000 + "}", r"row 1: a number has more than 4,300 digits\. Write it as a"),
        ("a.json", '[{"a": ' + "1" * 5_000 + "}]", r"row 1: a number has more than 4,300 digits\. Write it as a"),
    ],
)  # fmt: skip
def test_what_is_nested_or_repeated_too_often_is_refused(tmp_path: Path, name: str, data: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"^{name}(, |: ){message}"):
        read(write(tmp_path / name, data))


def test_what_is_just_within_the_limits_is_read(tmp_path: Path) -> None:
    within = NESTED[2:-2]
    assert len(read(write(tmp_path / "a.jsonl", f'{{"a": {within}, "b": "[[["}}\n' * 3))["a"]) == 3
    assert len(read(write(tmp_path / "a.json", f'[{{"a": {within}}}]'))["a"]) == 1
    text = "[{" * 500_001 + '\\"' + "," * 1_000_001  # no nesting, since it is in quotes
    assert read(write(tmp_path / "b.jsonl", f'{{"a": "{text}"}}'))["a"] == [text.replace("\\", "")]
    assert read(write(tmp_path / "b.json", f'[{{"a": "{text}"}}, {{"a": "b"}}]'))["a"] == [text.replace("\\", ""), "b"]
    wide = {f"k{key}": 1 for key in range(10_000)}
    assert len(read(write(tmp_path / "c.jsonl", json_lines([wide])))) == 10_000


def test_a_row_of_very_many_labels_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"text,label\na,b\nc,{';'.join(map(str, range(10_001)))}\n")
    with pytest.raises(DataError, match=r"^a\.csv, row 2, column 'label': the row has 10,001 labels, and at most 10,0"):
        dataset.read(path, ReadOptions(label_separator=";"))


def test_a_label_of_very_many_characters_is_refused(tmp_path: Path) -> None:
    rows = f"text,label\na film,good\na book,{'x' * 10_001}\n"
    with pytest.raises(DataError, match=r"row 2, .*the label has 10,001 characters, and at most 10,000 are read"):
        dataset.read(write(tmp_path / "a.csv", rows), ReadOptions())


def test_a_quoted_row_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1 << 20)
    path = write(tmp_path / "a.csv", 'text,label\na,b\n"c,d\n' + "e,f\n" * 300_000 + "g\n")
    with pytest.raises(DataError, match=r"^a\.csv, row 2: (a row is longer than 1 MB\. Check|the quoting is broken)"):
        read(path)


def test_an_object_of_a_list_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 2 << 20)
    for encoding in ("utf-8", "utf-16", "gb18030"):
        path = write(tmp_path / "a.json", ('[{"a": "好的"}, {"a": "' + "很 好 " * 3_000_000).encode(encoding))
        with pytest.raises(DataError, match=r"^a\.json, row 2: a row is longer than 2 MB\. Check that"):
            read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_a_list_in_one_line_of_any_length_is_read(tmp_path: Path, encoding: str) -> None:
    rows = [{"text": f"这本书很好看 {row}", "n": row} for row in range(60_000)]
    path = write(tmp_path / "a.json", json.dumps(rows, ensure_ascii=False).encode(encoding))
    assert path.stat().st_size > 2 << 20
    assert read(path) == {"text": [row["text"] for row in rows], "n": list(range(60_000))}


def test_a_list_too_long_to_be_held_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenor.data.io.json_list.HELD_BYTES", 100)
    rows = [{"text": f"text {row}"} for row in range(5_000)] + [{"more": 1}]
    result = read(write(tmp_path / "a.json.gz", json.dumps(rows)))
    assert result["text"] == [*(row["text"] for row in rows[:-1]), None]
    assert result["more"] == [None] * 5_000 + [1]


def test_rows_that_take_more_than_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "a text,x\na text,y\n" * 5_000)
    monkeypatch.setattr(limits, "memory_bytes", lambda: 500_000)
    message = r"^a\.csv, row \d+: the rows up to this one take more than 0\.4 MB, three quarters of the memory here\."
    with pytest.raises(DataError, match=message):
        dataset.read(path)
    with pytest.raises(DataError, match=message):
        dataset.read_texts(path)


def test_the_memory_of_this_machine_is_known() -> None:
    assert 64 << 20 < limits.memory_bytes() < 1 << 62


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl.gz", "a.parquet", "a.arrow"])
def test_pipes_and_devices_are_refused_and_links_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "zero" / name).parent.mkdir()
    (tmp_path / "zero" / name).symlink_to("/dev/zero")
    os.mkfifo(tmp_path / name)
    for path in (tmp_path / "zero" / name, tmp_path / name):
        with pytest.raises(DataError, match=r"this is not a plain file\. Write the rows into a file and give that"):
            read(path)
    write(tmp_path / "b.csv", "text\na\n")
    (tmp_path / "c.csv").symlink_to(tmp_path / "b.csv")
    assert read(tmp_path / "c.csv") == {"text": ["a"]}


def test_a_pipe_among_the_texts_of_a_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pos").mkdir()
    os.mkfifo(tmp_path / "pos" / "1.txt")
    with pytest.raises(DataError, match=r"1\.txt: this is not a plain file\. Write"):
        read(tmp_path)


PEAK = """
import resource, sys
from pathlib import Path
import pyarrow.compute, pyarrow.ipc, pyarrow.parquet
from tenor.data.io import arrow, table
from tenor.errors import DataError
arrow.FREE_ARROW_BYTES = 200 << 20
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
for name in sys.argv[1:]:
    try:
        for chunk in table.open_table(Path(name)).chunks:
            pass
        print(Path(name).name, "read")
    except DataError as error:
        print(Path(name).name, "refused")
    print(peak() - before >> 10)
"""


def test_memory_stays_small_whatever_a_file_unpacks_to(tmp_path: Path) -> None:
    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 20_000, pyarrow.int32()), ["x" * 2_000_000])
    bombs = [write_parquet(tmp_path / "a.parquet", {"text": text}, compression="zstd", store_schema=False)]
    bombs.append(write_arrow(tmp_path / "a.arrow", {"text": text}))
    bombs.append(write(tmp_path / "a.json.zst", b"[" + b'{"text": "%s"},' % (b"a" * 9_000) * 8_000))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PEAK, *map(str, bombs)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    *said, _ = done.stdout.split("\n")
    assert said[::2] == ["a.parquet refused", "a.arrow refused", "a.json.zst refused"]
    assert max(map(int, said[1::2])) < 300


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_columns_are_found_where_pyarrow_finds_them(tmp_path: Path, codec: str) -> None:
    table = pyarrow.table({"text": ["fine", "dull"] * 500, "label": list(range(1_000))})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", compression=codec, row_group_size=300)
    metadata = pyarrow.parquet.read_metadata(tmp_path / "a.parquet")
    with (tmp_path / "a.parquet").open("rb") as file:
        groups = parquet_pages._row_groups(file, 2)
    assert len(groups) == metadata.num_row_groups == 4
    for number, columns in enumerate(groups):
        for at, column in enumerate(columns):
            expected = metadata.row_group(number).column(at)
            start = expected.dictionary_page_offset or expected.data_page_offset
            size = expected.total_compressed_size
            assert column[1:] == (expected.num_values, start, start + size)
            assert column.codec.removesuffix("_raw") == expected.compression.lower()


def test_no_damaged_metadata_of_a_parquet_file_ends_the_process(tmp_path: Path) -> None:
    """pyarrow calls abort where the metadata of a column are damaged and it is asked for them."""
    stream = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table({"text": ["fine", "dull"] * 3, "label": ["a", "b"] * 3}), stream)
    whole = stream.getvalue().to_pybytes()
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    refused = 0
    for place in range(begin, len(whole)):
        changed = bytearray(whole)
        changed[place] = 64
        try:
            read(write(tmp_path / "a.parquet", bytes(changed)))
        except DataError:
            refused += 1
    assert refused > 50
