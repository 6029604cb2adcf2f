"""How a dataset is split: which rows stay together, which are held out, and what the checks report."""

import shlex
from collections.abc import Iterable

import numpy as np

from tenor import checks, tasks
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.printable import without_passwords
from tenor.checks import disk_checks
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding
from tenor.config.run_config import RunConfig
from tenor.data import field_columns, later_sources, sources, split, times
from tenor.data.blocks import Rows
from tenor.data.dataset import Dataset
from tenor.data.label_source import label_source
from tenor.data.split import Groups
from tenor.data.text_source import text_source
from tenor.errors import SettingsError
from tenor.tasks import Targets, Task


def report_common_texts(validation: Dataset, data: Dataset, test: Dataset | None, callback: Callback) -> None:
    """Report how many validation texts are also training or test texts."""
    validation_texts = {text.strip() for text in validation.texts}
    for part, purpose in ((data, tr("train on")), (test, tr("measure on"))):
        if part is None:
            continue
        if common := len(validation_texts.intersection(text.strip() for text in part.texts)):
            callback.on_message(
                tr(
                    "{common:,} of the {n_validation_texts:,} texts to validate on are also among those to {purpose}.",
                    common=common,
                    n_validation_texts=len(validation_texts),
                    purpose=purpose,
                )
            )


def on_disk(data: Dataset) -> bool:
    """Whether the texts are on disk, since there are too many for memory."""
    return text_source(data.texts).on_disk


def groups_of(
    run: RunConfig, data: Dataset, test: Dataset | None, callback: Callback
) -> tuple[Groups | None, list[Finding]]:
    """Rows that stay in the same split, and problems of the texts.

    Near duplicates stay together, a text with another one that contains it, and rows of the same group.

    Returns:
        (rows,) numbers of groups, and the problems that were reported. The groups are None if the texts are on disk:
        then equal texts stay together.

    Raises:
        SettingsError: The texts are on disk, and an option needs all of them in memory.
    """
    if on_disk(data):
        _refuse_in_memory_options(run, data)
        callback.on_message(
            tr("{n_data:,} texts are kept on disk; near duplicates among them are not searched.", n_data=len(data))
        )
        return None, _report(disk_checks.quick_checks(data, test), callback)
    parts = CheckContext(data, test)
    findings = _report(checks.quick_checks(parts), callback)
    if findings:
        callback.on_message(tr("to see the rows: {check_command}", check_command=_check_command(run)))
    groups = parts.split_groups
    if run.group is not None:
        files = sources.options_of(run).files
        values = later_sources.read_column(_source(run), run.group, "group", data, files, is_required=False)
        groups = split.merge_groups([groups, split.groups_by_value(values)])
    return groups, findings


def _check_command(run: RunConfig) -> str:
    """The command that shows the problems of the data of a run."""
    given = [("test", run.test), *(("text", name) for name in field_columns.names(run.text))]
    given += [("feature", name) for name in field_columns.names(run.features)]
    given += [("label", run.label)] if isinstance(run.label, str) else []
    options = [part for name, value in given if value for part in ("--" + name, value)]
    return shlex.join(["tenor", "check", without_passwords(run.data), *options])


def _refuse_in_memory_options(run: RunConfig, data: Dataset) -> None:
    for option in ("group", "time", "folds"):
        if getattr(run, option) is not None:
            raise SettingsError(
                tr(
                    "`{option}=...` needs the texts in memory, and these {n_data:,} are kept on disk.",
                    option=option,
                    n_data=len(data),
                ),
                tr(
                    "Leave out `{option}=...` (`test=FILE` measures on your own texts), or use `on_disk=False`.",
                    option=option,
                ),
            )


def _report(findings: Iterable[Finding], callback: Callback) -> list[Finding]:
    """Report the problems that matter to training, and return them."""
    relevant = [finding for finding in findings if finding.training_message]
    for finding in relevant:
        callback.on_message(finding.training_message)
    return relevant


def hold_out(run: RunConfig, data: Dataset, task: Task, groups: Groups | None, callback: Callback) -> tuple[Rows, Rows]:
    """Training rows and test rows: a random split, or the latest rows as test if `run.time` names a column.

    Of several sources, the first one is split as it would be alone, so that its test texts stay the same. Rows of later
    sources go where near duplicates of theirs are, and the others are split in the same way.
    """
    if run.time is None:
        if groups is None or not data.parts:
            return _hold_out_at_random(run, data, task, groups)
        first, *_ = data.parts
        n_first = len(first.data)
        _, held_out = _hold_out_at_random(
            run, first.data, tasks.from_labels(first.data.kind, first.data.labels), groups[:n_first]
        )
        in_test = set(groups[held_out].tolist())
        new = np.flatnonzero(~np.isin(groups, groups[:n_first]))
        _, new_held_out = _hold_out_at_random(run, data.take(new), task, groups[new])
        in_test |= set(groups[new[new_held_out]].tolist())
        is_test = np.isin(groups, list(in_test))
        return np.flatnonzero(~is_test), np.flatnonzero(is_test)
    numbers = [data.row_number(row) for row in range(len(data))]
    files = sources.options_of(run).files
    values = later_sources.read_column(_source(run), run.time, "time", data, files, is_required=True)
    moments = times.parse(values, numbers, data.name, run.time)
    if moments.note:
        callback.on_message(tr("{place}: {problem}", place=data.name, problem=moments.note))
    return split.hold_out_latest(data.texts, moments.values, run.test_size, groups)


def _hold_out_at_random(run: RunConfig, data: Dataset, task: Task, groups: Groups | None) -> tuple[Rows, Rows]:
    texts = text_source(data.texts)
    return texts.hold_out(texts.strata(targets_of(task, data), task), run.test_size, run.seed, groups)


def _source(run: RunConfig) -> str:
    """Where the texts for training are."""
    return sources.train_and_test_sources(run)[0]


def targets_of(task: Task, data: Dataset) -> Targets:
    """The labels, as `task.encode` gives them; on disk if the labels are."""
    return label_source(data.labels).encode(task.encode)
