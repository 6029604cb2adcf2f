import codecs
import gzip
import io
import os
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from helpers.tables import delimited, pack, read, write
from tenor.data.io import lines, table
from tenor.errors import DataError

ROWS = [['fine, "really"', "好"], ["two\nlines", "bad one"], ["", "好"]]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV.zst", "a.tsv", "a.tsv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimited_files_keep_quotes_line_breaks_and_empty_fields(tmp_path: Path, name: str, end: str) -> None:
    text = delimited([["text", "label"], *ROWS], "\t" if "tsv" in name else ",", end)
    assert read(write(tmp_path / name, text)) == {"text": [row[0] for row in ROWS], "label": [row[1] for row in ROWS]}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_csv_file_without_a_comma_in_its_header_may_have_another_delimiter(tmp_path: Path, delimiter: str) -> None:
    expected = {"text": [row[0] for row in ROWS], "label": [row[1] for row in ROWS]}
    assert read(write(tmp_path / "a.csv", delimited([["text", "label"], *ROWS], delimiter))) == expected
    assert read(write(tmp_path / "b.csv.gz", f"\ntext{delimiter}label\na, b{delimiter}c\n".encode("utf-16"))) == {
        **{"text": ["a, b"], "label": ["c"]}
    }


@pytest.mark.parametrize(
    ("name", "header", "columns"),
    [
        ("a.csv", "text;a,label", ["text;a", "label"]),
        ("a.csv", '"text;a"', ["text;a"]),
        ("a.csv", '"a ""b"" ;c";"d,e"', ['a "b" ;c', "d,e"]),
        ("a.csv", '"text;\na",label', ["text;\na", "label"]),
        ("a.tsv", "text;a", ["text;a"]),
        ("a.tsv", "text,a", ["text", "a"]),
        ("a.tsv", "text\ta,b", ["text", "a,b"]),
    ],
)
def test_another_delimiter_counts_only_outside_quotes_and_without_a_comma(
    tmp_path: Path, name: str, header: str, columns: list[str]
) -> None:
    assert table.open_table(write(tmp_path / name, header + "\n")).columns == columns


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.jsonl.zst", "a.json"])
def test_json_lines_keep_types_and_fill_missing_keys_with_none(tmp_path: Path, name: str) -> None:
    text = '{"text": "a\\nb", "label": 1}\n\n{"label": null, "more": {"x": [1.5]}}\n'
    expected = {"text": ["a\nb", None], "label": [1, None], "more": [None, {"x": [1.5]}]}
    assert read(write(tmp_path / name, text)) == expected


