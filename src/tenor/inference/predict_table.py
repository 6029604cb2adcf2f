"""A table -> the same table with labels, in constant memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tenor.data import columns
from tenor.data.io.table import Chunk, Table
from tenor.data.io.writer import Write
from tenor.errors import DataError
from tenor.inference.prediction_cache import Journal
from tenor.inference.predictor import Predictor, Scored
from tenor.tasks import MultiLabel, Regression


@dataclass(frozen=True)
class Promise:
    """What is asked for besides labels.

    Attributes:
        coverage: Share of texts whose set, or interval, holds the truth.
        per_class: Keep the promise for the texts of each class by itself.
        abstain: Give no label where the set is not a single one.
    """

    coverage: float
    per_class: bool = False
    abstain: bool = False


class Labelled(NamedTuple):
    """How many rows there were, and how many of them had no text."""

    rows: int
    empty: int


def text_column(source: Table, predictor: Predictor, wanted: str | None) -> str:
    """The column of the texts, as `columns.detect_text_column` finds it. Raises DataError where it is not clear."""
    return columns.detect_text_column(source.columns, source.name, wanted, predictor.columns[0])


def new_columns(present: list[str], predictor: Predictor, name: str, promise: Promise | None = None) -> tuple[str, ...]:
    """Names of the columns that are added: `label` and `score`, or, where one is taken, `predicted_...`; for numbers
    `value`, or `predicted_value`. A promise adds `set`, for numbers `lower` and `upper`.

    Raises:
        DataError: These are taken too; `name` is the table's.
    """
    if isinstance(predictor.bundle.task, Regression):
        usual: tuple[str, ...] = ("value", "lower", "upper") if promise else ("value",)
    else:
        usual = ("label", "set", "score") if promise else ("label", "score")
    if not set(usual) & set(present):
        return usual
    names = tuple(f"predicted_{column}" for column in usual)
    taken = [column for column in (*usual, *names) if column in present]
    if set(names) & set(taken):
        listed = " and ".join(map(repr, taken))
        raise DataError(f"{name}: the columns {listed} are there already.", "Rename them in the input.")
    return names


def label(
    source: Table,
    predictor: Predictor,
    text: str,
    added: tuple[str, ...],
    write: Write,
    tell: Callable[[int], Any],
    promise: Promise | None = None,
    journal: Journal | None = None,
) -> Labelled:
    """Label every row, in order.

    Args:
        source: The rows.
        predictor: The model.
        text: Column of the texts. An empty or missing text is labelled like a text without a known word.
        added: Names of the columns that are added.
        write: Takes each chunk.
        tell: Hears how many rows are through.
        promise: What is asked for besides labels.
        journal: Keeps what is found, and gives what an interrupted run had found.

    Raises:
        DataError: A text is no string, or the journal is that of other texts.
    """
    rows = empty = 0

    def compute(texts: list[str]) -> list[list[Any]]:
        return values(predictor, texts, promise)

    for chunk in source.chunks:
        texts = texts_of(source, chunk, text)
        found = compute(texts) if journal is None else journal.values(texts, len(added), compute)
        write(Chunk(chunk.row, {**chunk.columns, **dict(zip(added, found, strict=True))}))
        rows += len(chunk)
        empty += sum(not text.strip() for text in texts)
        tell(rows)
    if journal is not None:
        journal.end()
    return Labelled(rows, empty)


def first_texts(source: Table, text: str, most: int) -> list[str]:
    """The texts of the first rows; an empty or missing one is an empty text.

    Args:
        source: The rows.
        text: Column of the texts.
        most: How many.
    """
    texts: list[str] = []
    for chunk in source.chunks:
        texts += texts_of(source, chunk, text)
        if len(texts) >= most:
            break
    return texts[:most]


def texts_of(source: Table, chunk: Chunk, text: str) -> list[str]:
    """The texts of a chunk; an empty or missing one is an empty text."""
    texts = ["" if value is None else value for value in chunk.columns[text]]
    for index, value in enumerate(texts):
        if not isinstance(value, str):
            raise DataError(
                f"the text is {type(value).__name__} {value!r:.40}, not a string.",
                "Name the column that holds the texts with --text.",
                source.at(chunk.row + index, text),
            )
    return texts


def values(predictor: Predictor, texts: list[str], promise: Promise | None) -> list[list[Any]]:
    """The values of the columns that `new_columns` names, a list for each."""
    if isinstance(predictor.bundle.task, Regression):
        if promise is None:
            return [[_rounded(value) for value in predictor.predict(texts).tolist()]]
        rows = predictor.values_with_intervals(texts, promise.coverage).T.tolist()
        return [[_rounded(value) for value in column] for column in rows]
    found, sets = answers(predictor, texts, promise)
    labels: list[Any] = [[scored.label for scored in row] for row in found]
    scores: list[Any] = [[_rounded(scored.score) for scored in row] for row in found]
    if not isinstance(predictor.bundle.task, MultiLabel):
        labels, scores = ([row[0] if row else None for row in column] for column in (labels, scores))
    if promise is None:
        return [labels, scores]
    return [labels, [[scored.label for scored in row] for row in sets], scores]


def answers(
    predictor: Predictor, texts: list[str], promise: Promise | None
) -> tuple[list[list[Scored]], list[list[Scored]]]:
    """The labels of each text, none where the model abstains, and those in its set, none where no set is asked for."""
    if promise is None:
        return predictor.label(texts), [[] for _ in texts]
    found, sets = predictor.label_with_sets(texts, promise.coverage, promise.per_class)
    if promise.abstain:
        found = [row if len(row) == 1 else [] for row in sets]
    return found, sets


def _rounded(value: float) -> float | None:
    """To six places; None for an end that an interval does not have."""
    return round(value, 6) if math.isfinite(value) else None
