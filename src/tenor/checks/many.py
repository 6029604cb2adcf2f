"""Checks of texts on disk: equal ones, by their hashes, a part of these at a time, in little memory for any number."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tenor.checks import labels
from tenor.checks.finding import Finding, Severity
from tenor.data import ondisk
from tenor.data.dataset import Dataset
from tenor.data.ondisk import CodedLabels, DiskTexts
from tenor.errors import counted

_PART = 1 << 20  # rows that are compared at a time


def quick_checks(data: Dataset, test: Dataset | None) -> Iterator[Finding]:
    """The checks at the start of training; `data.texts` are on disk. Near duplicates are not looked for."""
    assert isinstance(data.texts, DiskTexts)
    hashes = data.texts.hashes
    one_label_each = isinstance(data.labels, CodedLabels) and all(
        isinstance(value, str) for value in data.labels.values
    )
    codes = data.labels.codes if isinstance(data.labels, CodedLabels) and one_label_each else None
    of_test = np.zeros(0, np.uint64) if test is None else hashes_of(test)
    repeated = conflicting = leaked = 0
    parts = np.uint64(-(-len(hashes) // _PART))
    for part in range(int(parts)):
        rows = _rows(hashes, parts, np.uint64(part))
        found = hashes[rows]
        order = np.argsort(found, kind="stable")
        begin = np.flatnonzero(np.diff(found[order], prepend=~found[order][:1]))
        sizes = np.diff(begin, append=len(rows))
        differ = np.zeros(len(begin), bool)
        if codes is not None and len(begin):
            label = codes[rows][order]
            differ = np.minimum.reduceat(label, begin) != np.maximum.reduceat(label, begin)
        conflicting += int(sizes[differ].sum())
        repeated += int((sizes[~differ] - 1).sum())
        leaked += int(np.isin(of_test[of_test % parts == part], found).sum())
    if leaked:
        yield leak(leaked, len(of_test))
    if conflicting:
        line = f"{counted(conflicting, 'row has', 'rows have')} the same text as another and a different label."
        yield _finding("conflicting", "warning", conflicting, line)
    if repeated >= 0.01 * len(data) and repeated:
        line = f"an earlier text is repeated in {repeated:,} of {len(data):,} rows; both stay on one side."
        yield _finding("repeated", "warning", repeated, line)
    if isinstance(data.labels, CodedLabels) and one_label_each:
        yield from labels.spellings(data, data.labels.values)
        yield from labels.missing(data)
        yield from labels.rare(data)


def leak(leaked: int, texts: int) -> Finding:
    """The finding that so many of the texts to measure on are learned from."""
    measured = f"of the {texts:,} texts to measure on"
    line = f"{counted(leaked, f'{measured} is', f'{measured} are')} also among those to learn from."
    return _finding("leaked", "error", leaked, line)


def _finding(name: str, severity: Severity, count: int, line: str) -> Finding:
    return Finding(
        name, severity, line, "Look at them with tenor check, on a part of the data.", count, training_message=line
    )


def hashes_of(test: Dataset) -> ondisk.Hashes:
    """(texts,) the hashes by which texts on disk are compared."""
    if isinstance(test.texts, DiskTexts):
        return test.texts.hashes
    return np.array([ondisk.text_hash(text) for text in test.texts], np.uint64)


def _rows(hashes: ondisk.Hashes, parts: Any, part: Any) -> npt.NDArray[np.int64]:
    """Rows whose hashes are in this part of all."""
    found, at = [], 0
    for run in ondisk.row_blocks(hashes):
        found.append(at + np.flatnonzero(run % parts == part))
        at += len(run)
    return np.concatenate(found)
