"""Checks of the labels of a single-label task."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tenor._core.language import join_names, tr
from tenor.checks import label_spellings, revealing_tokens
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding, Severity
from tenor.checks.label_spellings import best_spellings, fold_label
from tenor.data import label_units
from tenor.data.dataset import Dataset
from tenor.data.label_markers import find_markers, find_split_labels
from tenor.data.label_source import label_source
from tenor.data.labels import MAX_NUMERIC_CLASSES
from tenor.errors import counted
from tenor.tasks import Label

_RARE = 10  # rows
_UNEVEN = 20  # rows of the largest class for one of the smallest
_SHOWN = 10  # classes that a message lists


def check(context: CheckContext, raw_labels: Sequence[object]) -> Iterator[Finding]:
    """All checks of labels; `raw_labels` are those of the data as the file has them, with whitespace."""
    yield from _classes(context.data)
    yield from spellings(context.data, raw_labels)
    yield from synonyms(context.data)
    yield from similar(context.data)
    yield from missing(context.data)
    yield from split_labels(context.data)
    yield from _with_units(context.data)
    yield from rare(context.data)
    yield from templated(context)
    yield from _uneven(context.data)
    yield from _of_test(context)
    yield from revealing_tokens.check(context)


def _has_too_many_classes(n_classes: int, n_rows: int) -> bool:
    return n_classes > MAX_NUMERIC_CLASSES and n_classes > n_rows / 2


def _classes(data: Dataset) -> Iterator[Finding]:
    n_classes = len(set(data.labels))
    if n_classes == 1:
        yield Finding(
            name="one-class",
            severity="error",
            problem=tr("every row has the label {labels!r}.", labels=data.labels[0]),
            remedy=tr("Give rows of at least two classes."),
            count=1,
        )
    elif _has_too_many_classes(n_classes, len(data)):
        yield Finding(
            name="too-many-classes",
            severity="error",
            problem=tr(
                "there are {n_classes:,} different labels in {n_data:,} rows.", n_classes=n_classes, n_data=len(data)
            ),
            remedy=tr("Name the column of the classes with `label=...`."),
            count=n_classes,
        )


def spellings(data: Dataset, raw_labels: Sequence[object]) -> Iterator[Finding]:
    """Labels that differ only in case, blanks or punctuation."""
    names = [label for label in raw_labels if isinstance(label, str)]
    best = best_spellings(Counter(names))
    if len(best) == len(set(names)):
        return
    odd = {
        row: label
        for row, label in enumerate(raw_labels)
        if isinstance(label, str) and label != best[fold_label(label)]
    }
    of_class = {fold_label(label) for label in odd.values()}
    listed = join_names(
        repr(label)
        for label in sorted(set(names), key=lambda label: (fold_label(label), label))
        if fold_label(label) in of_class
    )
    message = tr(
        "labels differ only in case, blanks or punctuation: {listed:.200}; each is taken for a class.", listed=listed
    )
    yield Finding(
        name="spellings",
        severity="warning",
        problem=tr("labels differ only in case, blanks or punctuation: {listed:.200}.", listed=listed),
        remedy=tr("Write each in one way: `fix=OUT` writes the most frequent one."),
        training_message=message if len({label.strip() for label in names}) > len(best) else "",
    ).at_rows(data, list(odd), list(map(repr, odd.values())))


def synonyms(data: Dataset) -> Iterator[Finding]:
    """Labels that are short forms or translations of others, such as `Y` and `Yes`."""
    spelling_of, counts = _by_spelling(data)
    pairs = label_spellings.synonym_pairs(counts)
    if not pairs:
        return
    shown = tr("; ").join(_shown_pairs(pairs, counts))
    merges = tr(" and ").join(f"`merge='{rare}={usual}'`" for rare, usual in pairs)
    rare_labels = {rare for rare, _ in pairs}
    yield Finding(
        name="synonyms",
        severity="warning",
        problem=tr("labels seem to say the same: {shown}.", shown=shown),
        remedy=tr("Merge them: `fix=OUT` with {merges}.", merges=merges),
        training_message=tr(
            "labels seem to say the same: {shown}, each taken for a class. `tenor check` merges them.", shown=shown
        ),
    ).at_rows(data, [row for row, label in enumerate(data.labels) if spelling_of[label] in rare_labels])


def _by_spelling(data: Dataset) -> tuple[dict[Label, str], Counter[str]]:
    """The best spelling of each label, and how many rows each of these has."""
    rows_of = label_source(data.labels).counts()
    best = best_spellings({str(label): n_rows for label, n_rows in rows_of.items()})
    spelling_of = {label: best[fold_label(str(label))] for label in rows_of}
    counts = Counter[str]()
    for label, n_rows in rows_of.items():
        counts[spelling_of[label]] += n_rows
    return spelling_of, counts


def _shown_pairs(pairs: Sequence[tuple[str, str]], counts: Counter[str]) -> list[str]:
    return [
        tr(
            "{rare!r} ({n_rare:,}) and {usual!r} ({n_usual:,})",
            rare=rare,
            n_rare=counts[rare],
            usual=usual,
            n_usual=counts[usual],
        )
        for rare, usual in pairs
    ]


def similar(data: Dataset) -> Iterator[Finding]:
    """Labels whose names are so similar that they may be one class."""
    _, counts = _by_spelling(data)
    pairs = label_spellings.similar_pairs(counts)
    if pairs:
        shown = _shown_pairs(pairs, counts)
        yield Finding(
            name="similar-labels",
            severity="note",
            problem=tr("labels have similar names: {shown}", shown=tr("; ").join(shown[:_SHOWN]))
            + (_dots(len(shown)) or tr(".")),
            remedy=tr(
                "If they are one class, merge them: `fix=OUT` with `merge='{rare}={usual}'`.",
                rare=pairs[0][0],
                usual=pairs[0][1],
            ),
            count=len(pairs),
        )


def missing(data: Dataset) -> Iterator[Finding]:
    """Labels that other programs write for a missing one."""
    markers = find_markers(set(data.labels))
    by_severity: dict[Severity, list[str]] = {"warning": markers.certain, "note": markers.possible}
    for severity, names in by_severity.items():
        if not names:
            continue
        rows = [row for row, label in enumerate(data.labels) if label in names]
        have, listed = counted(len(rows), "row has", "rows have"), join_names(map(repr, names))
        leave_out = tr(" and ").join(f"`missing_labels={name!r}`" for name in names)
        yield Finding(
            name="missing-label",
            severity=severity,
            problem=tr("{have} a label that looks like a missing one: {listed}.", have=have, listed=listed),
            remedy=tr("Are these rows not labelled? Leave them out in training with {leave_out}.", leave_out=leave_out),
            training_message=tr(
                "{have} the label {listed}, taken for a class. Not labelled? Leave out with {leave_out}.",
                have=have,
                listed=listed,
                leave_out=leave_out,
            ),
        ).at_rows(data, rows)


def split_labels(data: Dataset) -> Iterator[Finding]:
    """Labels that look like several labels with a separator."""
    if (split := find_split_labels(set(data.labels))) is None:
        return
    names = set(split.names)
    rows = [row for row, label in enumerate(data.labels) if label in names]
    problem = tr(
        "{rows} a label that looks like several: {names!r}",
        rows=counted(len(rows), "row has", "rows have"),
        names=split.names[0],
    )
    yield Finding(
        name="list-labels",
        severity="warning",
        problem=tr("{problem}.", problem=problem),
        remedy=tr("Does it list labels? Split them with `label_separator={separator!r}`.", separator=split.separator),
        training_message=tr(
            "{problem}, taken for one class. Does it list labels? `label_separator={separator!r}` splits them.",
            problem=problem,
            separator=split.separator,
        ),
    ).at_rows(data, rows)


def _with_units(data: Dataset) -> Iterator[Finding]:
    """Labels that are numbers with a unit; training says so in its note on the labels."""
    if names := label_units.find(set(data.labels)):
        yield Finding(
            name="unit-labels",
            severity="note",
            problem=tr("the labels are numbers with a unit, such as {example!r}, taken as classes.", example=names[0]),
            remedy=tr("If they are amounts, write plain numbers in one unit."),
            count=len(names),
        )


def rare(data: Dataset) -> Iterator[Finding]:
    """Classes with few rows."""
    counts = Counter(data.labels)
    few = sorted((count, label) for label, count in counts.items() if count < _RARE)
    if few and len(counts) > 1 and not _has_too_many_classes(len(counts), len(data)):
        names = {label for _, label in few}
        rows = [row for row, label in enumerate(data.labels) if label in names]
        listed = join_names(f"{label} {count}" for count, label in few[:_SHOWN]) + _dots(len(few))
        classes = tr(
            "{few} fewer than {rare} rows ({listed})",
            few=counted(len(few), "class has", "classes have"),
            rare=_RARE,
            listed=listed,
        )
        yield Finding(
            name="rare",
            severity="warning",
            problem=tr("{problem}.", problem=classes),
            remedy=tr("Add rows, join them with other classes, or leave them out; their metrics say little."),
            count=len(few),
            rows=[data.row_number(row) for row in rows],
            details=[data.labels[row] for row in rows],
            training_message=tr("{classes}; their metrics say little.", classes=classes),
        )


def templated(context: CheckContext) -> Iterator[Finding]:
    """Classes whose texts are almost all nearly the same, such as a form letter with other numbers."""
    templates = context.templates
    if templates:
        listing = join_names(f"{label} {len(rows)}" for label, rows in list(templates.items())[:_SHOWN])
        have = counted(len(templates), "class has", "classes have")
        line = tr(
            "{have} nearly the same text in almost all rows ({listing}{dots})",
            have=have,
            listing=listing,
            dots=_dots(len(templates)),
        )
        rows = [(row, label) for label, of_class in templates.items() for row in of_class.tolist()]
        yield Finding(
            name="templated",
            severity="warning",
            problem=tr("{problem}.", problem=line),
            remedy=tr("Add other texts of the class. Its metrics say only how well a model knows this one text."),
            count=len(templates),
            rows=[context.data.row_number(row) for row, _ in rows],
            details=[label for _, label in rows],
            training_message=tr(
                "{line}, on both sides of a split; its metrics say little about other texts.", line=line
            ),
        )


def _uneven(data: Dataset) -> Iterator[Finding]:
    counts = Counter(data.labels).most_common()
    if len(counts) > 1 and counts[0][1] >= _UNEVEN * counts[-1][1]:
        (large, most), (small, least) = counts[0], counts[-1]
        yield Finding(
            name="uneven",
            severity="note",
            problem=tr(
                "the classes are uneven: {large} has {most}, {small} {least:,}.",
                large=large,
                most=counted(most, "row"),
                small=small,
                least=least,
            ),
            remedy=tr("Go by macro-F1 rather than accuracy."),
            count=len(counts),
        )


def _of_test(context: CheckContext) -> Iterator[Finding]:
    if context.test is None:
        return
    in_data, in_test = set(context.data.labels), set(context.test.labels)
    rows = [row for row, label in enumerate(context.test.labels) if label not in in_data]
    if rows:
        have = counted(len(rows), "test row has a label", "test rows have labels")
        yield Finding(
            name="unknown-in-test",
            severity="error",
            problem=tr("{have} that the data do not have.", have=have),
            remedy=tr("Write the labels alike in both, or add such rows to the data."),
        ).at_rows(context.test, rows, [str(context.test.labels[row]) for row in rows], "test")
    absent = sorted(in_data - in_test)
    if absent:
        have, listed = counted(len(absent), "class has", "classes have"), join_names(absent[:_SHOWN])
        yield Finding(
            name="missing-in-test",
            severity="note",
            problem=tr("{have} no row in the test: {listed}", have=have, listed=listed)
            + (_dots(len(absent)) or tr(".")),
            remedy=tr("Nothing is measured for them."),
            count=len(absent),
        )


def _dots(n_classes: int) -> str:
    """What follows a list of classes that is cut."""
    return join_names(["", "..."]) if n_classes > _SHOWN else ""
