"""Which rows of a dataset stay together, which are held out, and what training should know of them."""

from collections.abc import Iterable

from tenor import checks
from tenor._core.callbacks import Callback
from tenor.checks import disk_checks
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding
from tenor.config.run_config import RunConfig
from tenor.data import sources, split, times
from tenor.data.blocks import Rows
from tenor.data.dataset import Dataset
from tenor.data.label_source import label_source
from tenor.data.split import Groups
from tenor.data.text_source import text_source
from tenor.errors import SettingsError
from tenor.tasks import Targets, Task


def tell_common(validation: Dataset, data: Dataset, test: Dataset | None, callback: Callback) -> None:
    """Say how many texts to validate on are learned from, or measured on, too."""
    known = {text.strip() for text in validation.texts}
    for part, done in ((data, "learn from"), (test, "measure on")):
        common = len(known.intersection(text.strip() for text in part.texts)) if part is not None else 0
        if common:
            callback.on_message(
                f"{common:,} of the {len(known):,} texts to validate on are also among those to {done}."
            )


def on_disk(data: Dataset) -> bool:
    """Whether the texts are on disk, since there are many."""
    return text_source(data.texts).on_disk


def groups_of(
    run: RunConfig, data: Dataset, test: Dataset | None, callback: Callback
) -> tuple[Groups | None, list[Finding]]:
    """Rows that stay together, and what a person should know of the texts.

    Those are near duplicates, a text with one that it is part of, and rows of the same group.

    None where the texts are on disk: equal ones stay together then.

    Raises:
        SettingsError: The texts are on disk, and something is asked for that needs all of them in memory.
    """
    if on_disk(data):
        _refuse_in_memory_options(run, data)
        callback.on_message(f"{len(data):,} texts are kept on disk; near duplicates among them are not looked for.")
        return None, _tell(disk_checks.quick_checks(data, test), callback)
    parts = CheckContext(data, test)
    findings = _tell(checks.quick_checks(parts), callback)
    if findings:
        command = f"tenor check {run.data} --test {run.test}" if run.test else f"tenor check {run.data}"
        callback.on_message(f"to see the rows: {command}")
    groups = parts.split_groups
    if run.group is not None:
        groups = split.merge_groups(
            [
                groups,
                split.groups_by_value(
                    sources.read_source_column(sources.train_and_test_sources(run)[0], run.group, "group", data)
                ),
            ]
        )
    return groups, findings


def _refuse_in_memory_options(run: RunConfig, data: Dataset) -> None:
    for option in ("group", "time", "folds"):
        if getattr(run, option) is not None:
            raise SettingsError(
                f"`{option}=...` needs the texts in memory, and these {len(data):,} are kept on disk.",
                f"Leave out `{option}=...` (`test=FILE` measures on your own texts), or use `on_disk=False`.",
            )


def _tell(findings: Iterable[Finding], callback: Callback) -> list[Finding]:
    """Say what training should know of, and return it."""
    told = [finding for finding in findings if finding.training_message]
    for finding in told:
        callback.on_message(finding.training_message)
    return told


def hold_out(run: RunConfig, data: Dataset, task: Task, groups: Groups | None) -> tuple[Rows, Rows]:
    """The rows to learn from and those to measure on: drawn at random, or the latest if `run.time` names a column."""
    if run.time is None:
        texts = text_source(data.texts)
        return texts.hold_out(texts.strata(targets_of(task, data), task), run.test_size, run.seed, groups)
    numbers = [data.row_number(row) for row in range(len(data))]
    moments = times.parse(
        sources.read_source_column(sources.train_and_test_sources(run)[0], run.time, "time", data),
        numbers,
        data.name,
        run.time,
    )
    return split.hold_out_latest(data.texts, moments, run.test_size, groups)


def targets_of(task: Task, data: Dataset) -> Targets:
    """What `task.encode` makes of the labels; on disk where these are."""
    return label_source(data.labels).encode(task.encode)
