"""Review files: rows that a person should look at, what the model said of them, and a column for the right label.

They are written for spreadsheets: with a byte order mark, and with an apostrophe before text that a spreadsheet would
evaluate. Reading one takes both away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tenor._core.language import tr
from tenor.data.io import writer
from tenor.data.io.chunks import CHUNK_ROWS, Cell, Chunk, Table
from tenor.data.io.formats import suffix
from tenor.errors import DataError, listed

PREDICTED_LABEL = "predicted_label"
"""The label that the model gives."""
PREDICTED_SCORE = "predicted_score"
"""Its probability."""
PREDICTED_SET = "predicted_set"
"""The prediction set, if the model has conformal scores."""
RIGHT_LABEL = "right_label"
"""The column that a person fills."""
SOURCE_ROW = "source_row"
"""The number of the row in its file, from 1."""
SOURCE_LINE = "source_line"
"""The line of the row in a delimited file, if it is known."""
COLUMNS = (SOURCE_ROW, SOURCE_LINE, PREDICTED_LABEL, PREDICTED_SCORE, PREDICTED_SET, RIGHT_LABEL)
"""The columns that a review file has beside those of the rows."""

_SPREADSHEETS = (".csv", ".tsv")


class ReviewRow(NamedTuple):
    """A row of a review file.

    Attributes:
        number: The number of the row in its file.
        cells: Its values, in the order of the columns.
        label: The label that the model gives, or the labels.
        score: Its probability.
        label_set: The prediction set; None: there is none.
        line: The line of the row in a delimited file; None: it is not known.
    """

    number: int
    cells: Sequence[Cell]
    label: Cell
    score: Cell
    label_set: Sequence[str] | None = None
    line: int | None = None


def require_writable(out: Path, columns: Sequence[str], name: str) -> None:
    """Raise DataError if the file cannot hold a table, or if a column of the rows has a name of a review column."""
    writer.require_writable(out)
    if suffix(out) == ".txt":
        raise DataError(tr("{out}: a .txt file has no columns.", out=out), tr("Give .csv, .tsv, .jsonl or .parquet."))
    if taken := [column for column in COLUMNS if column in columns]:
        raise DataError(
            tr("{name}: the columns {taken} exist already.", name=name, taken=listed(taken)),
            tr("Rename them in the input."),
        )


def write(out: Path, columns: Sequence[str], rows: Sequence[ReviewRow]) -> None:
    """Write a review file.

    Args:
        out: The file; the ending of its name sets the format.
        columns: The columns of the rows.
        rows: The rows, the most doubtful first.

    Raises:
        WriteError: The file cannot be written.
    """
    unused = {PREDICTED_SET} if all(row.label_set is None for row in rows) else set()
    unused |= {SOURCE_LINE} if all(row.line is None for row in rows) else set()
    added = [column for column in COLUMNS if column not in unused]
    names = [*columns, *added]
    for_people = Table(str(out), names, iter([]), needs_bom=True)
    guarded = suffix(out) in _SPREADSHEETS
    with writer.open_writer(out, names, for_people, escape_formulas=guarded) as write_chunk:
        for at in range(0, len(rows), CHUNK_ROWS):
            part = rows[at : at + CHUNK_ROWS]
            values: dict[str, list[Cell]] = {
                name: [row.cells[index] for row in part] for index, name in enumerate(columns)
            }
            values |= {
                SOURCE_ROW: [row.number for row in part],
                SOURCE_LINE: [row.line for row in part],
                PREDICTED_LABEL: [row.label for row in part],
                PREDICTED_SCORE: [row.score for row in part],
                PREDICTED_SET: [list(row.label_set or ()) for row in part],
                RIGHT_LABEL: [None] * len(part),
            }
            write_chunk(Chunk(at + 1, {name: values[name] for name in names}))


def is_review(columns: Sequence[str]) -> bool:
    """Whether a table is a review file by its columns."""
    return RIGHT_LABEL in columns and PREDICTED_LABEL in columns


def read(source: Table) -> Table:
    """A review file as the rows were before: without the columns of predictions, and without guards of formulas."""
    hidden = {*COLUMNS} - {RIGHT_LABEL}
    columns = [column for column in source.columns if column not in hidden]
    is_guarded = suffix(Path(source.name)) in _SPREADSHEETS

    def chunks() -> Iterator[Chunk]:
        for chunk in source.chunks:
            values = {name: chunk.columns[name] for name in columns}
            if is_guarded:
                values = {name: [writer.unescaped(cell) for cell in cells] for name, cells in values.items()}
            yield Chunk(chunk.row, values)

    return replace(source, columns=columns, chunks=chunks())
