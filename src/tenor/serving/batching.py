"""Combines the texts of many requests into few calls of the model.

Requests queue while the model computes. Once it is ready, they become one batch. So a single request never waits,
and batches grow with the load.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from tenor._core.language import tr
from tenor.tasks import Floats

Result = TypeVar("Result")
Predict = Callable[[Sequence[str]], Floats]
_MAX_ASIDE = 64  # requests that wait for other work than predictions


class QueueFullError(Exception):
    """There are too many texts in the queue."""


class ModelStuckError(Exception):
    """The model does not answer; the text says why."""


class ModelError(RuntimeError):
    """The model failed without an exception of Python, for example by a panic in native code."""


class _Job(NamedTuple):
    predict: Predict
    texts: list[str]
    answer: asyncio.Future[Floats]


class Batcher:
    """A queue in front of one model. One thread computes predictions, another one everything that takes longer.

    Attributes:
        queued: Number of texts that wait.
    """

    def __init__(
        self,
        max_batch_size: int = 256,
        batch_wait_s: float = 0.0,
        queue_size: int = 10_000,
        on_batch: Callable[[int], None] = lambda _: None,
        timeout_s: float = 60.0,
    ) -> None:
        """Make an empty queue; `run` processes it.

        Args:
            max_batch_size: Maximum number of texts in a batch; a request with more is a batch of its own.
            batch_wait_s: Seconds that the first request of a batch waits for others while the model is free.
            queue_size: Maximum number of texts that wait.
            on_batch: Called with the number of texts of each batch.
            timeout_s: Seconds after which a batch counts as stuck.
        """
        self.queued = 0
        self._timeout_s = timeout_s
        self._batch_started_at: float | None = None  # of the batch that the model computes now
        self._stopped = False
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
        self._aside_slots = threading.Semaphore(_MAX_ASIDE)

    async def submit(self, predict: Predict, texts: list[str]) -> Floats:
        """Compute the logits of texts, (texts, outputs), with `predict` in a batch of several requests.

        Raises:
            QueueFullError: Too many texts wait.
            ModelStuckError: The model does not answer.
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
        """Run other work with the model, such as an explanation, beside predictions.

        Work whose caller is cancelled does not start; work that has started runs, and counts, until it ends.

        Raises:
            QueueFullError: Too much such work waits.
            ModelStuckError: The queue has stopped.
        """
        if not self._aside_slots.acquire(blocking=False):
            raise QueueFullError
        try:
            future = self._aside.submit(work)
        except RuntimeError:
            self._aside_slots.release()
            raise ModelStuckError(tr("the queue in front of the model has stopped.")) from None
        future.add_done_callback(lambda _: self._aside_slots.release())
        try:
            return await asyncio.wrap_future(future)
        except BaseException as error:
            raise _as_exception(error) from error

    def fault(self) -> str | None:
        """Why requests are not answered; None: they are."""
        if self._stopped:
            return tr("the queue in front of the model has stopped.")
        if self._batch_started_at is not None and (took := time.monotonic() - self._batch_started_at) > self._timeout_s:
            return tr("the model has computed one batch for {took:.0f} seconds.", took=took)
        return None

    async def run(self) -> None:
        """Process the queue until this is cancelled; requests that still wait get a ModelStuckError."""
        jobs: list[_Job] = []
        try:
            while True:
                await self._arrived.wait()
                if self._batch_wait_s and self.queued < self._max_batch_size:
                    await asyncio.sleep(self._batch_wait_s)
                jobs = self._take()
                if jobs:
                    await self._predict(jobs)
        finally:
            self._stopped = True
            for job in (*jobs, *self._jobs):
                if not job.answer.done():
                    job.answer.set_exception(ModelStuckError(tr("the queue in front of the model has stopped.")))
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
            if not job.answer.done():  # else the client has left
                jobs.append(job)
                size += len(job.texts)
        if not self._jobs:
            self._arrived.clear()
        return jobs

    async def _predict(self, jobs: list[_Job]) -> None:
        texts = [text for job in jobs for text in job.texts]
        self._batch_started_at = time.monotonic()
        try:
            self._on_batch(len(texts))
            logits = await asyncio.get_running_loop().run_in_executor(self._thread, jobs[0].predict, texts)
            if len(logits) != len(texts):
                raise ModelError(
                    tr(
                        "the model predicted {n_logits:,} texts of {n_texts:,}.",
                        n_logits=len(logits),
                        n_texts=len(texts),
                    )
                )
            ends = np.cumsum([len(job.texts) for job in jobs])
            for job, rows in zip(jobs, np.split(logits, ends[:-1]), strict=True):
                if not job.answer.done():
                    job.answer.set_result(rows)
        except BaseException as error:
            exception = _as_exception(error)  # raises if the program ends
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(exception)
        finally:
            self._batch_started_at = None


def _as_exception(error: BaseException) -> Exception:
    """An error that the request can be answered with. What ends the program, or this task, is raised again.

    A panic in Rust code is a BaseException, which `except Exception` would not catch.
    """
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)):
        raise error
    if isinstance(error, Exception):
        return error
    fault = ModelError(f"{type(error).__name__}: {error}")
    fault.__cause__ = error
    return fault
