"""Workbooks: which sheet is read, and where its rows stand in it."""

import zipfile
from pathlib import Path

import pytest

from tenor.checks.run_checks import CheckConfig, run_checks
from tenor.data.io import table
from tenor.data.io.file_options import FileOptions
from tenor.errors import DataError

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


@pytest.mark.parametrize("header", ["text", "Review Text", "Bemerkung"])
def test_a_sheet_of_notes_is_not_the_table_if_there_is_another(tmp_path: Path, header: str) -> None:
    about: list[tuple[str, ...]] = [("Complaints, exported by the service desk",), ("see the second sheet",)]
    path = write(tmp_path / "a.xlsx", {"Read me": about, "Data": ROWS})
    opened = table.open_table(path)
    assert (opened.columns, sum(map(len, opened.chunks))) == (["text", "label"], 4)
    assert opened.notes == ["a.xlsx: the sheet 'Data' is read; Read me too has rows (`sheet=...`)."]
    path = write(tmp_path / "b.xlsx", {"Texts": [(header,), ("good",), ("bad",)], "Lists": ROWS})
    assert table.open_table(path, FileOptions(names=("Bemerkung",))).columns == [header]


@pytest.mark.parametrize("above", [[], [("", "")], [("", ""), ("Complaints of May",), ("", "")]])
def test_findings_name_the_row_of_the_sheet(tmp_path: Path, above: list[tuple[str, ...]]) -> None:
    path = write(tmp_path / "a.xlsx", {"Data": [*above, *ROWS]})
    [finding] = [each for each in run_checks(CheckConfig(str(path))).findings if each.name == "no-text"]
    assert (finding.rows, finding.lines) == ([3], [len(above) + 4])


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ('<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>', "more than 1,048,576 rows"),
        ("".join(f'<row r="{at}"><c r="XFD{at}"/></row>' for at in range(10, 800)), "over 200 times its size"),
        ("<row>" + "<c/>" * 4_200_000 + "</row>", "over 200 times its size"),
    ],
)
def test_gaps_between_cells_and_empty_elements_do_not_fill_time_or_memory(
    tmp_path: Path, xml: str, message: str
) -> None:
    whole = write(tmp_path / "whole.xlsx", {"Data": ROWS})
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name).replace(b"</sheetData>", f"{xml}</sheetData>".encode())
            target.writestr(name, content)
    with pytest.raises(DataError, match=message):
        list(table.open_table(tmp_path / "a.xlsx").chunks)


def test_a_workbook_whose_compression_is_damaged_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", {"Data": ROWS})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as book:
        begins_at = book.getinfo("xl/worksheets/sheet1.xml").header_offset + 30 + len("xl/worksheets/sheet1.xml")
    content[begins_at : begins_at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a whole Excel workbook"):
        table.open_table(path)


@pytest.mark.parametrize("above", [[], [("Complaints of May",), ("", "")]])
def test_formulas_that_no_program_has_calculated_are_named(tmp_path: Path, above: list[tuple[str, ...]]) -> None:
    formulas = ['=IF(1=1,"yes","no")', '=IF(1=2,"yes","no")'] * 5
    rows = [("text", "label", "note", "n"), *((f"text {at}", cell, "", "1") for at, cell in enumerate(formulas))]
    opened = table.open_table(write(tmp_path / "a.xlsx", {"Data": [*above, *rows]}))
    assert opened.notes[-1].startswith("a.xlsx: the formulas in 'label' have no saved results")
    [chunk] = opened.chunks
    assert (chunk.columns["label"], chunk.columns["note"]) == ([None] * 10, [None] * 10)
