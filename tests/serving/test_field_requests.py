"""Texts of several fields over HTTP: objects instead of strings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import tenor
from tenor.config.run_config import RunConfig
from tenor.data.correction_store import CorrectionStore
from tenor.serving import app, json_reader
from tenor.serving.json_reader import JsonReader
from tenor.serving.limits import Limits
from tenor.training import pipeline

TEXT = {"title": "a good film", "body": "we liked it", "price": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fields")
    rows = ["title,body,price,label\n"]
    for row in range(120):
        words = ("good", "liked") if row % 2 else ("bad", "hated")
        rows.append(f"a {words[0]} film {row},we {words[1]} it {row},{row * row % 7},{'pos' if row % 2 else 'neg'}\n")
    (path / "rows.csv").write_text("".join(rows))
    run = RunConfig(
        str(path / "rows.csv"),
        text=["title", "body"],
        features=["price"],
        family="ngram",
        report=False,
        out=str(path / "films"),
    )
    return pipeline.train(run).folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CorrectionStore]:
    opened = CorrectionStore(str(tmp_path / "kept.db"))
    yield opened
    opened.close()


@pytest.fixture
def server(folder: Path, store: CorrectionStore) -> Iterator[TestClient]:
    made = app.create_app([folder], app.ServerOptions(reload_interval_s=0), lambda _: None, store)
    with TestClient(made) as opened:
        yield opened


def test_objects_are_texts(server: TestClient, folder: Path) -> None:
    others = [TEXT, {"title": "a bad film", "body": "we hated it", "price": None}]
    answer = server.post("/predict", json={"inputs": others}).json()
    expected = tenor.load(folder).predict(others).tolist()
    assert [row[0]["label"] for row in answer["predictions"]] == expected == ["pos", "neg"]
    assert "missing_fields" not in answer
    assert server.post("/predict", json={"inputs": TEXT}).json()["predictions"] == answer["predictions"][:1]


def test_a_missing_field_is_empty_and_reported(server: TestClient) -> None:
    answer = server.post("/predict", json={"inputs": [{"title": "a bad film"}, TEXT]}).json()
    assert answer["missing_fields"] == {"body": 1, "price": 1}
    assert answer["predictions"][0][0]["label"] == "neg"


def test_the_fields_of_a_model_are_listed(server: TestClient) -> None:
    [model] = server.get("/models").json()
    assert model["fields"] == [
        {"name": "title", "kind": "text"},
        {"name": "body", "kind": "text"},
        {"name": "price", "kind": "number"},
    ]


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ("a text", 'inputs: the model reads several fields; give {"title": ..., "body": ..., "price": ...}.'),
        ([TEXT, "a text"], "inputs.1: the model reads several fields; give"),
        ({"titel": "x"}, "inputs: the model does not read a field 'titel'. Did you mean 'title'?"),
        (
            [TEXT, {"title": 3}],
            "inputs.1: the field 'title' has a value of another kind. Give a string, or null where there is none.",
        ),
        (
            {"price": "cheap"},
            "inputs: the field 'price' has a value of another kind. Give a number, or null where there is none.",
        ),
        ({"title": ["x"]}, "inputs.title: give a string, a number, true, false or null."),
        ([["x"]], "inputs.0: give a string or an object of fields."),
    ],
)
def test_other_inputs_are_refused(server: TestClient, inputs: Any, problem: str) -> None:
    answer = server.post("/predict", json={"inputs": inputs})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(problem)


def test_a_model_of_one_text_takes_no_object(model_folder: Path) -> None:
    with TestClient(app.create_app([model_folder], app.ServerOptions(reload_interval_s=0), lambda _: None)) as server:
        answer = server.post("/predict", json={"inputs": [{"text": "good"}]})
        assert server.get("/models").json()[0]["fields"] == []
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "inputs.0: the model reads one text; give a string.",
    )


def test_corrections_keep_the_fields(server: TestClient, store: CorrectionStore, folder: Path) -> None:
    answer = server.post("/corrections", json={"text": TEXT, "label": "neg"})
    assert answer.status_code == 201, answer.text
    assert server.post("/corrections", json={"text": TEXT, "label": "pos"}).json()["predicted"] == "pos"
    assert server.post("/corrections", json={"text": "a text", "label": "pos"}).status_code == 422
    assert server.post("/corrections", json={"text": {"title": " "}, "label": "pos"}).json()["detail"] == (
        "the text is empty."
    )
    table = store.table(folder.name)
    assert table.columns == ["title", "body", "price", "label", "predicted", "version", "time"]
    [chunk] = table.chunks
    kept = {name: chunk.columns[name] for name in table.columns[:4]}
    assert kept == {"title": ["a good film"], "body": ["we liked it"], "price": ["3"], "label": ["pos"]}


@pytest.mark.parametrize("window", [7, 64 << 10])
@pytest.mark.parametrize(
    "value",
    [{}, {"a": "x", "b": 1.5, "c": None, "d": True}, [], [{}, "x", {"é": "\\ \u20ac"}], {"a": "y" * 50}],
)
def test_the_reader_of_bodies_reads_objects(monkeypatch: pytest.MonkeyPatch, window: int, value: Any) -> None:
    monkeypatch.setattr(json_reader, "_WINDOW", window)
    for indent in (None, 1):
        body = json.dumps({"inputs": value, "model": "m"}, indent=indent).encode()
        assert read(body) == {"inputs": value, "model": "m"}


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        (b'{"a": 1, "a": 2}', "inputs: the field 'a' occurs twice"),
        (b'{"a": {"b": 1}}', "inputs.a: give a string, a number, true, false or null"),
        (b'[{"a": [1]}]', "inputs.0.a: give a string, a number, true, false or null"),
        (b'[{"a": 1}, 3]', "inputs.1: give a string or an object of fields"),
        (b'{"a": 1, "b": 2, "c": 3, "d": 4}', "the texts of a request may have 3 fields in all"),
        (b'[{"a": 1, "b": 2}, {"a": 1, "b": 2}]', "the texts of a request may have 3 fields in all"),
        (b'{"abcdefgh": "12345678901"}', "a request may have 16 characters"),
    ],
)
def test_the_reader_of_bodies_refuses_other_objects(inputs: bytes, problem: str) -> None:
    with pytest.raises(json_reader.HTTPException) as refused:
        read(b'{"inputs": %b}' % inputs, max_values=3, max_characters=16)
    assert refused.value.detail.startswith(problem)


def test_a_text_has_a_limited_number_of_fields() -> None:
    fields = ", ".join(f'"{number}": 1' for number in range(json_reader.MAX_ROW_KEYS + 1)).encode()
    with pytest.raises(json_reader.HTTPException) as refused:
        read(b'{"inputs": [{%b}]}' % fields)
    assert refused.value.detail == "inputs.0: there are more than 1000 fields."


@pytest.mark.parametrize("inputs", [b'{"a"', b'{"a": }', b'{"a": 1,}', b"{a: 1}", b'{"a": 1 "b": 2}', b"[{]"])
def test_broken_objects_are_not_json(inputs: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        read(b'{"inputs": %b' % inputs)


def read(body: bytes, **limits: int) -> Any:
    return JsonReader(body, Limits(**limits), frozenset({"inputs"}), frozenset({"inputs"})).read()
