"""The columns of a review file: what the model said of a row, and the empty column for the right label."""

from collections.abc import Sequence
from dataclasses import replace

from tenor.data.io.chunks import Table

PREDICTED_LABEL = "predicted_label"
"""The label that the model gives."""
PREDICTED_SCORE = "predicted_score"
"""Its probability."""
PREDICTED_SET = "predicted_set"
"""The prediction set."""
RIGHT_LABEL = "right_label"
"""The column that a person fills."""
ROW = "source_row"
"""The number of the row in its source, from 1."""


def is_review(columns: Sequence[str]) -> bool:
    """Whether a table is a review file by its columns."""
    return RIGHT_LABEL in columns and PREDICTED_LABEL in columns


def without_predictions(source: Table) -> Table:
    """A review file without the columns of predictions, which are neither texts nor labels."""
    hidden = (PREDICTED_LABEL, PREDICTED_SCORE, PREDICTED_SET, ROW)
    return replace(source, columns=[column for column in source.columns if column not in hidden])
