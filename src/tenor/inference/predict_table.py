"""A table -> the same table with labels, in constant memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tenor.data import columns
from tenor.data.io.table import Chunk, Table
from tenor.data.io.writer import Write
from tenor.errors import DataError
from tenor.inference.prediction_cache import PredictionCache
from tenor.inference.predictor import Predictor, ScoredLabel


@dataclass(frozen=True)
class ConformalOptions:
    """What is asked for besides labels.

    Attributes:
        coverage: Share of texts whose set, or interval, holds the truth.
        per_class: Keep the promise for the texts of each class by itself.
        abstain: Give no label where the set is not a single one.
    """

    coverage: float
    per_class: bool = False
    abstain: bool = False


class RowCounts(NamedTuple):
    """How many rows there were, and how many of them had no text."""

    rows: int
    empty: int


def find_text_column(source: Table, predictor: Predictor, requested: str | None) -> str:
    """The column of the texts, as `columns.detect_text_column` finds it. Raises DataError where it is not clear."""
    return columns.detect_text_column(source.columns, source.name, requested, predictor.columns[0])


def new_column_names(
    existing: list[str], predictor: Predictor, name: str, conformal: ConformalOptions | None = None
) -> tuple[str, ...]:
    """Names of the columns that are added: `label` and `score`, or, where one is taken, `predicted_...`; for numbers
    `value`, or `predicted_value`. A promise adds `set`, for numbers `lower` and `upper`.

    Raises:
        DataError: These are taken too; `name` is the table's.
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
        listed = " and ".join(map(repr, taken))
        raise DataError(f"{name}: the columns {listed} are there already.", "Rename them in the input.")
    return names


def label_table(
    source: Table,
    predictor: Predictor,
    text_column: str,
    new_columns: tuple[str, ...],
    write: Write,
    on_progress: Callable[[int], Any],
    conformal: ConformalOptions | None = None,
    cache: PredictionCache | None = None,
) -> RowCounts:
    """Label every row, in order.

    Args:
        source: The rows.
        predictor: The model.
        text_column: Column of the texts. An empty or missing text is labelled like a text without a known word.
        new_columns: Names of the columns that are added.
        write: Takes each chunk.
        on_progress: Hears how many rows are through.
        conformal: What is asked for besides labels.
        cache: Keeps what is found, and gives what an interrupted run had found.

    Raises:
        DataError: A text is no string, or the journal is that of other texts.
    """
    rows = empty = 0

    def compute(texts: list[str]) -> list[list[Any]]:
        return new_column_values(predictor, texts, conformal)

    for chunk in source.chunks:
        texts = texts_of(source, chunk, text_column)
        found = compute(texts) if cache is None else cache.next_values(texts, len(new_columns), compute)
        write(Chunk(chunk.row, {**chunk.columns, **dict(zip(new_columns, found, strict=True))}))
        rows += len(chunk)
        empty += sum(not text.strip() for text in texts)
        on_progress(rows)
    if cache is not None:
        cache.finish()
    return RowCounts(rows, empty)


def first_texts(source: Table, text: str, limit: int) -> list[str]:
    """The texts of the first rows; an empty or missing one is an empty text.

    Args:
        source: The rows.
        text: Column of the texts.
        limit: How many.
    """
    texts: list[str] = []
    for chunk in source.chunks:
        texts += texts_of(source, chunk, text)
        if len(texts) >= limit:
            break
    return texts[:limit]


def texts_of(source: Table, chunk: Chunk, text: str) -> list[str]:
    """The texts of a chunk; an empty or missing one is an empty text."""
    texts = ["" if value is None else value for value in chunk.columns[text]]
    for index, value in enumerate(texts):
        if not isinstance(value, str):
            raise DataError(
                f"the text is {type(value).__name__} {value!r:.40}, not a string.",
                "Name the column of the texts with `text=...`.",
                source.at(chunk.row + index, text),
            )
    return texts


def new_column_values(predictor: Predictor, texts: list[str], conformal: ConformalOptions | None) -> list[list[Any]]:
    """The values of the columns that `new_columns` names, a list for each."""
    if not predictor.bundle.task.has_labels:
        if conformal is None:
            return [[_rounded(value) for value in predictor.predict(texts).tolist()]]
        rows = predictor.predict_values_and_intervals(texts, conformal.coverage).T.tolist()
        return [[_rounded(value) for value in column] for column in rows]
    found, sets = predict_labels(predictor, texts, conformal)
    labels: list[Any] = [[scored.label for scored in row] for row in found]
    scores: list[Any] = [[_rounded(scored.score) for scored in row] for row in found]
    if not predictor.bundle.task.is_multilabel:
        labels, scores = ([row[0] if row else None for row in column] for column in (labels, scores))
    if conformal is None:
        return [labels, scores]
    return [labels, [[scored.label for scored in row] for row in sets], scores]


def predict_labels(
    predictor: Predictor, texts: list[str], conformal: ConformalOptions | None
) -> tuple[list[list[ScoredLabel]], list[list[ScoredLabel]]]:
    """The labels of each text, none where the model abstains, and those in its set, none where no set is asked for."""
    if conformal is None:
        return predictor.predict_scored(texts), [[] for _ in texts]
    found, sets = predictor.predict_scored_sets(texts, conformal.coverage, conformal.per_class)
    if conformal.abstain:
        found = [row if len(row) == 1 else [] for row in sets]
    return found, sets


def _rounded(value: float) -> float | None:
    """To six places; None for an end that an interval does not have."""
    return round(value, 6) if math.isfinite(value) else None
