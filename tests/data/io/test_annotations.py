from pathlib import Path
from typing import Any

import pytest

from helpers.tables import json_lines, write
from tenor.data import dataset
from tenor.errors import DataError


@pytest.mark.parametrize("names", [("text", "label"), ("text", "labels"), ("data", "label")])
def test_the_lines_of_doccano_are_labelled_texts(tmp_path: Path, names: tuple[str, str]) -> None:
    rows = [{"id": row, names[0]: text, names[1]: [text[0]]} for row, text in enumerate(("good film", "bad film"))]
    result = dataset.read(write(tmp_path / "a.jsonl", json_lines(rows)))
    assert (result.texts, result.labels) == (["good film", "bad film"], ["g", "b"])
    rows.append({"id": 3, names[0]: "odd film", names[1]: []})
    with pytest.raises(
        DataError, match=rf"^a\.jsonl, row 3, column '{names[1]}': the label is empty \(1 such row: 3\)"
    ):
        dataset.read(write(tmp_path / "a.jsonl", json_lines(rows)))


@pytest.mark.parametrize("span", [[0, 4, "PER"], {"start_offset": 0, "end_offset": 4, "label": "PER"}])
def test_labels_of_parts_of_a_text_are_refused(tmp_path: Path, span: Any) -> None:
    path = write(tmp_path / "a.jsonl", json_lines([{"text": "a", "label": []}, {"text": "Mary", "label": [span]}]))
    message = r"^a\.jsonl, row 2, column 'label': the labels mark parts of the text: \[.*\. Export a project that class"
    with pytest.raises(DataError, match=message):
        dataset.read(path)
