"""Where texts come from: a path, a built-in name, or a folder with a train and a test part."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tenor._core.callbacks import Callback
from tenor._core.language import mark, tr
from tenor._core.records import JsonMapping
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.data import builtin, dataset, field_columns, known_labels
from tenor.data.dataset import Dataset
from tenor.data.field_columns import ColumnNames
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.data.fingerprint import fingerprint
from tenor.data.io import table, used_options
from tenor.data.io.chunks import Cell
from tenor.data.io.database import DatabaseUrl, is_url
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.missing import no_such_file
from tenor.data.read_options import ReadOptions
from tenor.data.text_filter import TextFilter
from tenor.errors import SettingsError
from tenor.tasks import Kind, Task


def read(source: str, options: ReadOptions, callback: Callback | None = None) -> Dataset:
    """Labelled texts from a path or a built-in name. Raises DataError if they cannot be read."""
    located = locate(source)
    return builtin.load(located) if isinstance(located, str) else dataset.read(located, options, callback)


def locate(source: str) -> str | Path | DatabaseUrl:
    """The name of a built-in dataset, a path, or the URL of a database. Raises DataError if the source is none."""
    if is_url(source):
        return DatabaseUrl(source)
    if source in builtin.BUILTINS and not Path(source).exists():
        return source
    path = Path(source)
    stream_or_pattern = source == "-" or table.is_pattern(source)
    exists = os.path.exists(path)  # noqa: PTH110  (never raises, however long the name)
    if not path.suffix and not stream_or_pattern and not exists:
        names = list(builtin.BUILTINS)
        remedy = settings.suggest(source, names, mark("Built in: {known}."))
        raise no_such_file(path, remedy, tr(" and no such built-in dataset"))
    return path


def read_test(source: str, kind: Kind, options: ReadOptions, callback: Callback) -> Dataset:
    """Labelled texts to evaluate on. Of a folder with the parts `train` and `test`, the test part is read.

    Args:
        source: A path or a built-in name.
        kind: The kind of task that was trained.
        options: How to read them; `task`, `on_disk` and `is_test` are set here.
        callback: Gets a message when the test part is taken.

    Raises:
        DataError: They cannot be read.
    """
    task = "multiclass" if kind == "binary" else kind  # a third label is reported as unknown
    parts = _train_and_test_folders(source)
    if parts:
        callback.on_message(tr("{source} has a train and a test folder; the test folder is taken.", source=source))
        source = parts[1]
    return read(source, replace(options, task=task, on_disk=False, is_test=True))


def read_for_evaluation(
    source: str,
    task: Task,
    fields: Fields,
    metadata: JsonMapping,
    options: ReadOptions,
    callback: Callback,
    by: Sequence[str] = (),
) -> tuple[Dataset, dict[str, list[Cell]]]:
    """Labelled texts to evaluate a saved model on, and other columns of their rows.

    Args:
        source: A path or a built-in name.
        task: The model's task.
        fields: The model's fields.
        metadata: The model's metadata; its columns and label separator are used unless `options` names others.
        options: How to read the texts.
        callback: Gets what was inferred, as messages.
        by: Names of the other columns.

    Raises:
        DataError: The texts or a column cannot be read, or a label is unknown and must not be.
        SettingsError: An option of files would do nothing.
    """
    options = replace(
        options,
        fields=None if fields.is_single_text else fields,
        pair=False,
        default_text=metadata.get("text_column"),
        default_label=metadata.get("label_columns") or metadata.get("label_column"),
        class_names=tuple(metadata.get("class_names") or ()),
        label_separator=options.label_separator or metadata.get("label_separator"),
        missing_labels=options.missing_labels or tuple(metadata.get("missing_labels") or ()),
    )
    parts = _train_and_test_folders(source)
    used_options.require_used(options.files, [locate(parts[1] if parts else source)])
    rows = read_test(source, task.kind, options, callback)
    _say_columns(source, rows, callback)
    if rows.note:
        callback.on_message(rows.note)
    if note := _training_data_note(rows, metadata):
        callback.on_message(note)
    rows, notes = known_labels.match_labels(rows, task, options.unknown_labels)
    for note in notes:
        callback.on_message(note)
    return rows, {
        column: read_source_column(parts[1] if parts else source, column, "by", rows, options.files) for column in by
    }


def _training_data_note(rows: Dataset, metadata: JsonMapping) -> str:
    """A message if a model was trained on these texts, or on some of them; else an empty string."""
    share = _share_trained_on(rows, metadata)
    if not share:
        return ""
    if share == 1:
        return tr(
            "{name}: the model was trained on these texts, so the metrics are better than on new ones. Measure it "
            "on texts that it has not seen.",
            name=rows.name,
        )
    return tr(
        "{name}: the model was trained on about {share:.0%} of these texts, so the metrics are better than on new "
        "ones. Measure it on texts that it has not seen.",
        name=rows.name,
        share=share,
    )


def _share_trained_on(rows: Dataset, metadata: JsonMapping) -> float:
    """The share of the texts that a model was trained on; 1 for older models if they were trained on these rows."""
    data = metadata.get("data")
    if not isinstance(data, Mapping):
        return 0.0
    if isinstance(saved := data.get("filter"), Mapping):
        text_filter = TextFilter.from_dict(saved)
        return 0.0 if text_filter is None else text_filter.share_of(rows.texts)
    return float(data.get("rows") == len(rows) and data.get("sha256") == fingerprint(rows))


def _train_and_test_folders(source: str) -> tuple[str, str] | None:
    """The folders `train` and `test` in the folder `source`, if it has both."""
    train, test = os.path.join(source, "train"), os.path.join(source, "test")  # noqa: PTH118
    return (train, test) if os.path.isdir(train) and os.path.isdir(test) else None  # noqa: PTH112  (never raises)


def train_and_test_sources(run: RunConfig) -> tuple[str, str | None]:
    """Where the texts for training and for testing are. A folder with both parts gives both."""
    parts = _train_and_test_folders(run.data)
    return parts if run.test is None and parts else (run.data, run.test)


def read_train_and_test(run: RunConfig, callback: Callback) -> tuple[Dataset, Dataset | None]:
    """The texts for training, and those for testing if there are any.

    Raises:
        DataError: They cannot be read.
        SettingsError: An option of files would do nothing.
    """
    options = options_of(run)
    source, test_source = train_and_test_sources(run)
    if source != run.data:
        callback.on_message(tr("{data} has a train and a test folder; each is used as such.", data=run.data))
    validation = run.validation if isinstance(run.validation, str) else None
    names = filter(
        None, (source, test_source, validation, run.unlabelled, *(name for name in run.also if "://" not in name))
    )
    used_options.require_used(options.files, [locate(name) for name in names])
    data = read(source, replace(options, task=run.task, on_disk=run.on_disk), callback)
    _say_columns(source, data, callback)
    if test_source is None:
        return data, None
    return data, read_test(test_source, data.kind, with_columns_of(data, options), callback)


def _say_columns(source: str, data: Dataset, callback: Callback) -> None:
    if not isinstance(locate(source), str):
        callback.on_message(data.describe_columns())


def read_validation(run: RunConfig, data: Dataset, callback: Callback) -> Dataset | None:
    """The texts of the validation file, if the run names one.

    Raises:
        DataError: They cannot be read, or there are none.
    """
    if not isinstance(run.validation, str):
        return None
    return read_test(run.validation, data.kind, with_columns_of(data, options_of(run)), callback)


def options_of(run: RunConfig) -> ReadOptions:
    """How a run reads its texts; the task is open, and they are kept in memory."""
    return ReadOptions(
        text=run.text,
        features=run.features,
        pair=run.pair,
        taken=tuple(filter(None, [run.group, run.time])),
        label=run.label,
        decimal=run.decimal,
        encoding=run.encoding,
        quoting=run.quoting,
        header=run.header,
        sheet=run.sheet,
        query=run.query,
        label_separator=run.label_separator,
        drop_unlabelled=run.drop_unlabelled,
        missing_labels=run.missing_labels,
        unknown_labels=run.unknown_labels,
        drop_empty=run.drop_empty,
    )


def with_columns_of(data: Dataset, options: ReadOptions) -> ReadOptions:
    """The options, with the columns of `data` as defaults; the fields of `data` where there are several."""
    fields = None if data.fields.is_single_text else data.fields
    return replace(
        options,
        fields=fields,
        features=None,
        pair=False,
        default_text=data.text_column,
        default_label=data.label_columns or data.label_column,
        class_names=data.class_names,
    )


def read_source_column(
    source: str, column: str, option: str, data: Dataset, files: FileOptions = RECOGNISED
) -> list[Cell]:
    """The values of a column of `source` for the rows of `data`.

    Args:
        source: A path or a built-in name.
        column: Name of the column.
        option: The option that named it, for messages.
        data: The rows, which were read from `source`.
        files: How the files are written.

    Raises:
        SettingsError: A built-in dataset has no such column.
        DataError: The column is missing or cannot be read.
    """
    located = locate(source)
    if isinstance(located, str):
        raise SettingsError(
            tr(
                "`{option}=...`: the built-in dataset {located!r} has no column {column!r}, only texts and labels.",
                option=option,
                located=located,
                column=column,
            ),
            tr("Leave out `{option}=...`, or give a file.", option=option),
        )
    return dataset.read_column(located, column, option, data, files)


def read_unlabelled(
    source: str, text: ColumnNames, fields: Fields = SINGLE_TEXT, files: FileOptions = RECOGNISED
) -> Dataset:
    """Texts without labels.

    Args:
        source: A path or a built-in name.
        text: Column of the texts; None: detect it. Values of several columns are texts of their own.
        fields: The fields of the labelled rows; where there are several, the rows here have the same.
        files: How the files are written.

    Raises:
        DataError: They cannot be read.
    """
    located = locate(source)
    if isinstance(located, str):
        return replace(builtin.load(located), labels=[])
    if not fields.is_single_text:
        return Dataset(located.name, dataset.read_rows(located, fields, files), [], fields)
    return Dataset(located.name, dataset.read_texts(located, field_columns.names(text), files), [])
