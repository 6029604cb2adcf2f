from collections import Counter
from pathlib import Path

import pytest

from tenor.checks import repair
from tenor.checks.context import CheckContext
from tenor.data.dataset import Dataset
from tenor.data.io import table
from tenor.errors import DataError, SettingsError


def plan(rows: list[tuple[str, str]], test: list[str] | None = None) -> repair.RepairPlan:
    texts, written = [text for text, _ in rows], [label for _, label in rows]
    data = Dataset("in.csv", texts, [label.strip() for label in written])
    return repair.plan(CheckContext(data, Dataset("test", test, test) if test else None), written, [101, 102], [103])


def test_the_first_of_equal_rows_stays() -> None:
    rows = [("a", "x"), ("b", "y"), (" a", "x"), ("a\n", "x")]
    assert plan(rows) == repair.RepairPlan(
        {101: "no-text", 102: "no-text", 103: "no-label", 3: "repeated", 4: "repeated"}, {}
    )


def test_conflicting_rows_all_go_but_two_spellings_are_no_conflict() -> None:
    result = plan([("a", "x"), ("a", "y"), ("b", "x"), ("b", "X "), ("c", "x")])
    assert {row: reason for row, reason in result.dropped.items() if row < 100} == {
        1: "conflicting",
        2: "conflicting",
        4: "repeated",
    }
    assert result.spellings == {"X ": "x"}


def test_rows_that_stand_in_the_test_go() -> None:
    result = plan([("a", "x"), ("b", "y"), ("a ", "x")], test=["c", "a"])
    assert {row: reason for row, reason in result.dropped.items() if row < 100} == {1: "leaked", 3: "leaked"}


def test_totals_at_the_end_go() -> None:
    assert plan([("a", "x"), ("b", "y"), ("Total", "60")]).dropped[3] == "total"
    assert 3 not in plan([("a", "x"), ("Total", "60"), ("b", "y"), ("c", "x")]).dropped


def test_equal_texts_with_different_sets_of_labels_stay() -> None:
    labels = [("a",), ("b",), ("a",)]
    data = Dataset("in.csv", ["t", "t", "t"], labels)  # type: ignore[arg-type]
    assert repair.plan(CheckContext(data), labels, [], []).dropped == {3: "repeated"}


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_what_is_written_has_the_columns_and_the_rows_that_stay(tmp_path: Path, kind: str) -> None:
    rows = {"id": [1, 2, 3], "text": ["一", "b, c", "d"], "label": ["x", "X", "x"]}
    source = table.Table("in", list(rows), iter([table.Chunk(1, rows)]))
    done = repair.write(
        repair.RepairPlan({3: "repeated"}, {"X": "x"}), source, "label", out := tmp_path / f"out.{kind}"
    )
    assert done == repair.Repaired(3, {"repeated": 1}, 1, 2, renamed=(repair.RenamedLabel("X", "x", 1),))
    assert done.rows == done.written + Counter(done.dropped).total()
    [chunk] = table.open_table(out).chunks
    assert [str(value) for value in chunk.columns["id"]] == ["1", "2"]
    assert (chunk.columns["text"], chunk.columns["label"]) == (["一", "b, c"], ["x", "x"])


def test_labels_are_merged_by_spelling_and_by_request() -> None:
    rows = [("a", "Credit card"), ("b", "Credit card"), ("c", "credit-card"), ("d", "Card dept."), ("e", "other")]
    written = [label for _, label in rows]
    context = CheckContext(Dataset("in.csv", [text for text, _ in rows], written))
    merged = repair.plan(context, written, [], [], {"card dept": "CREDIT CARD"}).spellings
    assert merged == {"credit-card": "Credit card", "Card dept.": "Credit card"}
    assert repair.plan(context, written, [], [], {"other": "new name"}).spellings["other"] == "new name"
    with pytest.raises(SettingsError, match=r"no row has the label 'othr'\. Did you mean 'other'\? Labels: Cr"):
        repair.plan(context, written, [], [], {"othr": "Credit card"})


def test_right_labels_are_written_by_the_number_of_the_row(tmp_path: Path) -> None:
    rows = {"text": ["a", "b", "c"], "label": ["x", "x", "x"]}
    source = table.Table("in", list(rows), iter([table.Chunk(1, rows)]))
    done = repair.write(repair.RepairPlan({1: "repeated"}, {}, {3: "y"}), source, "label", tmp_path / "out.csv")
    [chunk] = table.open_table(tmp_path / "out.csv").chunks
    assert (chunk.columns["label"], done.corrected) == (["x", "y"], 1)


def test_files_that_must_not_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,label\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "in.csv")
    source = tmp_path / "in.csv"
    for path in ("in.csv", "link.csv"):
        with pytest.raises(DataError, match=r"this is an input, and those are never changed\. Choose another file\."):
            repair.check_output(tmp_path / path, [source], overwrite=True)
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(
        DataError, match=r"this exists already\. Choose another file, or replace it with `overwrite=True`"
    ):
        repair.check_output(tmp_path / "out.csv", [source], overwrite=False)
    repair.check_output(tmp_path / "out.csv", [source], overwrite=True)
    with pytest.raises(DataError, match=r"a \.txt file has no columns"):
        repair.check_output(tmp_path / "out.txt", [source], overwrite=False)
