"""The rows of many files, spread over partitions on workers: read, held out, sampled, as if they were one dataset."""

import hashlib
import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.checks import disk_checks
from tenor.checks.finding import Finding
from tenor.config.run_config import RunConfig
from tenor.data import blocks, builder, class_names, dataset, label_names, sources, split
from tenor.data import labels as label_values
from tenor.data.dataset import Dataset
from tenor.data.fields import Fields
from tenor.data.io import table
from tenor.data.label_source import LabelCounts, LabelSource, MemoryLabels, NumberLabels
from tenor.data.text_filter import TextFilter, halvings_for
from tenor.data.text_source import RemoteTexts, text_source
from tenor.distributed.partition import HeldOutRows, PartitionSummary
from tenor.distributed.worker_pool import WorkerPool
from tenor.errors import DataError, Location, counted
from tenor.inference import locations
from tenor.models.base import Examples
from tenor.models.ngram import selection
from tenor.tasks import Kind, Label, MultiLabel, Regression, SingleLabel, Task
from tenor.training import folding, preparation
from tenor.training.class_weight import check_class_weight
from tenor.training.preparation import PreparedData

_FEATURE_CHUNKS = 50
"""Chunks of the first file whose values decide what the features are."""


@dataclass(frozen=True)
class DatasetSummary:
    """The summaries of all blocks, merged."""

    rows: int
    read: int
    counts: dict[Label, int]
    moments: tuple[float, float, float, float]
    lengths: list[int]

    def rename(self, names: Mapping[Label, Label]) -> "DatasetSummary":
        """The summary of the rows with other names of labels."""
        counts: Counter[Label] = Counter()
        for label, count in self.counts.items():
            counts[names[label]] += count
        return replace(self, counts=dict(counts))

    @property
    def task_of_numbers(self) -> Regression:
        """The task of predicting the numbers, with their mean and standard deviation."""
        total, squares, _, _ = self.moments
        return Regression(mean=total / self.rows, std=float(np.sqrt(squares / self.rows)) or 1.0)


def merge_summaries(summaries: Sequence[PartitionSummary]) -> DatasetSummary:
    """Merge the summaries of all blocks."""
    counts: Counter[Label] = Counter()
    for each in summaries:
        counts.update(each.counts)
    rows = sum(each.rows for each in summaries)
    total = sum(each.moments[0] for each in summaries)
    some = [each for each in summaries if each.rows]
    # The squares around the mean of all (Chan, Golub and LeVeque, 1979).
    squares = sum(each.moments[1] + each.rows * (each.moments[0] / each.rows - total / rows) ** 2 for each in some)
    least, greatest = min(each.moments[2] for each in some), max(each.moments[3] for each in some)
    lengths = [length for each in summaries for length in each.lengths]
    return DatasetSummary(
        rows, sum(each.read for each in summaries), dict(counts), (total, squares, least, greatest), lengths
    )


