"""Rows -> labelled texts, with the columns found and the faults gathered."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tenor._core.callbacks import Callback
from tenor.data import columns, ondisk
from tenor.data.builder import DatasetBuilder
from tenor.data.io import annotations, stdin, table
from tenor.data.io.limits import MemoryBudget, sizes_of
from tenor.data.labels import MAX_NUMERIC_CLASSES
from tenor.data.ondisk import CodedLabels, DiskTexts, LabelCounts
from tenor.errors import DataError, Location, counted
from tenor.tasks import Kind


@dataclass(frozen=True)
class Dataset:
    """Labelled texts.

    Attributes:
        name: Where they come from, for messages.
        texts: The texts, in a list or on disk.
        labels: The label of each: a name, a tuple of names, or a number.
        text_column: The column that the texts stood in.
        label_column: The column that the labels stood in.
        kind: The task that the labels set.
        note: What was decided of it, where it could have been otherwise.
        row_numbers: The number of each row in its file, from 1; empty: 1, 2, 3 and so on.
    """

    name: str
    texts: Sequence[str]
    labels: Sequence[Any]
    text_column: str = "text"
    label_column: str = "label"
    kind: Kind = "binary"
    note: str = ""
    row_numbers: Any = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Any) -> "Dataset":
        """The dataset of the chosen rows, in that order."""
        if isinstance(self.texts, DiskTexts):
            numbers = ondisk.select_rows(self.row_numbers, rows) if len(self.row_numbers) else rows + 1
            return replace(
                self, texts=self.texts.take(rows), labels=ondisk.select_labels(self.labels, rows), row_numbers=numbers
            )
        texts, labels = [self.texts[row] for row in rows], [self.labels[row] for row in rows]
        numbers = [self.row_number(row) for row in rows]
        return replace(self, texts=texts, labels=labels, row_numbers=numbers)

    def in_memory(self) -> "Dataset":
        """The same with texts and labels that are not on disk."""
        return replace(self, texts=list(self.texts), labels=list(self.labels), row_numbers=list(self.row_numbers))

    def row_number(self, row: int) -> int:
        """The number that a row has in its file, for messages."""
        return int(self.row_numbers[row] if len(self.row_numbers) else row + 1)


def read(
    source: Path | table.Table,
    text: str | None = None,
    label: str | None = None,
    drop_unlabelled: bool = False,
    drop_empty: bool = False,
    usual: tuple[str | None, str | None] = (None, None),
    task: Kind | None = None,
    separator: str | None = None,
    on_disk: bool | None = False,
    callback: Callback | None = None,
) -> Dataset:
    """Read labelled texts from a file, a folder, or a table.

    Args:
        source: What `table.open_table` opens, or what it gives.
        text: Column of the texts; None finds it.
        label: Column of the labels; None finds it.
        drop_unlabelled: Leave out rows without a label instead of refusing them.
        drop_empty: Leave out rows with an empty text instead of refusing them.
        usual: Columns of texts and labels to take, where they are there, before any is looked for: those of the
            training data.
        task: The task that the labels set; None tells it from them.
        separator: What stands between the labels of a text; None where they are lists, or one a text.
        on_disk: Keep the texts on disk; None: where there are more than the limits in `builder` allow.
        callback: Hears of rows that are read.

    Raises:
        DataError: As the message says; the same fault in several rows is raised once.
    """
    opened = table.open_table(source) if isinstance(source, Path) else source
    name = opened.name
    text = text or (usual[0] if usual[0] in opened.columns else None)
    label = label or (usual[1] if usual[1] in opened.columns else None)
    if opened.columns == ["text"] and label is None:
        raise DataError(
            f"{name}: there is one column, 'text', and no labels.",
            "Give a file with a text and a label column.",
        )
    for wanted, option in ((text, "text"), (label, "label")):
        if wanted is not None:
            columns.require_column(opened.columns, wanted, name, option)
    first = next(opened.chunks, None)
    if first is None:
        raise DataError(f"{name}: there is a header but no row.", "Give a file with at least two labelled rows.")
    guessed = text is None and label is None and columns.header_may_be_data(opened.columns, name)
    text, label = columns.detect_columns(opened.columns, first, name, text, label)
    if text == label:
        raise DataError(
            f"{name}: the column {text!r} holds both texts and labels.", "Name two with `text=...` and `label=...`."
        )
    rows = DatasetBuilder(name, text, label, drop_unlabelled, drop_empty, task, separator, on_disk)
    try:
        for chunk in itertools.chain([first], opened.chunks):
            annotations.refuse_spans(chunk.columns[label], opened.at(chunk.row, label))
            if guessed and label in (str(value).strip() for value in chunk.columns[label]):
                raise DataError(
                    f"{name}: the file seems to have no header: {label!r} heads the labels and is one of them.",
                    "Put a line with names above the first row, such as text,label; or, if there is a header, name the "
                    "columns with `text=...` and `label=...`.",
                )
            rows.add(chunk.row, chunk.columns[text], chunk.columns[label])
            if callback is not None:
                callback.on_progress("read", chunk.row - 1 + len(chunk.columns[text]), 0, {})
        texts, labels, kind, note, numbers = rows.finish()
    except DataError as error:
        if not (error.at and error.at.file == name and error.at.row and opened.file_starts):
            raise
        place = f"Row {error.at.row}, counted over all files, is {opened.at(error.at.row)}."
        raise DataError(error.problem, f"{error.remedy} {place}") from None
    return Dataset(name, texts, labels, text, label, kind, note, numbers)


def read_column(path: Path, column: str, option: str, data: Dataset) -> list[Any]:
    """Another column of the rows of `data`, which was read from `path`.

    Args:
        path: The file or folder.
        column: Name of the column.
        option: The option that named it, for the message.
        data: The rows.

    Raises:
        DataError: There is no such column.
    """
    opened = table.open_table(path)
    columns.require_column(opened.columns, column, opened.name, option)
    memory, values = MemoryBudget(opened.name, f"Leave out `{option}=...`, or read fewer rows at a time."), []
    for chunk in opened.chunks:
        memory.add(sizes_of(chunk.columns[column]), chunk.row)
        values += chunk.columns[column]
    return [values[data.row_number(row) - 1] for row in range(len(data))]


def read_texts(path: Path, text: str | None = None) -> list[str]:
    """Read texts without labels; empty ones are left out.

    Args:
        path: What `table.open_table` opens, or `-` for one text a line from standard input.
        text: Column of the texts; None finds it.

    Raises:
        DataError: The file cannot be read, it is not clear which column holds the texts, or a text is no string.
    """
    if str(path) == "-":
        source = table.open_lines(stdin.standard_input(), stdin.NAME)
    else:
        source = table.open_table(path)
    column = columns.detect_text_column(source.columns, source.name, text)
    memory, texts = MemoryBudget(source.name, "Read fewer rows at a time."), list[str]()
    for chunk in source.chunks:
        memory.add(sizes_of(chunk.columns[column]), chunk.row)
        for index, value in enumerate(chunk.columns[column]):
            if value is not None and not isinstance(value, str):
                raise DataError(
                    f"the text is {type(value).__name__} {value!r:.40}, not a string.",
                    "Name the column of the texts with `text=...`.",
                    source.at(chunk.row + index, column),
                )
            if value is not None and value.strip():
                texts.append(value)
    return texts


def label_counts(labels: Sequence[Any]) -> dict[Any, int]:
    """How many rows each label has; of numbers on disk, the least and the greatest stand for all."""
    if isinstance(labels, np.ndarray):
        labels = [labels.min(), labels.max()]
    return labels.counts() if isinstance(labels, CodedLabels | LabelCounts) else Counter(labels)


def check_labels(dataset: Dataset) -> None:
    """Refuse labels that nothing can be learned from."""
    counts = label_counts(dataset.labels)
    at = Location(dataset.name, column=dataset.label_column)
    if len(counts) == 1:
        named = ", ".join(dataset.labels[0]) if dataset.kind == "multilabel" else dataset.labels[0]
        raise DataError(
            f"every row has the label {named!r} ({counted(len(dataset), 'row')}).",
            "Give rows of at least two classes."
            + columns.header_hint([dataset.text_column, dataset.label_column], dataset.name),
            at,
        )
    one_each = dataset.kind in ("binary", "multiclass")
    if one_each and len(counts) > MAX_NUMERIC_CLASSES and len(counts) > len(dataset) / 2:
        raise DataError(
            f"there are {len(counts):,} different labels in {len(dataset):,} rows.",
            "Name the column of the classes with `label=...`. If cells hold several labels, give their separator with "
            "`label_separator=...`.",
            at,
        )
