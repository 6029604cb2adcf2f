import csv
import json
from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.rows import chinese, english, write_csv
from tenor.errors import RenamedSettingWarning


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    rows = chinese()
    return write_csv(tmp_path / "评论.csv", [*rows, *rows[:7], ("", "好评")])


def test_clean_data_end_with_0(cli: Cli, english_csv: Path) -> None:
    ended = cli("check", english_csv)
    assert (ended.code, ended.err) == (0, "texts from column 'text', labels from column 'label'.\n")
    assert ended.out.startswith("reviews.csv: 60 rows\nclasses: positive 30, negative 30\ntokens of a text: ")
    assert ended.out.endswith("\nno problems found.\n")


def test_findings_are_printed_with_rows_and_what_to_do(cli: Cli, faulty: Path) -> None:
    ended = cli("check", faulty)
    assert ended.code == 1
    assert "error: 1 row has no text.\n  row 68, line 69\n  Give them one, or leave them out: --fix OUT" in ended.out
    assert "warning: the text of an earlier row is repeated in 7 of 67 rows.\n  row 61, line 62: row 1\n" in ended.out
    assert "  ... and 2 more (--json lists all)\n  Leave them out: --fix OUT does.\n" in ended.out


def test_json_lists_all_rows(cli: Cli, faulty: Path) -> None:
    ended = cli("check", faulty, "--json")
    assert (ended.code, ended.err, ended.out.count("\n")) == (1, "", 1)
    result = json.loads(ended.out)
    repeated = next(finding for finding in result["findings"] if finding["name"] == "repeated")
    assert repeated["rows"] == [{"row": 61 + row, "beside": f"row {1 + row}"} for row in range(7)]
    assert (result["summary"]["rows"], result["fixed"]) == (68, None)
    assert repeated["lines"] == [62 + row for row in range(7)]


@pytest.mark.parametrize(("option", "code"), [("never", 0), ("error", 0), ("warning", 1)])
def test_fail_on_chooses_what_ends_with_1(cli: Cli, tmp_path: Path, option: str, code: int) -> None:
    path = write_csv(tmp_path / "in.csv", [*english(), english()[0]])
    assert cli("check", path, "--fail-on", option).code == code
    assert cli("check", path, "--fail-on", option, "--fix", tmp_path / "out.csv").code == code


def test_fix_says_what_became_of_every_row(cli: Cli, tmp_path: Path, faulty: Path) -> None:
    out = tmp_path / "out.jsonl"
    ended = cli("check", faulty, "--fix", out)
    assert f"68 rows, less 1 without a text, less 7 that repeat an earlier row: 60 rows in {out}\n" in ended.out
    assert cli("check", out).code == 0
    again = tmp_path / "again.jsonl"
    assert f"60 rows, none left out: 60 rows in {again}\n" in cli("check", out, "--fix", again).out
    assert cli("check", faulty, "--fix", out).err.endswith("replace it with --overwrite.\n")
    assert json.loads(cli("check", faulty, "--fix", out, "--overwrite", "--json").out)["fixed"]["written"] == 60


def test_labels_lists_suspects(cli: Cli, tmp_path: Path) -> None:
    rows = english(100)
    rows[9] = (rows[9][0], rows[10][1])
    ended = cli("check", write_csv(tmp_path / "in.csv", rows), "--labels")
    assert ended.code == 0
    assert "note: 1 label of 100 may be wrong." in ended.out
    assert f"  row 10, line 11: {rows[10][1]} -> {rows[11][1]}? '{rows[9][0][:20]}" in ended.out


def test_wrong_input_is_an_error(cli: Cli, tmp_path: Path) -> None:
    assert cli("check", tmp_path / "no.csv").err.endswith("no.csv: there is no such file.\nCheck the path.\n")
    assert cli("check", write_csv(tmp_path / "e.csv", [])).code == 1
    assert cli("check", write_csv(tmp_path / "e.csv", []), "--fail-on", "maybe").code == 2


def test_the_length_has_a_former_name(cli: Cli, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "in.csv", english())
    result = cli("check", data, "--max-length", "2", "--json")
    assert "longer than 2 tokens" in result.out
    with pytest.warns(RenamedSettingWarning, match=r"^check: 'maximum_tokens' is now 'max_length'; "):
        former = cli("check", data, "--maximum-tokens", "2", "--json")
    assert (former.code, former.out) == (result.code, result.out)


def test_suspects_go_into_a_review_file_and_come_back_into_the_cleaned_table(cli: Cli, tmp_path: Path) -> None:
    rows = english(100)
    for at in (9, 40):
        rows[at] = (rows[at][0], rows[at + 1][1])
    lines = [("", "positive"), *rows]  # the first row has no text, so the numbers of rows differ from positions
    path, review, out = write_csv(tmp_path / "in.csv", lines), tmp_path / "suspects.csv", tmp_path / "out.csv"
    ended = cli("check", path, "--labels", "--review", review)
    assert f"2 of 101 rows to look at: {review}\n" in ended.err
    with review.open(encoding="utf-8-sig", newline="") as file:
        suspects = list(csv.DictReader(file))
    assert {(row["source_row"], row["source_line"]) for row in suspects} == {("11", "12"), ("42", "43")}
    for row in suspects:
        assert row["label"] != row["predicted_label"]
        assert 0.5 < float(row["predicted_score"]) <= 1
        row["right_label"] = row["predicted_label"] if row["source_row"] == "11" else ""
    with review.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(suspects[0]))
        writer.writeheader()
        writer.writerows(suspects)
    ended = cli("check", path, "--fix", out, "--also", review)
    assert "suspects.csv: 1 text stands in both; the later label is used for 1 that differ." in ended.err
    assert "right labels from review files: 1 row\n" in ended.out
    with out.open(encoding="utf-8", newline="") as file:
        fixed = {row["text"]: row["label"] for row in csv.DictReader(file)}
    assert fixed[rows[9][0]] == rows[11][1] != rows[9][1]
    assert fixed[rows[40][0]] == rows[40][1]


def test_similar_labels_are_named_and_merged_on_request(cli: Cli, tmp_path: Path) -> None:
    rows = [(f"text number {row} {row * 7}", "credit card" if row < 30 else "refund") for row in range(60)]
    rows += [(f"more {row} {row * 3}", "Credit-Card" if row % 2 else "credit card dept") for row in range(20)]
    path, out = write_csv(tmp_path / "in.csv", rows), tmp_path / "out.csv"
    ended = cli("check", path)
    assert "note: labels have similar names: 'credit card dept' (10) and 'credit card' (40)" in ended.out
    assert "--fix OUT with --merge 'credit card dept=credit card'" in ended.out
    ended = cli("check", path, "--fix", out, "--merge", "credit card dept=credit card")
    assert "label 'credit card dept' is now 'credit card': 10 rows\n" in ended.out
    assert "label 'Credit-Card' is now 'credit card': 10 rows\n" in ended.out
    assert "classes: credit card 50, refund 30\n" in cli("check", out).out
    assert cli("check", path, "--merge", "a=b").err.startswith("error: --merge is for the file in --fix")
    assert "--merge: 'ab' is not of the form OLD=NEW." in cli("check", path, "--fix", out, "--merge", "ab").err
