import json
from pathlib import Path
from typing import Any

import pytest

from tenor.data import builder, dataset
from tenor.data.dataset import Dataset
from tenor.data.io.chunks import CHUNK_ROWS
from tenor.data.read_options import ReadOptions
from tenor.data.text_source import DiskTexts
from tenor.errors import DataError


def table(folder: Path, rows: list[tuple[Any, Any]]) -> Path:
    path = folder / "in.jsonl"
    lines = (json.dumps({"text": text, "label": label}) for text, label in rows)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def both(path: Path, **options: Any) -> tuple[Dataset, Dataset]:
    return dataset.read(path, ReadOptions(**options)), dataset.read(path, ReadOptions(on_disk=True, **options))


MANY = CHUNK_ROWS + 100  # of several chunks
KINDS = {
    "binary": ["good", " bad "],
    "multiclass": ["a", "b", "c"],
    "several whole numbers": [1, 2, "3"],
    "multilabel": [["a", "b"], [], ["c"]],
    "JSON lists": ['["a"]', '["b", "c"]'],
    "lists of one": [["a"], ["b"]],
    "regression": [0.5, "1.25", 3],
}


@pytest.mark.parametrize("labels", KINDS.values(), ids=KINDS)
def test_rows_on_disk_are_as_those_in_memory(tmp_path: Path, labels: list[Any]) -> None:
    path = table(tmp_path, [(f" 文 {row} ", labels[row % len(labels)]) for row in range(MANY)])
    memory, disk = both(path)
    assert isinstance(disk.texts, DiskTexts) and not isinstance(memory.texts, DiskTexts)
    assert disk.in_memory() == memory
    assert [disk.row_number(row) for row in range(MANY)] == [memory.row_number(row) for row in range(MANY)]


def test_rows_without_a_text_or_a_label_are_dropped_alike(tmp_path: Path) -> None:
    rows = [(None if row % 7 == 3 else f"text {row}", None if row % 5 == 2 else "xy"[row % 2]) for row in range(MANY)]
    memory, disk = both(table(tmp_path, rows), drop_unlabelled=True, drop_empty=True)
    assert disk.in_memory() == memory
    assert [disk.row_number(row) for row in range(len(disk))] == [memory.row_number(row) for row in range(len(memory))]
    assert "rows have no label or no text and are left out." in disk.note
    taken = disk.take(disk.row_numbers[2:4] * 0 + [5, 9])
    assert [taken.row_number(row) for row in range(2)] == [memory.row_number(5), memory.row_number(9)]


@pytest.mark.parametrize(
    ("labels", "at", "wrong", "message"),
    [
        ("xy", 2_100, ("text", None), r"in\.jsonl, row 2101, column 'label': the label is empty \(row 2101\)|empty"),
        ("xy", 2_100, (" ", "x"), r"in\.jsonl, row 2101, column 'text': the text is empty"),
        ("xy", 2_100, (5, "x"), r"in\.jsonl, row 2101, column 'text': the text is int 5, not a string"),
        ("xy", 2_100, ("text", {"a": "b"}), r"in\.jsonl, row 2101, column 'label': the label is dict"),
        ([0.5, 1.5], 2_100, ("text", "high"), r"in\.jsonl, row 2101, column 'label': the label 'high' is not a number"),
    ],
)
def test_a_fault_in_a_later_chunk_is_told_with_its_row(
    tmp_path: Path, labels: Any, at: int, wrong: tuple[Any, Any], message: str
) -> None:
    rows: list[tuple[Any, Any]] = [(f"text {row}", labels[row % 2]) for row in range(MANY)]
    rows[at] = wrong
    with pytest.raises(DataError, match=message):
        dataset.read(table(tmp_path, rows), ReadOptions(on_disk=True))


@pytest.mark.parametrize(("first", "later"), [([1, 2], list(range(100))), ([1, 2], [0.5]), ([["a"]], [["a", "b"]])])
def test_later_labels_that_tell_another_task_are_refused(tmp_path: Path, first: list[Any], later: list[Any]) -> None:
    labels = [first[row % len(first)] for row in range(CHUNK_ROWS)] + [later[row % len(later)] for row in range(200)]
    path = table(tmp_path, [(f"text {row}", label) for row, label in enumerate(labels)])
    with pytest.raises(DataError, match=r"the labels of the first rows make .* later rows .* Choose one with `task="):
        dataset.read(path, ReadOptions(on_disk=True))


def test_a_third_label_of_a_binary_task_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    path = table(tmp_path, [(f"text {row}", "z" if row == MANY - 1 else "xy"[row % 2]) for row in range(MANY)])
    for on_disk in (False, True):
        with pytest.raises(DataError, match=r"column 'label': there are 3 different labels, and a binary task has two"):
            dataset.read(path, ReadOptions(task="binary", on_disk=on_disk))


@pytest.mark.parametrize("few", ["MAX_ROWS_IN_MEMORY", "MAX_CHARACTERS_IN_MEMORY"])
def test_many_rows_go_to_disk_unless_that_is_forbidden(
    tmp_path: Path, few: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path, [(f"text {row}", "xy"[row % 2]) for row in range(MANY)])
    assert not isinstance(dataset.read(path, ReadOptions(on_disk=None)).texts, DiskTexts)
    monkeypatch.setattr(builder, few, 1_000)
    assert isinstance(dataset.read(path, ReadOptions(on_disk=None)).texts, DiskTexts)
    assert not isinstance(dataset.read(path, ReadOptions(on_disk=False)).texts, DiskTexts)
