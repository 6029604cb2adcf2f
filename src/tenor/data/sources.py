"""Where texts come from: a path, a built-in name, or a folder with a train and a test part."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.data import builtin, dataset
from tenor.data.dataset import Dataset
from tenor.data.io import table
from tenor.errors import DataError, SettingsError
from tenor.tasks import Kind


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


def read_test(source: str, kind: Kind, callback: Callback, **options: Any) -> Dataset:
    """Labelled texts to measure on: as `read`, but of a folder with the parts `train` and `test` the latter.

    `kind` is the task that was trained.
    """
    task = "multiclass" if kind == "binary" else kind  # a third label is an unknown one, and told of as such
    options["task"] = task
    parts = _both(source)
    if parts:
        callback.on_message(f"{source} has a train and a test folder; the test folder is taken.")
        source = parts[1]
    return read(source, **options)


def read_for_evaluation(
    source: str, kind: Kind, metadata: Mapping[str, Any], callback: Callback, by: Sequence[str] = (), **options: Any
) -> tuple[Dataset, dict[str, list[Any]]]:
    """Labelled texts to measure a saved model on, and the columns `by` of their rows.

    `kind` is the model's task and `metadata` what its folder says of it. `options` are those of `dataset.read`; the
    model's columns and separator are taken where none are named.
    """
    usual = (metadata.get("text_column"), metadata.get("label_column"))
    options["separator"] = options.get("separator") or metadata.get("label_separator")
    rows = read_test(source, kind, callback, usual=usual, **options)
    if rows.note:
        callback.on_message(rows.note)
    parts = _both(source)
    return rows, {column: read_source_column(parts[1] if parts else source, column, "by", rows) for column in by}


def _both(source: str) -> tuple[str, str] | None:
    """The folders `train` and `test` in the folder `source`, if it has both."""
    train, test = os.path.join(source, "train"), os.path.join(source, "test")  # noqa: PTH118
    return (train, test) if os.path.isdir(train) and os.path.isdir(test) else None  # noqa: PTH112  (never raises)


def train_and_test_sources(run: RunConfig) -> tuple[str, str | None]:
    """Where the texts to learn from and those to measure on are: a folder of both parts stands for the two."""
    parts = _both(run.data)
    return parts if run.test is None and parts else (run.data, run.test)


def read_train_and_test(run: RunConfig, callback: Callback) -> tuple[Dataset, Dataset | None]:
    """The texts to learn from, and those to measure on where there are any.

    Raises:
        DataError: They cannot be read.
    """
    options: dict[str, Any] = {"drop_unlabelled": run.drop_unlabelled, "drop_empty": run.drop_empty}
    source, test_source = train_and_test_sources(run)
    if source != run.data:
        callback.on_message(f"{run.data} has a train and a test folder; each is taken as such.")
    options["separator"] = run.label_separator
    data = read(
        source, text=run.text, label=run.label, task=run.task, on_disk=run.on_disk, callback=callback, **options
    )
    if source not in builtin.BUILTINS:
        callback.on_message(f"texts from column {data.text_column!r}, labels from column {data.label_column!r}.")
    if test_source is None:
        return data, None
    usual = (data.text_column, data.label_column)
    test = read_test(test_source, data.kind, callback, text=run.text, label=run.label, usual=usual, **options)
    return data, test


def read_validation(run: RunConfig, data: Dataset, callback: Callback) -> Dataset | None:
    """The texts of a file that a run names to validate on.

    Raises:
        DataError: They cannot be read, or there are none.
    """
    if not isinstance(run.validation, str):
        return None
    return read_test(
        run.validation,
        data.kind,
        callback,
        text=run.text,
        label=run.label,
        usual=(data.text_column, data.label_column),
        separator=run.label_separator,
        drop_unlabelled=run.drop_unlabelled,
        drop_empty=run.drop_empty,
    )


def read_source_column(source: str, column: str, option: str, data: Dataset) -> list[Any]:
    """The values of the column that the options `group`, `time` or `by` name."""
    found = locate(source)
    if isinstance(found, str):
        raise SettingsError(
            f"`{option}=...`: the built-in dataset {found!r} has no column {column!r}, only texts and labels.",
            f"Leave out `{option}=...`, or give a file.",
        )
    return dataset.read_column(found, column, option, data)


def read_unlabelled(source: str, text: str | None) -> Dataset:
    """Texts without labels from a path or a built-in name; `text` is their column, None finds it."""
    builtin_or_path = locate(source)
    if isinstance(builtin_or_path, str):
        return replace(builtin.load(builtin_or_path), labels=[])
    return Dataset(builtin_or_path.name, dataset.read_texts(builtin_or_path, text), [])
