"""Checks of the labels of a single-label task."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tenor.checks.finding import Finding, Severity, finding_of_rows
from tenor.checks.parts import CheckContext
from tenor.data.dataset import Dataset
from tenor.errors import counted
from tenor.text import normalise
from tenor.text.ngrams import BITS
from tenor.text.tokenise import tokenise

_RARE = 10  # rows
_UNEVEN = 20  # rows of the largest class to those of the smallest
_NEARLY_ALL = 0.99  # share of a token's texts that are of one class
_MOST = 0.5  # share of a class's texts that have the token
# Names that other programs write where there is no label; the latter may honestly be a class.
_MISSING: dict[Severity, set[str]] = {
    "warning": {"nan", "null", "na", "n/a", "#n/a"},
    "note": {"none", "nil", "undefined"},
}


def check(parts: CheckContext, written: Sequence[Any]) -> Iterator[Finding]:
    """All checks of labels; `written` are those of the data as they stand in the file, blanks and all."""
    yield from _classes(parts.data)
    yield from spellings(parts.data, written)
    yield from missing(parts.data)
    yield from rare(parts.data)
    yield from _uneven(parts.data)
    yield from _of_test(parts)
    yield from _telling_tokens(parts)


def folded(label: str) -> str:
    """A label without what two spellings of it may differ in: case and blanks."""
    return " ".join(label.split()).casefold()


def best_spellings(written: Sequence[str]) -> dict[str, str]:
    """For each label in its folded form the spelling that most rows have; of equally frequent ones the first."""
    best: dict[str, str] = {}
    for label, _ in Counter(label.strip() for label in written).most_common():
        best.setdefault(folded(label), label)
    return best


def _classes(data: Dataset) -> Iterator[Finding]:
    counts = Counter(data.labels)
    if len(counts) == 1:
        yield Finding(
            "one-class",
            "error",
            f"every row has the label {data.labels[0]!r}.",
            "Give rows of at least two classes.",
            1,
        )
    elif len(counts) > 20 and len(counts) > len(data) / 2:
        yield Finding(
            "too-many-classes",
            "error",
            f"there are {len(counts):,} different labels in {len(data):,} rows.",
            "Name the column of the classes with `label=...`.",
            len(counts),
        )


def spellings(data: Dataset, written: Sequence[Any]) -> Iterator[Finding]:
    """Labels that differ only in case or blanks."""
    names = [label for label in written if isinstance(label, str)]
    best = best_spellings(names)
    if len(best) == len(set(names)):
        return
    rows = [row for row, label in enumerate(written) if isinstance(label, str) and label != best[folded(label)]]
    of_class = {folded(written[row]) for row in rows}
    several = len({label.strip() for label in names}) > len(best)
    listed = ", ".join(
        repr(label)
        for label in sorted(set(names), key=lambda label: (folded(label), label))
        if folded(label) in of_class
    )
    yield finding_of_rows(
        data,
        "spellings",
        "warning",
        f"labels differ only in case or blanks: {listed:.200}.",
        "Write each in one way: `fix=OUT` writes the most frequent one.",
        rows,
        [repr(written[row]) for row in rows],
        brief=f"labels differ only in case or blanks: {listed:.200}; each is taken for a class." if several else "",
    )


def missing(data: Dataset) -> Iterator[Finding]:
    """Labels that other programs write where there is none."""
    classes = set(data.labels)
    for severity, words in _MISSING.items():
        names = {label for label in classes if str(label).strip().casefold() in words}
        if not names:
            continue
        rows = [row for row, label in enumerate(data.labels) if label in names]
        have, listed = counted(len(rows), "row has", "rows have"), ", ".join(map(repr, sorted(names)))
        yield finding_of_rows(
            data,
            "missing-label",
            severity,
            f"{have} a label that looks like a missing one: {listed}.",
            "Leave the field empty where there is no label, and train with `drop_unlabelled=True`.",
            rows,
            brief=f"{have} the label {listed}, taken for a class.",
        )


def rare(data: Dataset) -> Iterator[Finding]:
    """Classes with few rows."""
    counts = Counter(data.labels)
    few = sorted((count, label) for label, count in counts.items() if count < _RARE)
    if few and len(counts) > 1 and not (len(counts) > 20 and len(counts) > len(data) / 2):
        names = {label for _, label in few}
        rows = [row for row, label in enumerate(data.labels) if label in names]
        listed = ", ".join(f"{label} {count}" for count, label in few[:10]) + (", ..." if len(few) > 10 else "")
        classes = f"{counted(len(few), 'class has', 'classes have')} fewer than {_RARE} rows ({listed})"
        yield Finding(
            "rare",
            "warning",
            f"{classes}.",
            "Add rows, join them with other classes, or leave them out; their figures say little.",
            len(few),
            [data.row_number(row) for row in rows],
            [data.labels[row] for row in rows],
            training_message=f"{classes}; their figures say little.",
        )


def _uneven(data: Dataset) -> Iterator[Finding]:
    counts = Counter(data.labels).most_common()
    if len(counts) > 1 and counts[0][1] >= _UNEVEN * counts[-1][1]:
        (large, most), (small, least) = counts[0], counts[-1]
        yield Finding(
            "uneven",
            "note",
            f"the classes are uneven: {large} has {counted(most, 'row')}, {small} {least:,}.",
            "Go by macro-F1 rather than accuracy.",
            len(counts),
        )


def _of_test(parts: CheckContext) -> Iterator[Finding]:
    if parts.test is None:
        return
    known, tested = set(parts.data.labels), set(parts.test.labels)
    rows = [row for row, label in enumerate(parts.test.labels) if label not in known]
    if rows:
        yield finding_of_rows(
            parts.test,
            "unknown-in-test",
            "error",
            f"{counted(len(rows), 'test row has a label', 'test rows have labels')} that the data do not have.",
            "Write the labels alike in both, or add such rows to the data.",
            rows,
            [str(parts.test.labels[row]) for row in rows],
            part="test",
        )
    missing = sorted(known - tested)
    if missing:
        yield Finding(
            "missing-in-test",
            "note",
            f"{counted(len(missing), 'class has', 'classes have')} no row in the test: {', '.join(missing[:10])}"
            + (", ..." if len(missing) > 10 else "."),
            "Nothing is measured for them.",
            len(missing),
        )


def _telling_tokens(parts: CheckContext) -> Iterator[Finding]:
    """Tokens that stand in most texts of one class and in hardly any of the others."""
    classes, targets = np.unique(parts.data.labels, return_inverse=True)
    if not 1 < len(classes) <= max(20, len(targets) / 2):
        return
    rows = len(parts.data)
    entries = parts.tokens.row_offsets[rows]
    buckets = parts.tokens.buckets[:entries]
    owner = np.repeat(np.arange(rows), np.diff(parts.tokens.row_offsets[: rows + 1]))
    of_class = np.bincount(targets, minlength=len(classes))
    in_all = np.bincount(buckets, minlength=1 << BITS)
    frequent = np.flatnonzero(in_all >= max(_RARE, _MOST * of_class.min()))
    place = np.full(1 << BITS, -1, np.int32)
    place[frequent] = np.arange(len(frequent), dtype=np.int32)
    column = place[buckets]
    cells = targets[owner][column >= 0] * len(frequent) + column[column >= 0]
    inside = np.bincount(cells, minlength=len(classes) * len(frequent)).reshape(len(classes), -1)
    telling = (inside >= _NEARLY_ALL * in_all[frequent]) & (inside >= _MOST * of_class[:, None])
    telling &= of_class[:, None] >= _RARE
    for label, token in zip(*np.nonzero(telling), strict=True):
        bucket = frequent[token]
        row = int(owner[np.flatnonzero(buckets == bucket)[0]])
        spelled = _spell(parts.data.texts[row], int(bucket))
        having = owner[buckets == bucket]
        yield Finding(
            "telling-token",
            "note",
            f"{spelled!r} stands in {inside[label, token]:,} of the {of_class[label]:,} texts of {classes[label]!s} and"
            f" in {in_all[bucket] - inside[label, token]:,} others: it gives the label away.",
            "See whether new texts will have it; if not, take it out of the texts.",
            int(inside[label, token]),
            [parts.data.row_number(row) for row in having.tolist()],
        )


def _spell(text: str, bucket: int) -> str:
    """The token of a text that is counted in that bucket, in lower case."""
    tokens = tokenise([text])
    place = int(np.flatnonzero(tokens.hashes >> np.uint64(64 - BITS) == bucket)[0])
    return normalise.fold(tokens.joined[tokens.begin[place] : tokens.end[place]]).text()
