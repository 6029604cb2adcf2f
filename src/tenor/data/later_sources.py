"""Further sources of labelled texts, such as corrections: where a text stands in several, its last label counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tenor._core.callbacks import Callback
from tenor._core.language import join_names, sentences, tr
from tenor.config.run_config import RunConfig
from tenor.data import builtin, dataset, known_labels, review_file, sources
from tenor.data.dataset import Dataset, DatasetPart
from tenor.data.fields import strip_values
from tenor.data.io import table
from tenor.data.io.chunks import Cell, Table
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import FileOptions
from tenor.data.read_options import ReadOptions
from tenor.data.text_source import text_source
from tenor.errors import DataError, Location, SettingsError, counted, listed
from tenor.tasks import Label

_SQLITE = b"SQLite format 3\0"


class _Merged(NamedTuple):
    """Rows of two sources.

    Attributes:
        data: The rows of the first source with the labels of the second, then the new rows of the second.
        n_common: Texts that stand in both.
        n_changed: Those of them that got another label.
        n_new: Rows of the second source whose texts are not in the first.
    """

    data: Dataset
    n_common: int
    n_changed: int
    n_new: int


def add(run: RunConfig, data: Dataset, callback: Callback) -> Dataset:
    """The data with the rows of `run.also`, in the order of the sources.

    A text that stands in a later source keeps its place and gets the last label there. The other rows follow.

    Args:
        run: The run.
        data: The rows of `run.data`.
        callback: Gets what was read, and how many labels it changed.

    Raises:
        DataError: A source cannot be read.
        SettingsError: The texts are on disk.
    """
    if run.also and text_source(data.texts).on_disk:
        raise SettingsError(
            tr("`also=...` needs the texts in memory, and these {n_data:,} are kept on disk.", n_data=len(data)),
            tr("Leave out `also=...`, or use `on_disk=False`."),
        )
    for source in run.also:
        later = read_later(source, data, sources.options_of(run), callback)
        known = set(_label_names(data.labels))
        later, note = known_labels.match_spellings(later, sorted(known))
        if note:
            callback.on_message(note)
        merged = _merge(data, later, source)
        data = merged.data
        callback.on_message(_describe(merged, later.name))
        new = Counter(name for name in _label_names(later.labels) if name not in known)
        if new and data.kind != "regression":
            names = [f"{name!r} ({counted(count, 'text')})" for name, count in new.most_common()]
            callback.on_message(
                tr("{name}: labels that the data before do not have: {names}.", name=later.name, names=listed(names))
            )
    return data


def read_later(source: str, data: Dataset, options: ReadOptions, callback: Callback) -> Dataset:
    """Read one more source for the same task. Its columns are those of `data`, or are detected.

    A filled review file is recognised by its columns: its rows with a right label are read.

    Args:
        source: A file, a folder, a pattern, a built-in name, or a database of corrections.
        data: The data before.
        options: How those were read.
        callback: Gets what was read.

    Raises:
        DataError: It cannot be read, or has no label.
    """
    options = replace(
        sources.with_columns_of(data, options),
        text=None,
        label=None,
        task="multiclass" if data.kind == "binary" else data.kind,
        on_disk=False,
    )
    located: str | Path | DatabaseUrl | Table = _corrections(source) if is_database(source) else sources.locate(source)
    if isinstance(located, Path):
        located = table.open_table(located, options.files)
        if review_file.is_review(located.columns):
            located = review_file.read(located)
            options = replace(options, label=review_file.RIGHT_LABEL, drop_unlabelled=True)
    later = builtin.load(located) if isinstance(located, str) else dataset.read(located, options, callback)
    callback.on_message(tr("{place}: {problem}", place=later.name, problem=later.describe_columns()))
    if later.note:
        callback.on_message(tr("{place}: {problem}", place=later.name, problem=later.note))
    return later


def is_database(source: str) -> bool:
    """Whether a source is a database: the URL of one, or a file of SQLite."""
    if "://" in source:
        return True
    try:
        with Path(source).open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except (OSError, ValueError):
        return False


def _corrections(where: str) -> Table:
    from tenor.data.correction_store import CorrectionStore

    store = CorrectionStore(where, create=False)
    try:
        models = store.models()
        if len(models) > 1:
            raise DataError(
                tr("{name}: there are corrections of {models}.", name=store.name, models=join_names(models)),
                tr("Write those of one model to a file first: tenor corrections export WHERE --model NAME -o FILE."),
            )
        rows = store.table()
        return Table(rows.name, rows.columns, iter(list(rows.chunks)))
    finally:
        store.close()


def _merge(data: Dataset, later: Dataset, source: str) -> _Merged:
    label_of = {strip_values(text): label for text, label in zip(later.texts, later.labels, strict=True)}
    labels = list(data.labels)
    common, changed = set(), set()
    for row, text in enumerate(map(strip_values, data.texts)):
        if text in label_of:
            common.add(text)
            if labels[row] != label_of[text]:
                changed.add(text)
                labels[row] = label_of[text]
    new = [row for row, text in enumerate(later.texts) if strip_values(text) not in common]
    part = later.take(new)
    numbers = list(data.row_numbers) or list(range(1, len(data) + 1))
    first = max(numbers, default=0)
    numbers += [first + part.row_number(row) for row in range(len(part))]
    labels += [label_of[strip_values(text)] for text in part.texts]
    n_classes = len(set(labels))
    merged = replace(
        data,
        name=f"{data.name} + {later.name}",
        texts=[*data.texts, *part.texts],
        labels=labels,
        kind=("binary" if n_classes == 2 else "multiclass") if data.kind in ("binary", "multiclass") else data.kind,
        row_numbers=numbers,
        parts=(*(data.parts or (DatasetPart("", data),)), DatasetPart(source, part)),
    )
    return _Merged(merged, len(common), len(changed), len(new))


def _describe(merged: _Merged, name: str) -> str:
    parts = []
    if merged.n_common:
        stand = counted(merged.n_common, "text stands", "texts stand")
        parts.append(
            tr(
                "{stand} in both; the later label is used for {n_changed:,} that differ.",
                stand=stand,
                n_changed=merged.n_changed,
            )
        )
    parts.append(tr("{problem}.", problem=counted(merged.n_new, "new row")))
    return tr("{place}: {problem}", place=name, problem=sentences(*parts))


def _label_names(labels: Sequence[Label]) -> list[str]:
    """The labels of all rows; each name of a set of labels."""
    return [str(name) for label in labels for name in (label if isinstance(label, tuple) else (label,))]


def read_column(
    source: str, column: str, option: str, data: Dataset, files: FileOptions, is_required: bool
) -> list[Cell]:
    """The values of a column for rows of one source or of several.

    Args:
        source: The source of the first rows.
        column: Name of the column.
        option: The option that named it, for messages.
        data: The rows.
        files: How the sources are written.
        is_required: Whether a further source must have the column; else its rows have no value.

    Raises:
        SettingsError: A built-in dataset has no such column.
        DataError: A column is missing or cannot be read.
    """
    if not data.parts:
        return sources.read_source_column(source, column, option, data, files)
    first, *others = data.parts
    values = sources.read_source_column(source, column, option, first.data, files)
    for part in others:
        if _has_column(part.source, column, files):
            values += sources.read_source_column(part.source, column, option, part.data, files)
        elif is_required and len(part.data):
            raise DataError(
                tr("there is no column {column!r}, which `{option}=...` needs.", column=column, option=option),
                tr("Add it to this file, or leave out `{option}=...`.", option=option),
                Location(part.data.name),
            )
        else:
            values += [None] * len(part.data)
    return values


def _has_column(source: str, column: str, files: FileOptions) -> bool:
    if is_database(source):
        return False
    located = sources.locate(source)
    return isinstance(located, Path) and column in table.open_table(located, files).columns
