"""Files as people hand them over: titles above the names, other separators, and files that are something else."""

from pathlib import Path

import openpyxl
import pytest

from tenor.data import dataset
from tenor.data.io import header, table
from tenor.data.io.dialect import unusual_separator
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError

ROWS = [("the room was lovely", "pos"), ("an awful smell", "neg")] * 10


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(separator: str, head: str = "") -> str:
    return head + "".join(f"{text}{separator}{label}\n" for text, label in ROWS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
            r"^a\.csv: this is a pointer of",
        ),
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\n", r"not the file itself\. Fetch it: git lfs pull"),
        (
            "a.csv",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest",
            r"a document of an old Office, such as \.xls\. Open it",
        ),
        ("a.tsv", b"%PDF-1.7\n", r"^a\.tsv: this is a PDF\. Copy its texts"),
        ("a.db", b"SQLite format 3\0", r"this is a database of SQLite\. Give it as sqlite:///PATH, with `query"),
        ("a.json", b"\n<!DOCTYPE HTML><html>", r"this is a web page \(HTML\)\. Download the file again"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        table.open_table(write(tmp_path / name, content))


def test_a_workbook_with_another_ending_is_named_and_texts_may_be_html(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match=r"this is a workbook of Excel\. Give it the ending \.xlsx"):
        table.open_table((tmp_path / "a.xlsx").rename(tmp_path / "a.csv"))
    assert table.open_table(write(tmp_path / "a.txt", "<html> is a text\nand this\n")).columns == ["text"]


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("a.csv", lines("，", "内容，标签\n"), "separated by '，': put commas or tabs there"),
        ("a.csv", lines("::", "text::label\n"), "separated by '::'"),
        ("a.csv", "text~label\n" + "a, b~pos\n" * 9, "separated by '~'"),
        ("a.txt", lines("_!_"), "separated by '_!_'"),
    ],
)
def test_the_remedy_is_right_for_the_layout(tmp_path: Path, name: str, content: str, hint: str) -> None:
    with pytest.raises(DataError, match=hint):
        dataset.read(write(tmp_path / name, content))


def test_a_title_above_a_delimited_table_is_not_its_header(tmp_path: Path) -> None:
    for title in ("Export made in March,", "投诉,", "Reviews of 2024,"):
        content = f"{title}\n" + lines(",", "text,label\n")
        with pytest.raises(DataError, match=rf"^a\.csv: the first line, '{title[:-1]}', names one of 2 columns: it"):
            table.open_table(write(tmp_path / "a.csv", content))


def test_what_looks_similar_is_read(tmp_path: Path) -> None:
    assert unusual_separator(["a::b", "no"]) == unusual_separator([]) == ""
    assert table.open_table(write(tmp_path / "a.csv", "text,\n" + lines(","))).columns == ["text", ""]
    assert table.open_table(
        write(tmp_path / "b.csv", "Notes,\n" + lines(",")), ReadOptions(header=True).files
    ).has_header
    marked = table.open_table(write(tmp_path / "c.csv", "\ufeff\ufeff" + lines(",", "text,label\n")))
    assert marked.columns == ["text", "label"]


def test_values_that_occur_again_outweigh_a_usual_name() -> None:
    first = ["4", "NO_QUERY", "user0", "a text"]
    rows = [[str(4 * (row % 2)), "NO_QUERY", f"name{row}", f"another text {row}"] for row in range(12)]
    assert header.is_data(first, rows)
    assert not header.is_data(["target", "flag", "user", "text"], rows)
    assert not header.is_data(["text", "0", "1"], [[f"a text {row}", "0", "1"] for row in range(12)])


def test_titles_above_the_table_of_a_workbook_are_left_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (("表1　投诉明细",), ("2024",), ("text", "label"), *ROWS):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    opened = table.open_table(tmp_path / "a.xlsx")
    assert opened.columns == ["text", "label"]
    assert "a.xlsx: not read, as titles above the table: 表1　投诉明细, 2024." in opened.notes
    [chunk] = opened.chunks
    assert (chunk.row, chunk.columns["label"]) == (1, [label for _, label in ROWS])
    given = table.open_table(tmp_path / "a.xlsx", ReadOptions(header=True).files)
    assert given.columns[0] == "表1　投诉明细"


def test_one_line_of_json_with_the_texts_of_each_label(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"pos": ["the room was lovely", "a fine film"], "neg": ["an awful smell"]}\n')
    opened = table.open_table(path)
    assert opened.notes == ["a.jsonl: the keys are labels, and their lists have the texts."]
    [chunk] = opened.chunks
    assert chunk.columns["label"] == ["pos", "pos", "neg"]


@pytest.mark.parametrize(
    "content", ['{"text": "one", "label": "pos"}', '{"data": [{"text": "one"}]}', '{"pos": ["a b"], "neg": ["c"]}\n{}']
)
def test_other_lines_of_json_are_rows(tmp_path: Path, content: str) -> None:
    opened = table.open_table(write(tmp_path / "a.jsonl", content))
    assert opened.notes == []
    assert sum(map(len, opened.chunks)) == len(content.splitlines())


@pytest.mark.parametrize("content", ['{"pos": ["a b"], "neg": ["c"]', '{"pos": ["a"], "pos": ["b"]}', '{"a": [1}, ]}'])
def test_a_broken_line_of_json_is_refused_with_its_row(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"^a\.jsonl, row 1"):
        table.open_table(write(tmp_path / "a.jsonl", content))
