"""A table -> the table without what is wrong beyond doubt. Labels are spelt alike; no other label is changed."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tenor.checks.labels import best_spellings, folded
from tenor.checks.parts import CheckContext, members
from tenor.data.io import table, writer
from tenor.data.io.table import Chunk, Table
from tenor.errors import DataError

REASONS = {
    "no-text": "without a text",
    "no-label": "without a label",
    "conflicting": "with the text of another and a different label",
    "leaked": "that stand in the test too",
    "repeated": "that repeat an earlier row",
}


@dataclass(frozen=True)
class Plan:
    """What is done to a table.

    Attributes:
        dropped: Number of a row -> why it is left out, a key of REASONS.
        spellings: A label as it is written -> as it will be written.
    """

    dropped: dict[int, str]
    spellings: dict[str, str]


@dataclass(frozen=True)
class Repaired:
    """What was done: rows read, rows left out by reason, labels spelt anew, rows written."""

    rows: int
    dropped: dict[str, int]
    respelt: int
    written: int


def plan(parts: CheckContext, written: Sequence[Any], empty: Sequence[int], unlabelled: Sequence[int]) -> Plan:
    """Decide what to leave out.

    Args:
        parts: The rows that have a text and a label, and the test.
        written: Labels of those rows as they stand in the file.
        empty: Numbers of rows without a text.
        unlabelled: Numbers of rows without a label.
    """
    dropped = dict.fromkeys(unlabelled, "no-label") | dict.fromkeys(empty, "no-text")
    data, rows = parts.data, len(parts.data)
    labels = data.labels
    spellings: dict[str, str] = {}
    if parts.one_label_each:
        best = best_spellings([label for label in written if isinstance(label, str)])
        spellings = {label: best[folded(label)] for label in written if isinstance(label, str)}
        labels = [best.get(folded(label), label) for label in labels]
    in_test = set(parts.equal[rows:].tolist())
    for row in np.flatnonzero([group in in_test for group in parts.equal[:rows].tolist()]).tolist():
        dropped[data.row_number(row)] = "leaked"
    for group in members(parts.equal[:rows]).values():
        if parts.one_label_each and len({labels[row] for row in group}) > 1:
            dropped |= dict.fromkeys(map(data.row_number, group), "conflicting")
            continue
        seen = set()
        for row in group:
            if labels[row] in seen:
                dropped.setdefault(data.row_number(row), "repeated")
            seen.add(labels[row])
    return Plan(dropped, {label: spelt for label, spelt in spellings.items() if label != spelt})


def check_target(out: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Refuse a file to write that is one of the inputs, is there already, or cannot hold a table."""
    writer.refuse_input(out, inputs)
    if os.path.lexists(out) and not overwrite:
        raise DataError(f"{out}: this exists already.", "Choose another file, or replace it with `overwrite=True`.")
    if table.suffix(out) == ".txt":
        raise DataError(f"{out}: a .txt file has no columns.", "Give .csv, .tsv, .jsonl or .parquet.")


def write(plan: Plan, source: Table, label: str, out: Path) -> Repaired:
    """Write the table as planned, with all its columns, in the format of the name of `out`."""
    rows = kept_rows = respelt = 0
    with writer.open_writer(out, source.columns, source) as put:
        for chunk in source.chunks:
            kept = [place for place in range(len(chunk)) if chunk.row + place not in plan.dropped]
            columns = {name: [values[place] for place in kept] for name, values in chunk.columns.items()}
            labels = columns[label]
            for place, value in enumerate(labels):
                if isinstance(value, str) and value in plan.spellings:
                    labels[place] = plan.spellings[value]
                    respelt += 1
            rows, kept_rows = rows + len(chunk), kept_rows + len(kept)
            if kept:
                put(Chunk(chunk.row, columns))
    counts = Counter(plan.dropped.values())
    return Repaired(rows, {reason: counts[reason] for reason in REASONS if counts[reason]}, respelt, kept_rows)
