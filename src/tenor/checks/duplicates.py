"""Checks of texts that occur more than once: in data and test, with other labels, nearly, or inside longer texts."""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tenor._core.language import tr
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
    n_test = len(context.test)
    if exact:
        finding = Finding(
            name="leaked",
            severity="error",
            problem=tr("{exact} in the data too.", exact=_in_test(len(exact), n_test)),
            remedy=tr("Take them out of the data: `fix=OUT` writes the data without them."),
            training_message=tr("{exact} also in the training data.", exact=_in_test(len(exact), n_test)),
        )
        yield _at_test_pairs(finding, context, exact)
    if near:
        finding = Finding(
            name="nearly-leaked",
            severity="warning",
            problem=tr("{near} nearly the same as one in the data.", near=_in_test(len(near), n_test)),
            remedy=tr("Look at them, and take those out of the data that tell the same."),
            training_message=tr("{near} nearly the same as a training text.", near=_in_test(len(near), n_test)),
        )
        yield _at_test_pairs(finding, context, near)


def _in_test(number: int, n_test: int) -> str:
    return counted(number, "of the {n_test:,} test texts is", "of the {n_test:,} test texts are", n_test=n_test)


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
            problem=tr(
                "{n_rows:,} rows have the same text as another and a different label ({groups}).",
                n_rows=len(rows),
                groups=counted(len(groups), "text", "texts"),
            ),
            remedy=tr("Decide on one label for each. `fix=OUT` leaves these rows out."),
            training_message=tr(
                "{n_rows:,} rows have the same text as another and a different label.", n_rows=len(rows)
            ),
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
            problem=tr(
                "{n_rows:,} rows have nearly the same text as another and a different label ({groups}).",
                n_rows=len(rows),
                groups=counted(len(groups), "text", "texts"),
            ),
            remedy=tr("Decide on one label for each."),
        ).at_rows(context.data, rows, _labels_in(context, groups))


def _differing(context: CheckContext) -> Iterator[Finding]:
    """`conflicting` for sets of labels and for numbers."""
    groups = [rows for rows in _groups(context, context.equal) if _labels_differ(context, rows)]
    rows = [row for group in groups for row in group]
    if rows:
        what = tr("a different value") if isinstance(context.data.labels[0], float) else tr("different labels")
        yield Finding(
            name="conflicting",
            severity="note",
            problem=tr(
                "{n_rows:,} rows have the same text as another and {what} ({groups}).",
                n_rows=len(rows),
                what=what,
                groups=counted(len(groups), "text", "texts"),
            ),
            remedy=tr("If people do not differ here, decide on one for each. `fix=OUT` keeps these rows."),
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
        count = tr("{n_pairs:,} of {n_data:,} rows", n_pairs=len(pairs), n_data=len(context.data))
        message = tr("an earlier text is repeated in {count}; both stay on one side.", count=count)
        finding = Finding(
            name="repeated",
            severity="warning",
            problem=tr("the text of an earlier row is repeated in {count}.", count=count),
            remedy=tr("Leave them out: `fix=OUT` does."),
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
            problem=tr(
                "{n_pairs:,} of {n_data:,} rows {have} nearly the text of an earlier row.",
                n_pairs=len(pairs),
                n_data=len(context.data),
                have=have,
            ),
            remedy=tr("Look at some; near duplicates always stay on one side of a split."),
        )
        yield _at_pairs(finding, context, pairs)


def contained(context: CheckContext) -> Iterator[Finding]:
    """Texts of the data that are part of a longer one."""
    rows = np.flatnonzero(context.container != np.arange(len(context.container)))
    if len(rows):
        line = tr(
            "the text of {n_rows:,} of {n_data:,} rows is part of a longer one",
            n_rows=len(rows),
            n_data=len(context.data),
        )
        many = len(rows) >= _MIN_REPORTED * len(context.data)
        finding = Finding(
            name="contained",
            severity="note",
            problem=tr("{problem}.", problem=line),
            remedy=tr("A text and a longer one that contains it always stay on one side of a split."),
            training_message=tr("{line}; both stay on one side.", line=line) if many else "",
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
    details = [tr("row {row_number} of the data", row_number=context.data.row_number(pair.original)) for pair in pairs]
    return finding.at_rows(context.test, [pair.row for pair in pairs], details, "test")


def _at_pairs(finding: Finding, context: CheckContext, pairs: Sequence[_Pair]) -> Finding:
    """The finding at rows of the data, each with the row that it repeats."""
    pairs = sorted(pairs)
    details = [tr("row {row_number}", row_number=context.data.row_number(pair.original)) for pair in pairs]
    return finding.at_rows(context.data, [pair.row for pair in pairs], details)


def _groups(context: CheckContext, groups: Groups) -> list[list[int]]:
    """The rows of the data in groups of two or more."""
    return list(members(groups[: len(context.data)]).values())


def _labels_differ(context: CheckContext, rows: Sequence[int]) -> bool:
    return len({context.data.labels[row] for row in rows}) > 1


def _labels_in(context: CheckContext, groups: Sequence[Sequence[int]]) -> list[str]:
    """For each row of each group its label, and for all but the first the number of the group's first row."""
    data = context.data
    return [
        _shown(data.labels[row])
        if row == rows[0]
        else tr(
            "{shown}, first in row {row_number}", shown=_shown(data.labels[row]), row_number=data.row_number(rows[0])
        )
        for rows in groups
        for row in rows
    ]


def _shown(label: object) -> str:
    if isinstance(label, float):
        return f"{label:g}"
    return ", ".join(label) if isinstance(label, tuple) else str(label)
