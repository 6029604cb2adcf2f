"""The search for better settings of a family, by Optuna (Akiba et al., 2019).

All trials are fitted to the same texts and compared on the same validation texts. The test texts are never looked at.
Trials are compared by their log loss after calibration (for numbers: the squared error). The first trial has the
defaults, so the best one is never worse. TPE proposes the next settings (Bergstra et al., 2011, "Algorithms for
Hyper-Parameter Optimization"). A network is pruned if its validation loss after an epoch is above the median of the
earlier trials.

Trials are kept in a database, so an interrupted search continues, and in the same way: the draws of a trial come from
the seed, its number, and the trials before those that are proposed together with it.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from tenor import tracking
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.printable import without_passwords
from tenor._core.records import JsonMapping, JsonObject
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.data.fingerprint import fingerprint
from tenor.errors import BundleError, SettingsError, counted
from tenor.models import registry
from tenor.models.base import Examples
from tenor.training import output, pipeline, preparation, run_setup, study
from tenor.training.finishing import TrainedModel
from tenor.training.preparation import PreparedData
from tenor.training.study import Study
from tenor.training.trials import Outcome, Proposal, RunTrials, TrialSetup, run_sequentially

_VALIDATION, _MOST_VALIDATION = 0.2, 5_000  # a share of the texts, and a number of them


@dataclass(frozen=True)
class TuneConfig:
    """What to search for, and how long.

    Attributes:
        run: The run to tune; the settings that it names stay unchanged.
        trials: Number of trials in all, with those of an interrupted search.
        budget: Seconds; None: no limit.
        parallel: Trials that are proposed together, so that they can run at the same time. The result depends on it,
            and not on where they run.
    """

    run: RunConfig
    trials: int = 20
    budget: float | None = None
    parallel: int = 1

    def __post_init__(self) -> None:
        settings.check_types(self)
        settings.require(self.parallel >= 1, "parallel", tr("must be 1 or more"))
        settings.require(self.trials >= 1, "trials", tr("must be 1 or more"))
        settings.require(self.budget is None or self.budget > 0, "budget", tr("must be above 0"))


@dataclass(frozen=True)
class TuningResult:
    """The result of a search.

    Attributes:
        folder: Where the trials and the run file are.
        settings: The best settings.
        loss: Their loss.
        default_loss: That of the defaults.
        n_trials: Number of trials, with those that were pruned.
    """

    folder: Path
    settings: JsonObject
    loss: float
    default_loss: float
    n_trials: int


def tune(config: TuneConfig, callback: Callback | None = None, run_trials: RunTrials | None = None) -> TuningResult:
    """Search for the best settings.

    Args:
        config: What to search for.
        callback: Receives messages, progress and metrics.
        run_trials: Runs the trials; None: on this machine, one after the other.

    Raises:
        TenorError: The data or the settings cannot be used, Optuna is missing, or the folder holds another search.
    """
    callback = callback or Callback()
    deadline = None if config.budget is None else time.time() + config.budget
    optuna = study.load_optuna()
    family = registry.find(config.run.family)
    if not family.tunable:
        raise SettingsError(
            tr("{name!r} has nothing to tune.", name=family.name), tr("Name a family: see 'tenor families'.")
        )
    run = run_setup.with_current_names(config.run, family)
    fixed = dict(run.settings or {})
    run_setup.resolve_settings(family, fixed, None)
    family.require_installed()
    tracking.require_trackers(run.log)
    folder = _search_folder(run)
    prepared = preparation.prepare(run, callback)
    train_examples, validation = _split(run, prepared)
    space = {name: choices for name, choices in family.config.space(prepared.task).items() if name not in fixed}
    if not space:
        raise SettingsError(tr("every setting that could be tuned is given."), tr("Leave some to the search."))
    opened = study.open_study(optuna, folder, _identity(run, prepared, fixed), run, space)
    setup = TrialSetup(family.name, fixed, run.seed, train_examples, validation)
    with tracking.track(run.log, folder, callback) as tracker:
        tracker.log_settings({"data": without_passwords(run.data), "family": run.family, "seed": run.seed, **fixed})
        search = _Search(opened, setup, tracker, deadline, config.parallel, run_trials or run_sequentially)
        search.run_until(config.trials)
        result = search.result()
        tracker.log_settings(result.settings)
        tracker.track_metrics("best", result.n_trials, {"loss": result.loss, "loss_of_defaults": result.default_loss})
    return result


def tune_and_train(config: TuneConfig, callback: Callback | None = None) -> TrainedModel:
    """Search, then train with the best settings. The folder of the search is that of the model with `-tuning` added.

    Raises:
        TenorError: As `tune` and `pipeline.train`.
    """
    run = config.run
    run_setup.check_quantise(run, registry.find(run.family))
    if run.out is not None:
        output.output_folder(run)
    search_run = replace(run, out=None if run.out is None else f"{run.out.rstrip('/')}-tuning")
    tuned = tune(replace(config, run=search_run), callback)
    if callback is not None:
        callback.on_message(
            tr(
                "{trials}: loss {loss:.4f}, that of the defaults {default_loss:.4f}.",
                trials=counted(tuned.n_trials, "trial"),
                loss=tuned.loss,
                default_loss=tuned.default_loss,
            )
        )
        callback.on_message(
            tr(
                "the search is in {folder}; with {settings}:",
                folder=tuned.folder,
                settings=tuned.settings or tr("the defaults"),
            )
        )
    return pipeline.train(replace(run, settings=tuned.settings or None), callback)


def _search_folder(run: RunConfig) -> Path:
    if run.out is None:
        return output.derived_folder(run, "tuning", study.DATABASE if run.resume else None)
    folder = Path(run.out)
    if folder.exists() and not (folder / study.DATABASE).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise BundleError(
            tr("{folder}: this exists already, and is not a search.", folder=folder),
            tr("Choose another folder (`out=...`)."),
        )
    return folder


def _split(run: RunConfig, prepared: PreparedData) -> tuple[Examples, Examples]:
    """The examples to fit the candidates to, and those to compare them on."""
    examples = preparation.examples_of(run, prepared.data, prepared.task, prepared.groups, prepared.validation)
    examples = examples.fold(prepared.character_map)
    share = min(_VALIDATION, _MOST_VALIDATION / max(1, len(examples)))
    train_examples, validation = examples.train_validation_split(share, run.seed)
    if not len(validation):
        raise SettingsError(tr("there are too few texts to compare settings on."), tr("Give more."))
    return train_examples, validation.in_memory()


def _identity(run: RunConfig, prepared: PreparedData, fixed: JsonMapping) -> JsonObject:
    """What a search needs to have in common with an interrupted one to continue it."""
    return {
        "family": run.family,
        "data": fingerprint(prepared.data),
        "task": prepared.task.to_dict(),
        "seed": run.seed,
        "settings": {**fixed, "class_weight": run.class_weight},
    }


@dataclass(frozen=True)
class _Search:
    study: Study
    setup: TrialSetup
    callback: Callback
    deadline: float | None
    parallel: int
    run_trials: RunTrials

    def run_until(self, trials: int) -> None:
        """Run trials until there are `trials` of them, or the time is over."""
        folder = self.study.folder
        self.study.remove_parts()
        finished = len(self.study.finished())
        if finished:
            self.callback.on_message(
                tr("{finished} there already.", finished=counted(finished, "trial is", "trials are"))
            )
            self.study.write_tables()  # an earlier search may have been killed before it did
        if finished >= trials:
            self.callback.on_message(
                tr("{folder}: output already exists and is complete; nothing to resume.", folder=folder)
            )
        try:
            while (number := len(self.study.finished())) < trials and not (number and self._is_over()):
                if not self._run_together(number, trials):
                    return
        except KeyboardInterrupt:
            kept = len(self.study.finished())
            self.callback.on_message(
                tr(
                    "interrupted: {kept} kept in {folder}; 'tenor tune' continues there.",
                    kept=counted(kept, "trial is", "trials are"),
                    folder=folder,
                )
            )
            raise

    def _is_over(self) -> bool:
        return self.deadline is not None and time.time() >= self.deadline

    def _run_together(self, number: int, trials: int) -> bool:
        """Run the trials from `number` that are proposed together; whether there was time for all of them."""
        first = number - number % self.parallel
        known = self.study.finished()[:first]
        numbers = range(number, min(first + self.parallel, trials))
        proposals = [self.study.propose(each, known, self.deadline) for each in numbers]
        outcomes = self.run_trials(self.setup, proposals, self.callback)
        for proposal, outcome in zip(proposals, outcomes, strict=True):
            if outcome.state == "timed out":
                return False
            self.study.add(proposal, outcome)
            self._report(proposal, outcome)
            self.study.write_tables()
        return True

    def _report(self, proposal: Proposal, outcome: Outcome) -> None:
        number = proposal.number
        if outcome.state == "complete":
            name = tr("trial {number}", number=number) if number else tr("defaults")
            self.callback.on_candidate_end(name, dict(outcome.metrics), proposal.settings)
        else:
            problem = tr(": {problem}", problem=outcome.problem) if outcome.problem else tr(".")
            self.callback.on_message(
                tr(
                    "trial {number}: pruned after {seconds:.1f} s{problem}",
                    number=number,
                    seconds=outcome.seconds,
                    problem=problem,
                )
            )

    def result(self) -> TuningResult:
        finished, best = self.study.finished(), self.study.study.best_trial
        return TuningResult(self.study.folder, self.study.best_settings(), best.value, finished[0].value, len(finished))
