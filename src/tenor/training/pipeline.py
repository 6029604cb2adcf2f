"""From a table of labelled texts to a saved, measured model; and from a model to the labels of a table."""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenor import tracking
from tenor._core import disk_arrays
from tenor._core.callbacks import Callback, PrefixedCallback
from tenor._core.printable import printable
from tenor.checks.finding import Finding
from tenor.config import run_config, settings
from tenor.config.run_config import PretrainConfig, RunConfig
from tenor.data import sources, split
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.errors import BundleError, DataError, MissingExtraError, SettingsError, TenorError, counted
from tenor.evaluation import evaluate
from tenor.evaluation.evaluate import Evaluation
from tenor.inference import bundle
from tenor.inference.bundle import Bundle, Encoder
from tenor.inference.predictor import Predictor
from tenor.models import registry
from tenor.models.auto.executor import Spread
from tenor.models.base import Fitted
from tenor.models.context import Checkpoints, FitContext
from tenor.models.family import Family
from tenor.models.neural import backend
from tenor.text import encoders
from tenor.tracking import Tracked
from tenor.training import export, fitting, output, preparation, provenance
from tenor.training.preparation import PreparedData

if TYPE_CHECKING:
    from tenor.training.neural import NetworkTrainer

_NOT_COMPARED = ("settings", "log", "out", "lang", "report")  # of what a run is asked for


@dataclass(frozen=True)
class Trained:
    """The folder of a model and the model."""

    folder: Path
    predictor: Predictor

    @property
    def metrics(self) -> dict[str, Any]:
        return self.predictor.bundle.metrics


def train(
    run: RunConfig,
    callback: Callback | None = None,
    spread: Spread | None = None,
    train_network: "NetworkTrainer | None" = None,
) -> Trained:
    """Read, part, fit, measure, save.

    Args:
        run: What is asked for.
        callback: Hears of progress.
        spread: Where `auto` has its models made; None: here.
        train_network: Trains the network of a neural family elsewhere; None: here.

    Raises:
        TenorError: The data, the settings or the output folder cannot be used; nothing is written then.
    """
    callback = callback or Callback()
    family = registry.find(run.family)
    encoder = _encoder(run.init, family)
    config = config_of(family, run.settings or {}, encoder)
    family.require_installed()
    if run.unlabelled is not None and not family.uses_unlabelled:
        raise SettingsError(
            f"{family.name!r} learns from labelled texts alone.",
            "Leave out `unlabelled=...`, use `family='auto'`, or train an encoder on the texts: tenor pretrain.",
        )
    check_quantise(run, family)
    tracking.need(run.log)
    folder = output.output_folder(run)
    with disk_arrays.temp_dir_near(folder):
        begin = time.perf_counter()
        prepared = preparation.prepare(run, callback)
        identity = identify(run, family, config, encoder, prepared)
        folder, there = found_there(run, folder, identity, callback)
        if there is not None and there.whole:
            return Trained(folder, Predictor(there.saved))
        with tracking.tracked(run.log, folder, callback, run.resume) as told:
            told.settings(_asked(run, config))
            saved = Saved(run, folder, begun=there is not None)
            checkpoints = _checkpoints(run, family, folder, identity) if family.writes_checkpoints else None
            context = FitContext(
                seed=run.seed,
                callback=told,
                checkpoints=checkpoints,
                init=_start(encoder),
                executor=spread,
                fit_network=partial(fitting.fit_network, train_network=train_network),
            )
            trained = _train(run, family, config, context, saved, prepared, identity, begin)
            _tell(told, trained)
        return trained


