"""One trial of a search: fit a candidate's settings, and evaluate them on the validation data."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonMapping
from tenor.errors import SettingsError
from tenor.evaluation import calibration
from tenor.models import registry
from tenor.models.auto import cost
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.training import fitting


class _PrunedError(Exception):
    """A trial is not worth its time."""


class _OutOfTimeError(Exception):
    """The time is over in the middle of a trial."""


@dataclass(frozen=True)
class TrialSetup:
    """What all trials of a search have in common.

    Attributes:
        family: Name of the family.
        settings: Settings that the search leaves unchanged.
        seed: Seed of everything random.
        train: Examples to fit the candidates to.
        validation: Examples to compare the candidates on.
    """

    family: str
    settings: JsonMapping
    seed: int
    train: Examples
    validation: Examples


@dataclass(frozen=True)
class Proposal:
    """A trial to run.

    Attributes:
        number: Its number; trial 0 has the defaults.
        settings: The settings to try.
        medians: Epoch -> the validation loss above which the trial is pruned.
        deadline: When the time is over, in seconds since 1970; None: never.
        params: The settings as Optuna knows them.
        distributions: The ranges that Optuna drew them from.
    """

    number: int
    settings: JsonMapping
    medians: Mapping[int, float]
    deadline: float | None
    params: JsonMapping
    distributions: Mapping[str, object]


@dataclass(frozen=True)
class Outcome:
    """The result of a trial.

    Attributes:
        state: `complete`, `pruned`, or `timed out`.
        metrics: The validation loss and what else was measured.
        epochs: Epoch -> validation loss.
        seconds: Duration.
        problem: Why it was pruned, if its settings cannot be combined.
    """

    state: Literal["complete", "pruned", "timed out"]
    metrics: Mapping[str, float]
    epochs: dict[int, float]
    seconds: float
    problem: str = ""


class RunTrials(Protocol):
    """Runs trials, here or on other machines."""

    def __call__(self, setup: TrialSetup, proposals: Sequence[Proposal], callback: Callback) -> Iterator[Outcome]:
        """The outcomes of the proposals, in their order."""


def run_sequentially(setup: TrialSetup, proposals: Sequence[Proposal], callback: Callback) -> Iterator[Outcome]:
    """Run one trial after the other on this machine."""
    for proposal in proposals:
        yield run_trial(setup, proposal, callback)


def run_trial(setup: TrialSetup, proposal: Proposal, callback: Callback) -> Outcome:
    """Run a trial. Raises SettingsError if the defaults do not serve."""
    family, validation = registry.find(setup.family), setup.validation
    started_at = time.perf_counter()
    trial = _TrialCallback(proposal, callback)
    try:
        config = family.make_config({**setup.settings, **proposal.settings})
        fitted = fitting.fit_uncalibrated(family, setup.train, config, FitContext(seed=setup.seed, callback=trial))
    except _OutOfTimeError:
        return Outcome("timed out", {}, trial.epochs, time.perf_counter() - started_at)
    except (_PrunedError, SettingsError) as error:
        if not proposal.number:
            raise
        # Settings that are valid alone may not be valid together.
        problem = error.problem if isinstance(error, SettingsError) else ""
        return Outcome("pruned", {}, trial.epochs, time.perf_counter() - started_at, problem)
    fit_seconds, predicting_at = time.perf_counter() - started_at, time.perf_counter()
    logits = fitted.model.logits(validation.texts)
    texts_per_s = len(validation) / (time.perf_counter() - predicting_at)
    fitted_calibration = calibration.fit(validation.targets, logits, validation.task)
    if fitted_calibration is not None:
        logits = fitted_calibration.apply(logits, validation.task)
    metrics = cost.metrics_with_intervals(logits, validation.targets, validation.task)
    metrics |= {"seconds": fit_seconds, "texts_per_s": texts_per_s}
    metrics["latency_ms"], metrics["size_mib"] = cost.inference_cost(fitted, cost.sample(validation))
    return Outcome("complete", metrics, trial.epochs, time.perf_counter() - started_at)


class _TrialCallback(Callback):
    """Reports the progress of one trial, and stops it if it is pruned or the time is over."""

    def __init__(self, proposal: Proposal, callback: Callback) -> None:
        self._proposal, self._callback = proposal, callback
        self.epochs: dict[int, float] = {}

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        """Forward the progress under the trial's number. Trial 0 is always finished: it has the defaults."""
        number, deadline = self._proposal.number, self._proposal.deadline
        if number and deadline is not None and time.time() >= deadline:
            raise _OutOfTimeError
        self._callback.on_progress(tr("trial {number}, {stage}", number=number, stage=stage), done, total, metrics)

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        """Keep the validation loss, and prune the trial if its best one is above the median."""
        if "validation_loss" not in metrics:
            return
        number = len(self.epochs) + 1
        self.epochs[number] = metrics["validation_loss"]
        if min(self.epochs.values()) > self._proposal.medians.get(number, math.inf):
            raise _PrunedError
