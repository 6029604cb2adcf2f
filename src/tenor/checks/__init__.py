"""Checks of a dataset: leaks, duplicates, wrong labels; and the cleaned copy."""

from collections.abc import Iterator

from tenor.checks import labels, texts
from tenor.checks.finding import Finding as Finding
from tenor.checks.parts import CheckContext


def quick_checks(parts: CheckContext) -> Iterator[Finding]:
    """The checks that matter at the start of training, and take little time."""
    yield from texts.leaked(parts)
    yield from texts.conflicting(parts)
    yield from texts.repeated(parts)
    yield from texts.contained(parts)
    if parts.one_label_each:
        yield from labels.spellings(parts.data, parts.data.labels)
        yield from labels.missing(parts.data)
        yield from labels.rare(parts.data)
