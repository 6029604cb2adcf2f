"""The cleaned copy of a table: without rows that are certainly wrong, and with each label in one spelling."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tenor._core.language import mark, tr
from tenor.checks import total_rows
from tenor.checks.context import CheckContext, members
from tenor.checks.label_spellings import best_spellings, fold_label
from tenor.config.settings import suggest
from tenor.data.io import table, text_lines, writer
from tenor.data.io.table import Chunk, Table
from tenor.errors import DataError, SettingsError
from tenor.tasks import Label

REASONS = {
    "no-text": mark("without a text"),
    "no-label": mark("without a label"),
    "conflicting": mark("with the text of another and a different label"),
    "leaked": mark("that are in the test too"),
    "repeated": mark("that repeat an earlier row"),
    "total": mark("that are totals at the end"),
}


@dataclass(frozen=True)
class RepairPlan:
    """What to do to a table.

    Attributes:
        dropped: Number of a row -> why it is left out, a key of REASONS.
        spellings: A label in the file -> its new spelling.
        corrected: Number of a row -> its right label, from a filled review file.
    """

    dropped: dict[int, str]
    spellings: dict[str, str]
    corrected: Mapping[int, Label] = field(default_factory=dict)


class RenamedLabel(NamedTuple):
    """A label with a new spelling, and how many rows have it."""

    old: str
    new: str
    rows: int


@dataclass(frozen=True)
class Repaired:
    """What was done to a table.

    Attributes:
        rows: Rows read.
        dropped: Rows left out, by reason.
        respelt: Rows whose label has a new spelling.
        written: Rows written.
        corrected: Rows with a right label from a review file.
        renamed: The labels with a new spelling.
    """

    rows: int
    dropped: dict[str, int]
    respelt: int
    written: int
    corrected: int = 0
    renamed: tuple[RenamedLabel, ...] = ()


def plan(
    context: CheckContext,
    raw_labels: Sequence[object],
    empty: Sequence[int],
    unlabelled: Sequence[int],
    merges: Mapping[str, str] | None = None,
    corrected: Mapping[int, Label] | None = None,
) -> RepairPlan:
    """Decide what to leave out, and which labels to write.

    Args:
        context: The rows that have a text and a label, with their right labels, and the test.
        raw_labels: Labels of those rows as the file has them, or the right ones.
        empty: Numbers of rows without a text.
        unlabelled: Numbers of rows without a label.
        merges: A label -> the one to write instead.
        corrected: Number of a row -> its right label.

    Raises:
        SettingsError: A label of `merges` does not occur.
    """
    dropped = dict.fromkeys(unlabelled, "no-label") | dict.fromkeys(empty, "no-text")
    data, n_rows, labels = context.data, len(context.data), context.data.labels
    spellings: dict[str, str] = {}
    if context.single_label:
        names = [label for label in raw_labels if isinstance(label, str)]
        best = _with_merges(best_spellings(Counter(names)), merges or {})
        spellings = {label: best[fold_label(label)] for label in names}
        labels = [best.get(fold_label(label), label) for label in labels]
    for row in total_rows.find(data):
        dropped[data.row_number(row)] = "total"
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
    renamed = {label: spelling for label, spelling in spellings.items() if label != spelling}
    return RepairPlan(dropped, renamed, corrected or {})


def _with_merges(best: dict[str, str], merges: Mapping[str, str]) -> dict[str, str]:
    """The spelling of each folded label, after some labels are merged into others."""
    merged = dict(best)
    for old, new in merges.items():
        if fold_label(old) not in best:
            raise SettingsError(
                tr("`merge=...`: no row has the label {old!r}.", old=old),
                suggest(old, list(best.values())).replace("Known", "Labels"),
            )
        merged[fold_label(old)] = best.get(fold_label(new), new)
    return merged


def check_output(out: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise DataError if the output is one of the inputs, exists, or cannot hold a table."""
    writer.refuse_input(out, inputs)
    if os.path.lexists(out) and not overwrite:
        raise DataError(
            tr("{out}: this exists already.", out=out), tr("Choose another file, or replace it with `overwrite=True`.")
        )
    if table.suffix(out) == ".txt":
        raise DataError(tr("{out}: a .txt file has no columns.", out=out), tr("Give .csv, .tsv, .jsonl or .parquet."))


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
    if plan.corrected and label not in source.columns:
        raise DataError(
            tr(
                "{name}: the labels are joined from several columns, and `also=...` changes one column.",
                name=source.name,
            ),
            tr("Leave out `also=...`, and change these rows by hand."),
        )
    n_rows = n_written = n_corrected = 0
    renamed: Counter[str] = Counter()
    with writer.open_writer(out, source.columns, source) as write_chunk:
        for chunk in source.chunks:
            kept = [at for at in range(len(chunk)) if chunk.row + at not in plan.dropped]
            columns = {name: [values[at] for at in kept] for name, values in chunk.columns.items()}
            labels = columns.get(label, [])  # none if it was joined from several columns
            for at, row in enumerate(chunk.row + at for at in kept if label in columns):
                if row in plan.corrected:
                    value = plan.corrected[row]
                    labels[at] = list(value) if isinstance(value, tuple) else value
                    n_corrected += 1
                name = text_lines.label_of(labels[at]) if isinstance(labels[at], str) else None
                if isinstance(name, str) and name in plan.spellings:
                    renamed[name] += 1
                    labels[at] = plan.spellings[name]
            n_rows, n_written = n_rows + len(chunk), n_written + len(kept)
            if kept:
                write_chunk(Chunk(chunk.row, columns))
    counts = Counter(plan.dropped.values())
    dropped = {reason: counts[reason] for reason in REASONS if counts[reason]}
    return Repaired(
        rows=n_rows,
        dropped=dropped,
        respelt=renamed.total(),
        written=n_written,
        corrected=n_corrected,
        renamed=tuple(RenamedLabel(old, plan.spellings[old], count) for old, count in renamed.most_common()),
    )
