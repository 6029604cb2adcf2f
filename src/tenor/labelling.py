"""A table -> the same table with labels, in constant memory."""

from collections.abc import Callable
from typing import Any

from tenor.data import columns
from tenor.data.table import Chunk, Table
from tenor.data.writer import Write
from tenor.errors import DataError, Location
from tenor.predictor import Predictor


def text_column(source: Table, predictor: Predictor, wanted: str | None) -> str:
    """The column of the texts, as `columns.find_text` finds it. Raises DataError where it is not clear."""
    return columns.find_text(source.columns, source.name, wanted, predictor.columns[0])


def new_columns(present: list[str], name: str) -> tuple[str, str]:
    """Names of the two columns that are added: `label` and `score`, or, where one is taken, `predicted_...`.

    Raises:
        DataError: These are taken too; `name` is the table's.
    """
    if "label" not in present and "score" not in present:
        return "label", "score"
    names = ("predicted_label", "predicted_score")
    taken = [column for column in ("label", "score", *names) if column in present]
    if set(names) & set(taken):
        listed = " and ".join(map(repr, taken))
        raise DataError(f"{name}: the columns {listed} are there already.", "Rename them in the input.")
    return names


def label(
    source: Table,
    predictor: Predictor,
    text: str,
    added: tuple[str, str],
    write: Write,
    tell: Callable[[int], Any],
) -> int:
    """Label every row, in order.

    Args:
        source: The rows.
        predictor: The model.
        text: Column of the texts. An empty or missing text is labelled like a text without a known word.
        added: Names of the two columns that are added.
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
                    Location(source.name, chunk.row + index, text),
                )
        pairs = list(predictor.label(texts))
        labels, scores = [pair[0] for pair in pairs], [round(pair[1], 6) for pair in pairs]
        write(Chunk(chunk.row, {**chunk.columns, added[0]: labels, added[1]: scores}))
        rows += len(chunk)
        tell(rows)
    return rows
