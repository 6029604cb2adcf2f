"""A network that workers of a Ray cluster train together, each a share of every batch.

The workers are processes of JAX that add up their gradients (`models/parallel`). None can continue without the others.
So if one dies, all start again from the last checkpoint, as many as the cluster has room for then. Ray starts them as
plain actors. Ray Train would add checkpoints and restarts; the training loop has both, and its checkpoints also know
the place within an epoch.
"""

import contextlib
import hashlib
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.distributed import cluster
from tenor.distributed.cluster import RayActor, RayModule, RayReference
from tenor.errors import SettingsError, TenorError, counted, missing_extra
from tenor.models.context import FitContext

if TYPE_CHECKING:  # not loaded here: a worker joins the others before its backend starts
    from tenor.training.network_training import NetworkJob, TrainedNetwork
    from tenor.training.neural import NetworkTrainer

_DEATHS = 5  # failed starts in a row after which training ends
_LOOK_S = 0.5  # between two reads of the workers' progress
_START_S = 5.0  # between two checks of the cluster's room for all that start

Event: TypeAlias = tuple[str, tuple[object, ...]]
"""A call of a callback: the name of its method, and the arguments."""


class Trainer:
    """A worker: one of the processes that train a network together."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def address(self) -> str:
        """HOST:PORT at which this worker can wait for the others. Returns once the worker runs."""
        import ray

        with socket.socket() as free:
            free.bind(("", 0))
            address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
            return f"{address}:{free.getsockname()[1]}"

    def learn(self, coordinator: str, task: "_Task", work: list[Any], number: int) -> "_WorkerResult":
        """Train with the others.

        Args:
            coordinator: Address of the first worker.
            task: The task of the whole group.
            work: A reference to the job, in a list, so that it is fetched here.
            number: Which worker this is; the first reports progress, writes checkpoints and returns the network.
        """
        try:
            import jax
        except ImportError:
            return _WorkerResult(error=missing_extra(tr("a worker of the Ray cluster"), "jax"))
        import ray

        from tenor.models.neural import backend

        try:
            jax.distributed.initialize(coordinator, task.workers, number)  # before anything is computed
            backend.load(tr("a worker of the Ray cluster"))
            from tenor.models.neural import parallel
            from tenor.training import network_training

            callback = _EventCallback(self._events) if number == 0 else Callback()
            with parallel.data_parallel_scope():
                trained = network_training.train_network(ray.get(work[0]), replace(task.context, callback=callback))
            digest = hashlib.sha256(
                b"".join(array.tobytes() for array in trained.network.arrays().values())
            ).hexdigest()
            return _WorkerResult(trained if number == 0 else None, digest)
        except TenorError as error:
            return _WorkerResult(error=TenorError(error.problem, error.remedy))
        except jax.errors.JaxRuntimeError as error:
            return _WorkerResult(lost=str(error).splitlines()[0])

    def events(self) -> list[Event]:
        """The calls of the callback since the last time."""
        events = self._events[:]
        del self._events[: len(events)]
        return events


class _EventCallback(Callback):
    def __init__(self, events: list[Event]) -> None:
        self._events = events

    def on_message(self, message: str) -> None:
        self._events.append(("on_message", (message,)))

    def on_progress(self, *args: object) -> None:
        self._events.append(("on_progress", args))

    def on_epoch_end(self, *args: object) -> None:
        self._events.append(("on_epoch_end", args))

    def log_metrics(self, *args: object) -> None:
        self._events.append(("log_metrics", args))


@dataclass(frozen=True)
class _Task:
    """The task of a group: its number of workers, and how the network is fitted."""

    workers: int
    context: FitContext


@dataclass(frozen=True)
class _WorkerResult:
    """The result of a worker: the network, from the first; a hash of its weights; an error; or why it could not reach
    the others.
    """

    trained: "TrainedNetwork | None" = None
    digest: str = ""
    error: TenorError | None = None
    lost: str = ""


class _Lost(Exception):  # noqa: N818  (caught here)
    """The group cannot continue."""


def learner(ray: RayModule, workers: int | None, threads: int) -> "NetworkTrainer":
    """A function that trains a network on the cluster.

    Args:
        ray: A connected Ray.
        workers: How many workers; None: as many as the cluster has cores for.
        threads: Cores for each.
    """

    def learn(work: "NetworkJob", context: FitContext) -> "TrainedNetwork":
        callback, checkpoints = context.callback, context.checkpoints
        until = None if context.seconds is None else time.perf_counter() + context.seconds
        if checkpoints is not None:
            checkpoints = replace(checkpoints, folder=checkpoints.folder.absolute())
            if not checkpoints.resume:
                checkpoints.remove()
        reference = ray.put(work)
        rows = max(1, work.config.batch_tokens // work.text_encoder.max_row_length(work.config.max_length))
        requested = min(workers or rows, rows)
        forwarder = _EventForwarder(callback)
        try:
            while True:
                with _group(ray, requested, threads) as (coordinator, actors), contextlib.suppress(_Lost):
                    callback.on_message(
                        tr(
                            "{actors} together, {threads} each.",
                            actors=counted(len(actors), "worker trains", "workers train"),
                            threads=counted(threads, "core"),
                        )
                    )
                    left = None if until is None else until - time.perf_counter()
                    of_workers = FitContext(seed=context.seed, checkpoints=checkpoints, seconds=left)
                    return _trained(ray, actors, coordinator, _Task(len(actors), of_workers), reference, forwarder)
                if checkpoints is not None:
                    checkpoints = replace(checkpoints, resume=True)
        except KeyboardInterrupt:
            if checkpoints is not None:
                checkpoints.announce_resume(callback)
            raise

    return learn


class _EventForwarder:
    """Forwards the first worker's events to a callback, and counts the workers that died since the last epoch's end."""

    def __init__(self, callback: Callback) -> None:
        self.callback, self.deaths = callback, 0

    def forward(self, events: Sequence[Event]) -> None:
        for name, args in events:
            getattr(self.callback, name)(*args)
            if name == "on_epoch_end":
                self.deaths = 0

    def died(self, problem: str) -> None:
        """Raises _Lost, or TenorError if it has failed too often."""
        self.deaths += 1
        if self.deaths == _DEATHS:
            raise TenorError(
                tr("workers die again and again while they train: {problem}", problem=problem),
                tr("Look whether they need more memory than a node has; the same run with `resume=True` continues."),
            )
        self.callback.on_message(tr("a worker died; all start again from the last checkpoint."))
        raise _Lost


def _trained(
    ray: RayModule,
    actors: Sequence[RayActor],
    address: RayReference,
    task: _Task,
    work: RayReference,
    forwarder: _EventForwarder,
) -> "TrainedNetwork":
    """The network that the workers trained. Raises _Lost if one of them died."""
    calls = [actor.learn.remote(address, task, [work], number) for number, actor in enumerate(actors)]
    waiting, answers = list(calls), {}
    try:
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=_LOOK_S)
            forwarder.forward(ray.get(actors[0].events.remote()))
            for each in ready:
                answers[each] = answer = ray.get(each)
                if answer.error is not None:
                    raise answer.error
                if answer.lost:
                    forwarder.died(answer.lost)
    except ray.exceptions.RayActorError as error:
        forwarder.died(str(error).splitlines()[0])
    if len({answer.digest for answer in answers.values()}) > 1:
        raise TenorError(
            tr("the workers do not have equal weights."), tr("Have the same versions of JAX and Keras on all nodes.")
        )
    trained: TrainedNetwork | None = answers[calls[0]].trained
    assert trained is not None
    return trained


@contextlib.contextmanager
def _group(ray: RayModule, requested: int, threads: int) -> Iterator[tuple[RayReference, list[RayActor]]]:
    """(the first worker's address, workers): as many as requested, or as there is room for; they end with the block."""
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}  # what trains on processors
    environment |= {"OMP_NUM_THREADS": str(threads), "NPROC": str(threads)}  # the second is XLA's
    made = ray.remote(num_cpus=threads, max_concurrency=2, runtime_env={"env_vars": environment})(Trainer)
    actors: list[RayActor] = []
    try:
        while True:
            count = min(requested, cluster.room(ray, threads))
            if not count:
                raise SettingsError(
                    tr("no node of the cluster has {threads}.", threads=counted(threads, "core")),
                    tr("Use fewer cores for each worker (`worker_cores=...`), or add a node."),
                )
            actors += [made.remote() for _ in range(count)]
            there = [actor.address.remote() for actor in actors]
            while len(ray.wait(there, num_returns=count, timeout=_START_S)[0]) < count <= cluster.room(ray, threads):
                pass
            if count <= cluster.room(ray, threads):
                break
            _end(ray, actors)  # a node has gone meanwhile
        yield there[0], actors
    finally:
        _end(ray, actors)


def _end(ray: RayModule, actors: list[RayActor]) -> None:
    for actor in actors:
        ray.kill(actor)
    actors.clear()
