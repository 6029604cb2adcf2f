"""Requests that mean harm, sent to real servers: each is answered or let go, and good ones beside it are answered."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.server import Server, answer, closed, request
from tenor.serving import running, schemas
from tenor.serving.schemas import PredictResponse, ScoredLabel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
MIB = 1 << 20
UPGRADE = b"host: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
HANGS = """
import time
from tenor.inference.predictor import Predictor
from tenor.cli.main import main

class Panic(BaseException):
    pass

raw_logits = Predictor.raw_logits

def hangs(self, texts):
    if "hang" in texts:
        time.sleep(1e6)
    if "panic" in texts:
        raise Panic("of native code")
    return raw_logits(self, texts)

Predictor.raw_logits = hangs
main()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[Server]:
    """A server of two models, which hang or panic where a text says so."""
    place = tmp_path_factory.mktemp("attacked")
    for name in ("one", "two"):
        shutil.copytree(model_folder, place / name)
    started = Server(
        place / "one", place / "log", str(place / "two"), "--port", "0", "--timeout", "1", program=["-c", HANGS]
    )
    yield started
    started.process.kill()
    started.process.wait()


async def sent(server: Server, *parts: bytes, answers: int = 1) -> list[tuple[int, Any]]:
    """What comes for bytes that are sent in these parts over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(30):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.001)
            return [await answer(reader) for _ in range(answers)]
    finally:
        await closed(writer)


def asked(text: str | list[str], model: str = "one") -> bytes:
    return request({"inputs": text, "model": model})


async def got(server: Server, path: str) -> tuple[int, Any]:
    [result] = await sent(server, f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    return result


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"inputs": [' + b"1, " * (2 * MIB // 3) + b"1]}", 422),
        (json.dumps(dict.fromkeys(map(str, range(100_000)))).encode(), 422),
        (b'{"inputs": ' + b"[" * MIB, 422),
        (b'{"inputs": [' + b'"", ' * MIB + b'""]}', 413),
        (b'{"inputs": "' + b'\\"' * (5 * MIB) + b'"}', 413),
        (b'{"inputs": "a", "model": "one"' + b" " * (4 * MIB) + b"}", 200),
    ],
    ids=["ones", "keys", "nesting", "texts", "characters", "spaces"],
)
def test_large_bodies_are_answered_at_their_first_fault(server: Server, body: bytes, status: int) -> None:
    assert [result for result, _ in asyncio.run(sent(server, request(body)))] == [status]


@pytest.mark.parametrize("cut", [None, 30, 70, 100])
def test_a_pipelined_request_with_upgrade_keeps_its_body(server: Server, cut: int | None) -> None:
    offers = asked(["a", "b"]).replace(b"host: x\r\n", UPGRADE)
    parts = [asked("a") + offers + asked("b")] if cut is None else [asked("a"), offers[:cut], offers[cut:], asked("b")]
    result = asyncio.run(sent(server, *parts, answers=3))
    assert [(status, len(said["predictions"])) for status, said in result] == [(200, 1), (200, 2), (200, 1)]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: a\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"a" * MIB + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000,
    ],
    ids=["header", "headers", "path", "no end"],
)
def test_a_head_that_is_too_large_at_once_is_told(server: Server, head: bytes) -> None:
    assert asyncio.run(sent(server, head)) == [(431, {"detail": "the head of a request may have 65,536 bytes."})]


@pytest.mark.parametrize("bad", [b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000 + b"\r\n\r\n", None])
def test_what_came_before_a_bad_request_is_answered_first(server: Server, bad: bytes | None) -> None:
    bad = bad or b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"

    async def run() -> list[Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            async with asyncio.timeout(30):
                writer.write(asked("a") + asked("b") + bad)
                return [*[(await answer(reader))[0] for _ in range(2)], await reader.read()]
        finally:
            await closed(writer)

    assert asyncio.run(run()) == [200, 200, b""]


def test_a_model_that_panics_and_hangs_is_told_of_and_sigterm_is_heard(server: Server) -> None:
    async def run() -> None:
        [(status, said)] = await sent(server, asked("panic"))
        assert (status, said) == (500, {"detail": "the server failed; its log says why."})
        assert (await sent(server, asked("a")))[0][0] == 200
        assert await got(server, "/health/ready") == (200, {"status": "ready"})
        [(status, said)] = await sent(server, asked("hang"))
        assert (status, said) == (504, {"detail": "there was no answer within 1 seconds."})
        async with asyncio.timeout(30):
            while (result := await got(server, "/health/ready"))[0] == 200:
                await asyncio.sleep(0.1)
        status, said = result
        assert (status, said["detail"].partition(":")[0]) == (503, "one does not answer")
        [(status, said)] = await sent(server, asked("a"))
        assert (status, said["detail"].partition(":")[0]) == (503, "one does not answer")
        assert (await sent(server, asked("a", "two")))[0][0] == 200
        _, told = await got(server, "/metrics")
        assert b'tenor_model_answers{model="one"} 0.0' in told
        assert b'tenor_model_answers{model="two"} 1.0' in told

    asyncio.run(run())
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(30) == 128 + signal.SIGTERM
    events = [json.loads(line) for line in server.log.read_text(encoding="utf-8").splitlines() if line[0] == "{"]
    assert events[-1]["message"] == "a model did not stop within 4 seconds, so the server ended without it."
    assert sum("Panic: of native code" in event.get("traceback", "") for event in events) == 1


def test_the_log_moves_no_cursor_and_turns_no_text_around(capsys: pytest.CaptureFixture[str]) -> None:
    harm = "\x1b[2J\x9b\x7f\u202e\u2066\u2028\ufeff\n好"
    running.log_line({"event": "texts", "model": harm, "inputs": [harm]})
    line = capsys.readouterr().err
    assert not set(harm) & set(line.removesuffix("\n").replace("\\n", "")) - set("[2Jn好")
    assert "好" in line
    assert json.loads(line)["inputs"] == [harm]


def test_large_answers_are_made_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "_CHUNK", 2)
    rows = [[ScoredLabel(label=f'"{number}"好', score=number / 7)] for number in range(5)]
    for given in (
        PredictResponse(
            model="a", predictions=rows, sets=[["a"], [], ["b"]], explanations=[{"text": "x", "labels": {}}]
        ),
        PredictResponse(model="b", predictions=[1.5, -2.0, 1e-9], intervals=[(None, 1.0), (2.0, 3.0)]),
        PredictResponse(model="c", predictions=[]),
    ):
        assert given.to_json() == given.model_dump_json(exclude_none=True).encode()