def identify(
    run: RunConfig,
    family: Family,
    config: Any,
    encoder: Encoder | None,
    prepared: PreparedData,
    digest: str | None = None,
) -> dict[str, Any]:
    """What tells a run from others: what a checkpoint and the model have to have in common with it to go on.

    Args:
        run: What is asked for.
        family: The family.
        config: Its settings.
        encoder: The encoder that training starts from.
        prepared: The texts to learn from.
        digest: Their fingerprint; None: it is taken of `prepared`.
    """
    more: dict[str, Any] = {"task": prepared.task.to_dict(), "class_weight": run.class_weight}
    if run.validation is not None:
        validation = prepared.validation
        more["validation"] = run.validation if validation is None else provenance.fingerprint(validation)
    more |= {name: value for name in ("folds", "unlabelled", "quantise") if (value := getattr(run, name))}
    return _identity(run, family, config, encoder, digest or provenance.fingerprint(prepared.data), more)


def _identity(
    run: RunConfig | PretrainConfig,
    family: Family,
    config: Any,
    encoder: Encoder | None,
    digest: str,
    more: dict[str, Any],
) -> dict[str, Any]:
    identity: dict[str, Any] = {
        "family": family.name,
        "settings": settings.as_dict(config),
        "seed": run.seed,
        "data": digest,
        "init": encoder.fingerprint() if encoder else None,
        **more,
    }
    found: dict[str, Any] = json.loads(json.dumps(identity))
    return found


@dataclass(frozen=True)
class There:
    """What a run that is resumed finds in its folder.

    Attributes:
        saved: The model, or the encoder.
        whole: Whether it is what the run ends with, so that nothing is left to do.
    """

    saved: Any
    whole: bool


def found_there(
    run: RunConfig | PretrainConfig, folder: Path, identity: Mapping[str, Any], callback: Callback
) -> tuple[Path, There | None]:
    """The folder of a run, and what it holds of this run already; None where the run is not resumed or is to begin.

    Raises:
        BundleError: The folder is that of another run, or is damaged.
    """
    if not run.resume or run.overwrite or not output.has_model(folder):
        return folder, None
    saved = (bundle.load if isinstance(run, RunConfig) else bundle.load_encoder)(folder)
    try:
        whole = output.is_complete(folder, saved, identity)
    except BundleError:
        if run.out is not None:
            raise
        return output.output_folder(replace(run, resume=False)), None  # nobody named the other one
    if whole:
        output.remove_checkpoints(output.training_folder(folder))  # the run was killed before it did
        callback.on_message(f"{folder}: output already exists and is complete; nothing to resume.")
    return folder, There(saved, whole)


def check_quantise(run: RunConfig, family: Family) -> None:
    """Raises SettingsError where int8 is asked for of a family without networks."""
    if run.quantise and not family.has_graphs:
        raise SettingsError(
            f"int8 is for networks, and the family {run.family!r} has none.",
            "Leave out `quantise=True`, or choose another family.",
        )


def _asked(run: RunConfig | PretrainConfig, config: Any) -> dict[str, Any]:
    """What a run is asked for and the settings of its family, by name, for those who compare runs."""
    own = {name: value for name, value in asdict(run).items() if name not in _NOT_COMPARED and value is not False}
    return own | settings.as_dict(config)


def _tell(told: Tracked, trained: Trained) -> None:
    """What is known of a model once it is there."""
    found = trained.predictor.bundle
    told.settings({"model": str(trained.folder.resolve())})
    told.fitted(settings.as_dict(found.config), found.history, found.metrics["timing"])
    told.figures("test", 0, found.metrics.get("test", {}))
    if bundle.REPORT in found.documents:
        told.document(trained.folder / bundle.REPORT)