class DistributedDataset:
    """The rows of all blocks: where each is, and what is done with all of them."""

    def __init__(self, pool: WorkerPool, run: RunConfig) -> None:
        self.pool, self.run = pool, run
        self.task: Task
        self.fields: Fields
        self.text_filter: TextFilter
        self.sizes = np.zeros(pool.n_partitions, np.int64)  # rows of each block that are left
        self.starts = np.zeros(pool.n_partitions, np.int64)  # how many rows the files before have

    def __len__(self) -> int:
        return int(self.sizes.sum())

    def prepare(
        self, source: str, blocks: Sequence[tuple[str, ...]], test_source: str | None, callback: Callback
    ) -> PreparedData:
        """Read the files, and hold a part out.

        Args:
            source: The pattern, path or URL of the files.
            blocks: The files of each block.
            test_source: Where the test texts are; None: some of the rows are held out.
            callback: Receives messages and progress.

        Raises:
            TenorError: They cannot be used.
        """
        started_at = time.perf_counter()
        run, pool = self.run, self.pool
        head, as_lists = _head(blocks[0][0], run, callback)
        callback.on_message(head.describe_columns())
        summary = self._read(blocks, head, as_lists, callback)
        data, summary = self._dataset(source, head, as_lists, summary)
        self.fields = data.fields
        test = None
        if test_source is not None:
            options = sources.with_columns_of(data, sources.options_of(run))
            with tempfile.TemporaryDirectory() as scratch:
                place = str(locations.local_path(test_source, Path(scratch))) if "://" in test_source else test_source
                test = sources.read_test(place, data.kind, options, callback)
        read_s = time.perf_counter() - started_at
        dataset.check_labels(data)
        for part in (data, test):
            if part is not None and part.note:
                callback.on_message(tr("{place}: {problem}", place=part.name, problem=part.note))
        self.task = _task(data, summary)
        if test is not None:
            test = preparation.match_labels(test, self.task, run.unknown_labels, callback)
        callback.on_message(
            tr(
                "{n_data:,} texts are kept by {partitions}; equal and near equal ones are not looked for.",
                n_data=len(data),
                partitions=counted(pool.n_partitions, "worker"),
            )
        )
        checking = time.perf_counter()
        findings = [] if test is None else self._leaked(test, callback)
        check_s = time.perf_counter() - checking
        pool.cast("encode", self.task)
        if test is None and run.test_size > 0:
            preparation.require_share("test_size", run.test_size, data, tr("measure on"))
            test = self._test(data, run.test_size)
            summary = merge_summaries(list(pool.call("summary", changes_state=False)))
            data = replace(data, texts=RemoteTexts(summary.rows, summary.lengths), labels=_labels(data.kind, summary))
            if not self.task.has_labels:
                self.task = summary.task_of_numbers  # of the training texts alone
        class_weight: Any = run.class_weight
        check_class_weight(self.task, class_weight)
        if class_weight is not None and isinstance(self.task, SingleLabel):
            of_class = np.array([summary.counts.get(label, 0) for label in self.task.labels])
            pool.cast("weigh_classes", self.task.class_weights(of_class, class_weight))
        measured = tr("{n_test:,} test texts", n_test=0 if test is None else len(test))
        callback.on_message(
            tr(
                "{n_texts:,} training texts, {measured}; {labels}.",
                n_texts=len(data),
                measured=measured,
                labels=self.task.describe(),
            )
        )
        self.text_filter = self._text_filter()
        character_map = folding.choose(run.fold_chinese, len(self), self._take, run.seed)
        if character_map is not None:
            callback.on_message(folding.describe(character_map))
            pool.cast("fold", character_map)
        timing = {"read_s": read_s, "check_s": check_s}
        return PreparedData(data, test, self.task, None, None, findings, timing, character_map)

    def _read(
        self, blocks: Sequence[tuple[str, ...]], head: Dataset, as_lists: bool, callback: Callback
    ) -> DatasetSummary:
        run = self.run
        several = None if as_lists else "multiclass"
        given = "multiclass" if run.task == "binary" else run.task  # two classes are required of all blocks together
        task: Any = given or (head.kind if head.kind in ("regression", "multilabel") else several)
        options = sources.with_columns_of(head, sources.options_of(run))
        options = replace(
            options, label=head.label_columns or head.label_column, task=task, respell=False, on_disk=True
        )
        summaries: list[PartitionSummary] = []
        for each in self.pool.call_each("read", [(files, options) for files in blocks]):
            summaries.append(each)
            callback.on_progress(tr("read"), sum(summary.read for summary in summaries), 0, {})
        self.sizes = np.array([each.rows for each in summaries])
        self.starts = np.cumsum([0, *(each.read for each in summaries[:-1])])
        return merge_summaries(summaries)

    def _dataset(
        self, source: str, head: Dataset, as_lists: bool, summary: DatasetSummary
    ) -> tuple[Dataset, DatasetSummary]:
        """The rows as if they were here, but for the texts; and their summary with the final names of labels.

        Raises:
            DataError: The labels do not go together.
        """
        run, kind, note = self.run, head.kind, ""
        distinct = list(summary.counts)
        respelt, spelling_note = label_names.respell(MemoryLabels(distinct))
        summary = summary.rename(dict(zip(distinct, respelt, strict=True)))
        at = Location(head.name, column=head.label_column)
        if kind == "regression":
            note = "" if run.task else label_values.regression_note(*summary.moments[2:])
        elif kind == "multilabel":
            note = label_values.multilabel_note(summary.counts, run.label_separator)
        elif run.task is not None:
            kind = run.task
            if kind == "binary":
                label_values.require_two_classes(summary.counts, at)
        else:
            kind = "binary" if len(summary.counts) == 2 else "multiclass"
            numbers = label_values.numeric_classes(summary.counts)
            if numbers is None:
                raise DataError(
                    tr("the labels are numbers of many values: classes or amounts?"),
                    tr("Choose one with `task=...`."),
                    at,
                )
            note = label_values.numeric_classes_note(numbers) or (tr(label_values.SINGLE_ITEM_NOTE) if as_lists else "")
        note = builder.note_with_dropped_rows(f"{note} {spelling_note}".strip(), summary.read, summary.rows)
        names = None if head.label_columns or "://" in source else class_names.find(Path(source))
        named, naming = (respelt, "") if names is None else class_names.apply(respelt, names)
        summary = summary.rename(dict(zip(respelt, named, strict=True)))
        if spelling_note or naming:
            self.pool.cast("rename", dict(zip(distinct, named, strict=True)))
        texts, labels = RemoteTexts(summary.rows, summary.lengths), _labels(kind, summary)
        data = Dataset(
            name=head.name,
            texts=texts,
            labels=labels,
            fields=head.fields,
            label_column=head.label_column,
            label_columns=head.label_columns,
            class_names=names.names if names is not None and naming else (),
            kind=kind,
            note=f"{note} {naming}".strip(),
        )
        return data, summary

    def hold_out(self, share: float) -> list[HeldOutRows]:
        """Hold out a share of the rows by their hashes, as `split.hold_out` does of texts on disk."""
        most = len(self.task.labels) if self.task.is_single_label else 1
        kept = sum(self.pool.call("draw", split.capped_share(share, len(self)), self.run.seed, most))
        whole = np.flatnonzero(np.asarray(kept) == 0)
        back = np.zeros(0, np.uint64)
        if len(whole):
            back = np.concatenate(list(self.pool.call("held_of", whole, changes_state=False)))
        held = list(self.pool.call("part", back))
        self.sizes = self.sizes - np.array([len(each.texts) for each in held])
        return held

    def _test(self, data: Dataset, share: float) -> Dataset:
        held = self.hold_out(share)
        texts, labels = ([value for each in held for value in getattr(each, name)] for name in ("texts", "labels"))
        numbers = [
            int(start) + number for start, each in zip(self.starts, held, strict=True) for number in each.numbers
        ]
        return replace(data, texts=texts, labels=labels, row_numbers=numbers, note="")

    def _leaked(self, test: Dataset, callback: Callback) -> list[Finding]:
        """The test texts that are among the training texts."""
        leaked = int(
            np.any(list(self.pool.call("known", text_source(test.texts).hashes, changes_state=False)), axis=0).sum()
        )
        if not leaked:
            return []
        finding = disk_checks.leak(leaked, len(test))
        callback.on_message(finding.training_message)
        return [finding]

    def parts(self, rows: blocks.Rows) -> list[blocks.Rows]:
        """Rising numbers of rows among all -> those in each block."""
        starts = np.cumsum([0, *self.sizes])
        cuts = np.searchsorted(rows, starts)
        return [rows[one:other] - start for (one, other), start in zip(itertools.pairwise(cuts), starts, strict=False)]

    def sample(self) -> Examples:
        """What `selection.choose_settings` looks at."""
        order = selection.sample_rows(len(self), self.run.seed, on_disk=True)
        rising = np.sort(order)
        return self._take(rising).take(np.searchsorted(rising, order))

    def _take(self, rising: blocks.Rows) -> Examples:
        """Some of the rows, by their numbers, which rise."""
        samples = list(self.pool.call_each("some", [(part,) for part in self.parts(rising)], changes_state=False))
        texts = [text for each in samples for text in each[0]]
        targets, weights = (np.concatenate([each[at] for each in samples]) for at in (1, 2))
        return Examples(texts, targets, self.task, weights, fields=self.fields)

    def characters(self) -> int:
        """As `selection.count_characters`."""
        return int(sum(self.pool.call("characters", changes_state=False)))

    def fingerprint(self) -> str:
        """SHA-256 of sums over the rows' hashes: the same however the rows are spread."""
        sums = [sum(lane) % (1 << 64) for lane in zip(*self.pool.call("sums", changes_state=False), strict=True)]
        return hashlib.sha256(json.dumps([len(self), *sums]).encode()).hexdigest()

    def _text_filter(self) -> TextFilter:
        """The filter of the texts of all workers."""
        halvings = halvings_for(len(self))
        samples = list(self.pool.call("sample", halvings, changes_state=False))
        return TextFilter.of_sample(np.unique(np.concatenate(samples)), halvings)


