"""A new version of a model is tried in another process, and whatever it does, the old one answers."""

import asyncio
import hashlib
import json
import os
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import tenor
from tenor.inference import bundle
from tenor.inference.predictor import Predictor
from tenor.serving import reloading, trial
from tenor.serving.options import ServerOptions
from tenor.serving.served_model import ServedModel

DOES = """
import os, signal, sys
from tenor.inference import predictor

def raw_logits(self, texts):
    {}

predictor.Predictor.raw_logits = raw_logits
"""


class Panic(BaseException):
    """As native code raises it."""


@pytest.fixture
def folder(tmp_path: Path, model_folder: Path) -> Path:
    shutil.copytree(model_folder, tmp_path / "served")
    return tmp_path / "served"


@pytest.fixture
def does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have models of processes that are started from now on do this when they predict."""

    def set_up(code: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(DOES.format(code), encoding="utf-8")
        monkeypatch.setenv(
            "PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        )

    return set_up


def test_a_good_model_passes(folder: Path) -> None:
    assert asyncio.run(trial.try_model(folder, bundle.digest(folder), 60)) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("while True: pass", "it took more than 1 seconds of the processor, or too much memory, and was ended."),
        ("bytearray(100 << 30)", "it takes more than 2,0"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "it crashed (SIGSEGV), or took too much memory."),
        ("sys.exit(3)", "SystemExit: 3"),
        ("os._exit(3)", "its trial ended with status 3."),
    ],
)
def test_a_model_that_means_harm_is_told_of(
    folder: Path, does: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, code: str, problem: str
) -> None:
    monkeypatch.setattr(trial, "_WALL_RATIO", 60)  # the machine may have other work
    does(code)
    told = asyncio.run(trial.try_model(folder, bundle.digest(folder), 1))
    assert told is not None
    assert told.startswith(problem)


def test_a_model_that_sleeps_is_ended(
    folder: Path, does: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_WALL_RATIO", 0)
    does("import time; time.sleep(1e6)")
    told = asyncio.run(trial.try_model(folder, bundle.digest(folder), 10))
    assert told == "it did not load and predict a few texts within 0 seconds."


@pytest.mark.parametrize("answer", ["[float('nan')] * 4", "[1.0]"])
def test_a_model_that_answers_nonsense_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(Predictor, "raw_logits", lambda *_: eval(answer))
    with pytest.raises(tenor.errors.BundleError, match="does not give a finite number for each text"):
        trial.load_warmed(folder)


def watched(folder: Path, work: Callable[[ServedModel, list[dict[str, Any]], Counter[str]], Awaitable[None]]) -> None:
    """Watch a served model while this is done."""

    async def run() -> None:
        events: list[dict[str, Any]] = []
        outcomes: Counter[str] = Counter()
        served = ServedModel(folder, ServerOptions(), lambda _: None)
        served.start()
        watch = reloading.watch(served, 0.01, 30, events.append, lambda _, outcome: outcomes.update([outcome]))
        task = asyncio.create_task(watch)
        async with asyncio.timeout(60):
            await work(served, events, outcomes)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await served.stop()

    asyncio.run(run())


async def until(true: Callable[[], Any]) -> None:
    while not true():
        await asyncio.sleep(0.01)


def signed(folder: Path, name: str, content: bytes) -> None:
    """Exchange a file of a model, and sign the manifest anew."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("error", [Panic("panicked"), ValueError("of csv"), MemoryError(), SyntaxError("odd")])
