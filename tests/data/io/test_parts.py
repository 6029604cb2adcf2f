from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from helpers.tables import json_lines, read, write
from tenor.data import dataset
from tenor.data.io import table
from tenor.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Parts as Spark writes them: 3,000 rows, 2 rows in another order of columns, and an empty file."""
    parts = tmp_path / "parts"
    rows = "".join(f"text {row},x\n" for row in range(3_000))
    write(parts / "part-0.csv", "text,label\n" + rows)
    write(parts / "part-1.csv", "label,text\ny,a\nz,b\n")
    write(parts / "part-2.csv", "")
    for name in ("_SUCCESS", ".part-0.csv.crc", "._part-0.csv"):
        (parts / name).write_bytes(b"\0")
    return parts


def test_a_pattern_and_a_folder_give_all_rows_in_the_order_of_names(folder: Path) -> None:
    for path in (folder, folder / "*.csv", folder.parent / "*" / "part-?.csv", folder.parent / "**" / "*.csv"):
        result = read(path)
        assert list(result) == ["text", "label"]
        assert result["text"] == [f"text {row}" for row in range(3_000)] + ["a", "b"]
        assert result["label"] == ["x"] * 3_000 + ["y", "z"]
    assert table.open_table(folder).name == table.open_table(folder / "*.csv").name == "parts/*.csv"


@pytest.mark.parametrize("kind", ["csv.gz", "tsv.zst", "jsonl", "json", "parquet", "arrow", "txt"])
def test_parts_may_have_any_format(tmp_path: Path, kind: str) -> None:
    for part in "ab":
        path = tmp_path / f"{part}.{kind}"
        if kind == "parquet":
            pyarrow.parquet.write_table(pyarrow.table({"text": [part], "label": ["x"]}), path)
        elif kind == "arrow":
            with pyarrow.ipc.new_file(str(path), pyarrow.schema([("text", "string"), ("label", "string")])) as writer:
                writer.write_table(pyarrow.table({"text": [part], "label": ["x"]}))
        else:
            text = {"csv": f"text,label\n{part},x\n", "tsv": f"text\tlabel\n{part}\tx\n", "txt": f"__label__x {part}\n"}
            write(path, text.get(kind[:3], json_lines([{"text": part, "label": "x"}])))
    assert read(tmp_path / f"*.{kind}") == {"text": ["a", "b"], "label": ["x", "x"]}
    schema = table.open_table(tmp_path / f"*.{kind}").schema
    assert (schema is not None) == (kind in ("parquet", "arrow"))


def test_a_name_with_brackets_is_a_file_where_there_is_one(tmp_path: Path) -> None:
    write(tmp_path / "a[1].csv", "text,label\na,x\n")
    assert read(tmp_path / "a[1].csv")["text"] == ["a"]


def test_files_of_different_types_have_no_common_schema(tmp_path: Path) -> None:
    for part, value in (("a", 1), ("b", "one")):
        pyarrow.parquet.write_table(pyarrow.table({"n": [value]}), tmp_path / f"{part}.parquet")
    assert read(tmp_path) == {"n": [1, "one"]}
    assert table.open_table(tmp_path).schema is None


def test_other_columns_are_refused_with_the_file(folder: Path) -> None:
    write(folder / "part-3.csv", "text,stars\na,5\n")
    message = r"^part-3\.csv: the columns are text, stars, and those of part-0\.csv are text, label\. Give every file"
    with pytest.raises(DataError, match=message):
        table.open_table(folder)


def test_a_fault_is_told_with_its_file_and_row(folder: Path) -> None:
    write(folder / "part-3.csv", 'text,label\na,x\n"b,y\nc,d,e\n')
    with pytest.raises(DataError, match=r"^part-3\.csv, row 2: the quoting is broken"):
        read(folder)
    write(folder / "part-3.csv", "text,label\na,x\nb,\nc,\n")
    message = (
        r"row 3004, column 'label': the label is empty \(2 such rows: 3004, 3005\)\. Give .* "
        r"Row 3004, counted over all files, is part-3\.csv, row 2\.$"
    )
    with pytest.raises(DataError, match=message):
        dataset.read(folder)
    write(folder.parent / "other" / "part-3.csv", "text,label\na\n")
    with pytest.raises(DataError, match=r"^/.*/other/part-3\.csv, row 1: the row has 1 field"):
        read(folder.parent / "*" / "*.csv")


def test_texts_without_labels_come_from_several_files_too(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "one\n\ntwo\n")
    write(tmp_path / "b.txt", "three\n")
    assert dataset.read_texts(tmp_path / "*.txt") == ["one", "two", "three"]
    write(tmp_path / "c.jsonl", '{"text": "a"}\n')
    write(tmp_path / "d.jsonl", '{"text": "a"}\n{"text": 3}\n')
    with pytest.raises(DataError, match=r"^d\.jsonl, row 2, column 'text': the text is int 3, not a string"):
        dataset.read_texts(tmp_path / "*.jsonl")


def test_a_pattern_that_cannot_be_used_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataError, match=r"no\*\.csv: no file matches this pattern\. Check the path"):
        table.open_table(tmp_path / "no*.csv")
    with pytest.raises(DataError, match=r"no file matches this pattern\. Check the path"):
        table.open_table(tmp_path / "\0*.csv")
    with pytest.raises(
        DataError, match=r"/\*: .*/parts is a folder\. Give a pattern of files, such as '.*/\*/\*\.csv'"
    ):
        table.open_table(tmp_path / "*")
    (folder / "part-9.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataError, match=r"part-9\.csv: this is not a plain file\. Write the rows into a file"):
        table.open_table(folder)
    write(folder / "more.jsonl", '{"text": "a"}\n')
    for path in (folder, folder / "*"):
        message = r"parts.*: there are files of several formats: \.csv, \.jsonl\. Name those of one with a pattern"
        with pytest.raises(DataError, match=message):
            table.open_table(path)
    with pytest.raises(DataError, match=r"_SUCCESS: files ending in '' cannot be read|no file matches"):
        table.open_table(folder / "_S*")


def test_a_folder_with_something_else_or_with_parts_to_train_and_test_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a" / "train-0.csv", "text,label\n")
    write(tmp_path / "a" / "test-0.csv", "text,label\n")
    message = r"^a: this folder has the parts test, train\. Give one, such as '.*a/test-0\.csv'; `test=\.\.\.` takes"
    with pytest.raises(DataError, match=message):
        table.open_table(tmp_path / "a")
    write(tmp_path / "b" / "trains.csv", "text,label\n")
    write(tmp_path / "b" / "tests.csv", "text,label\n")
    assert read(tmp_path / "b") == {"text": [], "label": []}
    write(tmp_path / "b" / "README.md", "About")
    message = (
        r"^b: this folder has tables and 'README\.md', which is not a table\. Name the tables .* such as '.*b/\*\.csv'"
    )
    with pytest.raises(DataError, match=message):
        table.open_table(tmp_path / "b")
    for name in ("manifest.json", "tenor.json", "metrics.json"):
        write(tmp_path / "m" / name, "{}")
    with pytest.raises(DataError, match=r"/m: this is a saved model, not data\. Name the file of the labelled texts"):
        table.open_table(tmp_path / "m")
    write(tmp_path / "c" / "1.txt", "a text")
    with pytest.raises(DataError, match=r"^c: there are no class folders .*, and no tables\. .* of '.*c/\*\.txt'"):
        table.open_table(tmp_path / "c")
