"""`ngram` from the rows of many files, on the workers of a Ray cluster.

Counting is a map and a sum: in how many texts each n-gram occurs, and in how many of those of each class. The fit is
the same search as on one machine (`models/linear`): workers keep the logits of their rows, get the direction of each
step, and answer with the loss's derivative along it and with the gradient, whose sums are those over all rows. So the
weights are those of one machine but for the rounding of sums. Rows stay where they were read, but for those held out to
measure on, for a sample on which settings are chosen, and for a few to calibrate on; of each there are no more for more
rows.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tenor._core import disk_arrays
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.config.run_config import RunConfig
from tenor.data import blocks, sources
from tenor.distributed import cluster
from tenor.distributed.cluster import RayModule
from tenor.distributed.dataset import DistributedDataset
from tenor.distributed.partition import Partition
from tenor.distributed.worker_pool import WorkerPool
from tenor.errors import SettingsError
from tenor.inference import locations, shards
from tenor.inference.bundle import Bundle
from tenor.inference.predictor import Predictor
from tenor.inference.shards import Shard
from tenor.models import registry
from tenor.models.base import Fitted, HeldOut
from tenor.models.linear import held_out, solver
from tenor.models.linear.lbfgs import StopRule
from tenor.models.linear.solver import Penalty, Problem
from tenor.models.ngram import features, row_counts, selection
from tenor.models.ngram.config import Config
from tenor.models.ngram.model import NgramModel
from tenor.models.ngram.row_counts import RowEncoder
from tenor.tasks import Floats
from tenor.text.document_frequency import DocumentFrequency
from tenor.training import finishing, fitting, output, pipeline, run_identity, run_setup
from tenor.training.finishing import ModelFolder, TrainedModel


def train(ray: RayModule, run: RunConfig, callback: Callback, workers: int | None, threads: int) -> TrainedModel:
    """As `pipeline.train`, from the rows of files that every node reaches.

    Args:
        ray: A connected Ray.
        run: The run.
        callback: Hears of progress.
        workers: How many there are; None: as many as the cluster has cores for, and no more than files.
        threads: Cores of each.

    Raises:
        TenorError: The data, the settings or the output folder cannot be used, or workers die again and again.
    """
    started_at = time.perf_counter()
    family = registry.find(run.family)
    run = run_setup.with_current_names(run, family)
    _refuse(run)
    config = run_setup.resolve_settings(family, run.settings or {}, None)
    folder = output.output_folder(run)
    source, test = sources.train_and_test_sources(run)
    files = shards.list_shards(source)
    blocks = _cut(files, min(cluster.workers(ray, workers, threads), len(files)))
    with disk_arrays.temp_dir_near(folder):
        pool = WorkerPool(ray, Partition, len(blocks), threads)
        try:
            rows = DistributedDataset(pool, run)
            prepared = rows.prepare(source, blocks, test, callback)
            identity = run_identity.identify(run, family, config, None, prepared, rows.fingerprint())
            folder, existing = run_identity.find_existing(run, folder, identity, callback)
            if existing is not None and existing.is_complete:
                assert isinstance(existing.saved, Bundle)
                return TrainedModel(folder, Predictor(existing.saved))
            if run.resume:
                callback.on_message(tr("'ngram' trains in one go, so the run starts from the beginning."))
            fitted = replace(fitting.calibrate(_fit(rows, config, callback)), character_map=prepared.character_map)
        finally:
            pool.close()
        metadata = pipeline.origin_metadata(run, prepared, identity, rows.text_filter)
        trained = finishing.unevaluated_bundle(family, fitted, metadata, prepared.timing)
        model_folder = ModelFolder(run, folder, has_model=existing is not None)
        return finishing.finish(prepared, trained, model_folder, callback, started_at)


def _refuse(run: RunConfig) -> None:
    for option in ("group", "time", "folds"):
        if getattr(run, option) is not None:
            raise SettingsError(
                tr(
                    "`{option}=...` needs all texts in one place, and on a cluster they are on several machines.",
                    option=option,
                ),
                tr("Leave out `{option}=...`; `test=FILE` measures on your own texts.", option=option),
            )
    if run.init is not None:
        raise SettingsError(tr("'ngram' has no encoder to start from."), tr("Leave out `init=...`."))
    for option, given in (
        ("quantise", run.quantise),
        ("unlabelled", run.unlabelled),
        ("also", run.also),
        ("validation", run.validation),
    ):
        if given:
            raise SettingsError(
                tr("`{option}=...` does not go with 'ngram' on a cluster.", option=option),
                tr("Leave out `{option}=...`, or train on this machine.", option=option),
            )
    if run.log:
        raise SettingsError(tr("`log=...` does not follow 'ngram' on a cluster."), tr("Leave out `log=...`."))


def _cut(files: Sequence[Shard], count: int) -> list[tuple[str, ...]]:
    """Runs of files of about the same size."""
    ends = np.cumsum([max(1, file.size) for file in files])
    middles = ends - np.diff(ends, prepend=0) / 2
    block = np.minimum((middles * count / ends[-1]).astype(int), count - 1)
    runs = (
        tuple(locations.absolute_path(file.source) for file, at in zip(files, block, strict=True) if at == number)
        for number in range(count)
    )
    return [run for run in runs if run]


def _fit(rows: DistributedDataset, config: Config, callback: Callback) -> Fitted:
    """As `models.families.ngram.fit`."""
    pool, task, seed = rows.pool, rows.task, rows.run.seed
    started_at = time.perf_counter()
    chosen, history = selection.choose_settings(
        rows.sample, rows.characters, task, config, seed, len(rows), rows.fields
    )
    few = [] if rows.fields.is_single_text else rows.sample().texts
    encoder = row_counts.fit_encoder(few, rows.fields, chosen)
    after_choice = time.perf_counter()
    share = held_out.holdout_share(len(rows), task)
    fresh = None if share is None else rows.hold_out(share)
    for _ in pool.call("count", pool.put(encoder)):
        pass
    after_encoding = time.perf_counter()
    model = _fit_rows(rows, None, (encoder, chosen), callback)
    after_fit = time.perf_counter()
    scores: HeldOut | None
    if fresh is not None:
        texts = [text for each in fresh for text in each.texts]
        scores = HeldOut(np.concatenate([each.targets for each in fresh]), model.logits(texts))
    else:
        scores = _out_of_fold(rows, (encoder, chosen), seed)
    timing = {
        "choose_s": after_choice - started_at,
        "encode_s": after_encoding - after_choice,
        "fit_s": after_fit - after_encoding,
        "calibrate_s": time.perf_counter() - after_fit,
    }
    return Fitted(task, model, chosen, timing, history, scores, fields=rows.fields)


def _out_of_fold(rows: DistributedDataset, chosen: tuple[RowEncoder, Config], seed: int) -> HeldOut | None:
    """The logits of texts by models that were not trained on them, if the texts are few."""
    if len(rows) < held_out.MIN_FOLDS:
        return None
    columns = list(rows.pool.call("hashes", changes_state=False))
    hashes, targets = (np.concatenate([each[at] for each in columns]) for at in (0, 1))
    logits, scored = [], []
    for kept, left_out in held_out.calibration_folds(list(map(str, hashes.tolist())), targets, rows.task, seed):
        model = rows.pool.put(_fit_rows(rows, kept, chosen, Callback()))
        parts = [(model, part) for part in rows.parts(left_out)]
        logits.append(np.concatenate(list(rows.pool.call_each("score", parts, changes_state=False))))
        scored.append(left_out)
    return HeldOut(targets[np.concatenate(scored)], np.concatenate(logits))


def _fit_rows(
    rows: DistributedDataset, kept: blocks.Rows | None, chosen: tuple[RowEncoder, Config], callback: Callback
) -> NgramModel:
    """A model fitted to the rows kept, None: to all."""
    encoder, config = chosen
    assert config.weighting is not None and config.C is not None
    pool, task = rows.pool, rows.task
    count = len(rows) if kept is None else len(kept)
    parts: Sequence[object] = [None] * pool.n_partitions if kept is None else rows.parts(kept)
    mark = pool.mark()
    frequency = DocumentFrequency.sum(pool.call_each("count_features", [(part,) for part in parts]))
    buckets, idf = features.select_buckets(frequency, (count, task.n_outputs), config.weighting, config.min_df or 1)
    used = _sum(list(pool.call("weigh", pool.put(buckets), pool.put(idf), config, task)))
    scale = None if used is None else features.log_ratios(frequency.texts_with(buckets), used)
    scale = features.append_to_scale(scale, encoder.n_features)
    shape = count, len(buckets) + encoder.n_features, task.n_outputs
    problem = Problem(shape, task.activation, Penalty(config.C, scale))
    model = solver.solve(_Loss(pool), problem, StopRule(config.iterations), callback)
    pool.rollback(mark)
    return NgramModel(encoder, config.weighting, buckets, idf, model, config.feature_scale or 1.0)


def _sum(values: Sequence[Any]) -> Any:
    return None if values[0] is None else sum(values)


class _Loss:
    """The loss over the rows of all blocks; see `models/linear/loss.py`."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def residual_sum(self) -> Floats:
        return np.asarray(sum(self._pool.call("residual_sum", changes_state=False)), np.float32)

    def total(self) -> Floats:
        return np.asarray(sum(self._pool.call("total", changes_state=False)), np.float32)

    def set_direction(self, direction: Floats) -> None:
        self._pool.cast("set_direction", self._pool.put(direction))

    def derivative(self, lengths: Floats) -> Floats:
        return np.asarray(sum(self._pool.call("derivative", lengths, changes_state=False)), np.float32)

    def step(self, lengths: Floats) -> Floats:
        return _total(self._pool.call("step", lengths))

    def curvature(self) -> Floats:
        return _total(self._pool.call("curvature", changes_state=False))


def _total(answers: Iterator[Floats]) -> Floats:
    total = np.array(next(answers))
    for partial in answers:
        total += partial
    return total
