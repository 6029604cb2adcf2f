"""Labels for a table: the same table with further columns, in constant memory."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from tenor._core.language import join_names, tr
from tenor._core.records import Json
from tenor.data import row_reader
from tenor.data.field_columns import ColumnNames
from tenor.data.io.arrow_writer import WriteChunk
from tenor.data.io.table import Chunk, Table
from tenor.data.row_reader import RowReader
from tenor.errors import DataError
from tenor.inference.prediction_cache import PredictionCache, Values
from tenor.inference.predictor import Predictor, ScoredLabel


@dataclass(frozen=True)
class ConformalOptions:
    """Prediction sets, or intervals, besides labels or values.

    Attributes:
        coverage: Share of texts whose set, or interval, contains the true label or value.
        per_class: Reach the coverage for the texts of each class alone.
        abstain: Give no label unless the set has exactly one.
    """

    coverage: float
    per_class: bool = False
    abstain: bool = False


class RowCounts(NamedTuple):
    """How many rows there were.

    Attributes:
        rows: All rows.
        empty: Those without a text.
        abstained: Those without a label, because the model abstains.
    """

    rows: int
    empty: int
    abstained: int = 0


@dataclass(frozen=True)
class RowLabeller:
    """How the rows of a table are labelled.

    Attributes:
        predictor: The model.
        reader: Reads the texts, or the rows of several fields.
        new_columns: Names of the columns that are added.
        conformal: Sets or intervals besides labels; None: no sets.
    """

    predictor: Predictor
    reader: RowReader
    new_columns: tuple[str, ...]
    conformal: ConformalOptions | None = None

    @classmethod
    def for_table(
        cls, source: Table, predictor: Predictor, text: ColumnNames = None, conformal: ConformalOptions | None = None
    ) -> Self:
        """The labeller for a table.

        Args:
            source: The table.
            predictor: The model.
            text: Column of the texts, or a column for each text field; None: they are detected.
            conformal: Sets or intervals besides labels; None: no sets.

        Raises:
            DataError: The column of texts is not clear, a column of the model is missing, or names of new columns are
                taken.
        """
        reader = row_reader.for_table(source, predictor.fields, text)
        return cls(predictor, reader, new_column_names(source.columns, predictor, source.name, conformal), conformal)

    def values(self, texts: list[str]) -> Values:
        """The values of the new columns for some texts, a list for each column."""
        return new_column_values(self.predictor, texts, self.conformal)


def describe_columns(source: Table, reader: RowReader, requested: ColumnNames = None) -> list[str]:
    """What was recognised in a table, and which columns were detected unless they were requested, as sentences."""
    if requested is not None or source.columns == ["text"]:
        return source.notes
    texts = reader.text_columns
    columns = tr("texts from column{s} {columns}.", s="s" * (len(texts) > 1), columns=join_names(map(repr, texts)))
    return [*source.notes, columns]


def new_column_names(
    existing: list[str], predictor: Predictor, name: str, conformal: ConformalOptions | None = None
) -> tuple[str, ...]:
    """Names of the columns that are added.

    They are `label` and `score`, with sets also `set`; for numbers `value`, with intervals also `lower` and `upper`. If
    a name is taken, all begin with `predicted_`.

    Args:
        existing: The columns of the table.
        predictor: The model.
        name: The table's name, for errors.
        conformal: Sets or intervals besides labels; None: no sets.

    Raises:
        DataError: Names with `predicted_` are taken too.
    """
    if not predictor.bundle.task.has_labels:
        usual: tuple[str, ...] = ("value", "lower", "upper") if conformal else ("value",)
    else:
        usual = ("label", "set", "score") if conformal else ("label", "score")
    if not set(usual) & set(existing):
        return usual
    names = tuple(f"predicted_{column}" for column in usual)
    taken = [column for column in (*usual, *names) if column in existing]
    if set(names) & set(taken):
        listed = join_names(map(repr, taken))
        raise DataError(
            tr("{name}: the columns {listed} exist already.", name=name, listed=listed), tr("Rename them in the input.")
        )
    return names


def label_table(
    source: Table,
    labeller: RowLabeller,
    write: WriteChunk,
    on_progress: Callable[[int], object] | None = None,
    cache: PredictionCache | None = None,
) -> RowCounts:
    """Label every row, in order. An empty or missing text is labelled like a text without a known word.

    Args:
        source: The rows.
        labeller: Labels them.
        write: Receives each chunk.
        on_progress: Receives the number of rows that are done.
        cache: Keeps the values, and gives those of an interrupted run.

    Raises:
        DataError: A text is not a string, or the cache belongs to other texts.
    """
    rows = empty = abstained = 0
    for chunk in source.chunks:
        texts = texts_of(source, chunk, labeller.reader)
        n_columns = len(labeller.new_columns)
        values = labeller.values(texts) if cache is None else cache.next_values(texts, n_columns, labeller.values)
        new = dict(zip(labeller.new_columns, values, strict=True))
        write(Chunk(chunk.row, {**chunk.columns, **new}))
        rows += len(chunk)
        empty += sum(not text.strip() for text in texts)
        if labeller.conformal is not None and labeller.conformal.abstain:
            abstained += sum(len(label_set) != 1 for label_set in values[1])
        if on_progress is not None:
            on_progress(rows)
    if cache is not None:
        cache.finish()
    return RowCounts(rows, empty, abstained)


def first_texts(source: Table, reader: RowReader, limit: int) -> list[str]:
    """The texts of the first rows. An empty or missing one is an empty text.

    Args:
        source: The rows.
        reader: Reads them.
        limit: Number of rows.
    """
    texts: list[str] = []
    for chunk in source.chunks:
        texts += texts_of(source, chunk, reader)
        if len(texts) >= limit:
            break
    return texts[:limit]


def texts_of(source: Table, chunk: Chunk, reader: RowReader) -> list[str]:
    """The texts of a chunk. An empty or missing one is an empty text. Raises DataError where one is not a string."""
    texts = ["" if value is None else value for value in reader.read(source, chunk)]
    for index, value in enumerate(texts):
        if not isinstance(value, str):
            raise DataError(
                tr("the text is {name__} {value!r:.40}, not a string.", name__=type(value).__name__, value=value),
                tr("Name the column of the texts with `text=...`."),
                source.at(chunk.row + index, reader.columns[0]),
            )
    return texts


def new_column_values(predictor: Predictor, texts: list[str], conformal: ConformalOptions | None) -> Values:
    """The values of the columns that `new_column_names` names, a list for each."""
    if not predictor.bundle.task.has_labels:
        if conformal is None:
            return [[_rounded(value) for value in predictor.predict(texts).tolist()]]
        rows = predictor.predict_values_and_intervals(texts, conformal.coverage).T.tolist()
        return [[_rounded(value) for value in column] for column in rows]
    scored, sets = predict_labels(predictor, texts, conformal)
    labels: list[Json] = [[each.label for each in row] for row in scored]
    scores: list[Json] = [[_rounded(each.score) for each in row] for row in scored]
    if not predictor.bundle.task.is_multilabel:
        labels, scores = ([row[0] if row else None for row in column] for column in (labels, scores))
    if conformal is None:
        return [labels, scores]
    if conformal.abstain:
        none: Json = [] if predictor.bundle.task.is_multilabel else None
        labels = [label if len(row) == 1 else none for label, row in zip(labels, sets, strict=True)]
    return [labels, [[each.label for each in row] for row in sets], scores]


def predict_labels(
    predictor: Predictor, texts: Sequence[str], conformal: ConformalOptions | None
) -> tuple[list[list[ScoredLabel]], list[list[ScoredLabel]]]:
    """The labels of each text, whether or not the model abstains, and those in its set, none without `conformal`."""
    if conformal is None:
        return predictor.predict_scored(texts), [[] for _ in texts]
    return predictor.predict_scored_sets(texts, conformal.coverage, conformal.per_class)


def _rounded(value: float) -> float | None:
    """The value to six places; None for an infinite end of an interval."""
    return round(value, 6) if math.isfinite(value) else None