def _train(
    run: RunConfig,
    family: Family,
    config: Any,
    context: FitContext,
    saved: "Saved",
    prepared: PreparedData,
    identity: dict[str, Any],
    begin: float,
) -> Trained:
    data, groups, callback = prepared.data, prepared.groups, context.callback
    others = None if run.unlabelled is None else sources.read_unlabelled(run.unlabelled, run.text)
    if others is not None:
        callback.on_message(f"{counted(len(others), 'text')} without labels.")
    training = output.training_folder(saved.folder)
    if run.resume and not family.writes_checkpoints:
        callback.on_message(f"{family.name!r} trains in one go, so the run starts from the beginning.")
    unlabelled = () if others is None else others.texts

    def fit(data: Dataset, groups: Groups | None, context: FitContext) -> Fitted:
        examples = preparation.examples_of(run, data, prepared.task, groups, prepared.validation)
        return fitting.fit(family, replace(examples, unlabelled=unlabelled), config, context)

    about = {
        "text_column": data.text_column,
        "label_column": data.label_column,
        "label_separator": run.label_separator,
        **provenance.origin(data, identity["data"], run.seed),
        "run": identity,
    }
    if others is not None:
        about["unlabelled"] = {
            "name": printable(others.name),
            "rows": len(others),
            "sha256": provenance.fingerprint(others),
        }
    timing = prepared.timing

    def save_candidate(fitted: Fitted) -> None:
        first = not saved.begun
        saved.save(Predictor(unmeasured(family, fitted, about, timing)))
        if first:
            callback.on_message(f"a first model is saved in {saved.folder}; better ones replace it.")

    fitted = fit(data, groups, replace(context, on_candidate=save_candidate))
    crossed = None
    if run.folds is not None and groups is not None:

        def crossed(trained: Bundle) -> dict[str, Any]:
            return _cross_validate(run, data, groups, trained, fit, replace(context, checkpoints=None))

    found = finish(run, prepared, unmeasured(family, fitted, about, timing), saved, callback, begin, crossed)
    output.remove_checkpoints(training)
    return found


def finish(
    run: RunConfig,
    prepared: PreparedData,
    trained: Bundle,
    saved: "Saved",
    callback: Callback,
    begin: float,
    cross_validate: Callable[[Bundle], dict[str, Any]] | None = None,
) -> Trained:
    """Measure a model, document and save it.

    Args:
        run: What was asked for.
        prepared: What it learned from, and what it is measured on.
        trained: The model.
        saved: The folder that takes it.
        callback: Hears of what is not made.
        begin: When the run began.
        cross_validate: Tells the figures of a cross-validation, where one is asked for.
    """
    data, test = prepared.data, prepared.test
    predictor = Predictor(trained)
    measured = time.perf_counter()
    tested = evaluate.run_evaluation(predictor, test) if test is not None and len(test) else None
    if run.quantise:
        predictor, tested = _quantised(predictor, test, tested, callback)
        trained = predictor.bundle
    if tested is not None:
        trained.metrics["test"] = tested.metrics
    crossed = time.perf_counter()
    trained.metrics["timing"]["evaluate_s"] = crossed - measured
    if cross_validate is not None:
        trained.metrics["cross_validation"] = cross_validate(trained)
        trained.metrics["timing"]["cross_validate_s"] = time.perf_counter() - crossed
    reporting = time.perf_counter()
    trained.metrics["timing"]["total_s"] = reporting - begin
    predictor = _documented(predictor, run, saved.folder.name, data, test, tested, prepared.findings, callback)
    done = time.perf_counter()
    trained.metrics["timing"] |= {"report_s": done - reporting, "total_s": done - begin}
    saved.save(predictor)
    return Trained(saved.folder, predictor)


def unmeasured(family: Family, fitted: Fitted, about: dict[str, Any], timing: dict[str, float]) -> Bundle:
    """What is saved of a model; what is measured of it comes later."""
    metrics: dict[str, Any] = {"timing": {**timing, **fitted.timing}}
    if fitted.held_out is not None:
        tried = {"texts": len(fitted.held_out.targets), "chose_epoch": fitted.held_out.chose_epoch}
        metrics["calibration"] = tried | (fitted.calibration.describe() if fitted.calibration else {})
    return Bundle(
        family=family,
        config=fitted.config,
        task=fitted.task,
        model=fitted.model,
        metadata=about,
        metrics=metrics,
        history=fitted.history,
        calibration=fitted.calibration,
        conformal=fitted.conformal,
        steps=fitted.steps,
    )


