"""Texts of many requests -> few calls of the model.

While the model computes, requests gather; they go to it together as soon as it is free. So a lone request never waits,
and under load batches grow by themselves.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from tenor.tasks import Floats

Result = TypeVar("Result")
Predict = Callable[[Sequence[str]], Floats]
_BESIDE = 64  # requests that wait for work beside predictions


class Full(Exception):  # noqa: N818  (no error of the program: the caller answers 503)
    """There are too many texts in the queue."""


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
        most: int = 256,
        wait_s: float = 0.0,
        queue: int = 10_000,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Make the queue; `run` empties it.

        Args:
            most: Texts of a batch; a request with more is a batch of its own.
            wait_s: How long the first request of a batch waits for others while the model is free.
            queue: Texts that may wait, at most.
            told: Hears the number of texts of each batch.
        """
        self.queued = 0
        self._most, self._wait_s, self._queue, self._told = most, wait_s, queue, told
        self._jobs: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "model")
        self._aside = ThreadPoolExecutor(1, "aside")
        self._beside = 0

    async def submit(self, predict: Predict, texts: list[str]) -> Floats:
        """What `predict` says of some texts, (texts, outputs). Raises Full where too many wait already."""
        if self._jobs and self.queued + len(texts) > self._queue:
            raise Full
        job = _Job(predict, texts, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self.queued += len(texts)
        self._arrived.set()
        return await job.answer

    async def beside(self, work: Callable[[], Result]) -> Result:
        """Do other work with the model, such as an explanation, which predictions do not wait for.

        Raises:
            Full: Too much such work waits already.
        """
        if self._beside >= _BESIDE:
            raise Full
        self._beside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._aside, work)
        finally:
            self._beside -= 1

    async def run(self) -> None:
        """Answer for ever."""
        while True:
            await self._arrived.wait()
            if self._wait_s and self.queued < self._most:
                await asyncio.sleep(self._wait_s)
            jobs = self._take()
            if jobs:
                await self._answer(jobs)

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        size = 0
        while self._jobs:
            job = self._jobs[0]
            if jobs and (size + len(job.texts) > self._most or job.predict != jobs[0].predict):
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
        self._told(len(texts))
        try:
            logits = await asyncio.get_running_loop().run_in_executor(self._thread, jobs[0].predict, texts)
        except Exception as error:
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(error)
            return
        ends = np.cumsum([len(job.texts) for job in jobs])
        for job, found in zip(jobs, np.split(logits, ends[:-1]), strict=True):
            if not job.answer.done():
                job.answer.set_result(found)
