"""The data of a run: texts are read, checked and split."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenor import tasks
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.checks.finding import Finding
from tenor.config.run_config import RunConfig
from tenor.data import dataset, known_labels, later_sources, sources
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.errors import DataError, SettingsError
from tenor.models.base import Examples
from tenor.tasks import Task, UnknownLabels
from tenor.text.chinese import CharacterMap
from tenor.training import class_weight, folding, splitting

_MIN_TEXTS = 5  # on each side of a split
_USUAL_SHARE = 0.2


@dataclass(frozen=True)
class PreparedData:
    """The data of a run.

    Attributes:
        data: The training texts.
        test: The test texts; None: nothing is measured.
        task: The task.
        groups: (rows of `data`,) numbers of groups that stay in the same split; None: every row is a group.
        validation: Validation texts from a file of their own; None: no such file.
        findings: Problems of the data.
        timing: Seconds by step.
        character_map: Characters that the model reads as others; None: none.
    """

    data: Dataset
    test: Dataset | None
    task: Task
    groups: Groups | None
    validation: Dataset | None
    findings: Sequence[Finding]
    timing: dict[str, float]
    character_map: CharacterMap | None = None


def prepare(run: RunConfig, callback: Callback) -> PreparedData:
    """Read the texts, check them, and hold out a test part. Raises TenorError where they cannot be used."""
    start = time.perf_counter()
    data, test = sources.read_train_and_test(run, callback)
    data = later_sources.add(run, data, callback)
    read_s = time.perf_counter() - start

    dataset.check_labels(data)
    for part in (data, test):
        if part is not None and part.note:
            callback.on_message(tr("{place}: {problem}", place=part.name, problem=part.note))
    task = tasks.from_labels(data.kind, data.labels)
    if test is not None:
        test = match_labels(test, task, run.unknown_labels, callback)
    validation = sources.read_validation(run, data, callback)
    if validation is not None:
        validation = match_labels(validation, task, "drop" if run.unknown_labels == "drop" else "error", callback)
    checking_at = time.perf_counter()
    groups, findings = splitting.groups_of(run, data, test, callback)
    check_s = time.perf_counter() - checking_at
    if test is None and run.folds is None and run.test_size > 0:
        require_share("test_size", run.test_size, data, tr("measure on"))
        kept, held_out = splitting.hold_out(run, data, task, groups, callback)
        data, test = data.take(kept), data.take(held_out).in_memory()
        groups = None if groups is None else groups[kept]
        if not len(test):
            callback.on_message(
                tr(
                    "nothing can be held out, so nothing is measured: there are too few rows, or too few "
                    "groups of rows that are equal or belong together."
                )
            )
    if isinstance(run.validation, float):
        require_share("validation", run.validation, data, tr("validate on"))
    if validation is not None:
        splitting.report_common_texts(validation, data, test, callback)
    test_rows = len(test) if test is not None else 0
    if not task.has_labels:
        task = tasks.from_labels(data.kind, data.labels)  # mean and standard deviation of the training texts alone
    held_out_parts = (
        "" if validation is None else tr("{n_validation:,} validation texts, ", n_validation=len(validation))
    )
    if isinstance(run.validation, float):
        held_out_parts = tr("{validation:.1%} of them for validation, ", validation=run.validation)
    held_out_parts += tr("{test_rows:,} test texts", test_rows=test_rows) + (
        tr(", {folds} folds", folds=run.folds) if run.folds else ""
    )
    callback.on_message(
        tr(
            "{n_texts:,} training texts, {held_out_parts}; {labels}.",
            n_texts=len(data),
            held_out_parts=held_out_parts,
            labels=task.describe(),
        )
    )
    character_map = folding.choose(
        run.fold_chinese,
        len(data),
        folding.taken_from(data.texts, splitting.targets_of(task, data), task),
        run.seed,
    )
    if character_map is not None:
        callback.on_message(folding.describe(character_map))
    timing = {"read_s": read_s, "check_s": check_s}
    return PreparedData(data, test, task, groups, validation, findings, timing, character_map)


def match_labels(data: Dataset, task: Task, unknown_labels: UnknownLabels, callback: Callback) -> Dataset:
    """The rows with the labels of the task; what changes is reported. Raises DataError as `known_labels` does."""
    matched, notes = known_labels.match_labels(data, task, unknown_labels)
    for note in notes:
        callback.on_message(note)
    return matched


def require_share(option: str, share: float, data: Dataset, purpose: str) -> None:
    """Refuse an extreme share, which leaves almost nothing on one side. With few texts, a usual share is allowed.

    Args:
        option: Name of the option.
        share: The share that is held out.
        data: The texts.
        purpose: What the held-out texts are for, such as `measure on`.

    Raises:
        SettingsError: The share is too small or too large.
    """
    rows = len(data)
    small = share < _USUAL_SHARE and share * rows < _MIN_TEXTS
    if small or (share > 1 - _USUAL_SHARE and (1 - share) * rows < _MIN_TEXTS):
        raise SettingsError(
            tr(
                "`{option}=...`: {share:g} of {rows:,} texts leaves fewer than {min_texts} to {purpose}.",
                option=option,
                share=share,
                rows=rows,
                min_texts=_MIN_TEXTS,
                purpose=purpose if small else tr("train on"),
            ),
            tr(
                "Give a {tr} share, such as {usual_share}, or more texts.",
                tr=tr("larger") if small else tr("smaller"),
                usual_share=_USUAL_SHARE,
            ),
        )


def examples_of(
    run: RunConfig, data: Dataset, task: Task, groups: Groups | None, validation: Dataset | None = None
) -> Examples:
    """The training examples, with validation examples if the run requests them.

    Args:
        run: The run.
        data: The training texts.
        task: The task.
        groups: (rows,) numbers of groups that stay in the same split; None: every row is a group.
        validation: Validation texts from a file of their own; None: no such file.

    Raises:
        DataError: There are too few texts for a validation part.
    """
    targets = splitting.targets_of(task, data)
    weights = class_weight.sample_weights(task, targets, run.class_weight)
    examples = Examples(data.texts, targets, task, weights, groups, fields=data.fields)
    if validation is not None:
        targets = splitting.targets_of(task, validation)
        weights = class_weight.sample_weights(task, targets, None)
        held_out = Examples(validation.texts, targets, task, weights, fields=data.fields)
        return replace(examples, validation=held_out)
    if run.validation is None:
        return examples
    assert isinstance(run.validation, float)
    train, held_out = examples.split(run.validation, run.seed)
    if not len(held_out):
        raise DataError(
            tr(
                "{name}: no {validation:g} of these texts can be held out to validate on.",
                name=data.name,
                validation=run.validation,
            ),
            tr("Give more texts, a larger share, or a file of its own."),
        )
    return replace(train, validation=held_out.in_memory())
