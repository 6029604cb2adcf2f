"""Files as other tools write them: spaCy, Prodigy, doccano, Hugging Face, pandas."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from helpers.tables import json_lines, write
from tenor.data import dataset
from tenor.data.dataset import Dataset
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError

ROWS = [(f"film {at} was {'warm' if at % 2 else 'cold'}", "pos" if at % 2 else "neg") for at in range(8)]
TEXTS, LABELS = [text for text, _ in ROWS], [label for _, label in ROWS]
_HASHES = {"_input_hash": 1, "_task_hash": 2}
_NAMES = {"info": {"features": {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}}}


def read(path: Path, **options: Any) -> Dataset:
    return dataset.read(path, ReadOptions(**options))


@pytest.mark.parametrize(
    ("objects", "options", "labels"),
    [
        ([{"text": t, "cats": {"pos": float(n == "pos"), "neg": n == "neg"}} for t, n in ROWS], {}, LABELS),
        (
            [{"text": t, "label": "GOOD", "answer": "accept" if n == "pos" else "reject", **_HASHES} for t, n in ROWS],
            {},
            ["GOOD" if n == "pos" else "not GOOD" for n in LABELS],
        ),
        ([{"text": t, "accept": [n], "answer": "accept", **_HASHES} for t, n in ROWS], {}, LABELS),
        ([{"text": t, "annotations": [{"label": n, "user": 1}]} for t, n in ROWS], {"label": "annotations"}, LABELS),
        (
            [{"review": {"body": t}, "meta": {"a": {"b": n}}} for t, n in ROWS],
            {"text": "review.body", "label": "meta.a.b"},
            LABELS,
        ),
    ],
    ids=["spaCy", "Prodigy, one label", "Prodigy, options", "doccano", "nested keys"],
)
def test_objects_of_annotation_tools(
    tmp_path: Path, objects: list[dict[str, Any]], options: dict[str, str], labels: list[str]
) -> None:
    data = read(write(tmp_path / "a.jsonl", json_lines(objects)), **options)
    assert (list(data.texts), data.labels) == (TEXTS, labels)


@pytest.mark.parametrize(
    "value",
    [
        {"text": TEXTS, "label": LABELS},
        {"text": dict(enumerate(TEXTS)), "label": dict(enumerate(LABELS))},
        {"columns": ["text", "label"], "index": list(range(8)), "data": [list(row) for row in ROWS]},
        {"schema": {"a": [1]}, "data": [{"text": t, "label": n} for t, n in ROWS]},
    ],
    ids=["lists", "objects", "split", "table"],
)
def test_columns_of_a_data_frame_in_json(tmp_path: Path, value: dict[str, Any]) -> None:
    for indent in (None, 1):
        data = read(write(tmp_path / "a.json", json.dumps(value, indent=indent)))
        assert (list(data.texts), data.labels) == (TEXTS, LABELS)


def test_numbers_of_classes_get_the_names_in_the_schema(tmp_path: Path) -> None:
    numbers = [["neg", "pos"].index(label) for label in LABELS]
    table = pyarrow.table({"text": [*TEXTS, "x"], "label": [*numbers, -1]})
    table = table.replace_schema_metadata({"huggingface": json.dumps(_NAMES)})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", drop_unlabelled=True).labels == LABELS
    saved = tmp_path / "saved" / "train"
    saved.mkdir(parents=True)
    with pyarrow.ipc.new_stream(saved / "data-0.arrow", table.schema) as writer:
        writer.write_table(table)
    (saved / "dataset_info.json").write_text("{}")
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../train/data-0.arrow"}]}))
    assert read(saved, drop_unlabelled=True).labels == LABELS
    (saved.parent / "dataset_dict.json").write_text("{}")
    with pytest.raises(DataError, match=r"this folder has the parts train\. Give one, such as '.*/saved/train'"):
        read(saved.parent)
    (saved / "state.json").write_text("[")
    with pytest.raises(DataError, match=r"state\.json is damaged\. Write the dataset again with save_to_disk"):
        read(saved)


def test_a_short_file_without_a_header_keeps_its_columns(tmp_path: Path) -> None:
    data = read(write(tmp_path / "a.csv", "positive,good\nnegative,a bad one\npositive,fine\nnegative,poor show\n"))
    assert list(data.texts) == ["good", "a bad one", "fine", "poor show"]
    assert data.labels == ["positive", "negative"] * 2
