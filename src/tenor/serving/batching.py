"""Texts of many requests -> few calls of the model.

While the model computes, requests gather; they go to it together as soon as it is free. So a lone request never waits,
and under load batches grow by themselves.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from tenor.tasks import Floats

Result = TypeVar("Result")
Predict = Callable[[Sequence[str]], Floats]
_BESIDE = 64  # requests that wait for work beside predictions


class QueueFullError(Exception):
    """There are too many texts in the queue."""


class ModelStuckError(Exception):
    """The model does not answer; the words say why."""


class ModelError(RuntimeError):
    """The model failed in a way that is no exception of Python's, such as a panic in native code."""


class _Job(NamedTuple):
    predict: Predict
    texts: list[str]
    answer: asyncio.Future[Floats]


class Batcher:
    """A queue in front of one model, which is called in one thread; what takes longer is done in another.

    Attributes:
        queued: Texts that wait.
    """

    def __init__(
        self,
        max_batch_size: int = 256,
        batch_wait_s: float = 0.0,
        queue_size: int = 10_000,
        on_batch: Callable[[int], None] = lambda _: None,
        timeout_s: float = 60.0,
    ) -> None:
        """Make the queue; `run` empties it.

        Args:
            max_batch_size: Texts of a batch; a request with more is a batch of its own.
            batch_wait_s: How long the first request of a batch waits for others while the model is free.
            queue_size: Texts that may wait, at most.
            on_batch: Hears the number of texts of each batch.
            timeout_s: How long a batch may take before the model is held to be stuck.
        """
        self.queued = 0
        self._timeout_s = timeout_s
        self._begun: float | None = None  # when the batch that is computed now was handed to the model
        self._ended = False
        self._max_batch_size, self._batch_wait_s, self._queue_size, self._on_batch = (
            max_batch_size,
            batch_wait_s,
            queue_size,
            on_batch,
        )
        self._jobs: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "model")
        self._aside = ThreadPoolExecutor(1, "aside")
        self._aside_slots = threading.Semaphore(_BESIDE)

    async def submit(self, predict: Predict, texts: list[str]) -> Floats:
        """What `predict` says of some texts, (texts, outputs).

        Raises:
            Full: Too many texts wait already.
            Stuck: The model does not answer.
            ModelError: It fails.
        """
        if problem := self.fault():
            raise ModelStuckError(problem)
        if self._jobs and self.queued + len(texts) > self._queue_size:
            raise QueueFullError
        job = _Job(predict, texts, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self.queued += len(texts)
        self._arrived.set()
        return await job.answer

    async def run_aside(self, work: Callable[[], Result]) -> Result:
        """Do other work with the model, such as an explanation, which predictions do not wait for.

        Work whose caller is cancelled is not begun; what has begun goes on, and counts until it ends.

        Raises:
            Full: Too much such work waits already.
            Stuck: The work in front of the model has ended.
        """
        if not self._aside_slots.acquire(blocking=False):
            raise QueueFullError
        try:
            future = self._aside.submit(work)
        except RuntimeError:
            self._aside_slots.release()
            raise ModelStuckError("the work in front of the model has ended.") from None
        future.add_done_callback(lambda _: self._aside_slots.release())
        try:
            return await asyncio.wrap_future(future)
        except BaseException as error:
            raise _as_exception(error) from error

    def fault(self) -> str | None:
        """Why nothing is answered; None: it is, or nothing was asked yet."""
        if self._ended:
            return "the work in front of the model has ended."
        if self._begun is not None and (took := time.monotonic() - self._begun) > self._timeout_s:
            return f"the model has computed one batch for {took:.0f} seconds."
        return None

    async def run(self) -> None:
        """Answer until this is cancelled; whoever waits then hears that it is over."""
        jobs: list[_Job] = []
        try:
            while True:
                await self._arrived.wait()
                if self._batch_wait_s and self.queued < self._max_batch_size:
                    await asyncio.sleep(self._batch_wait_s)
                jobs = self._take()
                if jobs:
                    await self._answer(jobs)
        finally:
            self._ended = True
            for job in (*jobs, *self._jobs):
                if not job.answer.done():
                    job.answer.set_exception(ModelStuckError("the work in front of the model has ended."))
            self._thread.shutdown(wait=False)
            self._aside.shutdown(wait=False)

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        size = 0
        while self._jobs:
            job = self._jobs[0]
            if jobs and (size + len(job.texts) > self._max_batch_size or job.predict != jobs[0].predict):
                break
            self._jobs.popleft()
            self.queued -= len(job.texts)
            if not job.answer.done():  # else the client has gone
                jobs.append(job)
                size += len(job.texts)
        if not self._jobs:
            self._arrived.clear()
        return jobs

    async def _answer(self, jobs: list[_Job]) -> None:
        texts = [text for job in jobs for text in job.texts]
        self._begun = time.monotonic()
        try:
            self._on_batch(len(texts))
            logits = await asyncio.get_running_loop().run_in_executor(self._thread, jobs[0].predict, texts)
            if len(logits) != len(texts):
                raise ModelError(f"the model answered {len(logits):,} texts, and was asked about {len(texts):,}.")
            ends = np.cumsum([len(job.texts) for job in jobs])
            for job, found in zip(jobs, np.split(logits, ends[:-1]), strict=True):
                if not job.answer.done():
                    job.answer.set_result(found)
        except BaseException as error:
            told = _as_exception(error)  # where the program ends, this raises
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(told)
        finally:
            self._begun = None


def _as_exception(error: BaseException) -> Exception:
    """An exception that a request can be answered for. What ends the program, or this work, is raised again.

    A panic in code that was written in Rust is a BaseException: nothing that catches an Exception would catch it.
    """
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)):
        raise error
    if isinstance(error, Exception):
        return error
    fault = ModelError(f"{type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault
