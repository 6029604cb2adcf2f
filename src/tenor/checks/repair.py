"""The cleaned copy of a table: without rows that are certainly wrong, and with each label in one spelling."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tenor.checks.context import CheckContext, members
from tenor.checks.labels import best_spellings, fold_label
from tenor.data.io import table, writer
from tenor.data.io.table import Chunk, Table
from tenor.errors import DataError

REASONS = {
    "no-text": "without a text",
    "no-label": "without a label",
    "conflicting": "with the text of another and a different label",
    "leaked": "that are in the test too",
    "repeated": "that repeat an earlier row",
}


@dataclass(frozen=True)
class RepairPlan:
    """What to do to a table.

    Attributes:
        dropped: Number of a row -> why it is left out, a key of REASONS.
        spellings: A label in the file -> its new spelling.
    """

    dropped: dict[int, str]
    spellings: dict[str, str]


@dataclass(frozen=True)
class Repaired:
    """What was done to a table.

    Attributes:
        rows: Rows read.
        dropped: Rows left out, by reason.
        respelt: Labels with a new spelling.
        written: Rows written.
    """

    rows: int
    dropped: dict[str, int]
    respelt: int
    written: int


def plan(
    context: CheckContext, raw_labels: Sequence[object], empty: Sequence[int], unlabelled: Sequence[int]
) -> RepairPlan:
    """Decide what to leave out.

    Args:
        context: The rows that have a text and a label, and the test.
        raw_labels: Labels of those rows as the file has them.
        empty: Numbers of rows without a text.
        unlabelled: Numbers of rows without a label.
    """
    dropped = dict.fromkeys(unlabelled, "no-label") | dict.fromkeys(empty, "no-text")
    data, n_rows, labels = context.data, len(context.data), context.data.labels
    spellings: dict[str, str] = {}
    if context.single_label:
        names = [label for label in raw_labels if isinstance(label, str)]
        best = best_spellings(names)
        spellings = {label: best[fold_label(label)] for label in names}
        labels = [best.get(fold_label(label), label) for label in labels]
    in_test = set(context.equal[n_rows:].tolist())
    for row in np.flatnonzero([group in in_test for group in context.equal[:n_rows].tolist()]).tolist():
        dropped[data.row_number(row)] = "leaked"
    for group in members(context.equal[:n_rows]).values():
        if context.single_label and len({labels[row] for row in group}) > 1:
            dropped |= dict.fromkeys(map(data.row_number, group), "conflicting")
            continue
        seen = set()
        for row in group:
            if labels[row] in seen:
                dropped.setdefault(data.row_number(row), "repeated")
            seen.add(labels[row])
    return RepairPlan(dropped, {label: spelling for label, spelling in spellings.items() if label != spelling})


def check_output(out: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise DataError if the output is one of the inputs, exists, or cannot hold a table."""
    writer.refuse_input(out, inputs)
    if os.path.lexists(out) and not overwrite:
        raise DataError(f"{out}: this exists already.", "Choose another file, or replace it with `overwrite=True`.")
    if table.suffix(out) == ".txt":
        raise DataError(f"{out}: a .txt file has no columns.", "Give .csv, .tsv, .jsonl or .parquet.")


def write(plan: RepairPlan, source: Table, label: str, out: Path) -> Repaired:
    """Write the table as planned.

    Args:
        plan: What to leave out and to respell.
        source: The table; all its columns are written.
        label: The column of the labels.
        out: The file; the ending of its name sets the format.

    Raises:
        DataError: The file cannot be written.
    """
    n_rows = n_written = n_respelt = 0
    with writer.open_writer(out, source.columns, source) as write_chunk:
        for chunk in source.chunks:
            kept = [at for at in range(len(chunk)) if chunk.row + at not in plan.dropped]
            columns = {name: [values[at] for at in kept] for name, values in chunk.columns.items()}
            labels = columns.get(label, [])  # none if it was joined from several columns
            for at, value in enumerate(labels):
                if isinstance(value, str) and value in plan.spellings:
                    labels[at] = plan.spellings[value]
                    n_respelt += 1
            n_rows, n_written = n_rows + len(chunk), n_written + len(kept)
            if kept:
                write_chunk(Chunk(chunk.row, columns))
    counts = Counter(plan.dropped.values())
    dropped = {reason: counts[reason] for reason in REASONS if counts[reason]}
    return Repaired(rows=n_rows, dropped=dropped, respelt=n_respelt, written=n_written)
