"""Labels for many files, on the workers of a Ray cluster.

Each worker is an actor that loads the model once. It has one file to work on and one that waits, so what is in memory
does not grow with the job. A worker that dies is started again, elsewhere if its node is gone, and its file is labelled
anew: outputs replace each other as a whole, so no row is lost and none is there twice.
"""

import os
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from tenor import predictor, shards
from tenor.errors import DataError, TenorError
from tenor.shards import Job, Record, Shard

_WAITING = 2  # files that a worker holds: the one it labels, and the next
_RETRIES = 30  # times that a file is tried again: deaths of its workers, and looks at one that is not there yet


class Labeller:
    """A worker: the model, and files that come one by one."""

    def __init__(self, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # threads are sized by it
        self.predictor: predictor.Predictor | None = None

    def label(self, model: list[Any], shard: Shard, job: Job) -> tuple[int, TenorError | None]:
        """Label a file.

        Args:
            model: A reference to the model's files, in a list, so that only the first call fetches them.
            shard: The file.
            job: What is asked for.

        Returns:
            How many rows there are, or what is wrong with the file.
        """
        try:
            if self.predictor is None:
                self.predictor = _loaded(model[0])
            return shards.label(self.predictor, shard, job), None
        except TenorError as error:
            return 0, DataError(error.problem, error.remedy)


def _loaded(model: Any) -> predictor.Predictor:
    import ray

    with tempfile.TemporaryDirectory() as folder:
        for name, data in ray.get(model).items():
            (Path(folder) / name).write_bytes(data)
        return predictor.load(Path(folder))


def each(
    ray: Any, left: Sequence[Shard], job: Job, record: Record, workers: int | None, threads: int
) -> Generator[int]:
    """Label the files, as they come; after each, how many rows are through.

    Args:
        ray: A connected Ray.
        left: The files.
        job: What is asked for.
        record: Takes what is through.
        workers: How many; None: as many as the cluster has cores for.
        threads: Cores for each.

    Raises:
        TenorError: A file cannot be read or written, or workers die again and again.
    """
    if not left:
        return
    room = max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)
    count = min(workers or room, room, len(left))
    model = ray.put({path.name: path.read_bytes() for path in sorted(job.model.iterdir()) if path.is_file()})
    made = ray.remote(num_cpus=threads, max_restarts=-1, max_task_retries=_RETRIES)(Labeller)
    actors = [made.remote(threads) for _ in range(count)]
    waiting = list(reversed(left))
    running: dict[Any, tuple[Shard, Any]] = {}
    try:
        for actor in actors * _WAITING:
            if waiting:
                shard = waiting.pop()
                running[actor.label.remote([model], shard, job)] = shard, actor
        while running:
            [ready], _ = ray.wait(list(running), num_returns=1)
            shard, actor = running.pop(ready)
            try:
                rows, error = ray.get(ready)
            except ray.exceptions.RayActorError:
                raise TenorError(
                    f"{shard.source}: workers that label it die again and again.",
                    "What is through is kept. Look whether it needs more memory than a node has.",
                ) from None
            if error is not None:
                raise error
            record.add(shard, rows)
            yield record.rows
            if waiting:
                shard = waiting.pop()
                running[actor.label.remote([model], shard, job)] = shard, actor
    finally:
        for actor in actors:
            ray.kill(actor)
