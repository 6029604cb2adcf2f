"""Where a run's texts come from, and which of them are learned from."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenor import checks, settings
from tenor.bundle import Bundle
from tenor.checks import many
from tenor.checks.finding import Finding
from tenor.checks.parts import Parts
from tenor.data import builtin, dataset, split, stored, table, times
from tenor.data.dataset import Dataset
from tenor.data.split import Groups
from tenor.data.stored import Texts
from tenor.errors import DataError, SettingsError
from tenor.runs import Run
from tenor.tasks import Kind, Targets, Task
from tenor.watch import Watcher


def read(source: str, **options: Any) -> Dataset:
    """Labelled texts from a path or a built-in name; `options` are those of `dataset.read`."""
    found = locate(source)
    return builtin.load(found) if isinstance(found, str) else dataset.read(found, **options)


def locate(source: str) -> str | Path:
    """The name of a built-in dataset, or a path. Raises DataError where it can be neither."""
    if source in builtin.BUILTINS and not Path(source).exists():
        return source
    path = Path(source)
    other = source == "-" or table.is_pattern(source)
    if not path.suffix and not other and not os.path.exists(path):  # noqa: PTH110  (never raises, however long the name)
        names = list(builtin.BUILTINS)
        raise DataError(
            f"{source}: there is no such file and no such built-in dataset.",
            settings.nearest(source, names).replace("Known", "Built in"),
        )
    return path


def read_test(source: str, kind: Kind, watcher: Watcher, **options: Any) -> Dataset:
    """Labelled texts to measure on: as `read`, but of a folder with the parts `train` and `test` the latter.

    `kind` is the task that was trained.
    """
    task = "multiclass" if kind == "binary" else kind  # a third label is an unknown one, and told of as such
    options["task"] = task
    parts = _both(source)
    if parts:
        watcher.say(f"{source} has a train and a test folder; the test folder is taken.")
        source = parts[1]
    return read(source, **options)


def read_measured(
    source: str, model: Bundle, watcher: Watcher, by: Sequence[str] = (), **options: Any
) -> tuple[Dataset, dict[str, list[Any]]]:
    """Labelled texts to measure a saved model on, and the columns `by` of their rows.

    `options` are those of `dataset.read`; the model's columns and separator are taken where none are named.
    """
    usual = (model.about.get("text_column"), model.about.get("label_column"))
    options["separator"] = options.get("separator") or model.about.get("label_separator")
    rows = read_test(source, model.task.kind, watcher, usual=usual, **options)
    if rows.note:
        watcher.say(rows.note)
    parts = _both(source)
    return rows, {column: _column(parts[1] if parts else source, column, "slice", rows) for column in by}


def _both(source: str) -> tuple[str, str] | None:
    """The folders `train` and `test` in the folder `source`, if it has both."""
    train, test = os.path.join(source, "train"), os.path.join(source, "test")  # noqa: PTH118
    return (train, test) if os.path.isdir(train) and os.path.isdir(test) else None  # noqa: PTH112  (never raises)


def sources(run: Run) -> tuple[str, str | None]:
    """Where the texts to learn from and those to measure on are: a folder of both parts stands for the two."""
    parts = _both(run.data)
    return parts if run.test is None and parts else (run.data, run.test)


def read_parts(run: Run, watcher: Watcher) -> tuple[Dataset, Dataset | None]:
    """The texts to learn from, and those to measure on where there are any.

    Raises:
        DataError: They cannot be read.
    """
    options: dict[str, Any] = {"drop_unlabelled": run.drop_unlabelled, "drop_empty": run.drop_empty}
    source, test_source = sources(run)
    if source != run.data:
        watcher.say(f"{run.data} has a train and a test folder; each is taken as such.")
    options["separator"] = run.label_separator
    data = read(source, text=run.text, label=run.label, task=run.task, on_disk=run.on_disk, watcher=watcher, **options)
    if source not in builtin.BUILTINS:
        watcher.say(f"texts from column {data.text_column!r}, labels from column {data.label_column!r}.")
    if test_source is None:
        return data, None
    usual = (data.text_column, data.label_column)
    test = read_test(test_source, data.kind, watcher, text=run.text, label=run.label, usual=usual, **options)
    return data, test


def read_validation(run: Run, data: Dataset, watcher: Watcher) -> Dataset | None:
    """The texts of a file that a run names to validate on.

    Raises:
        DataError: They cannot be read, or there are none.
    """
    if not isinstance(run.validation, str):
        return None
    return read_test(
        run.validation,
        data.kind,
        watcher,
        text=run.text,
        label=run.label,
        usual=(data.text_column, data.label_column),
        separator=run.label_separator,
        drop_unlabelled=run.drop_unlabelled,
        drop_empty=run.drop_empty,
    )


def tell_common(validation: Dataset, data: Dataset, test: Dataset | None, watcher: Watcher) -> None:
    """Say how many texts to validate on are learned from, or measured on, too."""
    known = {text.strip() for text in validation.texts}
    for part, done in ((data, "learn from"), (test, "measure on")):
        common = len(known.intersection(text.strip() for text in part.texts)) if part is not None else 0
        if common:
            watcher.say(f"{common:,} of the {len(known):,} texts to validate on are also among those to {done}.")


def on_disk(data: Dataset) -> bool:
    """Whether the texts are on disk, since there are many."""
    return isinstance(data.texts, Texts)


def groups_of(run: Run, data: Dataset, test: Dataset | None, watcher: Watcher) -> tuple[Groups | None, list[Finding]]:
    """Rows that stay together, and what a person should know of the texts.

    Those are near duplicates, a text with one that it is part of, and rows of the same --group.

    None where the texts are on disk: equal ones stay together then.

    Raises:
        SettingsError: The texts are on disk, and something is asked for that needs all of them in memory.
    """
    if on_disk(data):
        _refuse_in_memory_options(run, data)
        watcher.say(f"{len(data):,} texts are kept on disk; near duplicates among them are not looked for.")
        return None, _tell(many.brief(data, test), watcher)
    parts = Parts(data, test)
    findings = _tell(checks.brief(parts), watcher)
    if findings:
        beside = f" --test {run.test}" if run.test else ""
        watcher.say(f"to see the rows: tenor check {run.data}{beside}")
    groups = parts.together
    if run.group is not None:
        groups = split.joined([groups, split.same_value(_column(sources(run)[0], run.group, "group", data))])
    return groups, findings


def _refuse_in_memory_options(run: Run, data: Dataset) -> None:
    for option in ("group", "time", "folds"):
        if getattr(run, option) is not None:
            raise SettingsError(
                f"--{option} needs the texts in memory, and these {len(data):,} are kept on disk.",
                f"Leave out --{option} (--test FILE measures on texts of your own), or give --in-memory.",
            )


def _tell(findings: Iterable[Finding], watcher: Watcher) -> list[Finding]:
    """Say what training should know of, and return it."""
    told = [finding for finding in findings if finding.brief]
    for finding in told:
        watcher.say(finding.brief)
    return told


def hold_out(run: Run, data: Dataset, task: Task, groups: Groups | None) -> tuple[split.Rows, split.Rows]:
    if run.time is None:
        strata = split.strata(data.texts, targets_of(task, data), task)
        return split.hold_out(data.texts, strata, run.test_size, run.seed, groups)
    numbers = [data.number(row) for row in range(len(data))]
    moments = times.parse(_column(sources(run)[0], run.time, "time", data), numbers, data.name, run.time)
    return split.hold_out_latest(data.texts, moments, run.test_size, groups)


def targets_of(task: Task, data: Dataset) -> Targets:
    """What `task.encode` makes of the labels; on disk where these are."""
    return stored.encoded(data.labels, task.encode) if on_disk(data) else task.encode(data.labels)


def _column(source: str, column: str, option: str, data: Dataset) -> list[Any]:
    """The values of the column that --group, --time or --slice names."""
    found = locate(source)
    if isinstance(found, str):
        raise SettingsError(
            f"--{option}: the built-in dataset {found!r} has no column {column!r}, only texts and labels.",
            f"Leave out --{option}, or give a file.",
        )
    return dataset.read_column(found, column, f"--{option}", data)


def corpus(source: str, text: str | None) -> Dataset:
    """Texts without labels from a path or a built-in name; `text` is their column, None finds it."""
    builtin_or_path = locate(source)
    if isinstance(builtin_or_path, str):
        return replace(builtin.load(builtin_or_path), labels=[])
    return Dataset(builtin_or_path.name, dataset.read_texts(builtin_or_path, text), [])
