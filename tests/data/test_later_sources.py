"""Several sources of labelled texts: roles of columns, later labels, and a split without leaks."""

import csv
from pathlib import Path
from typing import Any

import pytest

from tenor._core.callbacks import Callback
from tenor.config.run_config import RunConfig
from tenor.data import later_sources, sources
from tenor.data.correction_store import Correction, CorrectionStore
from tenor.data.dataset import Dataset
from tenor.errors import DataError, SettingsError
from tenor.training import preparation


class Messages(Callback):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, message: str) -> None:
        self.lines.append(message)


def write(path: Path, columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return str(path)


def texts(first: int, last: int) -> list[str]:
    rows = range(first, last)
    words = ["lamp", "soup", "museum", "window", "blanket", "ferry", "manual", "train", "hotel", "river", "garden"]
    return [f"{words[row % 11]} {words[row * 5 % 9]} number {row} {row * 37 % 101} {words[row % 7]}" for row in rows]


def complaints(folder: Path, n_rows: int = 60) -> str:
    rows = [(row, text, ("late", "broken")[row % 2]) for row, text in enumerate(texts(0, n_rows))]
    return write(folder / "complaints.csv", ["id", "投诉内容", "责任部门"], rows)


def read(run: RunConfig) -> tuple[Dataset, list[str]]:
    callback = Messages()
    data, _ = sources.read_train_and_test(run, callback)
    merged = later_sources.add(run, data, callback)
    return merged, callback.lines


def test_columns_are_matched_by_role_and_the_later_label_counts(tmp_path: Path) -> None:
    rows = [("broken", f" {text} ") for text in texts(0, 6)] + [("late", "a new text"), ("lost", "another new one")]
    more = write(tmp_path / "more.csv", ["Label", "Review Text"], rows)
    last = write(tmp_path / "last.csv", ["text", "class"], [("a new text", "broken"), (texts(0, 1)[0], "late")])
    data, lines = read(RunConfig(complaints(tmp_path), also=(more, last)))
    assert data.labels[:6] == ["late", *["broken"] * 5]
    assert list(zip(data.texts, data.labels, strict=True))[60:] == [
        ("a new text", "broken"),
        ("another new one", "lost"),
    ]
    assert lines[1:] == [
        "more.csv: texts from column 'Review Text', labels from column 'Label'.",
        "more.csv: 6 texts stand in both; the later label is used for 3 that differ. 2 new rows.",
        "more.csv: labels that the data before do not have: 'lost' (1 text).",
        "last.csv: texts from column 'text', labels from column 'class'.",
        "last.csv: 2 texts stand in both; the later label is used for 2 that differ. 0 new rows.",
    ]
    assert (data.kind, data.name) == ("multiclass", "complaints.csv + more.csv + last.csv")
    assert [data.row_number(row) for row in (0, 59, 60, 61)] == [1, 60, 67, 68]


def test_the_test_part_of_the_first_source_stays_and_nothing_leaks(tmp_path: Path) -> None:
    path = complaints(tmp_path)
    alone = preparation.prepare(RunConfig(path), Callback())
    corrected = [(text, "broken") for text in texts(0, 60)[::3]]
    near = [(f"{text} again", "late") for text in texts(0, 60)[:20]]
    new = [(text, "late") for text in texts(100, 140)]
    more = write(tmp_path / "more.csv", ["text", "label"], corrected + near + new)
    both = preparation.prepare(RunConfig(path, also=(more,)), Callback())
    assert alone.test is not None
    assert both.test is not None
    first_texts = set(texts(0, 60))
    assert set(alone.test.texts) == set(both.test.texts) & first_texts
    stems = {text.removesuffix(" again") for text in both.test.texts}
    assert not stems & {text.removesuffix(" again") for text in both.data.texts}
    assert 4 <= sum(text in set(texts(100, 140)) for text in both.test.texts) <= 12


def test_corrections_are_read_from_their_database(tmp_path: Path) -> None:
    store = CorrectionStore(str(tmp_path / "corrections.db"))
    for text, label in [(texts(0, 1)[0], "broken"), ("quite new", "late"), ("quite new", "broken")]:
        store.add(Correction("complaints", "1", text, "late", label))
    store.close()
    run = RunConfig(complaints(tmp_path), also=(str(tmp_path / "corrections.db"),))
    data, lines = read(run)
    assert (data.labels[0], data.texts[-1], data.labels[-1]) == ("broken", "quite new", "broken")
    assert lines[-1].endswith("1 text stands in both; the later label is used for 1 that differ. 1 new row.")
    store = CorrectionStore(str(tmp_path / "corrections.db"))
    store.add(Correction("other", "1", "text", "late", "broken"))
    store.close()
    with pytest.raises(DataError, match=r"corrections of complaints, other\. Write those of one model to a file first"):
        read(run)


def test_corrections_of_several_fields_are_matched_by_their_names(tmp_path: Path) -> None:
    rows = [(text, f"title {row}", ("a", "b")[row % 2]) for row, text in enumerate(texts(0, 12))]
    path = write(tmp_path / "data.csv", ["body", "title", "label"], rows)
    store = CorrectionStore(str(tmp_path / "corrections.db"))
    store.add(Correction("m", "1", {"title": "title 0", "body": rows[0][0]}, "a", "b"))
    store.add(Correction("m", "1", {"title": "other", "body": rows[1][0]}, "a", "b"))
    store.close()
    run = RunConfig(path, text=("title", "body"), also=(str(tmp_path / "corrections.db"),))
    data, lines = read(run)
    assert (data.labels[0], data.texts[-1]) == ("b", data.fields.join(["other", rows[1][0]]))
    assert "1 text stands in both; the later label is used for 1 that differ. 1 new row." in lines[-1]


def test_a_filled_review_file_is_recognised_and_rows_without_a_label_are_told(tmp_path: Path) -> None:
    columns = ["id", "投诉内容", "责任部门", "predicted_label", "predicted_score", "right_label"]
    rows = [(row, text, "late", "late", 0.51, "broken" if row < 2 else "") for row, text in enumerate(texts(0, 5))]
    run = RunConfig(complaints(tmp_path), also=(write(tmp_path / "review.csv", columns, rows),))
    data, lines = read(run)
    assert data.labels[:4] == ["broken", "broken", "late", "broken"]
    assert "review.csv: texts from column '投诉内容', labels from column 'right_label'." in lines
    assert "review.csv: 3 of 5 rows have no label or no text and are left out." in lines
    write(tmp_path / "review.csv", columns, [(*row[:-1], "") for row in rows])
    with pytest.raises(DataError, match=r"review\.csv: no row has both a text and a label"):
        read(run)


def test_groups_and_times_are_read_from_each_source(tmp_path: Path) -> None:
    rows = [(text, ("a", "b")[row % 2], f"2024-01-{row + 1:02}", row % 5) for row, text in enumerate(texts(0, 30))]
    first = write(tmp_path / "first.csv", ["text", "label", "day", "author"], rows)
    newer = [(text, "a", "2024-03-01") for text in texts(50, 54)]
    more = write(tmp_path / "more.csv", ["text", "label", "day"], newer)
    prepared = preparation.prepare(RunConfig(first, also=(more,), time="day"), Callback())
    assert prepared.test is not None
    assert set(texts(50, 54)) <= set(prepared.test.texts)
    prepared = preparation.prepare(RunConfig(first, also=(more,), group="author"), Callback())
    assert prepared.test is not None
    author = {text: row % 5 for row, text in enumerate(texts(0, 30))}
    assert not {author.get(text, text) for text in prepared.test.texts} & {
        author.get(text, text) for text in prepared.data.texts
    }
    without = write(tmp_path / "without.csv", ["text", "label"], [row[:2] for row in newer])
    with pytest.raises(DataError, match=r"without\.csv: there is no column 'day', which `time=\.\.\.` needs"):
        preparation.prepare(RunConfig(first, also=(without,), time="day"), Callback())


def test_groups_are_read_as_the_files_are_written(tmp_path: Path) -> None:
    rows = [f"{text}\t{'ab'[row % 2]}\tä{row % 5}" for row, text in enumerate(texts(0, 30))]
    path = tmp_path / "rows.tsv"
    path.write_bytes("\n".join(rows).encode("cp1252"))
    run = RunConfig(str(path), text="1", label="2", group="3", header=False, encoding="cp1252")
    prepared = preparation.prepare(run, Callback())
    assert prepared.test is not None
    author = {text: row % 5 for row, text in enumerate(texts(0, 30))}
    assert len(prepared.test) + len(prepared.data) == 30
    assert not {author[text] for text in prepared.test.texts} & {author[text] for text in prepared.data.texts}


def test_texts_on_disk_are_refused(tmp_path: Path) -> None:
    path = complaints(tmp_path)
    with pytest.raises(SettingsError, match=r"`also=\.\.\.` needs the texts in memory, and these 60 are kept on disk"):
        read(RunConfig(path, also=(path,), on_disk=True))


def test_labels_of_a_later_source_are_spelt_like_the_first(tmp_path: Path) -> None:
    later = write(tmp_path / "later.csv", ["投诉内容", "责任部门"], [("a new lamp", "LATE"), ("a new soup", "lost")])
    data, lines = read(RunConfig(data=complaints(tmp_path), also=(later,)))
    assert data.labels[-2:] == ["late", "lost"]
    assert "later.csv: labels are read in another spelling: 'LATE' as 'late'." in lines
