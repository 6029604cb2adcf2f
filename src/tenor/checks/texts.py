"""Checks of the texts: repeats, leaks between the parts, short and long ones."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tenor.checks.finding import Finding, Severity, finding_of_rows
from tenor.checks.parts import CheckContext, members
from tenor.data.split import Groups
from tenor.errors import counted
from tenor.text import scripts

_SHORT = 2  # tokens
_FEW = 0.05  # share of texts up to which a script is one of some texts, not of the data
_MANY = 0.01  # share of repeats from which training speaks of them


def check(parts: CheckContext, limit: int) -> Iterator[Finding]:
    """All checks of texts; `limit` is the number of tokens at which networks cut them."""
    yield from leaked(parts)
    yield from conflicting(parts)
    yield from repeated(parts)
    yield from _nearly_repeated(parts)
    yield from contained(parts)
    yield from _without_words(parts)
    yield from _short(parts)
    yield from _long(parts, limit)
    yield from _other_scripts(parts)


def summary(parts: CheckContext) -> dict[str, Any]:
    """Lengths in tokens and shares of scripts of the data, the test left out."""
    rows = len(parts.data)
    lengths = parts.lengths[:rows]
    low, middle, high = np.percentile(lengths, (5, 50, 95)).tolist()
    counts = np.bincount(scripts.main_scripts(parts.data.texts), minlength=len(scripts.SCRIPTS))
    ranked = sorted(zip((-counts).tolist(), scripts.SCRIPTS, strict=True))
    return {
        "tokens": {
            "least": int(lengths.min()),
            "percentile_5": low,
            "median": middle,
            "percentile_95": high,
            "most": int(lengths.max()),
        },
        "scripts": {name: -count / rows for count, name in ranked if count},
    }


def leaked(parts: CheckContext) -> Iterator[Finding]:
    """Texts of the test that also stand, or nearly stand, in the data."""
    if parts.test is None:
        return
    exact, near = _also_in_data(parts, parts.equal), _also_in_data(parts, parts.near)
    equal = {row for row, _ in exact}
    of_test = f"of the {len(parts.test):,} texts of the test"
    measured = f"of the {len(parts.test):,} texts to measure on"
    if exact:
        yield _pairs_of_test(
            parts,
            exact,
            "leaked",
            "error",
            f"{counted(len(exact), f'{of_test} stands', f'{of_test} stand')} in the data too.",
            "Take them out of the data: `fix=OUT` writes the data without them.",
            f"{counted(len(exact), f'{measured} is', f'{measured} are')} also among those to learn from.",
        )
    near = [pair for pair in near if pair[0] not in equal]
    if near:
        yield _pairs_of_test(
            parts,
            near,
            "nearly-leaked",
            "warning",
            f"{counted(len(near), f'{of_test} is', f'{of_test} are')} nearly the same as one in the data.",
            "Look at them, and take those out of the data that tell the same.",
            f"{counted(len(near), f'{measured} is', f'{measured} are')} nearly the same as one to learn from.",
        )


def _pairs_of_test(
    parts: CheckContext,
    pairs: list[tuple[int, int]],
    name: str,
    severity: Severity,
    problem: str,
    remedy: str,
    brief: str,
) -> Finding:
    """A finding of rows of the test, each beside a row of the data."""
    assert parts.test is not None
    beside = [f"row {parts.data.row_number(row)} of the data" for _, row in pairs]
    return finding_of_rows(
        parts.test, name, severity, problem, remedy, [row for row, _ in pairs], beside, brief, "test"
    )


def _also_in_data(parts: CheckContext, groups: Groups) -> list[tuple[int, int]]:
    """Rows of the test with the first row of the data that is in the same group."""
    rows = len(parts.data)
    numbers, first = np.unique(groups[:rows], return_index=True)
    if not len(numbers):
        return []
    place = np.minimum(np.searchsorted(numbers, groups[rows:]), len(numbers) - 1)
    found = np.flatnonzero(numbers[place] == groups[rows:])
    return list(zip(found.tolist(), first[place[found]].tolist(), strict=True))


def conflicting(parts: CheckContext) -> Iterator[Finding]:
    """The same text with different labels; of sets of labels, or of numbers, it may well be that people differ."""
    labels = parts.data.labels
    if not parts.one_label_each:
        found = [rows for rows in _groups_of_data(parts, parts.equal) if len({labels[row] for row in rows}) > 1]
        if found:
            rows = [row for group in found for row in group]
            what = "a different value" if isinstance(labels[0], float) else "different labels"
            count = counted(len(found), "text", "texts")
            yield finding_of_rows(
                parts.data,
                "conflicting",
                "note",
                f"{len(rows):,} rows have the same text as another and {what} ({count}).",
                "Where that is no difference between people, decide on one for each. `fix=OUT` keeps these rows.",
                rows,
                [
                    f"{_told(labels[row])}, first in row {parts.data.row_number(group[0])}"
                    for group in found
                    for row in group
                ],
            )
        return
    for kind, groups in (("", parts.equal), ("near-", parts.near)):
        found = [rows for rows in _groups_of_data(parts, groups) if len({labels[row] for row in rows}) > 1]
        if kind:
            found = [rows for rows in found if len({parts.equal[row] for row in rows}) > 1]
        if found:
            rows = [row for group in found for row in group]
            what = "nearly the same text" if kind else "the same text"
            count = counted(len(found), "text", "texts")
            yield finding_of_rows(
                parts.data,
                f"{kind}conflicting",
                "note" if kind else "warning",
                f"{len(rows):,} rows have {what} as another and a different label ({count}).",
                "Decide on one label for each." + ("" if kind else " `fix=OUT` leaves these rows out."),
                rows,
                [f"{labels[row]}, first in row {parts.data.row_number(group[0])}" for group in found for row in group],
                brief="" if kind else f"{len(rows):,} rows have the same text as another and a different label.",
            )


def _told(label: Any) -> str:
    return f"{label:g}" if isinstance(label, float) else ", ".join(label)


def repeated(parts: CheckContext) -> Iterator[Finding]:
    """Rows of the data that repeat the text and the label of an earlier row."""
    labels = parts.data.labels
    pairs = []
    for rows in _groups_of_data(parts, parts.equal):
        if parts.one_label_each and len({labels[row] for row in rows}) > 1:
            continue
        first: dict[Any, int] = {}
        for row in rows:
            if first.setdefault(labels[row], row) != row:
                pairs.append((row, first[labels[row]]))
    if pairs:
        count = f"{len(pairs):,} of {len(parts.data):,} rows"
        many = len(pairs) >= _MANY * len(parts.data)
        yield _pairs_of_data(
            parts,
            pairs,
            "repeated",
            "warning",
            f"the text of an earlier row is repeated in {count}.",
            "Leave them out: `fix=OUT` does.",
            f"an earlier text is repeated in {count}; both stay on one side." if many else "",
        )


def _nearly_repeated(parts: CheckContext) -> Iterator[Finding]:
    pairs = []
    for rows in _groups_of_data(parts, parts.near):
        seen = {parts.equal[rows[0]]}
        for row in rows[1:]:
            if parts.equal[row] not in seen:
                pairs.append((row, rows[0]))
                seen.add(parts.equal[row])
    if pairs:
        yield _pairs_of_data(
            parts,
            pairs,
            "nearly-repeated",
            "note",
            f"nearly the text of an earlier row stands in {len(pairs):,} of {len(parts.data):,} rows.",
            "Look at some; near duplicates never stand on both sides of a parting.",
        )


def contained(parts: CheckContext) -> Iterator[Finding]:
    """Texts of the data that are part of a longer one."""
    found = np.flatnonzero(parts.holder != np.arange(len(parts.holder)))
    if len(found):
        count = f"{len(found):,} of {len(parts.data):,} rows"
        many = len(found) >= _MANY * len(parts.data)
        yield _pairs_of_data(
            parts,
            list(zip(found.tolist(), parts.holder[found].tolist(), strict=True)),
            "contained",
            "note",
            f"the text of {count} is part of a longer one.",
            "A text and what it is part of never stand on both sides of a parting.",
            f"the text of {count} is part of a longer one; both stay on one side." if many else "",
        )


def _pairs_of_data(
    parts: CheckContext,
    pairs: list[tuple[int, int]],
    name: str,
    severity: Severity,
    problem: str,
    remedy: str,
    brief: str = "",
) -> Finding:
    """A finding of rows of the data, each beside another one."""
    pairs = sorted(pairs)
    beside = [f"row {parts.data.row_number(first)}" for _, first in pairs]
    return finding_of_rows(parts.data, name, severity, problem, remedy, [row for row, _ in pairs], beside, brief)


def _groups_of_data(parts: CheckContext, groups: Groups) -> list[list[int]]:
    return list(members(groups[: len(parts.data)]).values())


def _without_words(parts: CheckContext) -> Iterator[Finding]:
    rows = np.flatnonzero(parts.lengths[: len(parts.data)] == 0).tolist()
    if rows:
        yield finding_of_rows(
            parts.data,
            "without-words",
            "warning",
            f"{counted(len(rows), 'text has', 'texts have')} no word, only punctuation or the like.",
            "Leave them out or mend them: a model can tell nothing from them.",
            rows,
            [repr(parts.data.texts[row].strip()[:40]) for row in rows],
        )


def _short(parts: CheckContext) -> Iterator[Finding]:
    lengths = parts.lengths[: len(parts.data)]
    rows = np.flatnonzero((lengths > 0) & (lengths <= _SHORT)).tolist()
    if rows:
        yield finding_of_rows(
            parts.data,
            "short",
            "note",
            f"{counted(len(rows), 'text has', 'texts have')} 1 or 2 tokens.",
            "See whether that is enough to tell the label.",
            rows,
            [repr(parts.data.texts[row].strip()[:40]) for row in rows],
        )


def _long(parts: CheckContext, limit: int) -> Iterator[Finding]:
    lengths = parts.lengths[: len(parts.data)]
    rows = np.flatnonzero(lengths > limit).tolist()
    if rows:
        yield finding_of_rows(
            parts.data,
            "long",
            "note",
            f"longer than {limit} tokens, so that most networks cut them: {len(rows):,} of {len(lengths):,} texts.",
            "ngram and pretrained read all of them; for another network choose another truncation (truncation=both).",
            rows,
            [f"{lengths[row]} tokens" for row in rows],
        )


def _other_scripts(parts: CheckContext) -> Iterator[Finding]:
    found = scripts.main_scripts(parts.data.texts)
    counts = np.bincount(found, minlength=len(scripts.SCRIPTS))[:-1]
    few = np.flatnonzero((counts > 0) & (counts <= _FEW * len(found)))
    rows = np.flatnonzero(np.isin(found, few)).tolist()
    if rows:
        listed = ", ".join(f"{scripts.SCRIPTS[script]} {counts[script]:,}" for script in few)
        yield finding_of_rows(
            parts.data,
            "other-scripts",
            "note",
            f"{counted(len(rows), 'text is', 'texts are')} written in another script than most ({listed}).",
            "See whether they belong to the data; a class that only they have is told by its script.",
            rows,
            [scripts.SCRIPTS[found[row]] for row in rows],
        )
