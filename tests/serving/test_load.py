"""A real server under load: bad clients beside good ones, a new model, and its end, in order and by force."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tenor
from helpers.server import Server, answer, closed, request
from tenor.config.run_config import RunConfig
from tenor.data.correction_store import CorrectionStore
from tenor.inference.predictor import Predictor
from tenor.training import pipeline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted as Linux tells them"),
]
LEFT = (ConnectionError, asyncio.IncompleteReadError)
"""What a client meets where the server has closed the connection."""
TEXTS = [f"{word} film, number {number}" for number in range(8) for word in ("superb", "dull", "好看")]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(folder: Path, *options: str, files: int | None = None) -> Server:
        started.append(Server(folder, tmp_path / f"log-{len(started)}", *options, files=files))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def folder(tmp_path: Path, model_folder: Path) -> Path:
    tenor.load(model_folder).save(tmp_path / "served")
    return tmp_path / "served"


@contextlib.asynccontextmanager
async def connected(server: Server) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        await closed(writer)


async def good(server: Server, number: int, until: Callable[[], bool], model: Predictor | None = None) -> int:
    """Ask again and again; each answer has to be that of its text. Returns how many came before the server left."""
    expected = None if model is None else model.predict_proba(TEXTS).max(axis=1)
    came = 0
    with contextlib.suppress(*LEFT):
        async with connected(server) as (reader, writer):
            while not until():
                at = (number + came) % len(TEXTS)
                writer.write(request({"inputs": TEXTS[at]}))
                status, said = await answer(reader)
                assert status == 200, said
                [[best]] = said["predictions"]
                assert expected is None or best["score"] == pytest.approx(expected[at], rel=1e-5)
                came += 1
            with pytest.raises(TimeoutError):  # nothing was answered twice
                await asyncio.wait_for(reader.readexactly(1), 0.01)
    return came


async def asked_once(server: Server) -> int:
    over = iter((False, True))
    return await good(server, 0, lambda: next(over))


async def malformed(server: Server) -> None:
    for sent in (b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"POST /predict HTTP/1.1\r\ncontent-length: x\r\n\r\n"):
        async with connected(server) as (reader, writer):
            writer.write(sent)
            status, said = await answer(reader)
            assert (status, said) == (400, {"detail": "this is not an HTTP request."})
    async with connected(server) as (reader, writer):
        for body in (b"{", b"[]", b"\xff", b'{"inputs": 3}', b"[" * 100_000):
            writer.write(request(body))
            assert (await answer(reader))[0] in (400, 422)


async def oversized(server: Server) -> None:
    async with connected(server) as (reader, writer):
        writer.write(request(b" " * (17 << 20)))
        assert (await answer(reader))[0] == 413
    async with connected(server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000)
        with contextlib.suppress(ConnectionError):  # what was not read takes the answer with it
            assert (await answer(reader))[0] == 431


async def slow(server: Server) -> None:
    """One byte after the other: in time, then a head and a body that are not."""
    async with connected(server) as (reader, writer):
        for byte in request({"inputs": TEXTS[0]}):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.001)
        assert (await answer(reader))[0] == 200
    for sent in (b"POST /predict HTTP/1.1\r\nho", request({"inputs": TEXTS[0]})[:-5]):
        async with connected(server) as (reader, writer):
            writer.write(sent)
            assert (await answer(reader))[0] == 408
            assert await reader.read() == b""


async def other_protocols(server: Server) -> None:
    """Who offers another protocol, as Java's client does, is answered in this one."""
    for offered in (
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
        b"upgrade: websocket\r\nconnection: upgrade",
    ):
        async with connected(server) as (reader, writer):
            writer.write(request({"inputs": "upgrade: a superb film"}).replace(b"host: x", b"host: x\r\n" + offered))
            assert (await answer(reader))[0] == 200


async def cut_off(server: Server) -> None:
    whole = request({"inputs": TEXTS})
    for length in (1, 20, 60, len(whole) - 1, len(whole)):
        async with connected(server) as (_, writer):
            writer.write(whole[:length])
            await writer.drain()


