"""Checks of a dataset: leaks, duplicates, wrong labels; and the cleaned copy."""

from collections.abc import Iterator

from tenor.checks import columns, duplicates, labels, texts, total_rows
from tenor.checks.context import CheckContext
from tenor.checks.finding import Finding as Finding


def quick_checks(context: CheckContext) -> Iterator[Finding]:
    """The checks that matter at the start of training and take little time."""
    yield from duplicates.leaked(context)
    yield from duplicates.conflicting(context)
    yield from duplicates.repeated(context)
    yield from duplicates.contained(context)
    yield from texts.other_chinese_script(context)
    yield from total_rows.check(context.data)
    if context.single_label:
        yield from labels.spellings(context.data, context.data.labels)
        yield from labels.synonyms(context.data)
        yield from labels.missing(context.data)
        yield from labels.split_labels(context.data)
        yield from labels.rare(context.data)
        yield from labels.templated(context)
        yield from columns.revealing_features(context.data)
