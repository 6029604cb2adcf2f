"""The HTTP interface, over the app itself and over a real server."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient

import tenor
from tenor.config.run_config import RunConfig
from tenor.errors import SettingsError, TenorError
from tenor.serving import app, running
from tenor.serving.batching import Batcher, QueueFullError
from tenor.serving.guard import Guard
from tenor.serving.limits import Limits
from tenor.serving.served_model import ServedModel
from tenor.training import pipeline

TEXTS = ["a superb, moving film", "dull and boring", "好看 😀 <b>"]


@contextmanager
def client(*folders: Path, log: Any = lambda _: None, **options: Any) -> Iterator[TestClient]:
    with TestClient(app.create_app(list(folders), app.ServerOptions(reload_interval_s=0, **options), log)) as opened:
        yield opened


def test_answers_are_those_of_the_model(model_folder: Path) -> None:
    model = tenor.load(model_folder)
    with client(model_folder) as server:
        answer = server.post("/predict", json={"inputs": TEXTS, "coverage": 0.9, "explain": True}).json()
        one = server.post("/predict", json={"inputs": TEXTS[0], "top_k": 2}).json()
    assert answer["model"] == model_folder.name
    labels = [row[0]["label"] for row in answer["predictions"]]
    assert labels == model.predict(TEXTS).tolist()
    scores = [row[0]["score"] for row in answer["predictions"]]
    np.testing.assert_allclose(scores, model.predict_proba(TEXTS).max(axis=1), rtol=1e-6)
    assert [tuple(row) for row in answer["sets"]] == model.predict_set(TEXTS, 0.9).tolist()
    assert [each["text"] for each in answer["explanations"]] == TEXTS
    assert sum(row["score"] for row in one["predictions"][0]) == pytest.approx(1)


def test_clients_see_the_origin_of_a_model_but_no_filter_of_its_texts(model_folder: Path) -> None:
    assert tenor.load(model_folder).bundle.metadata["data"]["filter"]
    with client(model_folder) as server:
        [info] = server.get("/models").json()
    assert info["trained"]["data"].keys() == {"name", "rows", "sha256"}


def test_numbers_and_sets_of_labels_are_answered(tmp_path: Path) -> None:
    rows = [(f"{'red' * (row % 2)} {'blue' * (row % 3 > 0)} thing {row}", row) for row in range(90)]
    (tmp_path / "rows.jsonl").write_text(
        "".join(
            json.dumps(
                {"text": text, "label": ["red"] * (row % 2) + ["blue"] * (row % 3 > 0), "n": row % 2 + row / 1000}
            )
            + "\n"
            for text, row in rows
        )
    )
    quick: dict[str, Any] = {"family": "ngram", "report": False, "text": "text"}
    several = pipeline.train(
        RunConfig(str(tmp_path / "rows.jsonl"), label="label", out=str(tmp_path / "several"), **quick)
    )
    numbers = pipeline.train(
        RunConfig(str(tmp_path / "rows.jsonl"), label="n", task="regression", out=str(tmp_path / "numbers"), **quick)
    )
    with client(several.folder, numbers.folder) as server:
        result = server.post(
            "/predict", json={"model": "several", "inputs": ["red blue thing"], "coverage": 0.9}
        ).json()
        assert {row["label"] for row in result["predictions"][0]} == {"red", "blue"}
        asked = {"model": "numbers", "inputs": ["red thing"], "coverage": 0.9}
        result = server.post("/predict", json=asked).json()
        assert result["predictions"] == tenor.load(numbers.folder).predict(["red thing"]).tolist()
        [[low, high]] = result["intervals"]
        assert low < result["predictions"][0] < high
        asked = {"model": "numbers", "inputs": ["red thing"], "top_k": 2}
        assert server.post("/predict", json=asked).status_code == 422
        assert [model["task"] for model in server.get("/models").json()] == ["multilabel", "regression"]
        assert (
            server.post("/predict", json={"inputs": "a"}).json()["detail"]
            == "name one of the models: several, numbers."
        )


def test_what_is_wrong_is_answered_with_what_is_wrong(model_folder: Path) -> None:
    limits = Limits(
        max_texts=3, max_characters=100, max_body_bytes=1_000, max_explained_texts=1, max_explained_characters=50
    )
    with client(model_folder, limits=limits) as server:

        def status(content: Any = None, **question: Any) -> int:
            sent = {"content": content} if content is not None else {"json": question}
            result = server.post("/predict", headers={"content-type": "application/json"}, **sent)
            assert result.json()["detail"]
            return result.status_code

        assert status(inputs=["a"] * 4) == 413
        assert status(inputs=["a" * 101]) == 413
        assert status(inputs=["a", "b"], explain=True) == 413
        assert status(inputs="a" * 51, explain=True) == 413
        assert status(content="x" * 2_000) == 413
        assert status(content=(part for part in [b"x" * 600] * 2)) == 413  # no length is told
        for content in ("", "{", "[]", "null", '{"inputs": 3}', '{"inputs": [null]}'):
            assert status(content=content) == 422
        assert status(content=b'{"inputs": "\xff"}') == 400
        for question in ({}, {"inputs": "a", "top_k": 0}, {"inputs": "a", "coverage": 1}, {"inputs": "a", "odd": 1}):
            assert status(**question) == 422
        assert status(inputs="a", model="other") == 404
        assert server.get("/nothing").status_code == 404
        assert server.get("/predict").status_code == 405
        assert server.post("/predict", json={"inputs": []}).json()["predictions"] == []
        for key in ("top_k", "explain"):
            assert status(content=rb'{"inputs": "a \ud800 b", "%b": true}' % key.encode()) == 422
        counted = server.get("/metrics").text
        assert 'tenor_requests_total{path="/predict",status="413"} 6.0' in counted
        assert 'tenor_requests_total{path="other",status="404"} 1.0' in counted


def test_a_key_is_asked_for_where_there_are_keys(model_folder: Path) -> None:
    with client(model_folder, keys=("one", "two")) as server:
        question = {"inputs": "a"}
        assert server.post("/predict", json=question).status_code == 401
        wrong = server.post("/predict", json=question, headers={"Authorization": "Bearer three"})
        assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")
        assert server.post("/predict", json=question, headers={"Authorization": "Bearer two"}).status_code == 200
        assert server.post("/predict", json=question, headers={"Authorization": "bearer two"}).status_code == 200
        assert server.post("/predict", json=question, headers={"Authorization": "Basic two"}).status_code == 401
        assert server.post("/predict", json=question, headers={"X-API-Key": "one"}).status_code == 200
        assert server.get("/metrics").status_code == 401
        assert [server.get(path).status_code for path in ("/", "/page.js", "/health/ready")] == [200, 200, 200]


def test_other_pages_may_ask_only_where_that_was_said(model_folder: Path) -> None:
    headers = {"origin": "https://example.org"}
    with client(model_folder) as server:
        assert "access-control-allow-origin" not in server.get("/models", headers=headers).headers
    with client(model_folder, origins=("https://example.org",)) as server:
        assert server.get("/models", headers=headers).headers["access-control-allow-origin"] == "https://example.org"
    keys = {"keys": ("one",), "origins": ("https://example.org",)}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    with client(model_folder, **keys) as server:  # a browser asks without the key whether its page may give it
        assert server.options("/predict", headers=headers | asked).status_code == 200
        refused = server.post("/predict", json={"inputs": "a"}, headers=headers)
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://example.org")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("POST", "/predict", b"{", 422, r"character 1: the JSON is not valid: .*\."),
        ("POST", "/predict", b"", 422, r"body: this field is missing; add it\."),
        (
            "POST",
            "/predict",
            b'{"inputs": "a", "top_k": 0}',
            422,
            r"top_k: give a number of at least 1\.",
        ),
        (
            "POST",
            "/predict",
            b'{"input": "a"}',
            422,
            r"inputs: this field is missing; add it; input: there is no such field; leave it out\.",
        ),
        (
            "POST",
            "/predict",
            b'{"inputs": "a", "' + b"x" * 500 + b'": 1}',
            422,
            r"x{80}: there is no such field; leave it out\.",
        ),
        ("POST", "/predict", b'{"inputs": "a", "coverage": 1}', 422, r"coverage: give a number below 1\."),
        ("POST", "/predict", b'{"inputs": ["a", 1]}', 422, r"inputs\.1: give a string or an object of fields\."),
        ("POST", "/predict", b"\xff", 400, r"the body is not UTF-8 text\. Send JSON in UTF-8\."),
        ("POST", "/predict", b'{"inputs": "a", "model": "no"}', 404, r"there is no model 'no'; there are: .*"),
        ("GET", "/nothing", b"", 404, r"there is nothing at this path\. GET /openapi\.json lists the paths\."),
        ("GET", "/predict", b"", 405, r"this path does not take this method\. GET /openapi\.json lists the methods\."),
    ],
)
def test_every_refusal_has_one_shape(
    model_folder: Path, method: str, path: str, body: bytes, status: int, detail: str
) -> None:
    with client(model_folder) as server:
        result = server.request(method, path, content=body, headers={"content-type": "application/json"})
    assert (result.status_code, list(result.json())) == (status, ["detail"])
    assert re.fullmatch(detail, result.json()["detail"])


def test_a_fault_of_the_server_has_this_shape_too(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(ServedModel, "predict", broken)
    made = app.create_app([model_folder], app.ServerOptions(reload_interval_s=0), lambda _: None)
    with TestClient(made, raise_server_exceptions=False) as server:
        result = server.post("/predict", json={"inputs": "a"})
    assert (result.status_code, result.json()) == (500, {"detail": "the server failed; its log says why."})


def test_an_origin_that_is_none_is_refused(cli: Any, model_folder: Path) -> None:
    for origin in ("example.org", "https://example.org/", "https://example.org/page"):
        result = cli("serve", model_folder, "--cors", origin)
        assert (result.code, "this is not a CORS origin" in result.err) == (1, True)


def test_a_refusal_does_not_repeat_what_was_sent(model_folder: Path) -> None:
    with client(model_folder, limits=Limits(max_held_bytes=5_000)) as server:
        plain = server.post("/predict", content=b'{"inputs": "a secret"}')
        assert plain.json() == {"detail": "send JSON, with the header content-type: application/json."}
        result = server.post("/predict", json={"inputs": ["a secret", *[3] * 500]})
        assert (result.status_code, "secret" in result.text) == (422, False)
        assert result.json()["detail"] == "inputs.1: give a string or an object of fields."
        result = server.post("/predict", json={"inputs": "a" * 6_000})
        assert (result.status_code, result.headers["retry-after"]) == (503, "1")
        assert server.post("/predict", json={"inputs": "a" * 3_000}).status_code == 200  # what was held was let go


def test_what_takes_too_long_is_given_up() -> None:
    ended: list[int] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(0)
            raise

    guard = Guard(slow, Limits(timeout_s=0.1), (), lambda scope, status, spent: ended.append(status))
    late = TestClient(guard).post("/predict", json={"inputs": "a"})
    assert (late.status_code, late.json()) == (504, {"detail": "there was no answer within 0.1 seconds."})
    assert ended == [0, 504]


@pytest.mark.parametrize(
    ("length", "status"),
    [("0" * 5_000 + "15", 200), ("0" * 5_000, 422), ("9" * 5_000, 413), ("1" + "0" * 19, 413), ("+15", 413)],
)
def test_a_length_of_many_digits_is_a_length(model_folder: Path, length: str, status: int) -> None:
    with client(model_folder) as server:
        headers = {"content-length": length, "content-type": "application/json"}
        body = b"" if length == "0" * 5_000 else b'{"inputs": "a"}'
        result = server.post("/predict", content=body, headers=headers)
    assert result.status_code == status
    assert status == 200 or list(result.json()) == ["detail"]


def test_predictions_do_not_wait_for_other_work() -> None:
    held = threading.Event()

    async def run() -> None:
        batcher = Batcher()
        task = asyncio.create_task(batcher.run())
        others = [asyncio.create_task(batcher.run_aside(held.wait)) for _ in range(64)]
        await asyncio.sleep(0.01)
        async with asyncio.timeout(10):
            result = await batcher.submit(lambda texts: np.ones((len(texts), 1), np.float32), ["a"])
        assert result.tolist() == [[1]]
        with pytest.raises(QueueFullError):
            await batcher.run_aside(held.wait)
        held.set()
        assert all(await asyncio.gather(*others))
        task.cancel()

    try:
        asyncio.run(run())
    finally:
        held.set()


def test_texts_are_in_the_log_only_where_that_was_said(model_folder: Path) -> None:
    for log_texts in (False, True):
        events: list[dict[str, Any]] = []
        with client(model_folder, log=events.append, log_texts=log_texts) as server:
            server.post("/predict", json={"inputs": "a secret"})
        assert ("a secret" in json.dumps(events)) == log_texts
        assert events[-1]["event"] == "request"


def test_a_line_of_the_log_is_one_line_and_shows_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"text": "好 \x1b[31m\n\x9b\u202e\u2028 \ud83d", "name": "\x7f"}
    running.log_line(event)
    line = capsys.readouterr().err
    assert line.endswith("\n") and line[:-1].isprintable() and "好" in line
    assert {key: value for key, value in json.loads(line).items() if key != "time"} == event


def test_a_batch_holds_what_waited_and_a_full_queue_refuses() -> None:
    sizes: list[int] = []

    def slow(texts: Any) -> Any:
        time.sleep(0.02)
        return np.array([[len(text)] for text in texts], np.float32)

    def broken(texts: Any) -> Any:
        raise TenorError("broken.")

    async def run() -> list[Any]:
        batcher = Batcher(max_batch_size=4, queue_size=6, on_batch=sizes.append)
        task = asyncio.create_task(batcher.run())
        first = asyncio.create_task(batcher.submit(slow, ["a"]))
        await asyncio.sleep(0.005)
        others = [asyncio.create_task(batcher.submit(slow, ["bb"] * size)) for size in (1, 2, 2, 1)]
        await asyncio.sleep(0.001)
        assert batcher.queued == 6
        with pytest.raises(QueueFullError):
            await batcher.submit(slow, ["c"])
        others[3].cancel()  # a client that has gone
        result = await asyncio.gather(first, *others, return_exceptions=True)
        assert batcher.queued == 0
        with pytest.raises(TenorError, match="broken"):
            await batcher.submit(broken, ["d"])
        result.append(await batcher.submit(slow, ["eee"]))
        task.cancel()
        return result

    result = asyncio.run(run())
    assert sizes == [1, 3, 2, 1, 1]
    assert [each.tolist() for each in result if isinstance(each, np.ndarray)] == [
        [[1]],
        [[2]],
        [[2]] * 2,
        [[2]] * 2,
        [[3]],
    ]


def test_two_models_of_one_name_are_refused(model_folder: Path) -> None:
    with pytest.raises(SettingsError, match="two models have the same name"):
        app.create_app([model_folder, model_folder], app.ServerOptions(), print)


@pytest.fixture
def process(tmp_path: Path, model_folder: Path) -> Iterator[tuple[str, subprocess.Popen[str], Path]]:
    """The address of a server of a copy of the model, its process, and the model's folder."""
    folder = tmp_path / "served"
    tenor.load(model_folder).save(folder)
    command = [sys.executable, "-W", "error", "-m", "tenor", "serve", str(folder), "--port", "0"]
    command += ["--watch", "0.2", "--timeout", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        try:
            line = started.stderr.readline()
            assert line.startswith("listening on "), line + started.stderr.read()
            yield line.split()[-1], started, folder
        finally:
            started.kill()


def test_a_server_lives_through_bad_clients_a_new_model_and_ends_with_every_answer_given(
    process: tuple[str, subprocess.Popen[str], Path], english_csv: Path
) -> None:
    address, server, folder = process
    host, port = address.removeprefix("http://").split(":")
    for _ in range(100):
        try:
            if httpx2.get(f"{address}/health/ready").status_code == 200:
                break
        except httpx2.TransportError:
            time.sleep(0.05)

    for sent in (b"\x00\xff\r\n\r\n", b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{"):
        with socket.create_connection((host, int(port))) as cut:
            cut.sendall(sent)
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{")
        slow.settimeout(10)
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")

    version = httpx2.get(f"{address}/models").json()[0]["version"]
    pipeline.train(RunConfig(str(english_csv), family="ngram", out=str(folder), overwrite=True, seed=9, report=False))
    for _ in range(200):
        result = httpx2.get(f"{address}/models").json()[0]
        assert httpx2.post(f"{address}/predict", json={"inputs": "superb"}).status_code == 200
        if result["version"] != version:
            break
        time.sleep(0.2)
    assert result["version"] != version

    with socket.create_connection((host, int(port))) as late:
        body = json.dumps({"inputs": ["superb"] * 500}).encode()
        lines = ["POST /predict HTTP/1.1", "host: x", "content-type: application/json", f"content-length: {len(body)}"]
        head = "\r\n".join([*lines, "", ""]).encode()
        late.sendall(head + body[:10])
        time.sleep(0.2)
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.2)
        late.sendall(body[10:])
        late.settimeout(10)
        assert late.recv(20).startswith(b"HTTP/1.1 200 ")
    assert server.wait(10) in (0, -signal.SIGTERM)


def test_a_port_that_is_taken_is_told(cli: Any, model_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = cli("serve", model_folder, "--port", taken.getsockname()[1])
    assert result.code == 1
    assert "the server cannot listen there" in result.err
