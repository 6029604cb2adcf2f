"""The rows of some files: read by a worker, kept on its disk, and asked for sums over them."""

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.threads import available_cores
from tenor.data import dataset, split, text_filter
from tenor.data.blocks import Hashes, Rows, remix, row_blocks, select_rows, text_hash
from tenor.data.dataset import Dataset
from tenor.data.io import table
from tenor.data.label_source import label_source
from tenor.data.read_options import ReadOptions
from tenor.data.text_source import TextSource, text_source
from tenor.inference import locations
from tenor.models.linear.loss import Loss, OutputTargets, make_loss
from tenor.models.ngram import features, selection
from tenor.models.ngram.config import Config
from tenor.models.ngram.model import NgramModel
from tenor.models.ngram.row_counts import RowCounts, RowEncoder
from tenor.tasks import Floats, Kind, Label, Targets, Task
from tenor.text.chinese import CharacterMap
from tenor.text.document_frequency import DocumentFrequency

_LENGTHS = 1_000  # texts of a block whose lengths are reported


class PartitionSummary(NamedTuple):
    """The summary of a block's rows.

    Attributes:
        rows: How many there are.
        read: How many rows the files have.
        kind: The task that the labels set.
        counts: How many rows each label has; none where these are numbers.
        moments: Of numbers: their sum, and the sum of their squares around the mean; least and greatest.
        lengths: Characters of some texts.
    """

    rows: int
    read: int
    kind: Kind
    counts: dict[Label, int]
    moments: tuple[float, float, float, float]
    lengths: list[int]


class HeldOutRows(NamedTuple):
    """Rows that were held out: texts, labels, numbers in the block's files, targets, weights."""

    texts: list[str]
    labels: list[Label]
    numbers: list[int]
    targets: Targets
    weights: Floats


