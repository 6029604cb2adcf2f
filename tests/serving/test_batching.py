"""What a model does to the work in front of it: it fails, panics, hangs, or answers nonsense. The work goes on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from tenor.serving import batching
from tenor.serving.batching import Batcher, ModelError, ModelStuckError, QueueFullError


def lengths(texts: Any) -> Any:
    return np.array([[len(text)] for text in texts], np.float32)


def run(work: Callable[[Batcher], Awaitable[None]], **options: Any) -> None:
    async def begun() -> None:
        batcher = Batcher(**options)
        task = asyncio.create_task(batcher.run())
        async with asyncio.timeout(30):
            await work(batcher)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(begun())


def test_a_panic_in_a_tokenizer_is_the_fault_of_one_request() -> None:
    tokenizer = Tokenizer(WordLevel({"a": 0}, "a"))
    tokenizer.pre_tokenizer = Split(Regex("(a+)+$"), "isolated")

    def panics(texts: Any) -> Any:
        tokenizer.encode("a" * 60 + "!")

    async def work(batcher: Batcher) -> None:
        for call in (batcher.submit(panics, ["a"]), batcher.run_aside(lambda: panics([]))):
            with pytest.raises(ModelError, match="PanicException") as caught:
                await call
            assert not isinstance(caught.value.__cause__, Exception)
        assert (await batcher.submit(lengths, ["abc"])).tolist() == [[3]]
        assert batcher.fault() is None

    run(work)


@pytest.mark.parametrize("nonsense", [lambda _: None, lambda _: np.zeros((3, 1)), lambda _: 1 / 0])
def test_nonsense_is_the_fault_of_one_request(nonsense: Any) -> None:
    async def work(batcher: Batcher) -> None:
        with pytest.raises((TypeError, ModelError, ZeroDivisionError), match=r"has no len|3 texts of 1|by zero"):
            await batcher.submit(nonsense, ["a"])
        assert (await batcher.submit(lengths, ["abc"])).tolist() == [[3]]

    run(work)


def test_whoever_counts_batches_may_fail() -> None:
    def broken(_: int) -> None:
        raise ZeroDivisionError("the counter is broken")

    async def work(batcher: Batcher) -> None:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match="counter is broken"):
                await batcher.submit(lengths, ["a"])

    run(work, on_batch=broken)


def test_a_model_that_hangs_is_told_of_and_its_end_is_waited_for() -> None:
    held = threading.Event()

    def hangs(texts: Any) -> Any:
        held.wait()
        return lengths(texts)

    async def work(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.submit(hangs, ["a"]))
        while batcher.fault() is None:
            await asyncio.sleep(0.001)
        with pytest.raises(ModelStuckError, match=r"has computed one batch for \d+ seconds"):
            await batcher.submit(lengths, ["b"])
        held.set()
        assert (await first).tolist() == [[1]]
        assert (await batcher.submit(lengths, ["abc"])).tolist() == [[3]]

    try:
        run(work, timeout_s=0.05)
    finally:
        held.set()


def test_work_beside_counts_until_its_thread_has_done_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "_MAX_ASIDE", 2)
    begun, held = threading.Event(), threading.Event()
    done: list[str] = []

    def slow() -> None:
        begun.set()
        held.wait()
        done.append("slow")

    async def work(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.run_aside(slow))
        second = asyncio.create_task(batcher.run_aside(lambda: done.append("second")))
        await asyncio.to_thread(begun.wait)
        for task in (first, second):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        third = asyncio.create_task(batcher.run_aside(lambda: done.append("third")))
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError):
            await batcher.run_aside(slow)
        held.set()
        await third
        assert done == ["slow", "third"]

    try:
        run(work)
    finally:
        held.set()


def test_at_the_end_whoever_waits_hears_of_it() -> None:
    held = threading.Event()

    async def begun() -> None:
        batcher = Batcher()
        task = asyncio.create_task(batcher.run())
        waiting = [asyncio.create_task(batcher.submit(lambda _: held.wait(), ["a"])) for _ in range(3)]
        await asyncio.sleep(0.01)
        task.cancel()
        for each in waiting:
            with pytest.raises(ModelStuckError, match="has stopped"):
                await each
        with pytest.raises(ModelStuckError, match="has stopped"):
            await batcher.submit(lengths, ["a"])
        with pytest.raises(ModelStuckError, match="has stopped"):
            await batcher.run_aside(held.wait)
        with pytest.raises(asyncio.CancelledError):
            await task

    try:
        asyncio.run(begun())
    finally:
        held.set()


def test_what_ends_the_program_ends_it() -> None:
    def ends(_: Any) -> Any:
        raise SystemExit(3)

    async def work(batcher: Batcher) -> None:
        await batcher.submit(ends, ["a"])

    with pytest.raises(SystemExit, match="3"):
        run(work)