async def never_reading(server: Server) -> None:
    """Ask for far more than the buffers between both ends take, and read nothing until the server has given up."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    narrow.connect(("127.0.0.1", server.port))
    _, writer = await asyncio.open_connection(sock=narrow, limit=1_024)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    asked = request({"inputs": ["superb"] * 1_000})
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(20):
            while True:
                writer.write(asked)
                await writer.drain()
                await asyncio.sleep(0.005)
    writer.transport.abort()
    await closed(writer)


async def all_of(*work: Awaitable[Any]) -> list[Any]:
    """All results, within a minute."""
    async with asyncio.timeout(60):
        return await asyncio.gather(*work)


def test_good_clients_notice_nothing_of_bad_ones(serve: Callable[..., Server], folder: Path) -> None:
    server = serve(folder, "--port", "0", "--timeout", "2")
    assert asyncio.run(asked_once(server))
    before = server.files()
    over = False

    async def bad() -> None:
        nonlocal over
        kinds = (malformed, oversized, slow, other_protocols, cut_off, never_reading)
        await asyncio.gather(*(kind(server) for kind in kinds for _ in range(2)))
        over = True

    async def run() -> list[Any]:
        model = tenor.load(folder)
        return await all_of(bad(), *(good(server, number, lambda: over, model) for number in range(6)))

    _, *came = asyncio.run(run())
    assert min(came) > 0
    assert server.process.poll() is None
    for _ in range(60):
        if server.files() <= before:
            break
        time.sleep(0.1)
    assert server.files() <= before
    answered = server.answered()
    assert answered[200] >= sum(came)
    assert set(answered) <= {200, 400, 408, 413, 422, 499}


def test_hundreds_who_ask_at_once_are_all_answered(serve: Callable[..., Server], folder: Path) -> None:
    server = serve(folder, "--port", "0", "--queue", "100")
    gate = asyncio.Event()

    async def one(number: int) -> int:
        async with connected(server) as (reader, writer):
            await gate.wait()
            writer.write(request({"inputs": [TEXTS[number % len(TEXTS)]] * 2}))
            status, said = await answer(reader)
            assert len(said["predictions"]) == 2 if status == 200 else "try again" in said["detail"]
            return status

    async def run() -> list[int]:
        asked = [asyncio.create_task(one(number)) for number in range(400)]
        await asyncio.sleep(0.5)
        gate.set()
        return await all_of(*asked)

    statuses = Counter(asyncio.run(run()))
    assert set(statuses) <= {200, 503}
    assert statuses[200] >= 50
    time.sleep(0.2)  # the line of a request is written after its answer
    assert server.answered() == statuses


def test_more_connections_than_files_are_told_to_come_again(serve: Callable[..., Server], folder: Path) -> None:
    server = serve(folder, "--port", "0", files=168)  # of which 40 for connections

    async def one() -> int:
        async with connected(server) as (reader, writer):
            await asyncio.sleep(0.5)
            with contextlib.suppress(ConnectionError):  # it may have been turned away by now
                writer.write(request({"inputs": "a"}))
            return (await answer(reader))[0]

    async def run() -> list[int]:
        return await all_of(*(one() for _ in range(100)))

    assert Counter(asyncio.run(run())) == {200: 40, 503: 60}
    assert asyncio.run(asked_once(server)) == 1


def test_a_new_model_under_load_loses_no_request(
    serve: Callable[..., Server], folder: Path, tmp_path: Path, english_csv: Path
) -> None:
    other = pipeline.train(
        RunConfig(str(english_csv), family="ngram", out=str(tmp_path / "other"), seed=9, report=False)
    )
    first = tenor.load(folder)
    server = serve(folder, "--port", "0", "--watch", "0.1")
    over = False

    def reloaded() -> int:
        return server.log.read_text().count('"reloaded"')

    def swap() -> None:
        nonlocal over
        for number in range(3):
            (tenor.load(other.folder), first)[number % 2].save(folder, overwrite=True)
            for _ in range(600):
                if reloaded() > number:
                    break
                time.sleep(0.05)
        over = True

    async def run() -> list[int]:
        return await all_of(*(good(server, number, lambda: over) for number in range(4)))

    thread = threading.Thread(target=swap)
    thread.start()
    came = asyncio.run(run())
    thread.join()
    time.sleep(0.2)
    assert server.answered() == {200: sum(came)}
    assert reloaded() >= 3


def test_sigterm_under_load_answers_what_was_accepted(serve: Callable[..., Server], folder: Path) -> None:
    server = serve(folder, "--port", "0")

    async def end() -> None:
        while server.answered()[200] < 480:
            await asyncio.sleep(0.1)
        os.kill(server.process.pid, signal.SIGTERM)

    async def run() -> list[Any]:
        return await all_of(end(), *(good(server, number, lambda: False) for number in range(48)))

    _, *came = asyncio.run(run())
    assert server.process.wait(10) in (0, -signal.SIGTERM)
    assert min(came) > 0
    assert server.answered() == {200: sum(came)}
    with pytest.raises(ConnectionError):
        asyncio.run(all_of(asyncio.open_connection("127.0.0.1", server.port)))


def test_sigkill_under_load_loses_no_correction_that_was_kept(
    serve: Callable[..., Server], folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.db"
    server = serve(folder, "--port", "0", "--corrections", str(kept))
    confirmed: list[str] = []

    async def correct(number: int) -> None:
        with contextlib.suppress(*LEFT):
            async with connected(server) as (reader, writer):
                for each in range(100):
                    text = f"superb, {number} {each}"
                    writer.write(request({"text": text, "label": "negative"}, "/corrections"))
                    status, _ = await answer(reader)
                    if status == 201:
                        confirmed.append(text)
                        if len(confirmed) == 40:
                            os.kill(server.process.pid, signal.SIGKILL)

    async def run() -> list[Any]:
        work = [correct(number) for number in range(4)]
        return await all_of(*work, *(good(server, number, lambda: False) for number in range(8)))

    asyncio.run(run())
    assert server.process.wait(10) == -signal.SIGKILL
    again = serve(folder, "--port", str(server.port), "--corrections", str(kept))
    assert asyncio.run(asked_once(again)) == 1
    store = CorrectionStore(str(kept), create=False)
    texts = {text for chunk in store.table().chunks for text in chunk.columns["text"]}
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    store.close()
    assert len(confirmed) >= 40
    assert set(confirmed) <= texts
