"""The search for better settings of a family, by Optuna (Akiba et al., 2019).

Every trial learns from the same texts and is tried on the same others; the texts held out to measure on are never
looked at. What makes a trial better is the log loss after calibration (of numbers the squared error). The first trial
is the defaults, so that the best one is no worse than these. The next settings to try come from TPE (Bergstra et al.,
2011, "Algorithms for Hyper-Parameter Optimization"); networks whose validation loss after an epoch is worse than the
median of the trials before are given up.

Trials are kept in a database, so that a search goes on where it ended, and in the same way: the draws of a trial come
from the seed, its number, and the trials before those that are proposed together with it.
"""

import contextlib
import csv
import io
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tenor import tracking
from tenor._core import atomic
from tenor._core.callbacks import Callback
from tenor.config import run_config, settings
from tenor.config.run_config import RunConfig
from tenor.config.search_space import Choice, Space
from tenor.errors import BundleError, SettingsError, TenorError, WriteError, counted, missing_extra
from tenor.evaluation import calibration
from tenor.models import registry
from tenor.models.auto import cost
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.training import fitting, output, pipeline, preparation, provenance, run_setup
from tenor.training.finishing import TrainedModel

STUDY, BEST, TRIALS = "study.db", "best.toml", "trials.csv"

_NAME = "tenor"
_HELD_OUT, _MOST_HELD = 0.2, 5_000
_STARTUP = 5  # trials before any is given up, and before what was found says where to look
_OPTUNA: Any = None


class _GivenUpError(Exception):
    """A trial is not worth its time."""


class _OutOfTimeError(Exception):
    """The time is over in the middle of a trial."""


@dataclass(frozen=True)
class Tuning:
    """What a search is asked for.

    Attributes:
        run: The run to find better settings for; the settings that it names stay as they are.
        trials: How many there are to be in all, those of an earlier search among them.
        budget: Seconds; None: however long the trials take.
        together: Trials that are proposed at a time, so that they can be made at the same time: what is found depends
            on it, and not on where they are made.
    """

    run: RunConfig
    trials: int = 20
    budget: float | None = None
    together: int = 1

    def __post_init__(self) -> None:
        settings.require(self.together >= 1, "together", "must be 1 or more")
        settings.require(self.trials >= 1, "trials", "must be 1 or more")
        settings.require(self.budget is None or self.budget > 0, "budget", "must be above 0")


@dataclass(frozen=True)
class TuningResult:
    """What was found.

    Attributes:
        folder: Where the trials and the run file are.
        settings: The best settings.
        loss: Their loss.
        default_loss: That of the defaults.
        n_trials: How many trials there are, those given up among them.
    """

    folder: Path
    settings: dict[str, Any]
    loss: float
    default_loss: float
    n_trials: int


def tune(asked: Tuning, callback: Callback | None = None, attempts: "Attempts | None" = None) -> TuningResult:
    """Search.

    Args:
        asked: What is asked for.
        callback: Hears of progress.
        attempts: Makes the trials; None: on this machine, one after the other.

    Raises:
        TenorError: The data or the settings cannot be used, Optuna is missing, or the folder holds another search.
    """
    callback, attempts = callback or Callback(), attempts or _here
    end = None if asked.budget is None else time.time() + asked.budget
    optuna = _optuna()
    run, family = asked.run, registry.find(asked.run.family)
    if not family.tunable:
        raise SettingsError(f"{family.name!r} has nothing to tune.", "Name a family: see 'tenor families'.")
    run = run_setup.with_current_names(run, family)
    fixed = dict(run.settings or {})
    run_setup.resolve_settings(family, fixed, None)
    family.require_installed()
    tracking.require_trackers(run.log)
    folder = _folder(run)
    prepared = preparation.prepare(run, callback)
    task, data = prepared.task, prepared.data
    examples = preparation.examples_of(run, data, task, prepared.groups, prepared.validation)
    share = min(_HELD_OUT, _MOST_HELD / max(1, len(examples)))
    learned, held_out = examples.train_validation_split(share, run.seed)
    if not len(held_out):
        raise SettingsError("there are too few texts to compare settings on.", "Give more.")
    space = {name: way for name, way in family.config.space(task).items() if name not in fixed}
    if not space:
        raise SettingsError("every setting that could be tuned is given.", "Leave some to the search.")
    identity = {
        "family": family.name,
        "data": provenance.fingerprint(data),
        "task": task.to_dict(),
        "seed": run.seed,
        "settings": {**fixed, "class_weight": run.class_weight},
    }
    study = _study(optuna, folder, identity)
    setup = Setup(family.name, fixed, run.seed, learned, held_out.in_memory())
    with tracking.track(run.log, folder, callback) as told:
        told.log_settings({"data": run.data, "family": run.family, "seed": run.seed, **fixed})
        search = _Search(optuna, study, folder, run, space, setup, told, end, asked.together, attempts)
        search.go_on(asked.trials)
        found = search.tuned()
        told.log_settings(found.settings)
        told.track_metrics("best", found.n_trials, {"loss": found.loss, "loss_of_defaults": found.default_loss})
    return found


