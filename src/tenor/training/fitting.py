"""Labelled texts -> a fitted model of any family, with what is chosen on texts that it has not learned from."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tenor._core.callbacks import Callback
from tenor.config.settings import nearest, require
from tenor.evaluation import calibration, conformal, thresholds
from tenor.models.base import Examples, Family, Fitted
from tenor.models.neural import backend
from tenor.tasks import Classes, Floats, LabelSet, Targets, Task, Value

if TYPE_CHECKING:
    from tenor.models.auto.executor import Spread
    from tenor.models.neural.network import Start
    from tenor.training.neural import Learn
    from tenor.training.trainer import Checkpoints


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
    assert isinstance(task, Classes)
    return task.weights(targets, wanted)


def check_class_weight(task: Task, wanted: Any) -> None:
    """Refuse weights of classes that do not serve the task, as `weights` does."""
    if wanted is None:
        return
    require(isinstance(task, Classes), "class_weight", "serves tasks with one label a text")
    assert isinstance(task, Classes)
    if wanted != "balanced":
        require(isinstance(wanted, dict), "class_weight", "must be balanced, or a weight for each class")
        for label, weight in wanted.items():
            unknown = f"names {label!r}, which is no label of the data"
            require(label in task.labels, "class_weight", unknown, nearest(label, list(task.labels)))
            usable = isinstance(weight, (int, float)) and 0 < weight < float("inf")
            require(usable, "class_weight", f"of {label!r} must be a number above 0")


def fit(
    family: Family,
    examples: Examples,
    config: Any,
    seed: int,
    callback: Callback,
    checkpoints: "Checkpoints | None" = None,
    start: "Start | None" = None,
    ready: Callable[[Fitted], None] | None = None,
    spread: "Spread | None" = None,
    learn: "Learn | None" = None,
) -> Fitted:
    """Fit a model, calibrate it and keep conformal scores; labels of a set get their thresholds.

    Args:
        family: Its family.
        examples: What to learn from.
        config: The family's settings.
        seed: Seed of everything random.
        callback: Hears of progress.
        checkpoints: Where those of a network go; None keeps none.
        start: A pretrained encoder that a network starts from.
        ready: Takes models that can be used while a better one is looked for.
        spread: Where a family that blends others has them made; None: here.
        learn: Trains a network elsewhere; None: here.

    Raises:
        TenorError: A setting does not serve the task, or the checkpoint to resume from cannot be used.
    """
    if family.combine is not None:

        def told(fitted: Fitted) -> None:
            if ready is not None:
                ready(calibrated(fitted))

        return calibrated(family.combine(fit_plain, examples, config, seed, callback, told, spread))
    found = fit_plain(family, examples, config, seed, callback, None, checkpoints, start, learn)
    if found.held_out is None:
        callback.on_message(
            "nothing was held out, so probabilities are not calibrated and no coverage can be promised."
        )
    return calibrated(found)


def calibrated(fitted: Fitted) -> Fitted:
    """The model with what the texts held out tell of its probabilities, where there are any."""
    if fitted.held_out is None or not len(fitted.held_out.targets):
        return fitted
    begin = time.perf_counter()
    task, (targets, logits, _) = fitted.task, fitted.held_out
    found = None if isinstance(task, Value) else calibration.fit(targets, logits, task)
    scores = conformal.fit(targets, logits, task)
    if isinstance(task, LabelSet):
        assert found is not None
        chosen = thresholds.choose(targets > 0, task.probabilities(found.apply(logits, task)))
        task = replace(task, thresholds=chosen)
    spent = fitted.timing.get("calibrate_s", 0.0) + time.perf_counter() - begin
    timing = fitted.timing | {"calibrate_s": spent}
    return replace(fitted, task=task, timing=timing, calibration=found, conformal=scores)


def fit_plain(
    family: Family,
    examples: Examples,
    config: Any,
    seed: int,
    callback: Callback,
    seconds: float | None = None,
    checkpoints: "Checkpoints | None" = None,
    start: "Start | None" = None,
    learn: "Learn | None" = None,
) -> Fitted:
    """A model as it is, without calibration; a network makes only as many steps as fit into the seconds."""
    if family.fit is not None:
        return family.fit(examples, config, seed, callback)
    backend.load(f"family {family.name!r}")  # here, since it keeps the backend quiet
    from tenor.training import network_training, neural

    learn = learn or network_training.learn
    return neural.fit(family, examples, config, seed, callback, checkpoints, start, seconds, learn)
