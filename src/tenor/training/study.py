"""The trials of a search in its folder: a database of Optuna, the best settings as a run file, and a table."""

import contextlib
import csv
import io
import json
import os
import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from tenor._core import atomic
from tenor._core.language import tr
from tenor._core.records import Json, JsonMapping, JsonObject
from tenor.config import run_config
from tenor.config.run_config import RunConfig
from tenor.config.search_space import Choice, Range, Space
from tenor.errors import BundleError, SettingsError, TenorError, WriteError, missing_extra
from tenor.training.trials import Outcome, Proposal

DATABASE, BEST, TRIALS = "study.db", "best.toml", "trials.csv"

_NAME = "tenor"
_STARTUP = 5  # trials before any is pruned, and before the search proposes other settings than random ones

OptunaModule: TypeAlias = Any
"""The module `optuna`, which is imported only for a search."""
OptunaStudy: TypeAlias = Any
"""`optuna.Study`."""
OptunaTrial: TypeAlias = Any
"""`optuna.Trial` or `optuna.trial.FrozenTrial`."""


@dataclass(frozen=True)
class Study:
    """The trials of a search.

    Attributes:
        optuna: The module.
        study: Optuna's study.
        folder: The folder of the search.
        run: The run to tune.
        space: The settings to try, and their ranges.
    """

    optuna: OptunaModule
    study: OptunaStudy
    folder: Path
    run: RunConfig
    space: Space

    def finished(self) -> list[OptunaTrial]:
        """The trials that were completed or pruned, in their order."""
        states = self.optuna.trial.TrialState
        return list(self.study.get_trials(deepcopy=False, states=(states.COMPLETE, states.PRUNED)))

    def propose(self, number: int, known: Sequence[OptunaTrial], deadline: float | None) -> Proposal:
        """The defaults at first, then what TPE proposes from the trials `known`.

        The draws come from the seed, the number and these trials alone, so a search that was interrupted continues as
        it would have without the interruption.
        """
        if not number:
            return Proposal(number, {}, {}, deadline, {}, {})
        sampler = self.optuna.samplers.TPESampler(
            seed=(self.run.seed * 1_000_003 + number) % 2**32, n_startup_trials=_STARTUP
        )
        past = self.optuna.create_study(sampler=sampler)
        past.add_trials(known)
        trial = past.ask()
        values = {name: _suggest(trial, name, choices) for name, choices in self.space.items()}
        return Proposal(number, values, self._medians(known), deadline, trial.params, trial.distributions)

    def _medians(self, known: Sequence[OptunaTrial]) -> dict[int, float]:
        """Epoch -> the median validation loss of the trials after it; empty as long as there are few trials."""
        complete = [trial for trial in known if trial.state == self.optuna.trial.TrialState.COMPLETE]
        if len(complete) < _STARTUP:
            return {}
        epochs = {epoch for trial in complete for epoch in trial.intermediate_values}
        return {
            epoch: statistics.median(
                trial.intermediate_values[epoch] for trial in complete if epoch in trial.intermediate_values
            )
            for epoch in epochs
        }

    def add(self, proposal: Proposal, outcome: Outcome) -> None:
        """Add a trial that has ended. Raises WriteError if it cannot be written."""
        states = self.optuna.trial.TrialState
        with self.writing():
            self.study.add_trial(
                self.optuna.trial.create_trial(
                    state=states.COMPLETE if outcome.state == "complete" else states.PRUNED,
                    value=outcome.metrics.get("validation_loss"),
                    params=dict(proposal.params),
                    distributions=dict(proposal.distributions),
                    user_attrs={**outcome.metrics, "settings": dict(proposal.settings), "trial_s": outcome.seconds},
                    intermediate_values=outcome.epochs,
                )
            )

    def best_settings(self) -> JsonObject:
        """The best settings found, with those that the run names."""
        return {**(self.run.settings or {}), **self.study.best_trial.user_attrs["settings"]}

    def write_tables(self) -> None:
        """Write the run file of the best settings and the table of all trials. Raises WriteError."""
        toml = run_config.to_toml(replace(self.run, settings=self.best_settings() or None))
        trials = self.finished()
        columns = list(dict.fromkeys(name for trial in trials for name in trial.user_attrs if name != "settings"))
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["trial", "state", *columns, "settings"])
        for number, trial in enumerate(trials):
            values = [trial.user_attrs.get(name, "") for name in columns]
            tried = json.dumps(trial.user_attrs["settings"], ensure_ascii=False)
            writer.writerow([number, trial.state.name.lower(), *values, tried])
        with self.writing():
            atomic.write(self.folder / BEST, toml.encode())
            atomic.write(self.folder / TRIALS, table.getvalue().encode())

    def remove_parts(self) -> None:
        """Remove what a killed search may have left half-written."""
        atomic.remove_leftovers(self.folder / BEST, self.folder / TRIALS)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn errors of the disk and the database into a WriteError."""
        import sqlalchemy

        try:
            yield
        except (OSError, sqlalchemy.exc.DatabaseError, self.optuna.exceptions.StorageInternalError) as error:
            raise _write_error(self.folder, error) from None


def _write_error(folder: Path, error: Exception) -> WriteError:
    reason = getattr(error, "strerror", None) or str(_cause(error)).splitlines()[0]
    return WriteError(
        tr("{folder}: the search cannot be written: {reason}.", folder=folder, reason=reason),
        tr("Finished trials are kept. Free some space, and give the same command again."),
    )


def _cause(error: Exception) -> BaseException:
    """The error of SQLite that Optuna and SQLAlchemy wrap, or else the error itself."""
    cause = error.__cause__ or error
    original: BaseException = getattr(cause, "orig", cause)
    return original


def load_optuna() -> OptunaModule:
    """The module `optuna`, silenced. Raises MissingExtraError if it is not installed."""
    try:
        import optuna
        import sqlalchemy  # noqa: F401
    except ImportError:
        raise missing_extra(tr("'tenor tune'"), "tune") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def open_study(optuna: OptunaModule, folder: Path, identity: JsonMapping, run: RunConfig, space: Space) -> Study:
    """The search in this folder; a new one if there is none.

    Args:
        optuna: The module.
        folder: The folder of the search.
        identity: What a search needs to have in common with the one in the folder to continue it.
        run: The run to tune.
        space: The settings to try, and their ranges.

    Raises:
        TenorError: The folder cannot be used, or holds another search.
    """
    study = _open_database(optuna, folder)
    values: JsonObject = json.loads(json.dumps(identity))
    opened = Study(optuna, study, folder, run, space)
    if not study.get_trials(deepcopy=False):  # new, or killed before the first trial was added
        with opened.writing():
            for name, value in values.items():
                study.set_user_attr(name, value)
    changed = [name for name, value in values.items() if study.user_attrs.get(name) != value]
    if changed:
        raise SettingsError(
            tr("{folder}: this is a search with other {changed}.", folder=folder, changed=tr(" and ").join(changed)),
            tr("Give the same data and options to continue it, or choose another folder (`out=...`)."),
        )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # it was killed
    return opened


def _open_database(optuna: OptunaModule, folder: Path) -> OptunaStudy:
    import sqlalchemy

    database = folder / DATABASE
    if database.is_symlink() or (database.exists() and not database.is_file()):
        raise BundleError(
            tr("{database}: this is not a regular file.", database=database),
            tr("Remove it, or choose another folder (`out=...`)."),
        )
    is_new = not database.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # SQLite would follow a link
        return optuna.create_study(storage=f"sqlite:///{database.resolve()}", study_name=_NAME, load_if_exists=True)
    except OSError as error:
        raise BundleError(
            tr("{folder}: the folder cannot be created: {strerror}.", folder=folder, strerror=error.strerror),
            tr("Choose another (`out=...`)."),
        ) from None
    except (sqlalchemy.exc.DatabaseError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
        if is_new:  # nothing is in it
            database.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(_cause(error), sqlite3.OperationalError):  # the disk is full or read-only
            raise _write_error(folder, error) from None
        raise TenorError(
            tr(
                "{database}: this is not a database of trials: {error}",
                database=database,
                error=str(error).splitlines()[0],
            ),
            tr("Choose another folder (`out=...`), or remove this one."),
        ) from None


def _suggest(trial: OptunaTrial, name: str, choices: Choice | Range) -> Json:
    if isinstance(choices, Choice):
        # As JSON, since Optuna only stores words and numbers.
        return json.loads(trial.suggest_categorical(name, [json.dumps(value) for value in choices.values]))
    if choices.integer:
        return trial.suggest_int(name, int(choices.low), int(choices.high), log=choices.log)
    return trial.suggest_float(name, choices.low, choices.high, log=choices.log)
