"""Checks of texts that occur more than once: in data and test, with other labels, nearly, or inside longer texts."""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tenor.checks.context import CheckContext, members
from tenor.checks.finding import Finding
from tenor.data.split import Groups
from tenor.errors import counted

_MIN_REPORTED = 0.01  # share of repeats from which training reports them


class _Pair(NamedTuple):
    """A row, and the row of the data that it repeats."""

    row: int
    original: int


def leaked(context: CheckContext) -> Iterator[Finding]:
    """Texts of the test that are also in the data, exactly or nearly."""
    if context.test is None:
        return
    exact = _pairs_in_both(context, context.equal)
    rows_of_exact = {pair.row for pair in exact}
    near = [pair for pair in _pairs_in_both(context, context.near) if pair.row not in rows_of_exact]
    in_test = f"of the {len(context.test):,} test texts"
    if exact:
        finding = Finding(
            name="leaked",
            severity="error",
            problem=f"{counted(len(exact), f'{in_test} is', f'{in_test} are')} in the data too.",
            remedy="Take them out of the data: `fix=OUT` writes the data without them.",
            training_message=f"{counted(len(exact), f'{in_test} is', f'{in_test} are')} also in the training data.",
        )
        yield _at_test_pairs(finding, context, exact)
    if near:
        finding = Finding(
            name="nearly-leaked",
            severity="warning",
            problem=f"{counted(len(near), f'{in_test} is', f'{in_test} are')} nearly the same as one in the data.",
            remedy="Look at them, and take those out of the data that tell the same.",
            training_message=f"{counted(len(near), f'{in_test} is', f'{in_test} are')} nearly the same as a training "
            "text.",
        )
        yield _at_test_pairs(finding, context, near)


def conflicting(context: CheckContext) -> Iterator[Finding]:
    """Rows with the same text and different labels. In sets of labels or numbers these may be honest differences."""
    if not context.single_label:
        yield from _differing(context)
        return
    groups = [rows for rows in _groups(context, context.equal) if _labels_differ(context, rows)]
    rows = [row for group in groups for row in group]
    if rows:
        yield Finding(
            name="conflicting",
            severity="warning",
            problem=f"{len(rows):,} rows have the same text as another and a different label "
            f"({counted(len(groups), 'text', 'texts')}).",
            remedy="Decide on one label for each. `fix=OUT` leaves these rows out.",
            training_message=f"{len(rows):,} rows have the same text as another and a different label.",
        ).at_rows(context.data, rows, _labels_in(context, groups))
    groups = [
        rows
        for rows in _groups(context, context.near)
        if _labels_differ(context, rows) and len({context.equal[row] for row in rows}) > 1
    ]
    rows = [row for group in groups for row in group]
    if rows:
        yield Finding(
            name="near-conflicting",
            severity="note",
            problem=f"{len(rows):,} rows have nearly the same text as another and a different label "
            f"({counted(len(groups), 'text', 'texts')}).",
            remedy="Decide on one label for each.",
        ).at_rows(context.data, rows, _labels_in(context, groups))


def _differing(context: CheckContext) -> Iterator[Finding]:
    """`conflicting` for sets of labels and for numbers."""
    groups = [rows for rows in _groups(context, context.equal) if _labels_differ(context, rows)]
    rows = [row for group in groups for row in group]
    if rows:
        what = "a different value" if isinstance(context.data.labels[0], float) else "different labels"
        yield Finding(
            name="conflicting",
            severity="note",
            problem=f"{len(rows):,} rows have the same text as another and {what} "
            f"({counted(len(groups), 'text', 'texts')}).",
            remedy="If people do not differ here, decide on one for each. `fix=OUT` keeps these rows.",
        ).at_rows(context.data, rows, _labels_in(context, groups))


