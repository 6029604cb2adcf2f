"""What a command with an address of a cluster does: it connects, works there, and disconnects."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.config.run_config import RunConfig
from tenor.distributed import cluster, ngram, predict_files, training
from tenor.distributed.trials import RayExecutor, RayTrials
from tenor.errors import SettingsError
from tenor.inference.job_record import JobRecord
from tenor.inference.predict_files import LabelJob
from tenor.inference.shards import Shard
from tenor.models import registry
from tenor.models.family import EnsembleFamily, LinearFamily
from tenor.training import pipeline, tuning
from tenor.training.finishing import TrainedModel
from tenor.training.tuning import TuneConfig, TuningResult

LINEAR_TRAINERS = {"ngram": ngram.train}
"""How each linear family is trained on a cluster; the others are trained on one machine."""


def train(address: str, run: RunConfig, callback: Callback, workers: int | None, worker_cores: int) -> TrainedModel:
    """Train a model on a cluster.

    Args:
        address: `ray`, or `ray://HOST:PORT`.
        run: The run.
        callback: Receives messages and progress.
        workers: Number of workers; None: as many as the cluster has cores for.
        worker_cores: Cores of each worker.

    Raises:
        SettingsError: The family cannot be trained on a cluster.
        TenorError: The cluster cannot be reached, or what training raises.
    """
    family = registry.find(run.family)
    train_linear = LINEAR_TRAINERS.get(family.name)
    if isinstance(family, LinearFamily) and train_linear is None:
        raise SettingsError(
            tr("the family {name!r} cannot be trained on a cluster.", name=family.name),
            tr("Train on this machine, or choose a family such as {family!r}.", family=next(iter(LINEAR_TRAINERS))),
        )
    with cluster.connected(address) as ray:
        if train_linear is not None:
            return train_linear(ray, run, callback, workers, worker_cores)
        if isinstance(family, EnsembleFamily):
            return pipeline.train(run, callback, executor=RayExecutor(ray, workers, worker_cores))
        return pipeline.train(run, callback, train_network=training.learner(ray, workers, worker_cores))


def tune(
    address: str, search: TuneConfig, parallel: int | None, callback: Callback, workers: int | None, worker_cores: int
) -> TuningResult:
    """Search for settings on a cluster.

    Args:
        address: `ray`, or `ray://HOST:PORT`.
        search: The search.
        parallel: RayTrials that are proposed together; None: as many as there are workers.
        callback: Receives messages and progress.
        workers: Number of workers; None: as many as the cluster has cores for.
        worker_cores: Cores of each worker.

    Raises:
        TenorError: The cluster cannot be reached, or what the search raises.
    """
    with cluster.connected(address) as ray:
        run_trials = RayTrials(RayExecutor(ray, workers, worker_cores))
        return tuning.tune(replace(search, parallel=parallel or run_trials.workers), callback, run_trials)


def label_shards(
    address: str, shards: Sequence[Shard], job: LabelJob, record: JobRecord, workers: int | None, worker_cores: int
) -> Generator[int]:
    """Label files on a cluster.

    Args:
        address: `ray`, or `ray://HOST:PORT`.
        shards: The files.
        job: How to label them.
        record: Record of the job; each file that is done is written to it.
        workers: Number of workers; None: as many as the cluster has cores for.
        worker_cores: Cores of each worker.

    Yields:
        The number of rows so far.

    Raises:
        TenorError: The cluster cannot be reached, or a file cannot be read or written.
    """
    with (
        cluster.connected(address) as ray,
        closing(predict_files.each(ray, shards, job, record, workers, worker_cores)) as labelled,
    ):
        yield from labelled