def _head(file: str, run: RunConfig, callback: Callback) -> tuple[Dataset, bool]:
    """The first rows, from which the columns and the task are inferred; and whether all labels are lists of one."""
    with tempfile.TemporaryDirectory() as scratch:
        opened = table.open_table(locations.local_path(file, Path(scratch)), sources.options_of(run).files)
        first = replace(opened, chunks=itertools.islice(opened.chunks, 1 if run.features is None else _FEATURE_CHUNKS))
        head = dataset.read(first, replace(sources.options_of(run), task=run.task), callback)
    path = Path(run.data)
    name = str(Path(path.parent.name, path.name)) if table.is_pattern(path) else path.name
    return replace(head, name=name), tr(label_values.SINGLE_ITEM_NOTE) in head.note


def _task(data: Dataset, summary: DatasetSummary) -> Task:
    if data.kind == "regression":
        return summary.task_of_numbers
    if data.kind == "multilabel":
        return MultiLabel(
            tuple(sorted({name for row in summary.counts for name in row})), never_none=all(summary.counts)
        )
    return SingleLabel(tuple(sorted(summary.counts)))


def _labels(kind: Kind, summary: DatasetSummary) -> LabelSource:
    """As many labels as there are rows; of numbers, the least and the greatest stand for all."""
    return NumberLabels(np.array(summary.moments[2:])) if kind == "regression" else LabelCounts(summary.counts)
