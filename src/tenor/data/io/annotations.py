"""Labels as annotation tools write them."""

from tenor.errors import DataError, Location


def refuse_spans(labels: list[object], at: Location) -> None:
    """Raise DataError if a label marks a part of its text, `[start, end, name]`, as doccano writes it.

    Args:
        labels: The labels.
        at: The place of the first one.
    """
    for row, label in enumerate(labels, at.row or 1):
        if isinstance(label, list) and any(isinstance(span, (list, dict)) for span in label):
            raise DataError(
                f"the labels mark parts of the text: {label!r:.60}.",
                "Export a project that classifies whole texts.",
                Location(at.file, row, at.column),
            )
