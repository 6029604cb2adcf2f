"""The metrics of each class as lines of text: all of a few classes; of many the worst and the largest."""

from collections.abc import Sequence
from typing import Literal

from tenor._core.records import JsonObject
from tenor.cli.console import display_width, pad
from tenor.errors import counted, listed, quoted
from tenor.evaluation import class_rows
from tenor.evaluation.class_rows import ClassRow

NOT_MEASURED = "not measured"
"""What stands where a metric would."""

Head = Literal["class", "label"]
_PLURALS = {"class": "classes", "label": "labels"}


def class_lines(per_class: JsonObject, head: Head, all_classes: str) -> list[str]:
    """A table of precision, recall, F1 and rows by class.

    Args:
        per_class: The metrics by class.
        head: What the first column holds.
        all_classes: Where all classes are, such as `--json lists all`.
    """
    chosen = class_rows.choose(per_class)
    if chosen.every:
        return _table(chosen.every, head)
    every = counted(len(per_class), head, _PLURALS[head])
    return [
        f"the {len(chosen.worst)} of {every} with the lowest F1 ({all_classes})",
        *_table(chosen.worst, head),
        "",
        f"the {len(chosen.largest)} with the most texts",
        *_table(chosen.largest, head),
    ]


def unmeasured_lines(per_class: JsonObject, head: Head) -> list[str]:
    """A line on the classes that none of the texts has; none where there is no such class."""
    missing = class_rows.choose(per_class).unmeasured
    if not missing:
        return []
    measured = [name for name, row in per_class.items() if row["rows"]]
    scope = f"means over {_PLURALS[head]} are about the other {len(measured):,}"
    if len(measured) == 1:
        scope = f"all metrics are about {quoted(measured[0])} alone"
    have = counted(len(missing), f"{head} has", f"{_PLURALS[head]} have")
    return [f"{NOT_MEASURED}: {have} no text here ({listed(missing)}); {scope}."]


def templated_lines(metrics: JsonObject) -> list[str]:
    """A line on the classes whose texts are all nearly the same; none where there is no such class."""
    names = metrics.get("templated_classes")
    if not names:
        return []
    have = counted(len(names), "class has", "classes have")
    what = "its metrics say" if len(names) == 1 else "their metrics say"
    return [f"{have} nearly the same text everywhere ({listed(names)}): {what} little about other texts."]


def _table(rows: Sequence[ClassRow], head: str) -> list[str]:
    width = max(len(head), *(display_width(name) for name, _ in rows))
    lines = [pad(head, width) + "  precision  recall      F1    rows"]
    for name, row in rows:
        values = f"{NOT_MEASURED:>25}"
        if row["rows"]:
            values = f"{row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}"
        lines.append(f"{pad(name, width)}  {values}  {row['rows']:6,}")
    return lines