def test_the_watch_outlives_every_error(folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    passed: list[Path] = []

    async def tried(folder: Path, *_: Any) -> None:
        passed.append(folder)
        if len(passed) == 1:
            raise error

    monkeypatch.setattr(trial, "try_model", tried)
    monkeypatch.setattr(reloading, "_RETRY_AFTER", 0)

    async def work(served: ServedModel, events: list[dict[str, Any]], outcomes: Counter[str]) -> None:
        old = served.version
        signed(folder, "history.csv", b"epoch,loss\n1,0.5\n")
        await until(lambda: served.version != old)
        assert [event["event"] for event in events] == ["not reloaded", "reloaded"]
        assert events[0]["problem"] == f"{type(error).__name__}: {error}"
        assert outcomes == {"refused": 1, "taken": 1}
        assert served.notes() == []

    watched(folder, work)


def test_a_damaged_version_is_told_of_and_a_good_one_after_it_is_taken(folder: Path) -> None:
    async def work(served: ServedModel, events: list[dict[str, Any]], outcomes: Counter[str]) -> None:
        old = served.version
        signed(folder, "history.csv", b"epoch,loss\n1," + b"5" * 200_000 + b"\n")
        signed(folder, "weights.safetensors", b"\xff" * 100)
        await until(lambda: events)
        assert (events[0]["event"], events[0]["version"]) == ("not reloaded", served.refused)
        assert served.version == old
        assert served.notes() == ["a new version in its folder was refused; the log says why."]
        assert (await served.batcher.submit(served.predictor.raw_logits, ["a"])).shape[0] == 1
        (folder / "manifest.json").unlink()
        os.mkfifo(folder / "manifest.json")  # which nobody writes into: who reads it waits for ever
        await until(lambda: len(events) > 1)
        assert events[1]["problem"] == "manifest.json is not a file that a model can have."
        shutil.rmtree(folder)
        tenor.load(old_folder).save(folder)
        signed(folder, "history.csv", b"epoch,loss\n1,0.25\n")
        await until(lambda: served.version != old)
        assert served.notes() == []
        assert outcomes == {"refused": 2, "taken": 1}

    old_folder = folder.parent / "kept"
    shutil.copytree(folder, old_folder)
    watched(folder, work)


def test_a_version_that_was_not_tried_is_not_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    async def exchanged(folder: Path, digest: str, _: float) -> None:
        """Every version passes; once the first has, another takes its place."""
        tried.append(digest)
        if len(tried) == 1:
            signed(folder, "history.csv", b"epoch,loss\n1,0.25\n")

    monkeypatch.setattr(trial, "try_model", exchanged)

    async def work(served: ServedModel, events: list[dict[str, Any]], outcomes: Counter[str]) -> None:
        old = served.version
        signed(folder, "history.csv", b"epoch,loss\n1,0.5\n")
        await until(lambda: served.version != old)
        assert served.predictor.bundle.history == [{"epoch": "1", "loss": "0.25"}]
        assert served.predictor.bundle.digest == tried[-1] == bundle.digest(folder)
        assert outcomes == {"refused": 1, "taken": 1}
        assert events[0]["version"] == tried[0][:12]
        assert "another model was put there meanwhile" in events[0]["problem"]

    watched(folder, work)


def test_a_trial_of_a_folder_that_was_exchanged_is_of_no_use(folder: Path) -> None:
    told = asyncio.run(trial.try_model(folder, "0" * 64, 60))
    assert told == f"{folder}: another model was put there meanwhile. Try again."


def test_a_new_version_frees_a_model_that_hangs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    async def run() -> None:
        served = ServedModel(folder, ServerOptions(), lambda _: None)
        served.start()
        hangs = asyncio.create_task(served.batcher.submit(lambda _: held.wait(), ["a"]))
        await asyncio.sleep(0.01)
        monkeypatch.setattr(served.batcher, "_timeout_s", 0.0)
        assert served.fault()
        await served.reload(bundle.digest(folder), 60)
        assert served.fault() is None
        assert (await served.batcher.submit(served.predictor.raw_logits, ["a"])).shape[0] == 1
        assert "has stopped" in str((await asyncio.gather(hangs, return_exceptions=True))[0])
        await served.stop()

    try:
        asyncio.run(run())
    finally:
        held.set()
