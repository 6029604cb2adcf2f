"""A table -> the same table with labels, in constant memory."""

from collections.abc import Callable
from typing import Any

from tenor.data import columns
from tenor.data.table import Chunk, Table
from tenor.data.writer import Write
from tenor.errors import DataError
from tenor.predictor import Predictor
from tenor.tasks import LabelSet, Value


def text_column(source: Table, predictor: Predictor, wanted: str | None) -> str:
    """The column of the texts, as `columns.find_text` finds it. Raises DataError where it is not clear."""
    return columns.find_text(source.columns, source.name, wanted, predictor.columns[0])


def new_columns(present: list[str], predictor: Predictor, name: str) -> tuple[str, ...]:
    """Names of the columns that are added: `label` and `score`, or, where one is taken, `predicted_...`; for numbers
    `value`, or `predicted_value`.

    Raises:
        DataError: These are taken too; `name` is the table's.
    """
    usual = ("value",) if isinstance(predictor.bundle.task, Value) else ("label", "score")
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
) -> int:
    """Label every row, in order.

    Args:
        source: The rows.
        predictor: The model.
        text: Column of the texts. An empty or missing text is labelled like a text without a known word.
        added: Names of the columns that are added.
        write: Takes each chunk.
        tell: Hears how many rows are through.

    Returns:
        How many rows there were.
    """
    rows = 0
    for chunk in source.chunks:
        texts = ["" if value is None else value for value in chunk.columns[text]]
        for index, value in enumerate(texts):
            if not isinstance(value, str):
                raise DataError(
                    f"the text is {type(value).__name__} {value!r:.40}, not a string.",
                    "Name the column that holds the texts with --text.",
                    source.at(chunk.row + index, text),
                )
        found = dict(zip(added, _columns(predictor, texts), strict=True))
        write(Chunk(chunk.row, {**chunk.columns, **found}))
        rows += len(chunk)
        tell(rows)
    return rows


def _columns(predictor: Predictor, texts: list[str]) -> list[list[Any]]:
    """The values of the columns that are added."""
    if isinstance(predictor.bundle.task, Value):
        return [[round(value, 6) for value in predictor.predict(texts).tolist()]]
    rows = predictor.label(texts)
    labels = [[scored.label for scored in row] for row in rows]
    scores = [[round(scored.score, 6) for scored in row] for row in rows]
    if isinstance(predictor.bundle.task, LabelSet):
        return [labels, scores]
    return [[row[0] for row in labels], [row[0] for row in scores]]
