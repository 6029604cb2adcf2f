"""Labelled texts, and how they are read from a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tenor._core.callbacks import Callback
from tenor._core.language import join_names, tr
from tenor.data import class_names, columns, row_reader
from tenor.data.blocks import Rows
from tenor.data.builder import DatasetBuilder
from tenor.data.fields import SINGLE_TEXT, Fields
from tenor.data.io import annotations, stdin, table, text_lines
from tenor.data.io.chunks import Cell, Table
from tenor.data.io.database import DatabaseUrl
from tenor.data.io.file_options import RECOGNISED, FileOptions
from tenor.data.io.limits import MemoryBudget, sizes_of
from tenor.data.label_source import label_source
from tenor.data.labelled_table import open_labelled
from tenor.data.labels import MAX_NUMERIC_CLASSES
from tenor.data.read_options import ReadOptions
from tenor.data.text_source import text_source
from tenor.errors import DataError, Location, counted, listed
from tenor.tasks import Kind, Label

_DEFAULTS = ReadOptions()


@dataclass(frozen=True)
class Dataset:
    """Labelled texts.

    Attributes:
        name: Name for messages.
        texts: The texts, in a list or on disk.
        labels: The label of each text: a class, a tuple of labels, or a number.
        fields: The columns that a row is joined from.
        label_column: The column of the labels.
        label_columns: The columns of 0 and 1 that it was joined from; empty: it is a column of the file.
        class_names: The names of the numbers that the file has as labels; empty: it has the labels themselves.
        kind: The kind of task, given or inferred from the labels.
        note: What was inferred where another reading is possible.
        row_numbers: The number of each row in its file, from 1; empty: 1, 2, 3 and so on. Rows of a further source are
            counted on.
        parts: The sources, if there are several, with their rows in this order; empty for one source, and after `take`.
    """

    name: str
    texts: Sequence[str]
    labels: Sequence[Label]
    fields: Fields = SINGLE_TEXT
    label_column: str = "label"
    label_columns: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    kind: Kind = "binary"
    note: str = ""
    row_numbers: Sequence[int] | Rows = field(default=(), compare=False)
    parts: "tuple[DatasetPart, ...]" = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def text_column(self) -> str:
        """The column of the texts, or the first of several."""
        return self.fields.columns[0].name

    def take(self, rows: Rows | Sequence[int]) -> "Dataset":
        """The dataset of the chosen rows, in that order."""
        rows = np.asarray(rows, np.int64)
        texts = text_source(self.texts)
        numbers = texts.take_rows(np.asarray(self.row_numbers), rows) if len(self.row_numbers) else rows + 1
        labels = label_source(self.labels).take(rows)
        return replace(self, texts=texts.take(rows), labels=labels, row_numbers=numbers, parts=())

    def in_memory(self) -> "Dataset":
        """The same dataset with texts and labels in lists."""
        return replace(self, texts=list(self.texts), labels=list(self.labels), row_numbers=list(self.row_numbers))

    def display(self, row: int) -> str:
        """A row for messages: its text, or the values of its fields by name."""
        return self.fields.display(self.texts[row])

    def describe_columns(self) -> str:
        """Which columns are read, as a sentence."""
        texts = join_names(repr(field.name) for field in self.fields.texts)
        read = tr("texts from column{value} {texts}", value="s" * (len(self.fields.texts) > 1), texts=texts)
        if self.fields.is_pair:
            read = tr("pairs of texts from columns {texts}", texts=texts)
        labels = self.label_columns or (self.label_column,)
        return tr(
            "{read}, labels from column{s} {columns}.",
            read=read,
            s="s" * (len(labels) > 1),
            columns=join_names(map(repr, labels)),
        )

    def row_number(self, row: int) -> int:
        """The number of a row in its file, for messages."""
        return int(self.row_numbers[row] if len(self.row_numbers) else row + 1)


@dataclass(frozen=True)
class DatasetPart:
    """The rows of a dataset that come from one of several sources.

    Attributes:
        source: The path or name of the source.
        data: Its rows, with the labels that they have there.
    """

    source: str
    data: Dataset


def read(
    source: Path | DatabaseUrl | Table, options: ReadOptions = _DEFAULTS, callback: Callback | None = None
) -> Dataset:
    """Read labelled texts from a file, a folder, or a table.

    Args:
        source: What `table.open_table` opens, or what it returns.
        options: Columns, task, and what to leave out.
        callback: Gets the number of rows read so far.

    Raises:
        DataError: The table cannot be read, or its rows cannot be used. Rows with the same fault are reported together.
    """
    opened, chunks, reader, label, may_lack_header, messages, label_columns = open_labelled(source, options)
    n_notes = len(opened.notes)
    if callback is not None:
        for message in (*opened.notes, *messages):
            callback.on_message(message)
    has_prefix = False
    rows = DatasetBuilder(opened.name, listed([each for each in reader.columns if each]), label, options)
    try:
        for chunk in chunks:
            raw_labels = chunk.columns[label]
            labels = annotations.to_labels(raw_labels, opened.at(chunk.row, label))
            has_prefix = has_prefix or any(
                isinstance(each, str) and text_lines.is_labelled(each) for each in raw_labels
            )
            if may_lack_header and options.header is None and label in (str(value).strip() for value in labels):
                raise DataError(
                    tr(
                        "{name}: the first row looks like data: {label!r} is both the column name and a label value.",
                        name=opened.name,
                        label=label,
                    ),
                    tr("If it is a row, use `header=False`; if it has the names, use `header=True`."),
                )
            rows.add(chunk.row, reader.read(opened, chunk), labels)
            if callback is not None:
                callback.on_progress(tr("read"), chunk.row - 1 + len(chunk), 0, {})
        usable = rows.finish()
        if callback is not None:
            for message in opened.notes[n_notes:]:  # of files that were opened meanwhile
                callback.on_message(message)
    except DataError as error:
        raise _with_place_in_file(error, opened) from None
    final_labels, named = usable.labels, options.class_names
    names = class_names.find(source) if named is None else class_names.ClassNames(named)
    naming = ""
    prefix_note = tr("the labels are read without fastText's prefix `__label__`.") if has_prefix else ""
    if names is not None and usable.kind != "regression" and not label_columns:
        final_labels, naming = class_names.apply(final_labels, names)
    return Dataset(
        name=opened.name,
        texts=usable.texts,
        labels=final_labels,
        fields=reader.fields,
        label_column=label,
        label_columns=label_columns,
        class_names=names.names if names is not None and naming else (),
        kind=usable.kind,
        note=" ".join(filter(None, [prefix_note, usable.note, naming, *reader.notes()])),
        row_numbers=usable.row_numbers,
    )


def _with_place_in_file(error: DataError, opened: Table) -> DataError:
    """The error; if the table is in several files, its remedy also names the row in its own file."""
    if not (error.at and error.at.file == opened.name and error.at.row and opened.file_starts):
        return error
    place = tr("Row {row}, counted over all files, is {at}.", row=error.at.row, at=opened.at(error.at.row))
    return DataError(error.problem, f"{error.remedy} {place}")


def read_column(
    path: Path | DatabaseUrl, column: str, option: str, data: Dataset, files: FileOptions = RECOGNISED
) -> list[Cell]:
    """Another column of the rows of `data`, which was read from `path`.

    Args:
        path: The file or folder.
        column: Name of the column.
        option: The option that named it, for the message.
        data: The rows.
        files: How the file is written.

    Raises:
        DataError: There is no such column, or it needs too much memory.
    """
    opened = table.open_table(path, files)
    columns.require_column(opened.columns, column, opened.name, option)
    memory, values = (
        MemoryBudget(opened.name, tr("Leave out `{option}=...`, or read fewer rows at a time.", option=option)),
        [],
    )
    for chunk in opened.chunks:
        memory.add(sizes_of(chunk.columns[column]), chunk.row)
        values += chunk.columns[column]
    return [values[data.row_number(row) - 1] for row in range(len(data))]


def read_rows(path: Path | DatabaseUrl, fields: Fields, files: FileOptions = RECOGNISED) -> list[str]:
    """Read rows of several fields without labels. Empty ones are left out.

    Args:
        path: What `table.open_table` opens.
        fields: The fields, which are found by name.
        files: How the file is written.

    Raises:
        DataError: The file cannot be read, a column is missing, or a text is not a string.
    """
    source = table.open_table(path, files)
    reader = row_reader.for_table(source, fields)
    memory, rows = MemoryBudget(source.name, tr("Read fewer rows at a time.")), list[str]()
    for chunk in source.chunks:
        read = reader.read(source, chunk)
        memory.add(sizes_of(read), chunk.row)
        rows += [row for row in read if row.strip()]
    return rows


def read_texts(path: Path | DatabaseUrl, text: Sequence[str] = (), files: FileOptions = RECOGNISED) -> list[str]:
    """Read texts without labels. Empty ones are left out.

    Args:
        path: What `table.open_table` opens, or `-` for one text per line from standard input.
        text: Columns of the texts, whose values are texts of their own; empty: detect one.
        files: How the file is written.

    Raises:
        DataError: The file cannot be read, the column of the texts is ambiguous, or a text is not a string.
    """
    if str(path) == "-":
        source = table.open_lines(stdin.standard_input(), stdin.NAME, files)
    else:
        source = table.open_table(path, files)
    chosen = [columns.detect_text_column(source, column) for column in text or (None,)]
    memory, texts = MemoryBudget(source.name, tr("Read fewer rows at a time.")), list[str]()
    for chunk, column in ((chunk, column) for chunk in source.chunks for column in chosen):
        memory.add(sizes_of(chunk.columns[column]), chunk.row)
        for index, value in enumerate(chunk.columns[column]):
            if value is not None and not isinstance(value, str):
                raise DataError(
                    tr("the text is {name__} {value!r:.40}, not a string.", name__=type(value).__name__, value=value),
                    tr("Name the column of the texts with `text=...`."),
                    source.at(chunk.row + index, column),
                )
            if value is not None and value.strip():
                texts.append(value)
    return texts


def check_labels(dataset: Dataset) -> None:
    """Raise DataError if the labels are useless for training: one class, or a class for nearly every row."""
    counts = label_source(dataset.labels).counts()
    at = Location(dataset.name, column=dataset.label_column)
    if len(counts) == 1:
        named = join_names(dataset.labels[0]) if dataset.kind == "multilabel" else dataset.labels[0]
        raise DataError(
            tr("every row has the label {named!r} ({dataset}).", named=named, dataset=counted(len(dataset), "row")),
            tr("Give rows of at least two classes.")
            + columns.header_hint([dataset.text_column, dataset.label_column], dataset.name),
            at,
        )
    one_class_each = dataset.kind in ("binary", "multiclass")
    if one_class_each and len(counts) > MAX_NUMERIC_CLASSES and len(counts) > len(dataset) / 2:
        raise DataError(
            tr(
                "there are {n_counts:,} different labels in {n_dataset:,} rows.",
                n_counts=len(counts),
                n_dataset=len(dataset),
            ),
            tr(
                "Name the column of the classes with `label=...`. If cells hold several labels, give "
                "their separator with `label_separator=...`."
            ),
            at,
        )
