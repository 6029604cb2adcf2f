"""RayTrials of a search, and the models that `auto` tries, on the workers of a Ray cluster.

Each is a task with its own share of cores; one whose worker dies is made again by Ray. What comes of a trial does not
depend on where it is made, and results are taken in the order of the proposals, so that a search finds the same on any
number of workers.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tenor._core.callbacks import Callback
from tenor.distributed import cluster
from tenor.errors import SettingsError, TenorError
from tenor.models.auto.executor import map_ordered
from tenor.training.trials import Outcome, Proposal, TrialSetup, run_trial

_ENDING_S = 1.0  # that tasks which are to end get to do so by themselves
_DEATHS = 4  # times that a task whose worker dies is begun again


class RayExecutor:
    """Where models are made: tasks, as many at a time as there are workers. See `Executor` in `models.auto.executor`.

    Args:
        ray: A connected Ray.
        workers: How many; None: as many as the cluster has cores for.
        threads: Cores of each.
    """

    def __init__(self, ray: Any, workers: int | None, threads: int) -> None:
        self._ray, self._threads = ray, threads
        self._task = ray.remote(num_cpus=threads, max_retries=_DEATHS)(_called)
        self.max_workers = cluster.workers(ray, workers, threads)

    def put(self, value: Any) -> Any:
        return self._ray.put(value)

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._task.remote(self._threads, function, *args)

    def wait(self, begun: Sequence[Any]) -> Any:
        [through], _ = self._ray.wait(list(begun), num_returns=1)
        return through

    def result(self, call: Any) -> Any:
        gone = self._ray.exceptions
        try:
            found, error = self._ray.get(call)
        except (gone.WorkerCrashedError, gone.OutOfMemoryError, gone.NodeDiedError):
            raise TenorError(
                f"workers that make a model die, {_DEATHS + 1} by now.",
                "Look whether it needs more memory than a node has.",
            ) from None
        if error is not None:
            raise error
        return found

    def cancel(self, begun: Sequence[Any]) -> None:
        if not begun:
            return
        # Ray 2.60 ends this process where a task is through at the moment in which it is cancelled ("Tried to complete
        # task that was not pending"), as where all proposals fail alike. So those that are about to end may.
        _, running = self._ray.wait(list(begun), num_returns=len(begun), timeout=_ENDING_S, fetch_local=False)
        for call in running:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.cancel(call, force=True)


def _called(threads: int, function: Callable[..., Any], *args: Any) -> tuple[Any, TenorError | None]:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # threads are sized by it
    try:
        return function(*args), None
    except TenorError as error:
        return None, SettingsError(error.problem, error.remedy)


class RayTrials:
    """Makes trials on a cluster, as many at a time as there are workers.

    Args:
        executor: Where they are made.
    """

    def __init__(self, executor: RayExecutor) -> None:
        self._executor = executor
        self.workers = executor.max_workers
        self._setup: tuple[TrialSetup | None, Any] = (None, None)

    def __call__(self, setup: TrialSetup, proposals: Sequence[Proposal], callback: Callback) -> Iterator[Outcome]:
        """What comes of the proposals. Raises TenorError where the defaults do not serve."""
        if self._setup[0] is not setup:
            self._setup = setup, self._executor.put(replace(setup, train=setup.train.in_memory()))
        calls = ((None, run_trial, (self._setup[1], proposal, Callback())) for proposal in proposals)
        for _, outcome in map_ordered(self._executor, calls, lambda: self.workers):
            yield outcome
