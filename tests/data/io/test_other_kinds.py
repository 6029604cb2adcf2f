"""Files as other tools leave them, that need a look at their content, or advice."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import json_lines, write
from tenor._core.callbacks import Callback
from tenor.data import dataset
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError

ROWS = [(f"text number {at}", "good" if at % 2 else "bad") for at in range(12)]
OBJECTS = [{"text": text, "label": label} for text, label in ROWS]


class Messages(Callback):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, message: str) -> None:
        self.messages.append(message)


def check(path: Path, **options: Any) -> list[str]:
    """Read the file, compare its rows, and return the messages."""
    callback = Messages()
    data = dataset.read(path, ReadOptions(**options), callback)
    assert sorted(zip(data.texts, data.labels, strict=True)) == sorted(ROWS)
    return callback.messages


def test_a_list_is_read_in_jsonl_too(tmp_path: Path) -> None:
    check(write(tmp_path / "rows.jsonl", json.dumps(OBJECTS, indent=1)))


@pytest.mark.parametrize("key", ["{}", "id-{}", "T{:03}"])
def test_an_object_with_a_row_under_each_key(tmp_path: Path, key: str) -> None:
    rows = {key.format(at): row for at, row in enumerate(OBJECTS)}
    messages = check(write(tmp_path / "rows.json", json.dumps(rows)))
    assert messages == ["rows.json: the rows are the objects under 12 keys."]


def test_an_object_of_whole_columns_is_no_object_of_rows(tmp_path: Path) -> None:
    columns = {name: {str(at): row[name] for at, row in enumerate(OBJECTS)} for name in ("text", "label")}
    assert check(write(tmp_path / "rows.json", json.dumps(columns))) == []


def test_completions_of_an_early_label_studio(tmp_path: Path) -> None:
    tasks = [
        {
            "id": at,
            "data": {"text": text},
            "completions": [{"result": [{"from_name": "q", "type": "choices", "value": {"choices": [label]}}]}],
        }
        for at, (text, label) in enumerate(ROWS)
    ]
    check(write(tmp_path / "rows.json", json.dumps(tasks)))


def test_cats_may_be_lists_of_names(tmp_path: Path) -> None:
    rows = [{"id": at, "text": text, "cats": [label]} for at, (text, label) in enumerate(ROWS)]
    check(write(tmp_path / "rows.jsonl", json_lines(rows)))


def test_what_prodigy_rejected_is_no_label(tmp_path: Path) -> None:
    """Also without the hashes that Prodigy adds."""
    rows = [
        {
            "text": text,
            "label": "good" if at < 6 else "bad",
            "answer": "accept" if (label == "good") == (at < 6) else "reject",
        }
        for at, (text, label) in enumerate(ROWS)
    ]
    path = write(tmp_path / "rows.jsonl", json_lines(rows))
    with pytest.raises(DataError, match=r"the label is empty \(6 such rows: 1, 3, 5, 8, 10, \.\.\.\)"):
        dataset.read(path)
    data = dataset.read(path, ReadOptions(drop_unlabelled=True))
    labels = dict(ROWS)
    assert len(data.texts) == 6
    assert list(data.labels) == [labels[text] for text in data.texts]


def test_texts_of_classes_may_have_no_ending(tmp_path: Path) -> None:
    for at, (text, label) in enumerate(ROWS):
        (tmp_path / "news" / label).mkdir(parents=True, exist_ok=True)
        write(tmp_path / "news" / label / str(53_000 + at), text)
        write(tmp_path / "news" / label / ".hidden", "x")
    check(tmp_path / "news")


def test_bytes_behind_the_end_of_gzip(tmp_path: Path) -> None:
    content = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(content.encode()) + b"more")
    with pytest.raises(DataError, match="what follows is not compressed by gzip") as behind:
        dataset.read(path)
    assert "gzip -dc FILE > COPY" in behind.value.remedy
    path.write_bytes(content.encode())
    with pytest.raises(DataError, match="what follows is not compressed by gzip") as plain:
        dataset.read(path)
    assert "a name without .gz" in plain.value.remedy


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("rows.tar.gz", "Unpack it"),
        ("rows.train", "the ending .txt"),
        ("rows.tab", "the ending .tsv"),
        ("rows.ods", "Save the"),
    ],
)
def test_other_endings_have_advice(tmp_path: Path, name: str, advice: str) -> None:
    with pytest.raises(DataError, match=r"files ending in '\.\w+' cannot be read") as refused:
        dataset.read(write(tmp_path / name, "text,label\n"))
    assert advice in refused.value.remedy


def test_a_pipe_is_named_as_such(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "63")
    with pytest.raises(DataError, match="not a plain file"):
        dataset.read(tmp_path / "63")


def test_a_label_inside_an_object_is_named_with_its_key(tmp_path: Path) -> None:
    rows = [{"text": text, "label": {"topic": label, "by": "me"}} for text, label in ROWS]
    path = write(tmp_path / "rows.jsonl", json_lines(rows))
    with pytest.raises(DataError, match="the label is dict") as refused:
        dataset.read(path)
    assert "`label=label.topic`" in refused.value.remedy
    check(path, label="label.topic")