def _quantised(
    predictor: Predictor, test: Dataset | None, plain: Evaluation | None, callback: Callback
) -> tuple[Predictor, Evaluation | None]:
    """The model in int8 and how good that is, or, and a word why, the model as it is."""
    if test is None or plain is None:
        callback.on_message("int8 is not made, as nothing was held out to measure it on: see 'tenor export --int8'.")
        return predictor, plain
    try:
        small, compared, measured = export.export_int8(predictor, test, plain)
    except TenorError as refused:
        callback.on_message(str(refused))
        return predictor, plain
    figure = compared.metric.replace("_", " ")
    callback.on_message(f"int8 is kept: {figure} {compared.int8:.4f}, in float32 {compared.float32:.4f}.")
    return small, measured


def _documented(
    predictor: Predictor,
    run: RunConfig,
    title: str,
    data: Dataset,
    test: Dataset | None,
    tested: Evaluation | None,
    findings: Sequence[Finding],
    callback: Callback,
) -> Predictor:
    """The model with its report and its card, where they are wanted and the packages for them are installed."""
    if not run.report:
        return predictor
    from tenor.report import facts, render

    try:
        render.require_installed()
    except MissingExtraError as missing:
        callback.on_message(f"no {bundle.REPORT} is made: {missing.problem} {missing.remedy}")
        return predictor
    found = facts.gather(predictor, data, test, tested, findings, run_config.to_toml(run))
    written = render.render(found, title, run.lang)
    documents = {bundle.REPORT: written.page.encode(), bundle.MODEL_CARD: written.card.encode()}
    return Predictor(replace(predictor.bundle, documents=documents))


class Saved:
    """The folder of a model, which may be saved several times, each time a better one. `begun`: it holds one already.

    Where no `out` was given it is the next name that is free, should another run have taken this one.
    """

    def __init__(self, run: RunConfig, folder: Path, begun: bool = False) -> None:
        self.run, self.folder, self.begun = run, folder, begun

    def save(self, predictor: Predictor) -> None:
        while True:
            try:
                predictor.save(self.folder, self.run.overwrite or self.begun)
                self.begun = True
                return
            except BundleError:
                if self.begun or self.run.out is not None or not self.folder.exists():
                    raise
                self.folder = output.output_folder(replace(self.run, resume=False))


def _cross_validate(
    run: RunConfig, data: Dataset, groups: Groups, trained: Bundle, fit: Callable[..., Fitted], context: FitContext
) -> dict[str, Any]:
    """Metrics of models that each leave out one fold: those of every fold, their mean and standard deviation."""
    assert run.folds is not None
    if len(set(groups.tolist())) < run.folds:
        raise DataError(
            f"{data.name}: {run.folds} folds need as many groups of rows, and there are {len(set(groups.tolist()))}.",
            "Give more rows, or use fewer folds (`folds=...`).",
        )
    each, callback = [], context.callback
    strata = trained.task.strata(trained.task.encode(data.labels))
    for number, (kept, measured) in enumerate(split.folds(data.texts, strata, run.folds, run.seed, groups), 1):
        of_fold = replace(context, callback=PrefixedCallback(callback, f"fold-{number}"))
        fitted = fit(data.take(kept), groups[kept], of_fold)
        parts = ("task", "config", "model", "calibration", "conformal")
        predictor = Predictor(replace(trained, **{part: getattr(fitted, part) for part in parts}))
        each.append(evaluate.evaluate(predictor, data.take(measured)))
        callback.log_metrics("fold", number, each[-1])
        figures = [key for key in each[0] if all(isinstance(fold[key], float) for fold in each)]
        callback.on_epoch_end(f"fold {number} of {run.folds}", {figures[0]: each[-1][figures[0]]})
    table = {key: [fold[key] for fold in each] for key in figures}
    return {
        "folds": run.folds,
        "mean": {key: statistics.fmean(values) for key, values in table.items()},
        "std": {key: statistics.stdev(values) for key, values in table.items()},
        "each": [{"rows": fold["rows"], **{key: fold[key] for key in figures}} for fold in each],
    }


