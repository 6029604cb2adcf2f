"""Trials of a search, and the models that `auto` tries, on the workers of a Ray cluster.

Each is a task with its own share of cores; one whose worker dies is made again by Ray. What comes of a trial does not
depend on where it is made, and results are taken in the order of the proposals, so that a search finds the same on any
number of workers.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tenor import tuning
from tenor.errors import SettingsError, TenorError
from tenor.tuning import Outcome, Proposal, Setup
from tenor.watch import Watcher

_DEATHS = 4  # times that a task whose worker dies is begun again


class Trials:
    """Makes trials on a cluster, as many at a time as there are workers.

    Args:
        ray: A connected Ray.
        workers: How many; None: as many as the cluster has cores for.
        threads: Cores of each.
    """

    def __init__(self, ray: Any, workers: int | None, threads: int) -> None:
        self._ray, self._threads = ray, threads
        self.workers = room(ray, workers, threads)
        self._setup: tuple[Setup | None, Any] = (None, None)

    def __call__(self, setup: Setup, proposals: Sequence[Proposal], watcher: Watcher) -> Iterator[Outcome]:
        """What comes of the proposals. Raises TenorError where the defaults do not serve."""
        if self._setup[0] is not setup:
            self._setup = setup, self._ray.put((setup.family, setup.settings, setup.seed, _here(setup)))
        task = self._ray.remote(num_cpus=self._threads, max_retries=_DEATHS)(_attempt)
        waiting = list(proposals)
        running: list[Any] = []
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    running.append(task.remote(self._threads, self._setup[1], waiting.pop(0)))
                outcome, error = answer(self._ray, running[0])
                running.pop(0)
                if error is not None:
                    raise error
                yield outcome
        finally:
            stop(self._ray, running)


def _here(setup: Setup) -> tuple[Any, Any]:
    return setup.learned.in_memory(), setup.held_out


def _attempt(threads: int, shared: Any, proposal: Proposal) -> tuple[Outcome | None, TenorError | None]:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # threads are sized by it
    family, settings, seed, (learned, held_out) = shared
    try:
        return tuning.attempt(Setup(family, settings, seed, learned, held_out), proposal, Watcher()), None
    except SettingsError as error:
        return None, SettingsError(error.problem, error.remedy)


class Places:
    """Where `auto` has its models made: tasks, as many at a time as there are workers. See `models.spread.Spread`.

    Args:
        ray: A connected Ray.
        workers: How many; None: as many as the cluster has cores for.
        threads: Cores of each.
    """

    def __init__(self, ray: Any, workers: int | None, threads: int) -> None:
        self._ray, self._threads = ray, threads
        self._task = ray.remote(num_cpus=threads, max_retries=_DEATHS)(_called)
        self.places = room(ray, workers, threads)

    def share(self, value: Any) -> Any:
        return self._ray.put(value)

    def start(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._task.remote(self._threads, function, *args)

    def wait(self, begun: Sequence[Any]) -> Any:
        [through], _ = self._ray.wait(list(begun), num_returns=1)
        return through

    def result(self, call: Any) -> Any:
        found, error = answer(self._ray, call)
        if error is not None:
            raise error
        return found

    def stop(self, begun: Sequence[Any]) -> None:
        stop(self._ray, begun)


def _called(threads: int, function: Callable[..., Any], *args: Any) -> tuple[Any, TenorError | None]:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        return function(*args), None
    except TenorError as error:
        return None, SettingsError(error.problem, error.remedy)


def room(ray: Any, workers: int | None, threads: int) -> int:
    """How many workers of so many cores there are room for, and at most as many as are asked for."""
    most = max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)
    return min(workers or most, most)


def answer(ray: Any, task: Any) -> Any:
    """What a task answers. Raises TenorError where its workers die again and again."""
    try:
        return ray.get(task)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError):
        raise TenorError(
            f"workers that make a model die, {_DEATHS + 1} by now.",
            "Look whether it needs more memory than a node has.",
        ) from None


def stop(ray: Any, tasks: Sequence[Any]) -> None:
    """End tasks that nobody waits for."""
    for task in tasks:
        with contextlib.suppress(ray.exceptions.RayError):
            ray.cancel(task, force=True)