def train(asked: Tuning, callback: Callback | None = None) -> TrainedModel:
    """Search, then train with what was found. The folder of the search is that of the model with `-tuning` behind it.

    Raises:
        TenorError: As `tune` and `pipeline.train`.
    """
    run = asked.run
    family = registry.find(run.family)
    run_setup.check_quantise(run, family)
    if run.out is not None:
        output.output_folder(run)
    searched = replace(run, out=None if run.out is None else f"{run.out.rstrip('/')}-tuning")
    tuned = tune(replace(asked, run=searched), callback)
    if callback is not None:
        callback.on_message(
            f"{counted(tuned.n_trials, 'trial')}: loss {tuned.loss:.4f}, that of the defaults {tuned.default_loss:.4f}."
        )
        callback.on_message(f"the search is in {tuned.folder}; with {tuned.settings or 'the defaults'}:")
    return pipeline.train(replace(run, settings=tuned.settings or None), callback)


@dataclass(frozen=True)
class Setup:
    """What all trials have in common.

    Attributes:
        family: Name of the family.
        settings: Settings that stay as they are.
        seed: Seed of everything random.
        learned: What to learn from.
        held_out: What to be tried on.
    """

    family: str
    settings: dict[str, Any]
    seed: int
    learned: Examples
    held_out: Examples


