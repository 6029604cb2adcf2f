import json
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import read, write
from tenor.data import dataset
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError


def export(path: Path, *objects: Any) -> Path:
    return write(path, json.dumps(objects, ensure_ascii=False, indent=1))


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a.json.zst"])
def test_a_list_of_objects_is_a_table(tmp_path: Path, name: str) -> None:
    rows = [{"text": "好 film", "n": 1}, {"text": None, "more": [1.5]}]
    assert read(export(tmp_path / name, *rows)) == {"text": ["好 film", None], "n": [1, None], "more": [None, [1.5]]}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_a_list_may_be_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.json", '\n [{"text": "这本书很好看，喜欢"}]'.encode(encoding))
    assert read(path) == {"text": ["这本书很好看，喜欢"]}


def test_a_json_file_of_objects_in_lines_is_read_as_such(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.json", '\n{"text": "a"}\n{"text": "b"}\n')) == {"text": ["a", "b"]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", r"^a\.json: the file is empty\. Give"),
        ("[]", r"^a\.json: the list is empty\. Give a list of objects such as"),
        ("[1]", r"^a\.json, row 1: this is JSON but not an object\. Give objects such as"),
        ('[{"a": 1}, [2]]', r"^a\.json, row 2: this is JSON but not an object\. Give objects such as"),
        ('[{"a": 1}', r"^a\.json, row 1: this is not JSON: .*\. Give a list of objects such as"),
        ('[{"a": 1}] x', r"^a\.json, row 1: this is not JSON: something follows the list\. Give a list"),
        ('[{"a": 1}, {"a": tru}, {}]', r"^a\.json, row 2: this is not JSON: Expecting value\. Give a list"),
        ('[{"a": 1, "a": 2}]', r"^a\.json, row 1: the key 'a' occurs twice in an object\. Give each"),
        ('[{"a": "\\ud83d"}]', r"^a\.json, row 1: there is half of a surrogate pair\. Write"),
        ("[" * 100_000, r"^a\.json, row 1: lists or objects are nested more than 200 levels deep\. Write"),
        (b'[{"a": "\xff"}]', r"^a\.json, line 1: byte 8 of the file is not valid UTF-8\. Save"),
        (b'[{"a": "\0"}]', r"^a\.json, line 1: there is a NUL byte\. This is not a text file"),
    ],
)
def test_a_broken_list_is_refused(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "a.json", data))


def annotation(*choices: str, question: str = "sentiment", **more: Any) -> dict[str, Any]:
    result = {"type": "choices", "from_name": question, "to_name": "text", "value": {"choices": list(choices)}}
    return {"id": 1, "result": [result], "was_cancelled": False, **more}


def task(text: str, *annotations: Any, **data: Any) -> dict[str, Any]:
    return {"id": 7, "data": {"text": text, **data}, "annotations": list(annotations), "predictions": []}


def test_the_tasks_of_label_studio_are_rows_with_their_choices(tmp_path: Path) -> None:
    path = export(
        tmp_path / "a.json",
        task("good", annotation("positive"), annotation("positive")),
        task("nobody looked"),
        task("bad", annotation("positive", was_cancelled=True), annotation("negative"), source="web"),
        task("skipped", {"result": []}),
        task("both", annotation("positive", "negative"), annotation("negative", "positive")),
    )
    assert read(path) == {
        "text": ["good", "nobody looked", "bad", "skipped", "both"],
        "label": ["positive", None, "negative", None, ["positive", "negative"]],
        "source": [None, None, "web", None, None],
    }


def test_tasks_that_nobody_annotated_are_reported_or_dropped(tmp_path: Path) -> None:
    path = export(tmp_path / "a.json", task("good", annotation("好评")), task("?"), task("bad", annotation("差评")))
    with pytest.raises(DataError, match=r"^a\.json, row 2, column 'label': the label is empty \(1 such row: 2\)"):
        dataset.read(path)
    assert dataset.read(path, ReadOptions(drop_unlabelled=True)).labels == ["好评", "差评"]
    assert read(export(tmp_path / "b.json", task("a"), task("b"))) == {"text": ["a", "b"], "label": [None, None]}


def test_several_questions_are_columns_with_their_names(tmp_path: Path) -> None:
    both = {"result": annotation("positive")["result"] + annotation("film", question="topic")["result"]}
    path = export(tmp_path / "a.json", task("good", both), task("bad", annotation("negative")))
    assert read(path) == {"text": ["good", "bad"], "sentiment": ["positive", "negative"], "topic": ["film", None]}
    assert dataset.read(path, ReadOptions(label="sentiment")).labels == ["positive", "negative"]
    path = export(tmp_path / "b.json", task("good", annotation("positive"), label="old"))
    assert read(path) == {"text": ["good"], "label": ["old"], "sentiment": ["positive"]}
    path = export(tmp_path / "c.json", task("good", annotation("positive", question="label"), label="old"))
    with pytest.raises(DataError, match=r"^c\.json: 'label' is the name of both a question and a field .*\. Rename"):
        read(path)


def test_annotations_that_differ_are_refused_with_their_rows(tmp_path: Path) -> None:
    split = [annotation("positive"), annotation("negative")]
    path = export(tmp_path / "a.json", task("a", *split), task("b", annotation("positive")), task("c", *split))
    message = (
        r"^a\.json, row 1, column 'label': the annotations of the task differ \(2 such rows: 1, 3\)\. "
        r"Settle on one in Label Studio, or cancel the others"
    )
    with pytest.raises(DataError, match=message):
        read(path)


def test_annotations_that_are_no_choices_are_refused(tmp_path: Path) -> None:
    span = {"type": "labels", "from_name": "ner", "value": {"start": 0, "end": 3, "labels": ["PER"]}}
    message = r"^a\.json: the annotations are not choices but labels\. Export a project that classifies whole texts"
    with pytest.raises(DataError, match=message):
        read(export(tmp_path / "a.json", task("a", {"result": [span]})))


@pytest.mark.parametrize(
    "broken",
    [
        {"data": {"text": "b"}},
        {"data": "b", "annotations": []},
        {"data": {"text": "b"}, "annotations": [3]},
        {"data": {"text": "b"}, "annotations": 3},
        {"data": {"text": "b"}, "annotations": [{"id": 3}]},
        {"data": {"text": "b"}, "annotations": [{"result": [{"type": "choices", "from_name": "a"}]}]},
        {"data": {"text": "b"}, "annotations": [annotation(3)]},  # type: ignore[arg-type]
    ],
)
def test_what_is_no_task_is_refused_with_its_row(tmp_path: Path, broken: Any) -> None:
    message = r"^a\.json, row 2: this is not a task as Label Studio exports it\. Export the project as JSON"
    with pytest.raises(DataError, match=message):
        read(export(tmp_path / "a.json", task("a", annotation("x")), broken))


def test_the_short_export_of_label_studio_has_its_choices_in_a_column(tmp_path: Path) -> None:
    rows = [
        {"text": "good", "id": 1, "sentiment": "positive", "annotator": 1, "lead_time": 2.5},
        {"text": "both", "id": 2, "sentiment": {"choices": ["positive", "negative"]}, "annotator": 1},
        {"text": "bad", "id": 3, "sentiment": {"choices": ["negative"]}, "annotator": 1},
    ]
    assert read(export(tmp_path / "a.json", *rows))["sentiment"] == ["positive", ["positive", "negative"], "negative"]
    path = export(tmp_path / "b.json", rows[0], rows[2])
    assert dataset.read(path).labels == ["positive", "negative"]