def repeated(context: CheckContext) -> Iterator[Finding]:
    """Rows of the data that repeat the text and the label of an earlier row."""
    labels = context.data.labels
    pairs = []
    for rows in _groups(context, context.equal):
        if context.single_label and _labels_differ(context, rows):
            continue
        first: dict[Hashable, int] = {}
        for row in rows:
            if first.setdefault(labels[row], row) != row:
                pairs.append(_Pair(row, first[labels[row]]))
    if pairs:
        count = f"{len(pairs):,} of {len(context.data):,} rows"
        message = f"an earlier text is repeated in {count}; both stay on one side."
        finding = Finding(
            name="repeated",
            severity="warning",
            problem=f"the text of an earlier row is repeated in {count}.",
            remedy="Leave them out: `fix=OUT` does.",
            training_message=message if len(pairs) >= _MIN_REPORTED * len(context.data) else "",
        )
        yield _at_pairs(finding, context, pairs)


def nearly_repeated(context: CheckContext) -> Iterator[Finding]:
    """Rows of the data whose text is nearly that of an earlier row."""
    pairs = []
    for rows in _groups(context, context.near):
        seen = {context.equal[rows[0]]}
        for row in rows[1:]:
            if context.equal[row] not in seen:
                pairs.append(_Pair(row, rows[0]))
                seen.add(context.equal[row])
    if pairs:
        have = "has" if len(pairs) == 1 else "have"
        finding = Finding(
            name="nearly-repeated",
            severity="note",
            problem=f"{len(pairs):,} of {len(context.data):,} rows {have} nearly the text of an earlier row.",
            remedy="Look at some; near duplicates always stay on one side of a split.",
        )
        yield _at_pairs(finding, context, pairs)


def contained(context: CheckContext) -> Iterator[Finding]:
    """Texts of the data that are part of a longer one."""
    rows = np.flatnonzero(context.container != np.arange(len(context.container)))
    if len(rows):
        line = f"the text of {len(rows):,} of {len(context.data):,} rows is part of a longer one"
        many = len(rows) >= _MIN_REPORTED * len(context.data)
        finding = Finding(
            name="contained",
            severity="note",
            problem=f"{line}.",
            remedy="A text and a longer one that contains it always stay on one side of a split.",
            training_message=f"{line}; both stay on one side." if many else "",
        )
        yield _at_pairs(finding, context, list(map(_Pair, rows.tolist(), context.container[rows].tolist())))


def _pairs_in_both(context: CheckContext, groups: Groups) -> list[_Pair]:
    """Rows of the test with the first row of the data in the same group."""
    n_rows = len(context.data)
    numbers, first = np.unique(groups[:n_rows], return_index=True)
    if not len(numbers):
        return []
    position = np.minimum(np.searchsorted(numbers, groups[n_rows:]), len(numbers) - 1)
    rows = np.flatnonzero(numbers[position] == groups[n_rows:])
    return list(map(_Pair, rows.tolist(), first[position[rows]].tolist()))


def _at_test_pairs(finding: Finding, context: CheckContext, pairs: Sequence[_Pair]) -> Finding:
    """The finding at rows of the test, each with the row of the data that it repeats."""
    assert context.test is not None
    details = [f"row {context.data.row_number(pair.original)} of the data" for pair in pairs]
    return finding.at_rows(context.test, [pair.row for pair in pairs], details, "test")


def _at_pairs(finding: Finding, context: CheckContext, pairs: Sequence[_Pair]) -> Finding:
    """The finding at rows of the data, each with the row that it repeats."""
    pairs = sorted(pairs)
    details = [f"row {context.data.row_number(pair.original)}" for pair in pairs]
    return finding.at_rows(context.data, [pair.row for pair in pairs], details)


def _groups(context: CheckContext, groups: Groups) -> list[list[int]]:
    """The rows of the data in groups of two or more."""
    return list(members(groups[: len(context.data)]).values())


def _labels_differ(context: CheckContext, rows: Sequence[int]) -> bool:
    return len({context.data.labels[row] for row in rows}) > 1


def _labels_in(context: CheckContext, groups: Sequence[Sequence[int]]) -> list[str]:
    """For each row of each group its label, and the number of the group's first row."""
    data = context.data
    return [f"{_shown(data.labels[row])}, first in row {data.row_number(rows[0])}" for rows in groups for row in rows]


def _shown(label: object) -> str:
    if isinstance(label, float):
        return f"{label:g}"
    return ", ".join(label) if isinstance(label, tuple) else str(label)