@dataclass(frozen=True)
class Proposal:
    """A trial to make.

    Attributes:
        number: Its number; the first has the defaults.
        settings: What is tried.
        medians: Epoch -> the validation loss above which the trial is given up.
        end: When the time is over, seconds since 1970; None: never.
        values: What Optuna knows it by: its parameters, and their distributions.
    """

    number: int
    settings: dict[str, Any]
    medians: dict[int, float]
    end: float | None
    values: tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        state: `complete`; `pruned`: given up; `over`: the time is.
        figures: The loss and what else was measured.
        epochs: Epoch -> validation loss.
        seconds: How long it took.
        problem: Why it was given up, where its settings do not go together.
    """

    state: Literal["complete", "pruned", "over"]
    figures: dict[str, float]
    epochs: dict[int, float]
    seconds: float
    problem: str = ""


Attempts = Callable[[Setup, Sequence[Proposal], Callback], Iterator[Outcome]]
"""(setup, proposals, callback) -> what came of each, in their order."""


def attempt(setup: Setup, proposal: Proposal, callback: Callback) -> Outcome:
    """Make a trial. Raises SettingsError where the defaults do not serve."""
    family, learned, held_out = registry.find(setup.family), setup.learned, setup.held_out
    begin = time.perf_counter()
    told = _Trial(proposal, callback)
    try:
        config = settings.make(family.config, {**setup.settings, **proposal.settings}, "settings")
        fitted = fitting.fit_uncalibrated(family, learned, config, FitContext(seed=setup.seed, callback=told))
    except _OutOfTimeError:
        return Outcome("over", {}, told.epochs, time.perf_counter() - begin)
    except (_GivenUpError, SettingsError) as error:
        if not proposal.number:
            raise
        # Settings that are right alone may not go together.
        problem = error.problem if isinstance(error, SettingsError) else ""
        return Outcome("pruned", {}, told.epochs, time.perf_counter() - begin, problem)
    fitted_s, scoring = time.perf_counter() - begin, time.perf_counter()
    logits = fitted.model.logits(held_out.texts)
    texts_per_s = len(held_out) / (time.perf_counter() - scoring)
    fitted_calibration = calibration.fit(held_out.targets, logits, held_out.task)
    if fitted_calibration is not None:
        logits = fitted_calibration.apply(logits, held_out.task)
    figures = cost.measured(logits, held_out) | {"seconds": fitted_s, "texts_per_s": texts_per_s}
    figures["latency_ms"], figures["size_mib"] = cost.price(fitted, cost.sample(held_out))
    return Outcome("complete", figures, told.epochs, time.perf_counter() - begin)


def _here(setup: Setup, proposals: Sequence[Proposal], callback: Callback) -> Iterator[Outcome]:
    """One trial after the other on this machine."""
    for proposal in proposals:
        yield attempt(setup, proposal, callback)


@dataclass(frozen=True)
class _Search:
    optuna: Any
    study: Any
    folder: Path
    run: RunConfig
    space: Space
    setup: Setup
    callback: Callback
    end: float | None
    together: int
    attempts: Attempts

    def go_on(self, trials: int) -> None:
        """Make trials until there are as many, or the time is over."""
        atomic.remove_leftovers(self.folder / BEST, self.folder / TRIALS)
        done = self._done()
        if done:
            self.callback.on_message(f"{counted(len(done), 'trial is', 'trials are')} there already.")
            self._written()  # an earlier search may have been killed before it did
        if len(done) >= trials:
            self.callback.on_message(f"{self.folder}: output already exists and is complete; nothing to resume.")
        while (number := len(self._done())) < trials:
            if self.end is not None and time.time() >= self.end and number:
                return
            first = number - number % self.together
            before = self._done()[:first]
            proposals = [self._propose(before, each) for each in range(number, min(first + self.together, trials))]
            try:
                for proposal, outcome in zip(
                    proposals, self.attempts(self.setup, proposals, self.callback), strict=True
                ):
                    if outcome.state == "over":
                        return
                    self._keep(proposal, outcome)
            except KeyboardInterrupt:
                kept = len(self._done())
                self.callback.on_message(
                    f"interrupted: {counted(kept, 'trial is', 'trials are')} kept in {self.folder}; "
                    "'tenor tune' goes on there."
                )
                raise

    def _propose(self, before: Sequence[Any], number: int) -> Proposal:
        """The defaults at first, then what the search proposes, which knows of the trials `before`."""
        if not number:
            return Proposal(number, {}, {}, self.end, ({}, {}))
        sampler = self.optuna.samplers.TPESampler(
            seed=(self.run.seed * 1_000_003 + number) % 2**32, n_startup_trials=_STARTUP
        )
        known = self.optuna.create_study(sampler=sampler)
        known.add_trials(before)
        trial = known.ask()
        proposed = {name: _proposed(trial, name, way) for name, way in self.space.items()}
        return Proposal(number, proposed, self._medians(before), self.end, (trial.params, trial.distributions))

    def _medians(self, before: Sequence[Any]) -> dict[int, float]:
        """The median of the trials' validation losses after each epoch; none as long as there are few."""
        complete = [each for each in before if each.state == self.optuna.trial.TrialState.COMPLETE]
        epochs = {epoch for each in complete for epoch in each.intermediate_values}
        if len(complete) < _STARTUP:
            return {}
        losses = {
            epoch: [each.intermediate_values[epoch] for each in complete if epoch in each.intermediate_values]
            for epoch in epochs
        }
        return {epoch: statistics.median(values) for epoch, values in losses.items()}

    def _keep(self, proposal: Proposal, outcome: Outcome) -> None:
        """Put a trial into the database, and tell of it. Raises WriteError where that is not possible."""
        with self._writing():
            self._put(proposal, outcome)
        number = proposal.number
        if outcome.state == "complete":
            name = "defaults" if number == 0 else f"trial {number}"
            self.callback.on_candidate_end(name, outcome.figures, proposal.settings)
        else:
            problem = f": {outcome.problem}" if outcome.problem else "."
            self.callback.on_message(f"trial {number}: given up after {outcome.seconds:.1f} s{problem}")
        self._written()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Say in words what the system has against writing the search."""
        import sqlalchemy

        try:
            yield
        except (OSError, sqlalchemy.exc.DatabaseError, self.optuna.exceptions.StorageInternalError) as error:
            cause = error.__cause__ or error
            reason = getattr(error, "strerror", None) or str(getattr(cause, "orig", cause)).splitlines()[0]
            raise WriteError(
                f"{self.folder}: the search cannot be written: {reason}.",
                "What is through is kept. Free some space, and give the same command again.",
            ) from None

    def _put(self, proposal: Proposal, outcome: Outcome) -> None:
        states = self.optuna.trial.TrialState
        self.study.add_trial(
            self.optuna.trial.create_trial(
                state=states.COMPLETE if outcome.state == "complete" else states.PRUNED,
                value=outcome.figures.get("validation_loss"),
                params=proposal.values[0],
                distributions=proposal.values[1],
                user_attrs={**outcome.figures, "settings": proposal.settings, "trial_s": outcome.seconds},
                intermediate_values=outcome.epochs,
            )
        )

    def _done(self) -> list[Any]:
        """Trials that came to an end, in their order."""
        states = self.optuna.trial.TrialState
        return list(self.study.get_trials(deepcopy=False, states=(states.COMPLETE, states.PRUNED)))

    def _written(self) -> None:
        """The run file of the best settings, and the table of all."""
        best = self.study.best_trial
        merged = {**(self.run.settings or {}), **best.user_attrs["settings"]}
        toml = run_config.to_toml(replace(self.run, settings=merged or None))
        done = self._done()
        columns = list(dict.fromkeys(name for trial in done for name in trial.user_attrs if name != "settings"))
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["trial", "state", *columns, "settings"])
        for number, trial in enumerate(done):
            told = [trial.user_attrs.get(name, "") for name in columns]
            chosen = json.dumps(trial.user_attrs["settings"], ensure_ascii=False)
            writer.writerow([number, trial.state.name.lower(), *told, chosen])
        with self._writing():
            atomic.write(self.folder / BEST, toml.encode())
            atomic.write(self.folder / TRIALS, table.getvalue().encode())

    def tuned(self) -> TuningResult:
        done = self._done()
        best = self.study.best_trial
        merged = {**(self.run.settings or {}), **best.user_attrs["settings"]}
        return TuningResult(self.folder, merged, best.value, done[0].value, len(done))


class _Trial(Callback):
    """Tells of the progress of one trial, and ends it when it is not worth its time or the time is over."""

    def __init__(self, proposal: Proposal, callback: Callback) -> None:
        self.proposal, self.callback, self.epochs = proposal, callback, dict[int, float]()

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        number, end = self.proposal.number, self.proposal.end
        if number and end is not None and time.time() >= end:
            raise _OutOfTimeError
        self.callback.on_progress(f"trial {number}, {stage}", done, total, metrics)

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        if "validation_loss" not in metrics:
            return
        number = len(self.epochs) + 1
        self.epochs[number] = metrics["validation_loss"]
        if min(self.epochs.values()) > self.proposal.medians.get(number, math.inf):
            raise _GivenUpError


def _proposed(trial: Any, name: str, way: Any) -> Any:
    if isinstance(way, Choice):
        # As JSON, since Optuna keeps words and numbers alone.
        return json.loads(trial.suggest_categorical(name, [json.dumps(value) for value in way.values]))
    if way.integer:
        return trial.suggest_int(name, int(way.low), int(way.high), log=way.log)
    return trial.suggest_float(name, way.low, way.high, log=way.log)


def _optuna() -> Any:
    try:
        import optuna
        import sqlalchemy  # noqa: F401
    except ImportError:
        raise missing_extra("'tenor tune'", "tune") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _folder(run: RunConfig) -> Path:
    if run.out is not None:
        folder = Path(run.out)
        if folder.exists() and not (folder / STUDY).is_file() and (not folder.is_dir() or any(folder.iterdir())):
            raise BundleError(f"{folder}: this exists, and is no search.", "Choose another folder (`out=...`).")
    else:
        folder = output.derived_folder(run, "tuning", STUDY if run.resume else None)
    return folder


def _study(optuna: Any, folder: Path, identity: dict[str, Any]) -> Any:
    """The search in this folder, a new one where there is none."""
    import sqlalchemy

    database = folder / STUDY
    if database.is_symlink() or (database.exists() and not database.is_file()):
        raise BundleError(f"{database}: this is no plain file.", "Remove it, or choose another folder (`out=...`).")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{(folder / STUDY).resolve()}"
        with contextlib.suppress(FileExistsError):
            os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # SQLite would follow a link
        study = optuna.create_study(storage=storage, study_name=_NAME, load_if_exists=True)
    except OSError as error:
        raise BundleError(
            f"{folder}: no folder can be made: {error.strerror}.", "Choose another (`out=...`)."
        ) from None
    except (sqlalchemy.exc.DatabaseError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
        problem = f"{folder / STUDY}: this is no database of trials: {str(error).splitlines()[0]}"
        raise TenorError(problem, "Choose another folder (`out=...`), or remove this one.") from None
    identity = json.loads(json.dumps(identity))
    if not study.get_trials(deepcopy=False):  # new, or killed before there was anything to keep
        for name, value in identity.items():
            study.set_user_attr(name, value)
    changed = [name for name, value in identity.items() if study.user_attrs.get(name) != value]
    if changed:
        raise SettingsError(
            f"{folder}: this is a search with other {' and '.join(changed)}.",
            "Give the same data and options to go on with it, or choose another folder (`out=...`).",
        )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # it was killed
    return study
