"""Checks of rows of several fields: leaks by features, and messages without separators."""

from pathlib import Path
from typing import Any

import pytest

from tenor import api, checks
from tenor.checks import columns
from tenor.checks.context import CheckContext
from tenor.data import dataset
from tenor.data.fields import SEPARATOR
from tenor.data.read_options import ReadOptions


def table(path: Path) -> Path:
    lines = ["title,body,price,code,label\n"]
    for row in range(60):
        label = "ab"[row % 2]
        lines.append(f"title {row} of {row * row},a body {row * 7} there,{row * row % 11},{label}{row % 3},{label}\n")
    lines.append(lines[1])
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_feature_that_gives_the_label_away_is_a_finding(tmp_path: Path, on_disk: bool) -> None:
    options = ReadOptions(text=("title", "body"), features=("price", "code"), on_disk=on_disk)
    data = dataset.read(table(tmp_path / "a.csv"), options)
    [finding] = columns.revealing_features(data)
    assert (finding.name, finding.severity) == ("telling-feature", "warning")
    assert finding.problem == (
        "the feature 'code' gives the label away: its value tells 100.0% of what guessing gets wrong."
    )
    if not on_disk:
        assert finding in list(checks.quick_checks(CheckContext(data)))


def test_check_reads_fields_and_shows_them_by_name(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv")
    report = api.check(
        str(path), text=["title", "body"], features=["price", "code"], label="label", fix=str(tmp_path / "b.csv")
    )
    names = [finding.name for finding in report.findings]
    assert "telling-feature" in names
    assert "telling-column" not in names
    assert "repeated" in names
    assert report.repaired is not None
    assert report.repaired.written == 60
    assert (tmp_path / "b.csv").read_text() == "".join(path.read_text().splitlines(keepends=True)[:-1])


def test_no_message_has_the_separator(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("title,body,label\n" + "!,?,a\n" + "".join(f"good {row},,a\nbad {row},,b\n" for row in range(20)))
    report = api.check(str(path), text=["title", "body"])
    details: list[Any] = [detail for finding in report.findings for detail in finding.details]
    assert "'title: ! | body: ?'" in details
    assert SEPARATOR not in str([vars(finding) for finding in report.findings]).replace("\\x1f", SEPARATOR)


def test_a_row_without_any_text_is_empty(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv")
    path.write_text(path.read_text() + ",,,,a\n,,3,,b\nx,y,3,a1,\n")
    report = api.check(str(path), text=["title", "body"], features=["price"], label="label")
    rows = {finding.name: finding.rows for finding in report.findings}
    assert rows["no-text"] == [62]
    assert rows["no-label"] == [64]
