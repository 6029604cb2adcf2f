"""Labelled texts -> a fitted, calibrated model of any family."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tenor._core.language import tr
from tenor.evaluation import calibration, conformal, thresholds
from tenor.models.base import Examples, FamilyConfig, Fitted
from tenor.models.context import FitContext
from tenor.models.families import pretrained
from tenor.models.family import Family, NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import backend
from tenor.tasks import MultiLabel
from tenor.training import frozen

if TYPE_CHECKING:
    from tenor.training.neural import NetworkTrainer


def fit(family: Family, examples: Examples, config: FamilyConfig, context: FitContext) -> Fitted:
    """Fit a model, calibrate it, and choose conformal scores and, in multilabel tasks, thresholds.

    Args:
        family: The family.
        examples: The labelled texts.
        config: The family's settings.
        context: How and where it is fitted. Models that `context.on_candidate` takes are calibrated too.

    Raises:
        TenorError: A setting does not fit the task, or the checkpoint to resume from cannot be used.
    """
    on_candidate = context.on_candidate
    if on_candidate is not None:
        context = replace(
            context, on_candidate=lambda fitted: on_candidate(calibrate(_with_inputs(fitted, examples, context)))
        )
    fitted = _with_inputs(fit_uncalibrated(family, examples, config, context), examples, context)
    if fitted.held_out is None:
        context.callback.on_message(
            tr("nothing was held out, so probabilities are not calibrated and no coverage can be promised.")
        )
    return calibrate(fitted)


def _with_inputs(fitted: Fitted, examples: Examples, context: FitContext) -> Fitted:
    """The model with what turns a row into the text that it reads."""
    return replace(fitted, fields=examples.fields, character_map=context.character_map)


def calibrate(fitted: Fitted) -> Fitted:
    """The model with calibration, conformal scores and thresholds from its held-out texts, if there are any."""
    if fitted.held_out is None or not len(fitted.held_out.targets):
        return fitted
    started_at = time.perf_counter()
    task, targets, logits = fitted.task, fitted.held_out.targets, fitted.held_out.logits
    calibrator = calibration.fit(targets, logits, task)
    scores = conformal.fit(targets, logits, task)
    if isinstance(task, MultiLabel):
        assert calibrator is not None
        chosen = thresholds.choose(targets > 0, task.probabilities(calibrator.apply(logits, task)))
        task = replace(task, thresholds=chosen)
    seconds = fitted.timing.get("calibrate_s", 0.0) + time.perf_counter() - started_at
    timing = fitted.timing | {"calibrate_s": seconds}
    return replace(fitted, task=task, timing=timing, calibration=calibrator, conformal=scores)


def fit_uncalibrated(family: Family, examples: Examples, config: FamilyConfig, context: FitContext) -> Fitted:
    """Fit a model without calibration. A network makes only as many steps as fit into `context.seconds`."""
    examples = examples.fold(context.character_map)
    return family.fit(examples, config, replace(context, fit_network=context.fit_network or fit_network))


def fit_network(
    family: NetworkFamily,
    examples: Examples,
    config: NetworkConfig,
    context: FitContext,
    /,
    train_network: "NetworkTrainer | None" = None,
) -> Fitted:
    """Train a network: `neural.fit`, which loads Keras; of a frozen encoder, only the head: `frozen.fit`.

    Args:
        family: Its family.
        examples: What to train on.
        config: The family's settings.
        context: How it is fitted.
        train_network: Trains it on other machines; None: in this process.

    Raises:
        TenorError: As `fit`.
    """
    is_here = train_network is None
    if is_here and isinstance(config, pretrained.Config) and frozen.applies(examples, config, context):
        return frozen.fit(examples, config, context)
    backend.load(tr("family {name!r}", name=family.name))  # here, since it keeps the backend quiet
    from tenor.training import network_training, neural

    return neural.fit(family, examples, config, context, train_network or network_training.train_network)
