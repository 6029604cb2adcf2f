"""Rows of a table, chunk by chunk -> usable texts and labels: in lists, or on disk where there are many."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tenor._core import disk_arrays
from tenor.data import labels as label_values
from tenor.data import ondisk
from tenor.data.io.chunks import CHUNK_CHARACTERS
from tenor.data.io.limits import MAX_CLASSES, VALUE_BYTES, MemoryBudget, size_of
from tenor.data.ondisk import CodedLabels, DiskTexts
from tenor.errors import DataError, Location, RowNumbers, rows_phrase
from tenor.tasks import Kind

MAX_ROWS_IN_MEMORY = 1_000_000
MAX_CHARACTERS_IN_MEMORY = 1 << 28

_KNOWN = 1 << 20  # values whose meaning is remembered


class UsableRows(NamedTuple):
    """Rows with a text and a label.

    Attributes:
        texts: Their texts.
        labels: Their labels.
        kind: The task that these set.
        note: What was decided, where it could have been otherwise, and how many rows were left out.
        numbers: The number of each row in its file, from 1; empty: 1, 2, 3 and so on.
    """

    texts: Sequence[str]
    labels: Sequence[Any]
    kind: Kind
    note: str
    numbers: Any


class DatasetBuilder:
    """Rows as they come.

    Whether they stay in memory depends on their number and their length alone, not on the machine, so that a table
    gives the same model everywhere.

    Args:
        name: The table's name for messages.
        text: The column of the texts, for messages.
        label: The column of the labels, for messages.
        drop_unlabelled: Leave out rows without a label instead of refusing them.
        drop_empty: Leave out rows with an empty text instead of refusing them.
        task: The task that the labels set; None tells it from them.
        separator: What stands between the labels of a text.
        on_disk: Keep the rows on disk; None: where there are more than the limits in `builder` allow.
    """

    def __init__(
        self,
        name: str,
        text: str,
        label: str,
        drop_unlabelled: bool,
        drop_empty: bool,
        task: Kind | None,
        separator: str | None,
        on_disk: bool | None,
    ) -> None:
        self._name, self._text, self._label = name, text, label
        self._drop_unlabelled, self._drop_empty = drop_unlabelled, drop_empty
        self._task, self._separator, self._on_disk = task, separator, on_disk
        self._texts: list[Any] = []
        self._labels: list[Any] = []
        self._characters = self._rows = 0
        self._store: _Store | None = None
        self._memory = MemoryBudget(
            name, "Keep them on disk in training (`on_disk=True`), or read fewer rows at a time."
        )
        self._shared: dict[str, str] = {}
        self._foreign, self._unlabelled, self._empty = RowNumbers(), RowNumbers(), RowNumbers()
        self._example: Any = None

    def add(self, row: int, texts: list[Any], labels: list[Any]) -> None:
        """Take some rows; `row` is the number of the first. Raises DataError where a label does not fit."""
        self._rows += len(texts)
        if self._store is not None:
            self._put(row, texts, labels)
            return
        characters = sum(len(text) for text in texts if isinstance(text, str))
        lists = sum(size_of(label) for label in labels if isinstance(label, list))
        self._memory.add(characters + lists + VALUE_BYTES * len(texts), row)
        self._texts += texts
        if len(self._shared) < _KNOWN:
            shared = self._shared.setdefault  # a label that many rows have is held once
            labels = [shared(label, label) if type(label) is str else label for label in labels]
        self._labels += labels
        self._characters += characters
        many = len(self._texts) > MAX_ROWS_IN_MEMORY or self._characters > MAX_CHARACTERS_IN_MEMORY
        if self._on_disk or (self._on_disk is None and many):
            self._store = _Store(self._name, self._label, self._task, self._separator)
            self._put(1, self._texts, self._labels)
            self._texts, self._labels = [], []

    def finish(self) -> UsableRows:
        """The usable rows. Raises DataError for others, where they are not to be dropped; the same fault once."""
        if self._store is None:
            read = label_values.parse_labels(self._labels, self._name, self._label, self._task, self._separator)
            kept = self._sift(1, self._texts, read.values)
            self._refuse(len(kept))
            texts, labels = ([values[at] for at in kept] for values in (self._texts, read.values))
            return UsableRows(texts, labels, read.kind, self._note(read.note, len(kept)), [at + 1 for at in kept])
        written = len(self._store)
        self._refuse(written)
        found = self._store.finish()
        numbers = found.numbers if written < self._rows else ()
        return found._replace(note=self._note(found.note, written), numbers=numbers)

    def _put(self, row: int, texts: list[Any], labels: list[Any]) -> None:
        assert self._store is not None
        values = self._store.interpret(row, labels)
        kept = self._sift(row, texts, values)
        for run in _runs(kept, texts):
            self._store.append([texts[at] for at in run], [values[at] for at in run], [row + at for at in run])

    def _sift(self, first: int, texts: list[Any], labels: list[Any]) -> list[int]:
        """Positions of rows with a text and a label; others are noted, unless they are to be dropped."""
        kept = []
        for at, (text, label) in enumerate(zip(texts, labels, strict=True)):
            if text is not None and not isinstance(text, str):
                self._example = text if not self._foreign else self._example
                self._foreign.append(first + at)
                continue
            blank = not (text and text.strip())
            if blank and not self._drop_empty:
                self._empty.append(first + at)
            if label is None and not self._drop_unlabelled:
                self._unlabelled.append(first + at)
            if not blank and label is not None:
                kept.append(at)
        return kept

    def _refuse(self, kept: int) -> None:
        if self._foreign:
            value = self._example
            raise DataError(
                f"the text is {type(value).__name__} {value!r:.40}, not a string ({rows_phrase(self._foreign)}).",
                "Name the column of the texts with `text=...`.",
                Location(self._name, self._foreign[0], self._text),
            )
        for rows, column, what, option in (
            (self._unlabelled, self._label, "label", "drop_unlabelled"),
            (self._empty, self._text, "text", "drop_empty"),
        ):
            if rows:
                several = what == "label" and (self._separator is not None or self._task == "multilabel")
                none = "write [] where no label applies, " if several else ""
                raise DataError(
                    f"the {what} is empty ({rows_phrase(rows)}).",
                    f"Give every row a {what}, {none}or drop them with `{option}=True`.",
                    Location(self._name, rows[0], column),
                )
        if not kept:
            raise DataError(f"{self._name}: no row has both a text and a label.", "Label some rows.")

    def _note(self, note: str, kept: int) -> str:
        return note_with_dropped_rows(note, self._rows, kept)


def _runs(kept: list[int], texts: list[Any]) -> Iterator[list[int]]:
    """The positions in runs, of which each has a limited number of rows and, but for a long text, of characters."""
    run: list[int] = []
    size = 0
    for at in kept:
        run.append(at)
        size += len(texts[at])
        if len(run) == ondisk.BLOCK_ROWS or size > CHUNK_CHARACTERS:
            yield run
            run, size = [], 0
    if run:
        yield run


def note_with_dropped_rows(note: str, read: int, kept: int) -> str:
    """The note, with how many of the rows that were read are left out."""
    if kept == read:
        return note
    dropped = f"{read - kept:,} of {read:,} rows have no label or no text and are left out."
    return f"{note} {dropped}".strip()


class _Store:
    """Rows on disk. The first ones tell what the labels mean, and later ones have to agree."""

    def __init__(self, name: str, column: str, task: Kind | None, separator: str | None) -> None:
        self._name, self._column, self._task, self._separator = name, column, task, separator
        self._kind: Kind | None = None
        self._lists = False  # of one label each, as annotation tools write single labels
        self._known: dict[Any, Any] = {}
        self._codes: dict[Any, int] = {}
        self._data, self._lengths, self._hashes = (
            disk_arrays.Writer("u1"),
            disk_arrays.Writer("i8"),
            disk_arrays.Writer("u8"),
        )
        self._labels, self._numbers = disk_arrays.Writer("i4"), disk_arrays.Writer("i8")
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def interpret(self, row: int, values: list[Any]) -> list[Any]:
        """The labels of some rows, None where there is none; `row` is the number of the first."""
        if self._kind == "regression":
            return label_values.parse_labels(values, self._name, self._column, "regression", None, row).values
        keys = [value if type(value) is str else (type(value), repr(value)) for value in values]
        if not all(key in self._known for key in keys):
            if len(self._known) > _KNOWN:
                self._known.clear()
            self._known.update(zip(keys, self._read(row, values), strict=True))
        return [self._known[key] for key in keys]

    def _read(self, row: int, values: list[Any]) -> list[Any]:
        task: Kind | None = self._task
        if self._kind is not None and not self._lists:
            task = "multilabel" if self._kind == "multilabel" else "multiclass"
        read = label_values.parse_labels(values, self._name, self._column, task, self._separator, row)
        if self._kind is None:
            self._kind = read.kind
            written = (value for value in values if isinstance(value, (str, list)))
            bracket = any(isinstance(value, list) or value.lstrip().startswith("[") for value in written)
            self._lists = bracket and self._task is None and read.kind != "multilabel"
            if read.kind == "regression":
                self._labels = disk_arrays.Writer("f8")
        elif self._lists and read.kind not in ("binary", "multiclass"):
            raise self._differing(row, read.kind)
        return read.values

    def append(self, texts: list[str], labels: list[Any], numbers: list[int]) -> None:
        """Put rows on disk. Raises DataError where there is no room for them."""
        data = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._data.append(np.frombuffer(b"".join(data), np.uint8))
        self._lengths.append([len(part) for part in data])
        self._hashes.append([ondisk.text_hash(text) for text in texts])
        coded = labels if self._kind == "regression" else [self._codes.setdefault(v, len(self._codes)) for v in labels]
        if len(self._codes) > MAX_CLASSES and self._kind != "multilabel":
            raise DataError(
                f"there are more than {MAX_CLASSES:,} different labels.",
                "Name the column of the classes with `label=...`.",
                Location(self._name, numbers[-1], self._column),
            )
        self._labels.append(coded)
        self._numbers.append(numbers)
        self._rows += len(texts)

    def finish(self) -> UsableRows:
        assert self._kind is not None
        lengths, ends = self._lengths.finish(), disk_arrays.Writer("i8")
        total = 0
        ends.append([0])
        for part in ondisk.row_blocks(lengths):
            ends.append(total + part.cumsum())
            total += int(part.sum())
        texts = DiskTexts(self._data.finish(), ends.finish(), self._hashes.finish())
        written = self._labels.finish()
        labels: Any = written if self._kind == "regression" else CodedLabels(written, list(self._codes))
        kind, note = self._told(labels)
        return UsableRows(texts, labels, kind, note, self._numbers.finish())

    def _told(self, labels: Any) -> tuple[Kind, str]:
        """What task all labels set, and what was decided."""
        if self._kind == "regression":
            note = "" if self._task else label_values.regression_note(labels.min(), labels.max())
            return "regression", note
        if self._kind == "multilabel":
            return "multilabel", label_values.multilabel_note(labels.counts(), self._separator)
        if self._task == "binary":
            label_values.require_two_classes(labels.values, Location(self._name, column=self._column))
        if self._task is not None:
            return self._task, ""
        numbers = label_values.numeric_classes(labels.values)
        if numbers is None:
            raise self._differing(None, "regression")
        note = label_values.numeric_classes_note(numbers) or (label_values.SINGLE_ITEM_NOTE if self._lists else "")
        return "binary" if len(labels.values) == 2 else "multiclass", note

    def _differing(self, row: int | None, kind: Kind) -> DataError:
        return DataError(
            f"the labels of the first rows say that the task is {self._kind}, those of later ones that it is {kind}.",
            "Choose one with `task=...`.",
            Location(self._name, row, self._column),
        )
