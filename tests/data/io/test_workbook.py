"""Workbooks: which sheet is read, and where its rows stand in it."""

from pathlib import Path

import pytest

from tenor.checks.run_checks import CheckConfig, run_checks
from tenor.data.io import table
from tenor.data.io.file_options import FileOptions

ROWS: list[tuple[str, ...]] = [("text", "label"), ("good", "yes"), ("bad", "no"), ("", "yes"), ("fine", "yes")]


def write(path: Path, sheets: dict[str, list[tuple[str, ...]]]) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append([cell or None for cell in row])
    book.save(path)
    return path


def test_a_sheet_with_one_row_is_not_the_table_if_there_is_another(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"About": [("exported in May",)], "Empty": [], "Data": ROWS})
    opened = table.open_table(path)
    assert (opened.columns, sum(map(len, opened.chunks))) == (["text", "label"], 4)
    assert opened.notes == ["a.xlsx: the sheet 'Data' is read; About too has rows (`sheet=...`)."]
    assert table.open_table(path, FileOptions(sheet="About")).columns == ["exported in May"]


@pytest.mark.parametrize("above", [[], [("", "")], [("", ""), ("Complaints of May",), ("", "")]])
def test_findings_name_the_row_of_the_sheet(tmp_path: Path, above: list[tuple[str, ...]]) -> None:
    path = write(tmp_path / "a.xlsx", {"Data": [*above, *ROWS]})
    [finding] = [each for each in run_checks(CheckConfig(str(path))).findings if each.name == "no-text"]
    assert (finding.rows, finding.lines) == ([3], [len(above) + 4])
