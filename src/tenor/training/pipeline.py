"""From labelled texts to a saved, measured model."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from tenor import tracking
from tenor._core import disk_arrays
from tenor._core.callbacks import Callback
from tenor._core.language import tr, use_language
from tenor._core.printable import printable
from tenor._core.records import JsonMapping, JsonObject
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.data import sources
from tenor.data.dataset import Dataset
from tenor.data.fingerprint import fingerprint
from tenor.data.split import Groups
from tenor.data.text_filter import TextFilter
from tenor.errors import SettingsError, counted
from tenor.inference import bundle
from tenor.inference.bundle import Bundle
from tenor.inference.predictor import Predictor
from tenor.models import registry
from tenor.models.auto.executor import Executor
from tenor.models.base import FamilyConfig, Fitted
from tenor.models.context import FitContext
from tenor.models.family import Family
from tenor.tracking.callback import TrackingCallback
from tenor.training import fitting, output, preparation, provenance, run_identity, run_setup
from tenor.training.cross_validation import cross_validate
from tenor.training.finishing import ModelFolder, TrainedModel, finish, unevaluated_bundle
from tenor.training.preparation import PreparedData
from tenor.training.run_identity import Identity

if TYPE_CHECKING:
    from tenor.training.neural import NetworkTrainer


def train(
    run: RunConfig,
    callback: Callback | None = None,
    executor: Executor | None = None,
    train_network: "NetworkTrainer | None" = None,
) -> TrainedModel:
    """Read and split the texts, fit a model, measure and save it.

    Args:
        run: The run.
        callback: Receives messages and progress.
        executor: Where `auto` makes its models; None: in this process.
        train_network: Trains the network of a neural family elsewhere; None: in this process.

    Raises:
        TenorError: The data, the settings or the output folder cannot be used. Nothing is written then.
    """
    with use_language(run.lang):
        return _train(run, callback or Callback(), executor, train_network)


def _train(
    run: RunConfig, callback: Callback, executor: Executor | None, train_network: "NetworkTrainer | None"
) -> TrainedModel:
    family = registry.find(run.family)
    run = run_setup.with_current_names(run, family)
    encoder = run_setup.load_init(run.init, family)
    config = run_setup.resolve_settings(family, run.settings or {}, encoder)
    family.require_installed()
    if run.unlabelled is not None and not family.uses_unlabelled:
        raise SettingsError(
            tr("{name!r} trains on labelled texts alone.", name=family.name),
            tr("Leave out `unlabelled=...`, use `family='auto'`, or train an encoder on the texts: tenor pretrain."),
        )
    run_setup.check_quantise(run, family)
    tracking.require_trackers(run.log)
    folder = output.output_folder(run)
    with disk_arrays.temp_dir_near(folder):
        started_at = time.perf_counter()
        prepared = preparation.prepare(run, callback)
        identity = run_identity.identify(run, family, config, encoder, prepared)
        folder, existing = run_identity.find_existing(run, folder, identity, callback)
        if existing is not None and existing.is_complete:
            assert isinstance(existing.saved, Bundle)
            return TrainedModel(folder, Predictor(existing.saved))
        with tracking.track(run.log, folder, callback, run.resume) as tracker:
            tracker.log_settings(run_setup.requested_settings(run, config))
            writes_checkpoints = family.writes_checkpoints
            context = FitContext(
                seed=run.seed,
                callback=tracker,
                checkpoints=run_setup.checkpoints_for(run, family, folder, identity) if writes_checkpoints else None,
                init=run_setup.pretrained_weights(encoder),
                executor=executor,
                character_map=prepared.character_map,
                fit_network=partial(fitting.fit_network, train_network=train_network),
            )
            model_folder = ModelFolder(run, folder, has_model=existing is not None)
            job = _Job(run, family, config, prepared, _read_unlabelled(run, prepared.data, tracker))
            trained = _fit_and_finish(job, identity, model_folder, context, started_at)
            _log_result(tracker, trained)
        return trained


@dataclass(frozen=True)
class _Job:
    """What is fitted, to which texts.

    Attributes:
        run: The run.
        family: Its family.
        config: The family's settings.
        prepared: The training and test texts.
        unlabelled: Texts without labels to train on too; None: none.
    """

    run: RunConfig
    family: Family
    config: FamilyConfig
    prepared: PreparedData
    unlabelled: Dataset | None

    def fit(self, data: Dataset, groups: Groups | None, context: FitContext) -> Fitted:
        """Fit a model to these rows; `groups` are (rows,) numbers of rows that stay together."""
        prepared = self.prepared
        examples = preparation.examples_of(self.run, data, prepared.task, groups, prepared.validation)
        unlabelled: Sequence[str] = () if self.unlabelled is None else self.unlabelled.texts
        return fitting.fit(self.family, replace(examples, unlabelled=unlabelled), self.config, context)

    def metadata(self, identity: Identity) -> JsonObject:
        """The fields of `tenor.json` on the model's origin."""
        metadata = origin_metadata(self.run, self.prepared, identity, TextFilter.of(self.prepared.data.texts))
        if self.unlabelled is not None:
            metadata["unlabelled"] = {
                "name": printable(self.unlabelled.name),
                "rows": len(self.unlabelled),
                "sha256": fingerprint(self.unlabelled),
            }
        return metadata


