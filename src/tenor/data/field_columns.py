"""Which columns of a table are the text fields and the features of a new model."""

from collections.abc import Sequence
from typing import TypeAlias

from tenor._core.language import tr
from tenor.data import feature_kinds
from tenor.data.column_names import words
from tenor.data.columns import require_column
from tenor.data.fields import FieldKind
from tenor.errors import DataError, Location

ColumnNames: TypeAlias = str | Sequence[str] | None
"""The name of a column, several names, or None for no name."""

ALL = "all"
"""As features: all columns but those of texts and labels."""
_PAIRS = (
    ("question1", "question2"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("text1", "text2"),
    ("texta", "textb"),
    ("query", "document"),
    ("query", "passage"),
    ("句子1", "句子2"),
    ("问题1", "问题2"),
)
"""Usual names of two columns whose relation is the label."""


def names(columns: ColumnNames) -> tuple[str, ...]:
    """The names of columns in a tuple."""
    if columns is None:
        return ()
    return (columns,) if isinstance(columns, str) else tuple(columns)


def as_option(columns: Sequence[str]) -> ColumnNames:
    """The names as users write them: one name alone, several in a tuple, None where there is none."""
    return columns[0] if len(columns) == 1 else tuple(columns) or None


def find_pair(columns: Sequence[str]) -> tuple[str, str] | None:
    """The two columns that have usual names of a pair, such as `question_1` and `question_2`; None: there are none."""
    plain = {"".join(words(column)): column for column in columns}
    for first, second in _PAIRS:
        if first in plain and second in plain:
            return plain[first], plain[second]
    return None


def is_usual_pair(texts: Sequence[str]) -> bool:
    """Whether two columns have the usual names of a pair."""
    return len(texts) == 2 and find_pair(texts) is not None


def require_columns(requested: Sequence[str], columns: Sequence[str], name: str, option: str) -> None:
    """Raise DataError where a column is not in the table, or is named twice; `option` named them."""
    for column in requested:
        require_column(list(columns), column, name, option)
        if requested.count(column) > 1:
            raise DataError(
                tr(
                    "{name}: `{option}=...` names the column {column!r} twice.", name=name, option=option, column=column
                ),
                tr("Name it once."),
            )


def feature_columns(
    requested: Sequence[str], columns: Sequence[str], taken: Sequence[str], name: str
) -> list[tuple[str, FieldKind | None]]:
    """The columns of the features, each with its kind if it was named with one.

    Args:
        requested: Names of columns, such as `price` or `store:category`, or `all` alone.
        columns: The columns of the table.
        taken: The columns of the texts and labels, and those that are used otherwise.
        name: The table's name for messages.

    Raises:
        DataError: A column is not in the table, is named twice, or is a text or the label.
    """
    if tuple(requested) == (ALL,) and ALL not in columns:
        return [(column, None) for column in columns if column not in taken]
    chosen = [feature_kinds.split_kind(each, columns) for each in requested]
    require_columns([column for column, _ in chosen], columns, name, "features")
    for column, _ in chosen:
        if column in taken:
            raise DataError(
                tr("the column of a text or of the labels cannot be a feature too."),
                tr("Leave it out of `features=...`."),
                Location(name, column=column),
            )
    return chosen
