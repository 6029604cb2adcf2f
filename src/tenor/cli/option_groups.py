"""Headings in the help of commands with many options, by what an option is about."""

from collections.abc import Iterator, Sequence
from typing import Any

from tenor._core.language import mark, tr

_GROUPED_FROM = 15  # options of a command; fewer are one list

GROUPS: dict[str, tuple[str, ...]] = {
    mark("Data"): ("data", "also", "test", "text", "features", "pair", "label", "task", "label_separator", "by"),
    mark("Model and training"): (
        "family",
        "trials",
        "budget",
        "max_size",
        "max_latency",
        "distil",
        "tune",
        "assignments",
        "config",
        "init",
        "together",
        "quantise",
    ),
    mark("Held-out data"): ("test_size", "validation", "group", "time", "folds"),
    mark("Rows and labels"): (
        "drop_unlabelled",
        "drop_empty",
        "missing_label",
        "unknown_labels",
        "class_weight",
        "unlabelled",
        "fold_chinese",
    ),
    mark("Reading files"): ("decimal", "encoding", "quoting", "header", "sheet", "query", "on_disk"),
    mark("Checks"): ("labels", "max_length", "maximum_tokens", "fail_on"),
    mark("Fixing"): ("fix", "merge"),
    mark("Predictions"): ("coverage", "per_class", "abstain", "runtime"),
    mark("Explanation"): ("nearest", "attention", "top", "first"),
    mark("Requests"): (
        "host",
        "port",
        "keys",
        "origins",
        "hosts",
        "max_batch",
        "batch_wait",
        "queue",
        "max_texts",
        "max_characters",
        "timeout",
        "watch",
        "corrections",
        "log_texts",
    ),
    mark("Output"): (
        "out",
        "review",
        "review_rows",
        "overwrite",
        "resume",
        "html",
        "escape_formulas",
        "no_report",
        "log",
        "as_json",
    ),
    mark("Cluster"): ("on", "workers", "worker_cores", "min_replicas", "max_replicas", "target_requests"),
}
"""Heading -> names of parameters. The order is that of the help."""

OTHER = mark("Options")


def sections(options: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """The options of a command by heading, in the language of the moment; one heading if they are few.

    Args:
        options: typer's options, with `name`.

    Yields:
        A heading and its options, in their order. What has no group comes last.
    """
    groups = GROUPS if len(options) >= _GROUPED_FROM else {}
    heading_of = {name: heading for heading, names in groups.items() for name in names}
    for heading in (*groups, OTHER):
        in_group = [option for option in options if heading_of.get(option.name, OTHER) == heading]
        if in_group:
            yield tr(heading), in_group
