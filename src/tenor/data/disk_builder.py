"""Rows written to disk while a table is read. The first rows decide the task, and later ones have to agree."""

from collections.abc import Hashable
from dataclasses import replace

import numpy as np

from tenor._core import disk_arrays
from tenor._core.language import tr
from tenor.data import label_names
from tenor.data import labels as label_parsing
from tenor.data.blocks import Rows, row_blocks, text_hash
from tenor.data.io.limits import MAX_CLASSES
from tenor.data.label_source import CodedLabels, LabelSource, NumberLabels
from tenor.data.label_values import LabelColumn, LabelValue
from tenor.data.text_source import DiskTexts
from tenor.errors import DataError
from tenor.tasks import Kind

MAX_REMEMBERED = 1 << 20
"""Values of labels whose meaning is remembered."""


class DiskBuilder:
    """Writes texts and labels to disk.

    Args:
        column: The label column, with its task and separator if they are known.
        respell: Whether labels such as 1.0 and TRUE get one spelling.
    """

    def __init__(self, column: LabelColumn, respell: bool = True) -> None:
        self._column, self._respell = column, respell
        self._kind: Kind | None = None
        self._single_item_lists = False  # of one label each, as annotation tools write single labels
        self._known: dict[Hashable, LabelValue] = {}
        self._codes: dict[LabelValue, int] = {}
        self._data, self._lengths = disk_arrays.Writer("u1"), disk_arrays.Writer("i8")
        self._hashes = disk_arrays.Writer("u8")
        self._labels, self._numbers = disk_arrays.Writer("i4"), disk_arrays.Writer("i8")
        self._n_rows = 0
        self._spelling_note = ""
        self._note = ""  # on numbers, from the first rows

    def __len__(self) -> int:
        return self._n_rows

    def parse(self, row: int, values: list[object]) -> list[LabelValue]:
        """The labels of some rows, None where there is none.

        Args:
            row: The number of the first row.
            values: What the file has in the label column.

        Raises:
            DataError: A value does not fit the task.
        """
        if self._kind == "regression":
            return label_parsing.parse_labels(values, self._column.of_task("regression"), row).values
        keys: list[Hashable] = [value if type(value) is str else (type(value), repr(value)) for value in values]
        if not all(key in self._known for key in keys):
            if len(self._known) > MAX_REMEMBERED:
                self._known.clear()
            self._known.update(zip(keys, self._parse_new(row, values), strict=True))
        return [self._known[key] for key in keys]

    def _parse_new(self, row: int, values: list[object]) -> list[LabelValue]:
        column = self._column
        if self._kind is not None and not self._single_item_lists:
            column = column.of_task("multilabel" if self._kind == "multilabel" else "multiclass")
        parsed = label_parsing.parse_labels(values, column, row)
        if self._kind is None:
            self._kind = parsed.kind
            bracket = any(
                isinstance(value, list) or (isinstance(value, str) and value.lstrip().startswith("["))
                for value in values
            )
            self._single_item_lists = bracket and self._column.task is None and parsed.kind != "multilabel"
            if parsed.kind == "regression":
                self._column, self._note = replace(self._column, decimal=parsed.decimal), parsed.note
                self._labels = disk_arrays.Writer("f8")
        elif self._single_item_lists and parsed.kind not in ("binary", "multiclass"):
            raise self._contradiction(row, parsed.kind)
        return parsed.values

    def append(self, texts: list[str], labels: list[LabelValue], numbers: list[int]) -> None:
        """Write rows.

        Args:
            texts: Their texts.
            labels: Their labels, from `parse`.
            numbers: Their numbers in the file.

        Raises:
            DataError: There are too many classes.
            WriteError: The disk is full.
        """
        data = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._data.append(np.frombuffer(b"".join(data), np.uint8))
        self._lengths.append([len(part) for part in data])
        self._hashes.append([text_hash(text) for text in texts])
        if self._kind == "regression":
            self._labels.append(np.array(labels, np.float64))
        else:
            self._labels.append([self._codes.setdefault(label, len(self._codes)) for label in labels])
        if len(self._codes) > MAX_CLASSES and self._kind != "multilabel":
            raise DataError(
                tr("there are more than {max_classes:,} different labels.", max_classes=MAX_CLASSES),
                tr("Name the column of the classes with `label=...`."),
                self._column.at(numbers[-1]),
            )
        self._numbers.append(numbers)
        self._n_rows += len(texts)

    def finish(self) -> tuple[DiskTexts, LabelSource, Rows]:
        """The texts, the labels and the number of each row in its file."""
        lengths, ends = self._lengths.finish(), disk_arrays.Writer("i8")
        total = 0
        ends.append([0])
        for block in row_blocks(lengths):
            ends.append(total + block.cumsum())
            total += int(block.sum())
        texts = DiskTexts(self._data.finish(), ends.finish(), self._hashes.finish())
        values = self._labels.finish()
        labels: LabelSource = NumberLabels(values)
        if self._kind != "regression":
            labels = CodedLabels(values, list(self._codes))
            if self._respell:
                labels, self._spelling_note = label_names.respell(labels)
        return texts, labels, self._numbers.finish()

    def task(self, labels: LabelSource) -> tuple[Kind, str]:
        """The kind of task, and a note on what was inferred.

        Args:
            labels: All labels, from `finish`.

        Raises:
            DataError: All labels together contradict the first ones.
        """
        kind, note = self._task(labels)
        return kind, f"{note} {self._spelling_note}".strip()

    def _task(self, labels: LabelSource) -> tuple[Kind, str]:
        given = self._column.task
        if isinstance(labels, NumberLabels):
            least, greatest = labels.values.min(), labels.values.max()
            note = "" if given else label_parsing.regression_note(least, greatest)
            return "regression", self._note if self._column.decimal else note
        if self._kind == "multilabel":
            return "multilabel", label_parsing.multilabel_note(labels.counts(), self._column.separator)
        classes = labels.distinct()
        if given == "binary":
            label_parsing.require_two_classes(classes, self._column.at())
        if given is not None:
            return given, ""
        numbers = label_parsing.numeric_classes(classes)
        if numbers is None:
            raise self._contradiction(None, "regression")
        note = label_parsing.numeric_classes_note(numbers)
        if not note and self._single_item_lists:
            note = tr(label_parsing.SINGLE_ITEM_NOTE)
        return label_parsing.single_label_kind(classes), note

    def _contradiction(self, row: int | None, kind: Kind) -> DataError:
        return DataError(
            tr(
                "the labels of the first rows make the task {kind}, but those of later rows make it {later_kind}.",
                kind=self._kind,
                later_kind=kind,
            ),
            tr("Choose one with `task=...`."),
            self._column.at(row),
        )
