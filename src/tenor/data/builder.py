"""Chunks of a table -> usable texts and labels, in lists or, if there are many, on disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tenor._core.language import tr
from tenor.data.blocks import BLOCK_ROWS, Rows
from tenor.data.disk_builder import MAX_REMEMBERED, DiskBuilder
from tenor.data.io.chunks import CHUNK_CHARACTERS
from tenor.data.io.limits import VALUE_BYTES, MemoryBudget, size_of
from tenor.data.label_names import respell
from tenor.data.label_source import label_source
from tenor.data.label_values import LabelColumn, label_key
from tenor.data.labels import parse_labels, single_label_kind
from tenor.data.read_options import ReadOptions
from tenor.errors import DataError, Location, RowNumbers, rows_phrase
from tenor.tasks import Kind, Label

MAX_ROWS_IN_MEMORY = 1_000_000
MAX_CHARACTERS_IN_MEMORY = 1 << 28


@dataclass(frozen=True)
class UsableRows:
    """Rows with a text and a label.

    Attributes:
        texts: Their texts.
        labels: Their labels.
        kind: The kind of task, given or inferred from the labels.
        note: What was inferred where another reading is possible, and how many rows were left out.
        row_numbers: The number of each row in its file, from 1; empty: 1, 2, 3 and so on.
    """

    texts: Sequence[str]
    labels: Sequence[Label]
    kind: Kind
    note: str
    row_numbers: Sequence[int] | Rows


class DatasetBuilder:
    """Collects the rows of a table, chunk by chunk.

    Whether the rows stay in memory depends on their number and length alone, not on the machine. So the same table
    gives the same model everywhere.

    Args:
        name: The table's name for messages.
        text: The column of the texts, for messages.
        label: The column of the labels, for messages.
        options: What to leave out, what the labels are, and whether to keep the rows on disk.
    """

    def __init__(self, name: str, text: str, label: str, options: ReadOptions) -> None:
        self._name, self._text, self._options = name, text, options
        missing = frozenset(map(label_key, options.missing_labels))
        self._column = LabelColumn(name, label, options.task, options.label_separator, missing, options.decimal)
        self._drop_unlabelled = options.drop_unlabelled or bool(missing)
        self._texts: list[object] = []
        self._labels: list[object] = []
        self._n_characters = self._n_rows = 0
        self._disk: DiskBuilder | None = None
        self._memory = MemoryBudget(
            name, tr("Keep them on disk in training (`on_disk=True`), or read fewer rows at a time.")
        )
        self._shared: dict[str, str] = {}
        self._not_strings, self._unlabelled, self._empty = RowNumbers(), RowNumbers(), RowNumbers()
        self._first_not_string: object = None

    def add(self, row: int, texts: list[object], labels: list[object]) -> None:
        """Add rows.

        Args:
            row: The number of the first one.
            texts: Their texts; None where there is none.
            labels: Their labels as the file has them.

        Raises:
            DataError: A label does not fit, or the rows need too much memory.
        """
        self._n_rows += len(texts)
        if self._disk is not None:
            self._append_to_disk(row, texts, labels)
            return
        n_characters = sum(len(text) for text in texts if isinstance(text, str))
        lists = sum(size_of(label) for label in labels if isinstance(label, list))
        self._memory.add(n_characters + lists + VALUE_BYTES * len(texts), row)
        self._texts += texts
        if len(self._shared) < MAX_REMEMBERED:
            shared = self._shared.setdefault  # a label of many rows is held once
            labels = [shared(label, label) if type(label) is str else label for label in labels]
        self._labels += labels
        self._n_characters += n_characters
        many = len(self._texts) > MAX_ROWS_IN_MEMORY or self._n_characters > MAX_CHARACTERS_IN_MEMORY
        if self._options.on_disk or (self._options.on_disk is None and many):
            self._disk = DiskBuilder(self._column, self._options.respell)
            self._append_to_disk(1, self._texts, self._labels)
            self._texts, self._labels = [], []

    def finish(self) -> UsableRows:
        """The usable rows.

        Raises:
            DataError: Rows have no text or no label and are not to be dropped, or no row is left. Rows with the same
                fault are reported together.
        """
        if self._disk is None:
            parsed = parse_labels(self._labels, self._column)
            kept = self._usable(1, self._texts, parsed.values)
            self._require_usable(len(kept))
            texts, labels = [str(self._texts[at]) for at in kept], [parsed.values[at] for at in kept]
            kind, note = parsed.kind, parsed.note
            if kind != "regression" and self._options.respell:
                respelt, spelling_note = respell(label_source(labels))
                labels, note = list(respelt), f"{note} {spelling_note}".strip()
                kind = single_label_kind(respelt.distinct()) if kind != "multilabel" else kind
            note = note_with_dropped_rows(note, self._n_rows, len(kept))
            return UsableRows(texts, labels, kind, note, [at + 1 for at in kept])
        n_written = len(self._disk)
        self._require_usable(n_written)
        texts_on_disk, labels_on_disk, numbers = self._disk.finish()
        kind, note = self._disk.task(labels_on_disk)
        note = note_with_dropped_rows(note, self._n_rows, n_written)
        return UsableRows(texts_on_disk, labels_on_disk, kind, note, numbers if n_written < self._n_rows else ())

    def _append_to_disk(self, row: int, texts: list[object], labels: list[object]) -> None:
        assert self._disk is not None
        values = self._disk.parse(row, labels)
        for block in _blocks(self._usable(row, texts, values), texts):
            self._disk.append(
                [str(texts[at]) for at in block], [values[at] for at in block], [row + at for at in block]
            )

    def _usable(self, first: int, texts: list[object], labels: Sequence[object]) -> list[int]:
        """Positions of the rows with a text and a label. Faults of other rows are recorded."""
        kept = []
        for at, (text, label) in enumerate(zip(texts, labels, strict=True)):
            if text is not None and not isinstance(text, str):
                self._first_not_string = text if not self._not_strings else self._first_not_string
                self._not_strings.append(first + at)
                continue
            blank = not (text and text.strip())
            if blank and not self._options.drop_empty:
                self._empty.append(first + at)
            if label is None and not self._drop_unlabelled:
                self._unlabelled.append(first + at)
            if not blank and label is not None:
                kept.append(at)
        return kept

    def _require_usable(self, n_kept: int) -> None:
        """Raise DataError for the faults that were recorded."""
        if self._not_strings:
            value = self._first_not_string
            raise DataError(
                tr(
                    "the text is {name__} {value!r:.40}, not a string ({not_strings}).",
                    name__=type(value).__name__,
                    value=value,
                    not_strings=rows_phrase(self._not_strings),
                ),
                tr("Name the column of the texts with `text=...`."),
                Location(self._name, self._not_strings[0], self._text),
            )
        for rows, column, what, option in (
            (self._unlabelled, self._column.column, "label", "drop_unlabelled"),
            (self._empty, self._text, "text", "drop_empty"),
        ):
            if rows:
                several = self._options.label_separator is not None or self._options.task == "multilabel"
                none = tr("write [] where no label applies, ") if several and what == "label" else ""
                raise DataError(
                    tr("the {what} is empty ({rows}).", what=tr(what), rows=rows_phrase(rows)),
                    tr(
                        "Give every row a {what}, {none}or drop them with `{option}=True`.",
                        what=tr(what),
                        none=none,
                        option=option,
                    ),
                    Location(self._name, rows[0], column),
                )
        if not n_kept:
            raise DataError(tr("{name}: no row has both a text and a label.", name=self._name), tr("Label some rows."))


def _blocks(kept: list[int], texts: list[object]) -> Iterator[list[int]]:
    """The positions in blocks of limited rows and, unless a text is very long, of limited characters."""
    block: list[int] = []
    size = 0
    for at in kept:
        block.append(at)
        size += len(str(texts[at]))
        if len(block) == BLOCK_ROWS or size > CHUNK_CHARACTERS:
            yield block
            block, size = [], 0
    if block:
        yield block


def note_with_dropped_rows(note: str, n_read: int, n_kept: int) -> str:
    """The note, and how many of the rows were left out, if any."""
    if n_kept == n_read:
        return note
    n_dropped = n_read - n_kept
    have, are = ("has", "is") if n_dropped == 1 else ("have", "are")
    dropped = tr(
        "{n_dropped:,} of {n_read:,} rows {have} no label or no text and {are} left out.",
        n_dropped=n_dropped,
        n_read=n_read,
        have=have,
        are=are,
    )
    return f"{note} {dropped}".strip()
