"""Labels in Python: a list, an array, a column or a table of 0 and 1, and the weights of rows."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.errors import DataError, counted, rows_phrase
from tenor.tasks import Floats

LabelsLike: TypeAlias = Any
"""Labels or values: a list, an array, a column or a table of pandas, polars or Arrow, or a sparse matrix."""


class LabelValues(NamedTuple):
    """Labels of rows.

    Attributes:
        values: (rows,) labels in a list or an array, or (rows, labels) of 0 and 1.
        names: (labels,) the names of the columns of a table; None for other arrays.
    """

    values: Any
    names: list[Any] | None = None

    @property
    def is_matrix(self) -> bool:
        """Whether each label has a column."""
        return getattr(self.values, "ndim", 1) == 2


def read_labels(y: LabelsLike) -> LabelValues:
    """Labels in any form. A table or a matrix with one column is that column.

    Raises:
        DataError: They are None, a number, one string, a set, or a dict, whose keys or values may be meant.
    """
    if isinstance(y, (str, bytes, set, frozenset, Mapping)) or not hasattr(y, "__iter__"):
        raise DataError(
            tr("y is {name__}, and must be a sequence of labels.", name__=type(y).__name__),
            tr("Give one label per text, in a list, an array or a column."),
        )
    if hasattr(y, "toarray"):  # sparse
        y = y.toarray()
    if hasattr(y, "columns") and not isinstance(y, dict):
        names = list(getattr(y, "column_names", y.columns))  # Arrow's `columns` are the values
        if len(names) == 1:
            return LabelValues(as_list(y[names[0]]))
        matrix = y.to_numpy() if hasattr(y, "to_numpy") else np.array([as_list(y[name]) for name in names]).T
        return LabelValues(matrix, names)
    values = y if isinstance(y, np.ndarray) else as_list(y)
    return LabelValues(values)


def as_list(values: Any) -> list[Any]:
    """The elements of a list, an array, a column of a pandas, polars or Arrow table, or an iterator."""
    # to_pylist: Arrow; to_list: pandas and polars; tolist: NumPy
    convert = next((name for name in ("to_pylist", "to_list", "tolist") if hasattr(values, name)), None)
    return list(getattr(values, convert)() if convert else values)


def as_indicators(labels: LabelValues) -> npt.NDArray[np.float64]:
    """(rows, labels) of 0 and 1. Raises DataError if there are other values."""
    try:
        matrix = np.asarray(labels.values, np.float64)
    except (TypeError, ValueError):
        matrix = np.full((1, 1), np.nan)
    if not np.isin(matrix, (0, 1)).all():
        raise DataError(tr("the array of labels holds other values than 0 and 1."), tr("Give a column a label."))
    return matrix


def is_missing(label: object) -> bool:
    """Whether a label is None, NaN, NaT or pandas' NA."""
    try:
        return label is None or bool(label != label)
    except (TypeError, ValueError):  # NA is neither true nor false
        return not hasattr(label, "__len__")


def read_weights(sample_weight: Any, n_rows: int) -> Floats | None:
    """(rows,) the weights of rows, in proportion; None if there are none.

    Raises:
        DataError: They are not one number for each row, one is negative or not finite, or all are 0.
    """
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(as_list(sample_weight), np.float64)
    except (TypeError, ValueError):
        weights = np.full(n_rows, np.nan)
    if weights.shape != (n_rows,):
        raise DataError(
            tr("there are {rows} and weights of the shape {shape}.", rows=counted(n_rows, "text"), shape=weights.shape),
            tr("Give one weight per text (`sample_weight`)."),
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise DataError(
            tr(
                "a weight is negative, or not a finite number ({tolist}, counted from 0).",
                tolist=rows_phrase(wrong.tolist()),
            ),
            tr("Give numbers from 0 on (`sample_weight`)."),
        )
    if not weights.any():
        raise DataError(tr("all weights are 0."), tr("Give some texts a weight above 0 (`sample_weight`)."))
    # Only their ratios count. The largest becomes 0.5 to 1, which float32 has, by a power of two, which is exact.
    return np.asarray(np.ldexp(weights, -np.frexp(weights.max())[1]), np.float32)
