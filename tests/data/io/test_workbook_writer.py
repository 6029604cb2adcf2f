"""Workbooks as Tenor writes them: values come back, nothing is a formula, and what Excel cannot hold is refused."""

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tenor.data.io import table, workbook_writer, writer
from tenor.data.io.chunks import Chunk
from tenor.errors import DataError, MissingExtraError


def write(path: Path, columns: dict[str, list[Any]], first: int = 1) -> Path:
    with writer.open_writer(path, list(columns)) as put:
        put(Chunk(first, columns))
    return path


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    texts = ["=1+2", "#N/A", "_x0041_", "a\x08b\r\nc\x0b", " 好 ", "\U0001f600", "007", "x" * 32_767]
    opened = table.open_table(write(tmp_path / "a.xlsx", {"text": texts, "=n": list(range(8))}))
    [chunk] = opened.chunks
    assert chunk.columns == {"text": texts, "=n": list("01234567")}
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
    assert (sheet["A2"].value, sheet["B3"].value, sheet.freeze_panes) == ("=1+2", 1, "A2")


def test_types_are_those_of_excel(tmp_path: Path) -> None:
    day, nan = datetime.date(2024, 3, 1), float("nan")
    values = [True, 0.5, day, ["a", "好"], None, nan, 12345678901234567, datetime.date(1066, 10, 14)]
    path = write(tmp_path / "a.xlsx", {"x": values, "y": ["y"] * len(values)})
    cells = [cell.value for cell in openpyxl.load_workbook(path).worksheets[0]["A"]]
    expected = [True, 0.5, datetime.datetime(2024, 3, 1), '["a", "好"]', None, None, "12345678901234567", "1066-10-14"]
    assert cells == ["x", *expected]


def test_what_excel_cannot_hold_is_refused_and_an_old_file_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"mine")
    problem = r"^a\.xlsx, row 2, column 'text': the value has 32,767 characters, and a cell of Excel holds 32,767\."
    with pytest.raises(DataError, match=problem):
        write(path, {"text": ["x", "\U0001f600" + "x" * 32_766]})
    with pytest.raises(DataError, match=r"^a\.xlsx: Excel holds 16,384 columns, and there are 16,385\."):
        write(path, {str(number): [] for number in range(16_385)})
    monkeypatch.setattr(workbook_writer, "MAX_ROWS", 3)
    with pytest.raises(DataError, match=r"^a\.xlsx: Excel holds 2 rows below the header, and there are more\."):
        write(path, {"text": ["x", "y", "z"]})
    assert path.read_bytes() == b"mine"
    assert [each.name for each in tmp_path.iterdir()] == ["a.xlsx"]
    assert len(next(iter(table.open_table(write(path, {"text": ["x", "y"]})).chunks))) == 2


def test_the_package_is_missed_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"A workbook \(\.xlsx\) needs packages that are not installed"):
        writer.require_writable(tmp_path / "a.xlsx")
