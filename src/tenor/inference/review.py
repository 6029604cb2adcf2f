"""The rows of a table that a person should look at: those without a clear label, the most doubtful first."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.data import review_file, row_reader
from tenor.data.io.chunks import Cell, Chunk, Table
from tenor.data.io.limits import MemoryBudget, sizes_of
from tenor.data.review_file import ReviewRow
from tenor.errors import SettingsError, counted
from tenor.inference import predict_table
from tenor.inference.predict_table import RowLabeller
from tenor.inference.predictor import Predictor


@dataclass(frozen=True)
class ReviewOptions:
    """Which rows a review file gets.

    Attributes:
        out: The file.
        max_rows: The most doubtful rows, this many; None: those whose prediction set does not settle the label.
    """

    out: Path
    max_rows: int | None = None

    def require_possible(self, predictor: Predictor) -> None:
        """Raise SettingsError if the model cannot say which rows are doubtful."""
        if not predictor.bundle.task.has_labels:
            raise SettingsError(
                tr("`review=...`: the model predicts numbers."), tr("Leave it out: doubt needs labels.")
            )
        if self.max_rows is None and predictor.bundle.conformal is None:
            raise SettingsError(
                tr("`review=...`: the model has no conformal scores, so no row is without a clear label."),
                tr("Say how many rows to write: `review_rows=...`."),
            )


class _Candidate(NamedTuple):
    """A doubtful row; the greatest one is the most doubtful."""

    doubt: tuple[int, float]
    minus_number: int  # of equally doubtful rows, the first one
    cells: list[Cell]


@dataclass
class ReviewRows:
    """Collects doubtful rows while a table is labelled.

    Attributes:
        labeller: Labels the table.
        source: The table.
        options: Which rows are kept.
        n_rows: Rows seen so far.
    """

    labeller: RowLabeller
    source: Table
    options: ReviewOptions
    n_rows: int = 0
    _kept: list[_Candidate] = field(default_factory=list)

    def __post_init__(self) -> None:
        review_file.require_writable(self.options.out, self.source.columns, self.source.name)
        self._memory = MemoryBudget(self.source.name, tr("Keep fewer rows: `review_rows=...`."))

    def add(self, chunk: Chunk) -> None:
        """Look at labelled rows; `chunk` has the columns of the table and those of the labeller."""
        names = self.labeller.new_columns
        scores, labels = chunk.columns[names[-1]], chunk.columns[names[0]]
        sets = chunk.columns[names[1]] if self.labeller.conformal else [None] * len(chunk)
        readable = [chunk.columns[column] for column in self.labeller.reader.text_columns]
        for at, (label, score, label_set) in enumerate(zip(labels, scores, sets, strict=True)):
            has_text = any(isinstance(cells[at], str) and cells[at].strip() for cells in readable)
            if has_text and (self.options.max_rows is not None or self._is_unsettled(label, label_set)):
                self._keep(
                    _Candidate(
                        self._doubt(label, score, label_set),
                        -(chunk.row + at),
                        [chunk.columns[column][at] for column in self.source.columns],
                    )
                )
        self.n_rows += len(chunk)

    def write(self, callback: Callback) -> None:
        """Write the review file, and say how many rows it has."""
        rows = sorted(self._kept, reverse=True)
        columns = list(self.source.columns)
        values = {name: [row.cells[index] for row in rows] for index, name in enumerate(columns)}
        table = Table(self.source.name, columns, iter([Chunk(1, values)]))
        reader = row_reader.RowReader(self.labeller.reader.fields, self.labeller.reader.columns)
        conformal = self.labeller.conformal and replace(self.labeller.conformal, abstain=False)
        texts = predict_table.texts_of(table, Chunk(1, values), reader) if rows else []
        added = predict_table.new_column_values(self.labeller.predictor, texts, conformal) if rows else [[], [], []]
        labels, sets, scores = added[0], added[1] if conformal else [None] * len(rows), added[-1]
        review_file.write(
            self.options.out,
            columns,
            [
                ReviewRow(-row.minus_number, row.cells, label, score, label_set)
                for row, label, score, label_set in zip(rows, labels, scores, sets, strict=True)
            ],
        )
        callback.on_message(
            tr(
                "{n_rows:,} of {rows} to look at: {out}",
                n_rows=len(rows),
                rows=counted(self.n_rows, "row"),
                out=self.options.out,
            )
        )

    def _is_unsettled(self, label: Cell, label_set: Sequence[str] | None) -> bool:
        """Whether the prediction set leaves a choice: it has not exactly one label, or other labels than are given."""
        labels = label_set or []
        if not self.labeller.predictor.bundle.task.is_multilabel or (
            self.labeller.conformal is not None and self.labeller.conformal.abstain
        ):
            return len(labels) != 1
        return set(labels) != set(label)

    def _doubt(self, label: Cell, score: Cell, label_set: Sequence[str] | None) -> tuple[int, float]:
        """How doubtful a row is: by its score; with several labels per text first by what its set has beyond them."""
        if not self.labeller.predictor.bundle.task.is_multilabel:
            return 0, -float(score or 0.0)
        return len(label_set or ()) - len(score), -min(score, default=0.0)

    def _keep(self, row: _Candidate) -> None:
        if self.options.max_rows is None:
            self._memory.add(sizes_of(row.cells), -row.minus_number)
            self._kept.append(row)
        elif len(self._kept) < self.options.max_rows:
            self._memory.add(sizes_of(row.cells), -row.minus_number)
            heapq.heappush(self._kept, row)
        else:
            heapq.heappushpop(self._kept, row)


def review_table(source: Table, labeller: RowLabeller, options: ReviewOptions, callback: Callback) -> None:
    """Label a table, and write only the rows to look at.

    Raises:
        DataError: A text is not a string, or the file cannot hold the rows.
        WriteError: The file cannot be written.
    """
    rows = ReviewRows(labeller, source, options)
    predict_table.label_table(source, labeller, rows.add, lambda done: callback.on_progress(tr("predict"), done, 0, {}))
    rows.write(callback)
