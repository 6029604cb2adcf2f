"""Predictions for a table in Python: the same table with further columns."""

from collections.abc import Mapping
from typing import Any

from tenor._core.language import tr
from tenor.data import frames
from tenor.errors import DataError, SettingsError
from tenor.inference.predict_table import ConformalOptions, new_column_names, new_column_values
from tenor.inference.predictor import Predictor


def predict_frame(predictor: Predictor, table: Any, conformal: ConformalOptions | None = None) -> Any:
    """A table with the predictions of a model in further columns: `label` and `score`, or `value` for numbers.

    With `conformal`, `set` is added, or `lower` and `upper`. If a name is taken, all begin with `predicted_`.

    Args:
        predictor: The model.
        table: A table of pandas, polars or Arrow, a dict of columns, or a list of dicts. It does not change.
        conformal: Sets or intervals besides labels; None: no sets.

    Returns:
        A table of the same kind, with the same rows, index and columns.

    Raises:
        DataError: `table` is not a table, a column of the model is missing, or the new names are taken.
    """
    source = frames.as_table(table)
    if source is None and isinstance(table, list) and not table:
        return []
    if source is None:
        raise DataError(
            tr("a {name__} was given instead of a table.", name__=type(table).__name__),
            tr(
                "Give a table of pandas, polars or Arrow, a dict of columns or a list of dicts; for texts call "
                "model.predict."
            ),
        )
    if conformal is not None:
        if conformal.abstain and not predictor.bundle.task.has_labels:
            raise SettingsError(
                tr("`abstain=True`: the model predicts numbers."), tr("Use `coverage=...` for intervals.")
            )
        predictor.warn_of_coverage(conformal.coverage, conformal.per_class)
    names = new_column_names(source.columns, predictor, source.name, conformal)
    values = new_column_values(predictor, predictor.as_rows(table), conformal)
    return _with_columns(table, dict(zip(names, values, strict=True)))


def _with_columns(table: Any, columns: dict[str, list[Any]]) -> Any:
    """A copy of a table with further columns."""
    if isinstance(table, list):
        rows = zip(*columns.values(), strict=True)
        return [{**row, **dict(zip(columns, new, strict=True))} for row, new in zip(table, rows, strict=True)]
    if isinstance(table, Mapping):
        return {**table, **columns}
    if hasattr(table, "append_column"):  # Arrow
        import pyarrow

        for name, values in columns.items():
            table = table.append_column(name, pyarrow.array(values))
        return table
    if hasattr(table, "hstack"):  # polars
        return table.hstack(type(table)(columns))
    return table.assign(**columns)
