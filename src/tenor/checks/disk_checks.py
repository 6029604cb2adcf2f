"""Checks of texts on disk: equal texts are found by their hashes, part by part, in little memory for any number."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor.checks import columns, labels, total_rows
from tenor.checks.finding import Finding, Severity
from tenor.data.blocks import Hashes, Rows, row_blocks
from tenor.data.dataset import Dataset
from tenor.data.label_source import label_source
from tenor.data.text_source import text_source
from tenor.errors import counted

_MIN_REPEATED = 0.01  # share of repeated rows from which training reports them
_PART_ROWS = 1 << 20  # rows that are compared at a time


class _Equal(NamedTuple):
    """How many rows have the text of another: repeated, with another label, or in the test."""

    repeated: int
    conflicting: int
    leaked: int


def quick_checks(data: Dataset, test: Dataset | None) -> Iterator[Finding]:
    """The checks at the start of training for texts on disk. They do not look for near duplicates."""
    hashes, codes = text_source(data.texts).hashes, label_source(data.labels).class_codes
    test_hashes = np.zeros(0, np.uint64) if test is None else text_source(test.texts).hashes
    n_parts = -(-len(hashes) // _PART_ROWS)
    parts = [_equal_in_part(hashes, codes, test_hashes, n_parts, part) for part in range(n_parts)]
    repeated, conflicting, leaked = (sum(each) for each in zip(*parts, strict=True)) if parts else (0, 0, 0)
    if leaked:
        yield leak(leaked, len(test_hashes))
    if conflicting:
        line = tr(
            "{conflicting} the same text as another and a different label.",
            conflicting=counted(conflicting, "row has", "rows have"),
        )
        yield _finding("conflicting", "warning", conflicting, line)
    if repeated >= _MIN_REPEATED * len(data) and repeated:
        line = tr(
            "an earlier text is repeated in {repeated:,} of {n_data:,} rows; both stay on one side.",
            repeated=repeated,
            n_data=len(data),
        )
        yield _finding("repeated", "warning", repeated, line)
    yield from total_rows.check(data)
    if codes is not None:
        yield from labels.spellings(data, label_source(data.labels).distinct())
        yield from labels.synonyms(data)
        yield from labels.missing(data)
        yield from labels.split_labels(data)
        yield from labels.rare(data)
        yield from columns.revealing_features(data)


def leak(leaked: int, texts: int) -> Finding:
    """The finding that `leaked` of the test's `texts` are training texts too."""
    in_test = counted(leaked, "of the {n_test:,} test texts is", "of the {n_test:,} test texts are", n_test=texts)
    line = tr("{in_test} also in the training data.", in_test=in_test)
    return _finding("leaked", "error", leaked, line)


def _finding(name: str, severity: Severity, count: int, line: str) -> Finding:
    remedy = tr("Look at them with tenor check, on a part of the data.")
    return Finding(name=name, severity=severity, problem=line, remedy=remedy, count=count, training_message=line)


def _equal_in_part(
    hashes: Hashes, codes: npt.NDArray[np.int32] | None, test_hashes: Hashes, n_parts: int, part: int
) -> _Equal:
    """Compare the texts whose hash is in one part of all hashes."""
    rows = _rows_of_part(hashes, n_parts, part)
    in_part = hashes[rows]
    order = np.argsort(in_part, kind="stable")
    begins = np.flatnonzero(np.diff(in_part[order], prepend=~in_part[order][:1]))
    sizes = np.diff(begins, append=len(rows))
    differ = np.zeros(len(begins), bool)
    if codes is not None and len(begins):
        sorted_codes = codes[rows][order]
        differ = np.minimum.reduceat(sorted_codes, begins) != np.maximum.reduceat(sorted_codes, begins)
    test_in_part = test_hashes[test_hashes % np.uint64(n_parts) == part]
    return _Equal(
        repeated=int((sizes[~differ] - 1).sum()),
        conflicting=int(sizes[differ].sum()),
        leaked=int(np.isin(test_in_part, in_part).sum()),
    )


def _rows_of_part(hashes: Hashes, n_parts: int, part: int) -> Rows:
    """The rows whose hash is in one part of all hashes."""
    rows, at = [], 0
    for block in row_blocks(hashes):
        rows.append(at + np.flatnonzero(block % np.uint64(n_parts) == part))
        at += len(block)
    return np.concatenate(rows)
