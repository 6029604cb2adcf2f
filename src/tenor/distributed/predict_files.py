"""Labels for many files, on the workers of a Ray cluster.

Each worker is an actor that loads the model once. It has one file to work on and one that waits, so what is in memory
does not grow with the job. The files of a worker that dies go to the others, and another worker starts as soon as the
cluster has room for it: outputs replace each other as a whole, so no row is lost and none is there twice.
"""

import os
import tempfile
from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tenor._core.language import tr
from tenor.distributed import cluster
from tenor.distributed.cluster import RayActor, RayModule, RayReference
from tenor.errors import DataError, TenorError
from tenor.inference import locations, predict_files, predictor
from tenor.inference.job_record import JobRecord
from tenor.inference.predict_files import LabelJob
from tenor.inference.predict_table import RowCounts
from tenor.inference.shards import Shard

_WAITING = 2  # files that a worker holds: the one it labels, and the next
_DEATHS = 5  # workers that may die with the same file


class Labeller:
    """A worker: the model, and files that come one by one."""

    def __init__(self, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # threads are sized by it
        self.predictor: predictor.Predictor | None = None

    def ready(self) -> None:
        """Answers once the worker is there."""

    def label(self, model: list[RayReference], shard: Shard, job: LabelJob) -> tuple[RowCounts, TenorError | None]:
        """Label a file.

        Args:
            model: A reference to the model's files, in a list, so that only the first call fetches them.
            shard: The file.
            job: The job.

        Returns:
            How many rows there are, and what is wrong with the file, where something is.
        """
        try:
            if self.predictor is None:
                self.predictor = _loaded(model[0])
            return predict_files.label_shard(self.predictor, shard, job), None
        except TenorError as error:
            return RowCounts(0, 0), DataError(error.problem, error.remedy)


def _loaded(model: Any) -> predictor.Predictor:
    import ray

    with tempfile.TemporaryDirectory() as folder:
        for name, data in ray.get(model).items():
            (Path(folder) / name).write_bytes(data)
        return predictor.load(Path(folder))


@dataclass(eq=False)
class _Worker:
    """An actor, and its calls: the pending result -> the file, or None for the call that waits until it runs.

    Attributes:
        there: Whether it has answered; one for which the cluster has no room yet gets no file.
    """

    actor: RayActor
    calls: dict[RayReference, Shard | None] = field(default_factory=dict)
    there: bool = False


def each(
    ray: RayModule, left: Sequence[Shard], job: LabelJob, record: JobRecord, workers: int | None, threads: int
) -> Generator[int]:
    """Label the files, as they come; after each, how many rows are through.

    Args:
        ray: A connected Ray.
        left: The files.
        job: The job.
        record: Takes what is through.
        workers: How many; None: as many as the cluster has cores for.
        threads: Cores for each.

    Raises:
        TenorError: A file cannot be read or written, or workers die again and again.
    """
    if not left:
        return
    count = min(cluster.workers(ray, workers, threads), len(left))
    job = replace(job, out=locations.absolute_path(job.out))  # workers are in other folders
    model = ray.put({path.name: path.read_bytes() for path in sorted(job.model.iterdir()) if path.is_file()})
    made = ray.remote(num_cpus=threads)(Labeller)
    waiting = deque(left)
    deaths: Counter[Shard | None] = Counter()
    active = [_started(made, threads) for _ in range(count)]
    try:
        while waiting or any(any(worker.calls.values()) for worker in active):
            _hand_out(waiting, active, model, job)
            [answer], _ = ray.wait([answer for worker in active for answer in worker.calls], num_returns=1)
            [worker] = [worker for worker in active if answer in worker.calls]
            try:
                result = ray.get(answer)
            except ray.exceptions.RayActorError:
                ray.kill(worker.actor)  # it may be there, out of reach
                active.remove(worker)
                lost = list(worker.calls.values())
                deaths[lost[0]] += 1
                if deaths[lost[0]] == _DEATHS:
                    raise _deadly(lost[0]) from None
                waiting.extendleft(reversed([shard for shard in lost if shard]))
                active.append(_started(made, threads))
                continue
            shard = worker.calls.pop(answer)
            worker.there = True
            if shard is not None:
                labelled, error = result
                if error is not None:
                    raise error
                record.mark_done(shard, labelled)
                yield record.row_counts.rows
    finally:
        for worker in active:
            ray.kill(worker.actor)


def _started(made: RayActor, threads: int) -> _Worker:
    worker = _Worker(made.remote(threads))
    worker.calls[worker.actor.ready.remote()] = None
    return worker


def _hand_out(waiting: deque[Shard], workers: Sequence[_Worker], model: RayReference, job: LabelJob) -> None:
    """Give each worker that is there a file, and then each a second one."""
    for most in range(1, _WAITING + 1):
        for worker in workers:
            if waiting and worker.there and len(worker.calls) < most:
                shard = waiting.popleft()
                reached = replace(shard, source=locations.absolute_path(shard.source))
                worker.calls[worker.actor.label.remote([model], reached, job)] = shard


def _deadly(shard: Shard | None) -> TenorError:
    where = (
        tr("workers die as they start")
        if shard is None
        else tr("{source}: workers that label it die", source=shard.source)
    )
    return TenorError(
        tr("{where}, {deaths} by now.", where=where, deaths=_DEATHS),
        tr("What is through is kept. Look whether it needs more memory than a node has."),
    )