def test_a_text_file_has_one_text_a_line(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt", 'one, "two\r\n\n三')) == {"text": ['one, "two', "", "三"]}
    assert read(write(tmp_path / "b.txt.gz", "one\n")) == {"text": ["one"]}
    assert read(write(tmp_path / "empty.txt", "")) == {"text": []}


def test_a_folder_of_class_folders_gives_texts_in_the_order_of_names(tmp_path: Path) -> None:
    for name, data in {"neg/2": b"bad", "neg/1": b"worse", "pos/1": b"\xef\xbb\xbfgood\nfilm", "unsup/1": b"?"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.txt").write_bytes(data)
    result = read(tmp_path)
    assert result["text"] == ["worse", "bad", "good\nfilm"]
    assert result["label"] == ["neg", "neg", "pos"]
    assert result["file"] == ["neg/1.txt", "neg/2.txt", "pos/1.txt"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030", "gbk"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "txt"])
def test_other_encodings_are_recognised(tmp_path: Path, encoding: str, kind: str) -> None:
    text = {
        "csv": "text,label\n这本书很好看，喜欢,好评\n",
        "jsonl": '{"text": "这本书很好看，喜欢"}\n',
        "txt": "这本书很好看，喜欢\n",
    }
    result = read(write(tmp_path / f"a.{kind}", text[kind].encode(encoding)))
    assert next(iter(result)) == "text"
    assert result["text"] == ["这本书很好看，喜欢"]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_utf_16_is_read_in_both_byte_orders(tmp_path: Path, mark: bytes) -> None:
    encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    data = mark + "text,label\nUnfall Ā 坊,x\n".encode(encoding)
    assert read(write(tmp_path / "a.csv", data))["text"] == ["Unfall Ā 坊"]


def test_a_packed_file_without_its_ending_is_told(tmp_path: Path) -> None:
    packed = write(tmp_path / "in.csv", gzip.compress(b"text,label\na,b\n" * 9))
    with pytest.raises(DataError, match=r"in\.csv, header: this is compressed by gzip, but its name does not say so"):
        read(packed)


def test_utf_8_with_a_broken_byte_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    rows = ["text,label", *["étés créés,x"] * 20]
    data = "\n".join(rows).encode() + b"\ncr\xe9\xe9s,y"
    assert "茅" in data.decode("gb18030")
    for name in ("a.csv", "a.csv.gz"):
        with pytest.raises(DataError, match=r"row 21: byte 353 .* UTF-8\. The file is UTF-8 but for such .*iconv -c"):
            read(write(tmp_path / name, data))


@pytest.mark.parametrize(
    ("first", "second"), [("utf-8", "gb18030"), ("gb18030", "utf-8")], ids=["then gb18030", "then utf-8"]
)
@pytest.mark.parametrize("rows", [(3, 200), (200, 3), (50, 50), (30_000, 1)])
def test_lines_in_two_encodings_are_refused_where_it_changes(
    tmp_path: Path, first: str, second: str, rows: tuple[int, int]
) -> None:
    line = "这家酒店的服务很好,好评\n"  # takes an even number of bytes in UTF-8: it decodes as GB18030
    (tmp_path / "a.csv").write_bytes(
        "文本,标签\n".encode(first) + line.encode(first) * rows[0] + line.encode(second) * rows[1]
    )
    with pytest.raises(DataError, match=r"this line is (UTF-8|GB18030), and others are") as refused:
        read(tmp_path / "a.csv")
    assert refused.value.at is not None
    few_and_many = (first, rows) == ("gb18030", (3, 200))  # UTF-8, but for its first lines
    assert refused.value.at.row == (None if few_and_many else rows[0] + 1)


@pytest.mark.parametrize("text", ["小说", "联通", "我看小说", "好", "很好看\n小说\n杂志\n不错"])
def test_short_texts_in_gb18030_are_read_but_for_those_that_are_utf_8(tmp_path: Path, text: str) -> None:
    data = text.encode("gb18030")
    expected = data.decode("utf-8" if text == "小说" else "gb18030")
    assert read(write(tmp_path / "a.txt", data))["text"] == expected.split("\n")


def test_a_large_text_of_a_class_folder_may_be_gb18030(tmp_path: Path) -> None:
    (tmp_path / "好").mkdir()
    text = (
        "好" + "这本书很好看" * 100_000
    )  # past the part by which the encoding is found, which ends inside a character
    (tmp_path / "好" / "1.txt").write_bytes(b"a" + text.encode("gb18030"))
    assert read(tmp_path)["text"] == ["a" + text]


def test_the_encoding_is_found_where_the_first_part_of_the_file_ends_inside_a_character(tmp_path: Path) -> None:
    text = "a" * ((1 << 20) - 1) + "好" * 10
    assert read(write(tmp_path / "a.txt", text))["text"] == [text]


class _Pipe(io.RawIOBase):
    """A pipe that gives its bytes in the pieces in which they were sent."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.pieces.pop(0) if self.pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_pipe_that_pauses_inside_a_character_is_still_utf_8() -> None:
    sent = "好看\n不好\n".encode()
    opened = table.open_lines(_Pipe(sent[:5], sent[5:]), "standard input")
    assert [chunk.columns for chunk in opened.chunks] == [{"text": ["好看", "不好"]}]


def test_rows_come_in_chunks_of_limited_rows_and_size(tmp_path: Path) -> None:
    many = table.open_table(write(tmp_path / "a.txt", "x\n" * 5_000))
    assert [len(chunk) for chunk in many.chunks] == [2048, 2048, 904]
    large = table.open_table(write(tmp_path / "b.txt", ("x" * 1_500_000 + "\n") * 4))
    assert [len(chunk) for chunk in large.chunks] == [3, 1]


def test_blank_lines_are_no_rows_of_a_table(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.csv", "\n\r\ntext,label\n\na,b\n\n")) == {"text": ["a"], "label": ["b"]}


def test_names_of_columns_lose_the_blanks_around_them(tmp_path: Path) -> None:
    assert list(read(write(tmp_path / "a.csv", "text , label\na,b\n"))) == ["text", "label"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", r"^a\.csv: the file is empty\. Give"),
        ("a.csv", b"\n\n", r"^a\.csv: the file is empty\. Give"),
        ("a.csv.gz", b"", r"^a\.csv\.gz: the file is empty\. Give"),
        ("a.csv", b"\xef\xbb\xbf", r"^a\.csv: the file is empty\. Give"),
        ("a.jsonl", b"\n \n", r"^a\.jsonl: the file is empty\. Give"),
        ("a.doc", b"x", r"a\.doc: files ending in '\.doc' cannot be read\. Give one of \.csv, "),
        ("a.xlsx", b"x", r"a\.xlsx: this is not a whole Excel workbook: .*\. Copy or save it again"),
        (
            "a.xls",
            b"x",
            r"a\.xls: files ending in '\.xls' cannot be read\. Save the sheet as \.xlsx, or as",
        ),
        ("a.csv", b'text,label\na,b\n"c,d\ne,f,g\n', r"^a\.csv, row 2: the quoting is broken: .*\. Close every quote"),
        (
            "a.csv",
            b'text,label\na,b\n"c"d,e\n"f,g",h\n',
            r"^a\.csv, row 2: the quoting is broken: .*\. Close every quote",
        ),
        ("a.csv", b'"text,label\n', r"^a\.csv, header: the quoting is broken: .*\. Close every quote"),
        ("a.csv", b"text,label\ra,b\r", r"^a\.csv, header: there is a carriage return \(CR\) outside quotes\. Put"),
        ("a.csv", b"text,label\na,b\nc\n\nd,e,f\n", r"^a\.csv, row 2: the row has 1 field .* 2 \(2 such rows: 2, 3\)"),
        ("a.csv", b"text,label\na,b\nc\xff,d\n", r"^a\.csv, row 2: byte 16 of the file is not valid UTF-8\. Save"),
        (
            "a.csv",
            b"\xef\xbb\xbft\xff,l\n",
            r"^a\.csv, header: byte 4 of the file is not valid UTF-8\. The file is UTF-8 but",
        ),
        ("a.jsonl", b'{"a": "b"}\n{"a": "\xff"}', r"^a\.jsonl, row 2: byte 18 of the file is not valid UTF-8\. Save"),
        ("a.txt", b"a\nb\nab\xffc", r"^a\.txt, row 3: byte 6 of the file is not valid UTF-8\. Save"),
        (
            "a.txt",
            "好看\n".encode()[:-2],
            r"^a\.txt, row 1: byte 3 of the file is not valid UTF-8\. The file is UTF-8 but",
        ),
        (
            "a.txt",
            "好看，好看\n好看".encode("gb18030") + b"\xff",
            r"^a\.txt, row 2: byte 15 .* not valid GB18030\. Save",
        ),
        ("a.txt", codecs.BOM_UTF16 + b"a\0\n\0b", r"^a\.txt, row 2: this is not valid UTF-16: .*\. Save it as UTF-8"),
        ("a.txt", b"a\nb\0c", r"^a\.txt, row 2: there is a NUL byte\. This is not a text file"),
        ("a.csv", b"te\0xt,label\n", r"^a\.csv, header: there is a NUL byte\. This is not a text file"),
        ("a.jsonl", b'{"a": 1}\n\n{"a": 2\n', r"^a\.jsonl, row 2: this is not JSON: .*\. Give one JSON object a line"),
        ("a.jsonl", b'{"a": 1}\n[1]\n', r"^a\.jsonl, row 2: this is JSON but not an object\. Give objects such as"),
        ("a.jsonl", b'{"a": "\\ud83d"}\n', r"^a\.jsonl, row 1: there is half of a surrogate pair\. Write"),
        (
            "a.jsonl",
            b'{"a": 1}\n{"a": 1, "a": 2}\n',
            r"^a\.jsonl, row 2: the key 'a' occurs twice in an object\. Give each",
        ),
        ("a.jsonl", b'{"a": {"b": 1, "b": 1}}', r"^a\.jsonl, row 1: the key 'b' occurs twice in an object\. Give each"),
        ("a.jsonl", b"[" * 100_000, r"^a\.jsonl, row 1: lists or objects are nested more than 200 levels deep\."),
        (
            "a.jsonl",
            b'{"a": ' + b"1" * 5_000 + b"}",
            r"^a\.jsonl, row 1: a number has more than 4,300 digits\. Write it as a string",
        ),
        (
            "a.jsonl",
            b'{"a": 1}\n' * 2048 + b'{"b": 1}',
            r"^a\.jsonl, row 2049: the key 'b' is not in the first rows\. ",
        ),
        ("a.parquet", b"", r"^a\.parquet: this is not a whole Parquet file: .*\. Copy or write it again"),
        ("a.parquet", b"PAR1" * 10, r"^a\.parquet: this is not a whole Parquet file: .*\. Copy or write it again"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    write(tmp_path / name, data)
    with pytest.raises(DataError, match=message.replace(r"a\.doc", r".*a\.doc")):
        read(tmp_path / name)


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_compressed_file_that_is_cut_short_or_is_none_is_refused(tmp_path: Path, ending: str) -> None:
    rows = [[f"{row * 2654435761 % 2**32:x}", "x"] for row in range(100_000)]
    whole = pack(delimited([["text", "label"], *rows]).encode(), f".{ending}")
    (tmp_path / f"a.csv.{ending}").write_bytes(whole[:-1_000])
    message = rf"^a\.csv\.{ending}, row \d{{5,}}: the compressed file is damaged: .*\. Copy it again"
    with pytest.raises(DataError, match=message):
        read(tmp_path / f"a.csv.{ending}")
    damaged = r"the compressed file is damaged: .*\. Copy it"
    problem = {"gz": r"what follows is not compressed by gzip\. If the file is not"}.get(ending, damaged)
    for kind in ("csv", "json"):
        path = tmp_path / f"b.{kind}.{ending}"
        path.write_bytes(b'[{"text": "a"}]\n')
        with pytest.raises(DataError, match=rf"^b\.{kind}\.{ending}: {problem}"):
            read(path)
    (tmp_path / f"c.json.{ending}").write_bytes(pack(b'[{"text": "' + b"a b c" * 1_000_000, f".{ending}")[:-20])
    with pytest.raises(DataError, match=rf"^c\.json\.{ending}, line 1: the compressed file is damaged: .*\. Copy it"):
        read(tmp_path / f"c.json.{ending}")
    missing = tmp_path / f"d.csv.{ending}"
    missing.symlink_to("/proc/self/mem")
    with pytest.raises(DataError, match=rf"d\.csv\.{ending}: this cannot be read: .*\. Check the path"):
        read(missing)


@pytest.mark.parametrize("word", ["NA", "N/A", "null", "None", "nan", "NaN", "NULL", "#N/A", "-"])
def test_words_that_other_readers_take_for_missing_are_texts(tmp_path: Path, word: str) -> None:
    assert read(write(tmp_path / "a.csv", f"text,label\n{word},{word}\n")) == {"text": [word], "label": [word]}
    assert read(write(tmp_path / "a.tsv", f"text\tlabel\n{word}\tx\n"))["text"] == [word]
    assert read(write(tmp_path / "a.jsonl", f'{{"text": "{word}", "label": null}}\n')) == {
        "text": [word],
        "label": [None],
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"go\xff", r"neg/1\.txt, line 1: byte 2 of the file is not valid UTF-8\. Save the file as UTF-8"),
        (b"\xef\xbb\xbfgo\xff", r"neg/1\.txt, line 1: byte 5 of the file is not valid UTF-8\. The file is UTF-8 but"),
        (b"go\0", r"neg/1\.txt: there is a NUL byte\. This is not a text file"),
    ],
)
def test_a_broken_file_of_a_folder_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "neg").mkdir()
    (tmp_path / "neg" / "1.txt").write_bytes(data)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "neg").mkdir()
    with pytest.raises(DataError, match=r"there are no class folders with \.txt files .* FOLDER/LABEL/NAME\.txt"):
        table.open_table(tmp_path)


def test_a_path_that_is_not_there_or_cannot_be_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv: there is no such file\. Check the path"):
        table.open_table(tmp_path / "no.csv")
    with pytest.raises(DataError, match=r"xx\.csv: this cannot be read: File name too long\. Check the path"):
        table.open_table(tmp_path / f"{'x' * 300}.csv")


def test_an_error_of_the_disk_while_reading_is_told(tmp_path: Path) -> None:
    memory = Path("/proc/self/mem")
    if not memory.exists():
        pytest.skip("this system has no file that opens and cannot be read")
    (tmp_path / "a.csv").symlink_to(memory)
    with pytest.raises(DataError, match=r"^a\.csv: this cannot be read: Input/output error\. Check the path"):
        table.open_table(tmp_path / "a.csv")


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 2 << 20)
    for encoding in ("utf-8", "utf-16"):
        path = write(tmp_path / "a.txt", ("a\n" + "x" * (3 << 20)).encode(encoding))
        with pytest.raises(DataError, match=r"^a\.txt, row 2: a line is longer than 2 MB\. Check that"):
            read(path)


def is_open(path: Path) -> bool:
    return any(link.exists() and link.samefile(path) for link in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl.gz", "a.parquet"])
def test_a_file_is_open_only_while_its_rows_are_read(tmp_path: Path, name: str) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not list open files")
    path = tmp_path / name
    if name == "a.parquet":
        pyarrow.parquet.write_table(pyarrow.table({"a": ["1"] * 5_000}), path)
    else:
        write(path, '{"a": 1}\n' * 5_000)
    opened = table.open_table(path)
    assert not is_open(path)
    assert len(next(opened.chunks)) == 2048
    assert is_open(path)
    assert len(list(opened.chunks)) == 2
    assert not is_open(path)
    dropped = table.open_table(path)
    next(dropped.chunks)
    del dropped
    assert not is_open(path)


def test_a_file_that_is_gone_when_its_rows_are_asked_for_is_told(tmp_path: Path) -> None:
    opened = table.open_table(write(tmp_path / "a.csv", "text,label\na,b\n"))
    (tmp_path / "a.csv").unlink()
    with pytest.raises(DataError, match=r"a\.csv: this cannot be read: No such file or directory\. Check the path"):
        list(opened.chunks)


def test_a_pipe_with_the_name_of_a_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv: this is not a plain file\. Write the rows into a file"):
        table.open_table(tmp_path / "a.csv")


def test_the_line_that_names_the_delimiter_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sep=;\r\ntext;label\r\na, b;x\r\n", encoding="utf-8")
    opened = table.open_table(path)
    assert [chunk.columns for chunk in opened.chunks] == [{"text": ["a, b"], "label": ["x"]}]
