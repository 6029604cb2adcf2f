"""What a run learns from and is measured on: texts read, checked, and parted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenor import tasks
from tenor._core.callbacks import Callback
from tenor.checks.finding import Finding
from tenor.config.run_config import RunConfig
from tenor.data import dataset, sources
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.errors import DataError, SettingsError
from tenor.evaluation import evaluate
from tenor.models.base import Examples
from tenor.tasks import Task
from tenor.training import class_weight, splitting

_FEWEST = 5  # texts, below which a part is too small to learn from or to measure on; a share is to leave as many
_USUAL = 0.2


@dataclass(frozen=True)
class PreparedData:
    """What a run learns from and is measured on.

    Attributes:
        data: The texts to learn from.
        test: Those to measure on, None where there are none.
        task: What is predicted.
        groups: (rows of `data`,) numbers of groups that stay together; None where each row is one.
        validation: Texts of their own to validate on, None where there are none.
        findings: What the check of the data found.
        timing: Seconds by step.
    """

    data: Dataset
    test: Dataset | None
    task: Task
    groups: Groups | None
    validation: Dataset | None
    findings: Sequence[Finding]
    timing: dict[str, float]


def prepare(run: RunConfig, callback: Callback) -> PreparedData:
    """Read the texts, check them, and hold a part out. Raises TenorError where they cannot be used."""
    begin = time.perf_counter()
    data, test = sources.read_train_and_test(run, callback)
    read_s = time.perf_counter() - begin

    dataset.check_labels(data)
    for part in (data, test):
        if part is not None and part.note:
            callback.on_message(f"{part.name}: {part.note}")
    task = tasks.from_labels(data.kind, data.labels)
    if test is not None:
        evaluate.check_labels(test, task)
    validation = sources.read_validation(run, data, callback)
    if validation is not None:
        evaluate.check_labels(validation, task)
    checking = time.perf_counter()
    groups, findings = splitting.groups_of(run, data, test, callback)
    check_s = time.perf_counter() - checking
    if test is None and run.folds is None and run.test_size > 0:
        require_share("test_size", run.test_size, data, "measure on")
        kept, held_out = splitting.hold_out(run, data, task, groups)
        data, test = data.take(kept), data.take(held_out).in_memory()
        groups = None if groups is None else groups[kept]
        if not len(test):
            callback.on_message(
                "nothing can be held out, so nothing is measured: there are too few rows, or too few groups of rows "
                "that are equal or belong together."
            )
    if isinstance(run.validation, float):
        require_share("validation", run.validation, data, "validate on")
    if validation is not None:
        splitting.tell_common(validation, data, test, callback)
    test_rows = len(test) if test is not None else 0
    if not task.has_labels:
        task = tasks.from_labels(data.kind, data.labels)  # of the texts to learn from alone
    validated = "" if validation is None else f"{len(validation):,} to validate on, "
    if isinstance(run.validation, float):
        validated = f"{run.validation:.1%} of them to validate on, "
    measured_on = f"{validated}{test_rows:,} to measure on" + (f", {run.folds} folds" if run.folds else "")
    callback.on_message(f"{len(data):,} texts to learn from, {measured_on}; {task.describe()}.")
    return PreparedData(data, test, task, groups, validation, findings, {"read_s": read_s, "check_s": check_s})


def require_share(option: str, share: float, data: Dataset, purpose: str) -> None:
    """Refuse an extreme share, that leaves next to nothing on one side. A usual one of few texts is not at fault.

    Raises:
        SettingsError: It is one.
    """
    rows = len(data)
    small = share < _USUAL and share * rows < _FEWEST
    if small or (share > 1 - _USUAL and (1 - share) * rows < _FEWEST):
        raise SettingsError(
            f"`{option}=...`: {share:g} of {rows:,} texts leaves fewer than {_FEWEST} to "
            f"{purpose if small else 'learn from'}.",
            f"Give a {'larger' if small else 'smaller'} share, such as {_USUAL}, or more texts.",
        )


def examples_of(
    run: RunConfig, data: Dataset, task: Task, groups: Groups | None, validation: Dataset | None = None
) -> Examples:
    """The texts to learn from, with those to validate on where the run names some.

    Raises:
        DataError: There are too few texts for a part of them.
    """
    targets = splitting.targets_of(task, data)
    found = Examples(data.texts, targets, task, class_weight.sample_weights(task, targets, run.class_weight), groups)
    if validation is not None:
        targets = splitting.targets_of(task, validation)
        others = Examples(validation.texts, targets, task, class_weight.sample_weights(task, targets, None))
        return replace(found, validation=others)
    if run.validation is None:
        return found
    assert isinstance(run.validation, float)
    learned, held_out = found.split(run.validation, run.seed)
    if not len(held_out):
        raise DataError(
            f"{data.name}: no {run.validation:g} of these texts can be held out to validate on.",
            "Give more texts, a larger share, or a file of its own.",
        )
    return replace(learned, validation=held_out.in_memory())
