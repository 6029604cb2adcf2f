"""The metrics of each class as lines of text: all of a few classes; of many the worst and the largest."""

from collections.abc import Sequence
from typing import Literal

from tenor._core.language import tr
from tenor._core.printable import shortened
from tenor._core.records import JsonObject
from tenor.cli.layout import display_width, pad, pad_left, table
from tenor.errors import counted, listed, quoted
from tenor.evaluation import class_rows
from tenor.evaluation.class_rows import ClassRow

Head = Literal["class", "label"]


def not_measured() -> str:
    """What stands where a metric would."""
    return tr("not measured")


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
    n_all = len(per_class)
    every = counted(n_all, "class", "classes") if head == "class" else counted(n_all, "label")
    return [
        tr(
            "the {n_worst} of {every} with the lowest F1 ({all_classes})",
            n_worst=len(chosen.worst),
            every=every,
            all_classes=all_classes,
        ),
        *_table(chosen.worst, head),
        "",
        tr("the {n_largest} with the most texts", n_largest=len(chosen.largest)),
        *_table(chosen.largest, head),
    ]


def unmeasured_lines(per_class: JsonObject, head: Head) -> list[str]:
    """A line on the classes that none of the texts has; none where there is no such class."""
    missing = class_rows.choose(per_class).unmeasured
    if not missing:
        return []
    measured = [name for name, row in per_class.items() if row["rows"]]
    scope = (
        tr("means over classes are about the other {n_measured:,}", n_measured=len(measured))
        if head == "class"
        else tr("means over labels are about the other {n_measured:,}", n_measured=len(measured))
    )
    if len(measured) == 1:
        scope = tr("all metrics are about {measured} alone", measured=quoted(measured[0]))
    n_missing = len(missing)
    have = (
        counted(n_missing, "class has", "classes have")
        if head == "class"
        else counted(n_missing, "label has", "labels have")
    )
    return [
        tr("not measured: {have} no text here ({missing}); {scope}.", have=have, missing=listed(missing), scope=scope)
    ]


def templated_lines(metrics: JsonObject) -> list[str]:
    """A line on the classes whose texts are all nearly the same; none where there is no such class."""
    names = metrics.get("templated_classes")
    if not names:
        return []
    have = counted(len(names), "class has", "classes have")
    what = tr("its metrics say") if len(names) == 1 else tr("their metrics say")
    return [
        tr(
            "{have} nearly the same text everywhere ({names}): {what} little about other texts.",
            have=have,
            names=listed(names),
            what=what,
        )
    ]


def _table(rows: Sequence[ClassRow], head: Head) -> list[str]:
    titles = [tr("class") if head == "class" else tr("label"), tr("precision"), tr("recall"), "F1", tr("rows")]
    names = [shortened(name) for name, _ in rows]
    lowest = (max(map(display_width, names)), 9, 6, 6, 6)
    widths = [max(display_width(title), width) for title, width in zip(titles, lowest, strict=True)]
    lines = table([titles], widths)
    for name, (_, row) in zip(names, rows, strict=True):
        values = pad_left(not_measured(), sum(widths[1:4]) + 4)
        if row["rows"]:
            metrics = zip(("precision", "recall", "f1"), widths[1:4], strict=True)
            values = "  ".join(pad_left(f"{row[key]:.4f}", width) for key, width in metrics)
        n_rows = pad_left(f"{row['rows']:,}", widths[4])
        lines.append(f"{pad(name, widths[0])}  {values}  {n_rows}")
    return lines
