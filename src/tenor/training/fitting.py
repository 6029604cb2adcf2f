"""Labelled texts -> a fitted model of any family, with what is chosen on texts that it has not learned from."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tenor.config.settings import nearest, require
from tenor.evaluation import calibration, conformal, thresholds
from tenor.models.base import Examples, Fitted, NetworkConfig
from tenor.models.context import FitContext
from tenor.models.family import Family, NetworkFamily
from tenor.models.neural import backend
from tenor.tasks import Floats, MultiLabel, SingleLabel, Targets, Task

if TYPE_CHECKING:
    from tenor.training.neural import NetworkTrainer


def weights(task: Task, targets: Targets, wanted: Any) -> Floats:
    """(texts,) how much each text counts, 1 on average.

    Args:
        task: What is predicted.
        targets: What `task.encode` makes of the labels.
        wanted: `balanced`: all classes count the same; or a dictionary of the weights of classes, 1 where it names
            none; or None.

    Raises:
        SettingsError: It is something else, or the task has no classes.
    """
    check_class_weight(task, wanted)
    if wanted is None:
        return np.broadcast_to(np.float32(1), len(targets))
    assert isinstance(task, SingleLabel)
    return task.sample_weights(targets, wanted)


def check_class_weight(task: Task, wanted: Any) -> None:
    """Refuse weights of classes that do not serve the task, as `weights` does."""
    if wanted is None:
        return
    require(task.is_single_label, "class_weight", "serves tasks with one label a text")
    if wanted != "balanced":
        require(isinstance(wanted, dict), "class_weight", "must be balanced, or a weight for each class")
        for label, weight in wanted.items():
            unknown = f"names {label!r}, which is no label of the data"
            require(label in task.labels, "class_weight", unknown, nearest(label, list(task.labels)))
            usable = isinstance(weight, (int, float)) and 0 < weight < float("inf")
            require(usable, "class_weight", f"of {label!r} must be a number above 0")


def fit(family: Family, examples: Examples, config: Any, context: FitContext) -> Fitted:
    """Fit a model, calibrate it and keep conformal scores; labels of a set get their thresholds.

    Args:
        family: Its family.
        examples: What to learn from.
        config: The family's settings.
        context: How and where it is fitted. Models that `context.on_candidate` takes are calibrated too.

    Raises:
        TenorError: A setting does not serve the task, or the checkpoint to resume from cannot be used.
    """
    on_candidate = context.on_candidate
    if on_candidate is not None:
        context = replace(context, on_candidate=lambda fitted: on_candidate(calibrated(fitted)))
    fitted = fit_plain(family, examples, config, context)
    if fitted.held_out is None:
        context.callback.on_message(
            "nothing was held out, so probabilities are not calibrated and no coverage can be promised."
        )
    return calibrated(fitted)


def calibrated(fitted: Fitted) -> Fitted:
    """The model with what the texts held out tell of its probabilities, where there are any."""
    if fitted.held_out is None or not len(fitted.held_out.targets):
        return fitted
    begin = time.perf_counter()
    task, (targets, logits, _) = fitted.task, fitted.held_out
    found = calibration.fit(targets, logits, task)
    scores = conformal.fit(targets, logits, task)
    if isinstance(task, MultiLabel):
        assert found is not None
        chosen = thresholds.choose(targets > 0, task.probabilities(found.apply(logits, task)))
        task = replace(task, thresholds=chosen)
    spent = fitted.timing.get("calibrate_s", 0.0) + time.perf_counter() - begin
    timing = fitted.timing | {"calibrate_s": spent}
    return replace(fitted, task=task, timing=timing, calibration=found, conformal=scores)


def fit_plain(family: Family, examples: Examples, config: Any, context: FitContext) -> Fitted:
    """A model without calibration; a network makes only as many steps as fit into `context.seconds`."""
    return family.fit(examples, config, replace(context, fit_network=context.fit_network or fit_network))


def fit_network(
    family: NetworkFamily,
    examples: Examples,
    config: NetworkConfig,
    context: FitContext,
    /,
    train_network: "NetworkTrainer | None" = None,
) -> Fitted:
    """Train a network: `neural.fit`, which loads Keras.

    Args:
        family: Its family.
        examples: What to learn from.
        config: The family's settings.
        context: How it is fitted.
        train_network: Trains it on other machines; None: in this process.

    Raises:
        TenorError: As `fit`.
    """
    backend.load(f"family {family.name!r}")  # here, since it keeps the backend quiet
    from tenor.training import network_training, neural

    return neural.fit(family, examples, config, context, train_network or network_training.train_network)
