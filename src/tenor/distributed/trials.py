"""Trials of a search, and the candidates of `auto`, on the workers of a Ray cluster.

Each is a Ray task with its own cores; Ray runs a task again if its worker dies. A result does not depend on the worker,
and results are taken in the order of the proposals. So a search gives the same result with any number of workers.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.distributed import cluster
from tenor.distributed.cluster import RayModule
from tenor.errors import SettingsError, TenorError
from tenor.models.auto.executor import Call, map_ordered
from tenor.training.trials import Outcome, Proposal, TrialSetup, run_trial

_CANCEL_GRACE_S = 1.0  # in which tasks may end before they are cancelled
_MAX_RETRIES = 4  # of a task whose worker dies


class RayExecutor:
    """Runs calls as Ray tasks. See `models.auto.executor.Executor`.

    Args:
        ray: A connected Ray.
        workers: Number of calls at the same time; None: as many as the cluster has cores for.
        threads: Cores of each.
    """

    def __init__(self, ray: RayModule, workers: int | None, threads: int) -> None:
        self._ray, self._threads = ray, threads
        self._task = ray.remote(num_cpus=threads, max_retries=_MAX_RETRIES)(_run)
        self.max_workers = cluster.workers(ray, workers, threads)

    def put(self, value: object) -> object:
        """Store a large value once and return a reference."""
        return self._ray.put(value)

    def submit(self, function: Callable[..., object], *args: object) -> object:
        """Start a call and return its task."""
        return self._task.remote(self._threads, function, *args)

    def wait(self, tasks: Sequence[object]) -> object:
        """Wait until one of the tasks is done, and return it."""
        [done], _ = self._ray.wait(list(tasks), num_returns=1)
        return done

    def result(self, task: object) -> Any:
        """The result of a task. Raises TenorError if its function did, or if its workers die again and again."""
        exceptions = self._ray.exceptions
        try:
            result, error = self._ray.get(task)
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError, exceptions.NodeDiedError):
            raise TenorError(
                tr("{max_retries} workers died while they trained the same model.", max_retries=_MAX_RETRIES + 1),
                tr("Check whether it needs more memory than a node has."),
            ) from None
        if error is not None:
            raise error
        return result

    def cancel(self, tasks: Sequence[object]) -> None:
        """End tasks."""
        if not tasks:
            return
        # Ray 2.60 aborts this process ("Tried to complete task that was not pending") if a task is cancelled at the
        # moment in which it ends, as when all proposals fail alike. So tasks that are about to end get time to.
        _, running = self._ray.wait(list(tasks), num_returns=len(tasks), timeout=_CANCEL_GRACE_S, fetch_local=False)
        for task in running:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.cancel(task, force=True)


def _run(threads: int, function: Callable[..., object], *args: object) -> tuple[object, TenorError | None]:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # sets the size of thread pools
    try:
        return function(*args), None
    except TenorError as error:
        return None, SettingsError(error.problem, error.remedy)


class RayTrials:
    """Runs the trials of a search on a cluster.

    Args:
        executor: Runs them.
    """

    def __init__(self, executor: RayExecutor) -> None:
        self._executor = executor
        self.workers = executor.max_workers
        self._setup: tuple[TrialSetup | None, object] = (None, None)

    def __call__(self, setup: TrialSetup, proposals: Sequence[Proposal], callback: Callback) -> Iterator[Outcome]:
        """The outcomes of the proposals, in their order. Raises TenorError if a trial with the defaults fails."""
        if self._setup[0] is not setup:
            self._setup = setup, self._executor.put(replace(setup, train=setup.train.in_memory()))
        calls = (Call(None, run_trial, (self._setup[1], proposal, Callback())) for proposal in proposals)
        for _, outcome in map_ordered(self._executor, calls, lambda: self.workers):
            yield outcome