def origin_metadata(run: RunConfig, prepared: PreparedData, identity: Identity, text_filter: TextFilter) -> JsonObject:
    """The fields of `tenor.json` on a model's training data, with the filter of their texts, and on its run."""
    data = prepared.data
    return {
        **({"text_column": data.text_column} if data.fields.is_single_text else {}),
        "label_column": data.label_column,
        **({"label_columns": list(data.label_columns)} if data.label_columns else {}),
        **({"class_names": list(data.class_names)} if data.class_names else {}),
        "label_separator": run.label_separator,
        **({"missing_labels": list(run.missing_labels)} if run.missing_labels else {}),
        **provenance.origin(data, identity["data"], run.seed, text_filter),
        "run": identity,
    }


def _read_unlabelled(run: RunConfig, data: Dataset, callback: Callback) -> Dataset | None:
    if run.unlabelled is None:
        return None
    texts = sources.read_unlabelled(run.unlabelled, run.text, data.fields, sources.options_of(run).files)
    callback.on_message(tr("{texts} without labels.", texts=counted(len(texts), "text")))
    return texts


def _fit_and_finish(
    job: _Job, identity: Identity, folder: ModelFolder, context: FitContext, started_at: float
) -> TrainedModel:
    run, family, prepared, callback = job.run, job.family, job.prepared, context.callback
    if run.resume and not family.writes_checkpoints:
        callback.on_message(tr("{name!r} trains in one go, so the run starts from the beginning.", name=family.name))
    checkpoint_folder = output.training_folder(folder.path)
    metadata = job.metadata(identity)
    save_candidate = _candidate_saver(family, folder, metadata, prepared.timing, callback)
    fitted = job.fit(prepared.data, prepared.groups, replace(context, on_candidate=save_candidate))
    fresh = unevaluated_bundle(family, fitted, metadata, prepared.timing)
    cross_validation = _cross_validation(job, context)
    trained = finish(prepared, fresh, folder, callback, started_at, cross_validation)
    output.remove_checkpoints(checkpoint_folder)
    return trained


def _candidate_saver(
    family: Family, folder: ModelFolder, metadata: JsonMapping, timing: Mapping[str, float], callback: Callback
) -> Callable[[Fitted], None]:
    """Saves each usable model while a better one is searched for."""

    def save_candidate(fitted: Fitted) -> None:
        is_first = not folder.has_model
        folder.save(Predictor(unevaluated_bundle(family, fitted, metadata, timing)))
        if is_first:
            callback.on_message(tr("a first model is saved in {path}; better ones replace it.", path=folder.path))

    return save_candidate


def _cross_validation(job: _Job, context: FitContext) -> Callable[[Bundle], JsonObject] | None:
    """Cross-validates the trained model; None: no folds were requested."""
    data, groups = job.prepared.data, job.prepared.groups
    if job.run.folds is None or groups is None:
        return None
    fold_context = replace(context, checkpoints=None)
    return lambda trained: cross_validate(job.run, data, groups, trained, job.fit, fold_context)


def _log_result(tracker: TrackingCallback, trained: TrainedModel) -> None:
    """Log the settings, metrics and report of a finished model."""
    saved = trained.predictor.bundle
    tracker.log_settings({"model": str(trained.folder.resolve())})
    tracker.log_training(settings.as_dict(saved.config), saved.history, saved.metrics.timing.as_dict())
    tracker.track_metrics("test", 0, saved.metrics.test or {})
    if bundle.REPORT in saved.documents:
        tracker.log_artifact(trained.folder / bundle.REPORT)
