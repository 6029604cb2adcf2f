"""The end of a run: the model is measured, quantised if requested, documented and saved."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonMapping, JsonObject
from tenor.config import run_config
from tenor.config.run_config import RunConfig
from tenor.data.dataset import Dataset
from tenor.errors import BundleError, MissingExtraError, TenorError
from tenor.evaluation import evaluate
from tenor.evaluation.evaluate import Evaluation
from tenor.inference import bundle
from tenor.inference.bundle import Bundle, Metrics
from tenor.inference.predictor import Predictor
from tenor.models.base import Fitted
from tenor.models.family import Family
from tenor.training import export, output
from tenor.training.preparation import PreparedData


@dataclass(frozen=True)
class TrainedModel:
    """A trained model and its folder."""

    folder: Path
    predictor: Predictor

    @property
    def metrics(self) -> JsonObject:
        """The contents of `metrics.json`."""
        return self.predictor.bundle.metrics.as_dict()


class ModelFolder:
    """The folder of a model, which may be saved several times, each time a better one.

    Attributes:
        run: The run.
        path: The folder. Where the run names none, this is the next free name if another run takes the first one.
        has_model: Whether a model of this run is in it.
    """

    def __init__(self, run: RunConfig, path: Path, has_model: bool = False) -> None:
        self.run, self.path, self.has_model = run, path, has_model

    def save(self, predictor: Predictor) -> None:
        """Save a model, and replace an earlier one of this run. Raises BundleError where that is not possible."""
        while True:
            try:
                predictor.save(self.path, self.run.overwrite or self.has_model)
                self.has_model = True
                return
            except BundleError:
                if self.has_model or self.run.out is not None or not self.path.exists():
                    raise
                self.path = output.output_folder(replace(self.run, resume=False))


def unevaluated_bundle(family: Family, fitted: Fitted, metadata: JsonMapping, timing: Mapping[str, float]) -> Bundle:
    """A model that was just fitted, with what it was calibrated on.

    Args:
        family: The model's family.
        fitted: The model.
        metadata: Further fields of `tenor.json`.
        timing: Seconds by step before fitting.
    """
    fresh = Bundle.from_fitted(family, fitted, metadata, timing)
    if fitted.held_out is None:
        return fresh
    held_out = {"texts": len(fitted.held_out.targets), "chose_epoch": fitted.held_out.chose_epoch}
    calibration = held_out | (fitted.calibration.describe() if fitted.calibration else {})
    return replace(fresh, metrics=replace(fresh.metrics, calibration=calibration))


def finish(
    prepared: PreparedData,
    trained: Bundle,
    folder: ModelFolder,
    callback: Callback,
    started_at: float,
    cross_validate: Callable[[Bundle], JsonObject] | None = None,
) -> TrainedModel:
    """Measure a model, document and save it.

    Args:
        prepared: Its training and test texts.
        trained: The model.
        folder: The folder to save it to.
        callback: Receives messages on parts that are left out.
        started_at: When the run began, in seconds of `time.perf_counter`.
        cross_validate: Computes the metrics of a cross-validation; None: no cross-validation.
    """
    test, predictor = prepared.test, Predictor(trained)
    start = time.perf_counter()
    evaluation = evaluate.run_evaluation(predictor, test) if test is not None and len(test) else None
    if folder.run.quantise:
        predictor, evaluation = _quantised(predictor, test, evaluation, callback)
    metrics = predictor.bundle.metrics
    templates = _templated_classes(prepared)
    if evaluation is not None:
        metrics = replace(metrics, test=evaluation.metrics | templates)
    evaluated_at = time.perf_counter()
    metrics = metrics.with_timing(evaluate_s=evaluated_at - start)
    if cross_validate is not None:
        metrics = replace(metrics, cross_validation=cross_validate(predictor.bundle) | templates)
        metrics = metrics.with_timing(cross_validate_s=time.perf_counter() - evaluated_at)
    reporting_at = time.perf_counter()
    predictor = _with_metrics(predictor, metrics.with_timing(total_s=reporting_at - started_at))
    predictor = _with_documents(predictor, prepared, evaluation, folder, callback)
    done_at = time.perf_counter()
    metrics = metrics.with_timing(report_s=done_at - reporting_at, total_s=done_at - started_at)
    predictor = _with_metrics(predictor, metrics)
    folder.save(predictor)
    return TrainedModel(folder.path, predictor)


def _templated_classes(prepared: PreparedData) -> JsonObject:
    """`templated_classes`: those whose texts are all nearly the same; empty if there are none."""
    names = {name for finding in prepared.findings if finding.name == "templated" for name in finding.details}
    return {"templated_classes": sorted(names)} if names else {}


def _with_metrics(predictor: Predictor, metrics: Metrics) -> Predictor:
    return Predictor(replace(predictor.bundle, metrics=metrics))


def _quantised(
    predictor: Predictor, test: Dataset | None, evaluation: Evaluation | None, callback: Callback
) -> tuple[Predictor, Evaluation | None]:
    """The model in int8 with its evaluation; or the model as it was, and a message why."""
    if test is None or evaluation is None:
        callback.on_message(
            tr("int8 is not made, as nothing was held out to measure it on: see 'tenor export --int8'.")
        )
        return predictor, evaluation
    try:
        quantised, comparison, int8_evaluation = export.export_int8(predictor, test, evaluation)
    except TenorError as refused:
        callback.on_message(str(refused))
        return predictor, evaluation
    name = comparison.metric.replace("_", " ")
    callback.on_message(
        tr(
            "int8 is kept: {name} {int8:.4f}, in float32 {float32:.4f}.",
            name=name,
            int8=comparison.int8,
            float32=comparison.float32,
        )
    )
    return quantised, int8_evaluation


def _with_documents(
    predictor: Predictor,
    prepared: PreparedData,
    evaluation: Evaluation | None,
    folder: ModelFolder,
    callback: Callback,
) -> Predictor:
    """The model with its report and model card, if they are requested and their packages are installed."""
    run = folder.run
    if not run.report:
        return predictor
    from tenor.report import render, report_data

    try:
        render.require_installed()
    except MissingExtraError as missing:
        callback.on_message(
            tr(
                "no {report} is made: {problem} {remedy}",
                report=bundle.REPORT,
                problem=missing.problem,
                remedy=missing.remedy,
            )
        )
        return predictor
    toml = run_config.to_toml(run)
    data = report_data.gather(predictor, prepared.data, prepared.test, evaluation, prepared.findings, toml)
    documents = render.render(data, folder.path.name)
    contents = {bundle.REPORT: documents.page.encode(), bundle.MODEL_CARD: documents.card.encode()}
    return Predictor(replace(predictor.bundle, documents=contents))
