"""`--escape-formulas`: CSV in which a spreadsheet computes nothing."""

import csv
from pathlib import Path

import pytest

from helpers.command import Cli
from tenor.data.io import writer
from tenor.data.io.chunks import Chunk

CELLS = {
    "=1+1": "'=1+1",
    '=HYPERLINK("http://example.org")': '\'=HYPERLINK("http://example.org")',
    "@SUM(A1)": "'@SUM(A1)",
    "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
    "-2+3": "'-2+3",
    "\t=1": "'\t=1",
    "\r=1": "'\r=1",
    "＝1+1": "'＝1+1",
    "-5": "-5",
    "+1.5e-3": "+1.5e-3",
    "-1,5": "-1,5",
    "a=b": "a=b",
    "'=1": "'=1",
    "": "",
    "好": "好",
}


@pytest.mark.parametrize("kind", [".csv", ".tsv"])
@pytest.mark.parametrize("escape", [True, False])
def test_cells_and_names_of_columns_are_guarded_where_that_is_asked_for(
    tmp_path: Path, kind: str, escape: bool
) -> None:
    path = tmp_path / f"out{kind}"
    columns = {"=name": list(CELLS), "score": [-0.5] * len(CELLS)}
    with writer.open_writer(path, list(columns), escape_formulas=escape) as write:
        write(Chunk(1, columns))
    with path.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream, delimiter="," if kind == ".csv" else "\t")
    assert head == ["'=name" if escape else "=name", "score"]
    assert rows == [[guarded if escape else cell, "-0.5"] for cell, guarded in CELLS.items()]


def test_the_option_guards_files_folders_and_what_is_printed(cli: Cli, tmp_path: Path, model_folder: Path) -> None:
    source = tmp_path / "in" / "a.csv"
    source.parent.mkdir()
    source.write_text("id,text\n=2+2,a superb film\n", encoding="utf-8")
    model = str(model_folder)
    assert cli("predict", model, source, "-o", tmp_path / "plain.csv").code == 0
    assert cli("predict", model, source, "-o", tmp_path / "out.csv", "--escape-formulas").code == 0
    assert cli("predict", model, source, "-o", f"{tmp_path}/out/", "--escape-formulas").code == 0
    printed = cli("predict", model, source, "--escape-formulas").out
    assert "\n=2+2," in (tmp_path / "plain.csv").read_text(encoding="utf-8")
    guarded = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert "\n'=2+2," in guarded
    assert guarded == (tmp_path / "out" / "a.csv").read_text(encoding="utf-8") == printed
    ended = cli("predict", model, source, "-o", f"{tmp_path}/out/")
    assert ended.code == 1 and "labelled with another escape_formulas" in ended.err