class Partition:
    """The rows of some files, and the features and the loss of a linear model over them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(available_cores())
        self._data: Dataset
        self._task: Task
        self._targets: Targets
        self._weights: Floats
        self._held_out: npt.NDArray[np.bool_]
        self._counts: RowCounts
        self._counted: tuple[RowCounts, Targets, Floats]
        self._loss: Loss
        self._read = 0

    def read(self, files: Sequence[str], options: ReadOptions) -> PartitionSummary:
        """Read files, given by their paths or URLs. Raises DataError if they cannot be read."""
        with tempfile.TemporaryDirectory() as scratch:
            paths = [locations.local_path(file, Path(scratch) / str(number)) for number, file in enumerate(files)]
            name = tr("{first} to {last}", first=paths[0].name, last=paths[-1].name)
            joined = len(paths) > 1
            opened = (
                table.open_joined(paths, name, options.files) if joined else table.open_table(paths[0], options.files)
            )
            counted = _Rows()
            self._data = dataset.read(opened, options, counted)
        self._read = counted.rows
        return self.summary()

    def summary(self) -> PartitionSummary:
        """The summary of the rows to train on."""
        data, moments = self._data, (0.0, 0.0, 0.0, 0.0)
        counts = {}
        if data.kind != "regression":
            counts = dict(label_source(data.labels).counts())
        elif len(data):
            values = np.asarray(data.labels, np.float64)
            moments = float(values.sum()), float(values.var() * len(values)), float(values.min()), float(values.max())
        step = max(1, len(data) // _LENGTHS)
        lengths = [len(data.texts[row]) for row in range(0, len(data), step)]
        return PartitionSummary(len(data), self._read, data.kind, counts, moments, lengths)

    def characters(self) -> int:
        """As `selection.count_characters`."""
        return selection.count_characters(self._data.texts)

    def sums(self) -> tuple[int, int]:
        """Sums over the hashes of the rows' texts and labels, modulo 2^64: the same for the same rows in any blocks."""
        one, other, at = 0, 0, 0
        for hashes in row_blocks(_texts(self._data).hashes):
            labels = self._data.labels[at : at + len(hashes)]
            of_label = {label: text_hash(repr(label)) for label in dict.fromkeys(labels)}
            mixed = remix(hashes ^ remix(np.array([of_label[label] for label in labels], np.uint64)))
            one, other, at = one + int(mixed.sum()), other + int(remix(mixed).sum()), at + len(hashes)
        return one % (1 << 64), other % (1 << 64)

    def rename(self, names: Mapping[Label, Label]) -> None:
        """Give labels their names in the whole dataset; those that `names` lacks stay."""
        self._data = replace(self._data, labels=label_source(self._data.labels).rename(names))

    def fold(self, character_map: CharacterMap) -> None:
        """Read characters of the texts as others. Their hashes stay."""
        self._data = replace(self._data, texts=_texts(self._data).map(character_map.fold))

    def encode(self, task: Task) -> None:
        """What is predicted is known."""
        self._task = task
        self._targets = label_source(self._data.labels).encode(task.encode)
        self._weights = np.broadcast_to(np.float32(1), len(self._data))

    def weigh_classes(self, weights: Floats | None) -> None:
        """How much the texts of each class count; None: all the same."""
        self._weights = np.broadcast_to(np.float32(1), len(self._data)) if weights is None else weights[self._targets]

    def draw(self, share: float, seed: int, most: int) -> Rows:
        """Hold rows out by their hashes; (most,) how many rows of each stratum are kept."""
        self._held_out = split.draw_by_hash(_texts(self._data).hashes, share, seed)
        return split.kept_per_stratum(self._held_out, self._strata(), most)

    def held_of(self, whole: Rows) -> Hashes:
        """Hashes of the rows held out of these strata."""
        return split.hashes_to_return(self._held_out, self._strata(), _texts(self._data).hashes, whole)

    def part(self, back: Hashes) -> HeldOutRows:
        """Keep what is not held out, and texts with these hashes; give the others away."""
        kept, held_out = split.split_rows(self._held_out, _texts(self._data).hashes, back)
        given = self._data.take(held_out).in_memory()
        numbers = [given.row_number(row) for row in range(len(given))]
        held = HeldOutRows(
            list(given.texts), list(given.labels), numbers, self._targets[held_out], self._weights[held_out].copy()
        )
        self._data = self._data.take(kept)
        self._targets, self._weights = (select_rows(each, kept) for each in (self._targets, self._weights))
        return held

    def some(self, chosen: Rows) -> tuple[list[str], Targets, Floats]:
        """These rows, which rise: texts, targets, weights."""
        return list(_texts(self._data).take(chosen)), self._targets[chosen], self._weights[chosen].copy()

    def hashes(self) -> tuple[Hashes, Targets]:
        """The hash of each text, and the targets."""
        return np.array(_texts(self._data).hashes), np.array(self._targets)

    def sample(self, halvings: int) -> Hashes:
        """The hashes of some texts, for the filter of the training texts."""
        return text_filter.sample(self._data.texts, halvings)

    def known(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of these hashes are those of texts here."""
        return np.isin(hashes, _texts(self._data).hashes)

    def count(self, encoder: RowEncoder) -> None:
        """Count n-grams, and encode the other fields."""
        self._counts = encoder.count(self._data.texts)

    def count_features(self, chosen: Rows | None) -> DocumentFrequency:
        """Train on these rows (None: on all). Returns in how many texts each bucket occurs."""
        counts, targets, weights = self._counts, self._targets, self._weights
        if chosen is not None:
            counts, targets, weights = counts.take(chosen), targets[chosen], weights[chosen]
        self._counted = counts, targets, weights
        return DocumentFrequency.of(counts.ngrams)

    def weigh(self, buckets: npt.NDArray[np.int32], idf: Floats, config: Config, task: Task) -> Floats | None:
        """Make features, and be ready for the search. Returns in how many texts of each output each occurs."""
        counts, targets, weights = self._counted
        output_targets = OutputTargets(task, targets)
        assert config.weighting is not None
        matrix, text_counts = features.weigh_training_texts(
            counts.ngrams, output_targets, buckets, idf, config.weighting
        )
        matrix = features.append_columns(matrix, counts.features, config.feature_scale or 1.0)
        self._loss = make_loss(self._pool, matrix, output_targets, task.activation, weights)
        return text_counts

    def residual_sum(self) -> Floats:
        """(outputs,): outputs minus targets, summed over the rows."""
        return self._loss.residual_sum()

    def total(self) -> Floats:
        """The loss, summed over the rows."""
        return self._loss.total()

    def set_direction(self, direction: Floats) -> None:
        """Set the direction of the next line search."""
        self._loss.set_direction(direction)

    def derivative(self, lengths: Floats) -> Floats:
        """The derivative of the loss at these lengths."""
        return np.asarray(self._loss.derivative(lengths))

    def step(self, lengths: Floats) -> Floats:
        """Move by these lengths along the direction; the gradient there."""
        return self._loss.step(lengths)

    def curvature(self) -> Floats:
        """The diagonal of the Hessian at the present weights."""
        return self._loss.curvature()

    def score(self, model: NgramModel, chosen: Rows) -> Floats:
        """A model's logits for these rows."""
        return model.score(self._counts.take(chosen))

    def _strata(self) -> Targets:
        one_each = self._task.is_single_label
        return self._targets if one_each else np.broadcast_to(0, len(self._data))


class _Rows(Callback):
    """Counts the rows of a table."""

    def __init__(self) -> None:
        self.rows = 0

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        self.rows = done


def _texts(data: Dataset) -> TextSource:
    return text_source(data.texts)