def _checkpoints(
    run: "RunConfig | PretrainConfig", family: Family, folder: Path, identity: dict[str, Any]
) -> Checkpoints:
    """Where the checkpoints of the model in `folder` go, with what identifies the run."""
    backend.load(f"the family {family.name!r}")  # here, since it keeps the backend quiet
    return Checkpoints(output.training_folder(folder), run.resume, identity)


def pretrain(run: PretrainConfig, callback: Callback | None = None) -> tuple[Path, Encoder]:
    """Train an encoder on texts without labels and save it; returns its folder and what is there.

    Raises:
        TenorError: The corpus, the settings or the output folder cannot be used; nothing is written then.
    """
    callback = callback or Callback()
    family = registry.find_pretrainable(run.family)
    init = _encoder(run.init, family)
    config = config_of(family, {**family.pretraining, **(run.settings or {})}, init)
    family.require_installed()
    tracking.need(run.log)
    folder = output.output_folder(run)
    begin = time.perf_counter()
    corpus = sources.read_unlabelled(run.corpus, run.text)
    read_s = time.perf_counter() - begin
    callback.on_message(f"{counted(len(corpus), 'text')} to learn from.")
    digest = provenance.fingerprint(corpus)
    identity = _identity(run, family, config, init, digest, {})
    folder, there = found_there(run, folder, identity, callback)
    if there is not None and there.whole:
        encoder: Encoder = there.saved
        return folder, encoder
    place = output.training_folder(folder)
    checkpoints = _checkpoints(run, family, folder, identity)

    from tenor.training import masked_lm

    with tracking.tracked(run.log, folder, callback, run.resume) as told:
        told.settings(_asked(run, config))
        context = FitContext(seed=run.seed, callback=told, checkpoints=checkpoints, init=_start(init))
        fitted = masked_lm.fit(family, corpus.texts, config, context)
        told.fitted(settings.as_dict(fitted.config), fitted.history, fitted.timing)
    encoder = Encoder(
        family,
        fitted.config,
        fitted.model.encoder(),
        {name: value for name, value in fitted.model.arrays().items() if not name.startswith("logits/")},
        {**provenance.origin(corpus, digest, run.seed), "run": identity},
        {"timing": {"read_s": read_s, **fitted.timing, "total_s": time.perf_counter() - begin}},
        fitted.history,
        steps=fitted.steps,
    )
    bundle.save_encoder(encoder, folder, run.overwrite)
    output.remove_checkpoints(place)
    return folder, encoder


def _encoder(folder: str | None, family: Family) -> Encoder | None:
    """The encoder that training starts from. Raises SettingsError where it is one of another family."""
    if folder is None:
        return None
    encoder = bundle.load_encoder(Path(folder))
    if encoder.family.name != family.name:
        raise SettingsError(
            f"{folder}: this is an encoder of the family {encoder.family.name!r}, not {family.name!r}.",
            f"Train with `family={encoder.family.name!r}`.",
        )
    return encoder


def config_of(family: Family, values: dict[str, Any], encoder: Encoder | None) -> Any:
    """The family's settings; those that shape an encoder come from the encoder that training starts from."""
    if encoder is None:
        return settings.make(family.config, values, "settings")
    shape = {key: value for key, value in settings.as_dict(encoder.config).items() if key in family.structure}
    for key in values:
        if key in shape and values[key] != shape[key]:
            raise SettingsError(
                f"the setting {key!r} is {values[key]!r}, and that of the encoder to start from is {shape[key]!r}.",
                "Leave it out.",
            )
    return settings.make(family.config, {**family.after_pretraining, **values, **shape}, "settings")


def _start(encoder: Encoder | None) -> Any:
    if encoder is None:
        return None
    from tenor.models.neural import network

    return network.PretrainedWeights(encoders.restore(encoder.text_encoder), encoder.arrays)
