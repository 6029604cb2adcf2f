"""How labelled texts are read: columns, task, and what to leave out."""

from dataclasses import dataclass

from tenor.tasks import Kind


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How to read labelled texts.

    Attributes:
        text: Column of the texts; None: detect it.
        label: Column of the labels; None: detect it.
        default_text: Column of the texts to take, if the table has it, before detecting one: that of the training data.
        default_label: The same for the labels.
        task: The task; None: infer it from the labels.
        label_separator: Separator of the labels in one cell; None: labels are lists, or single labels.
        drop_unlabelled: Leave out rows without a label instead of refusing them.
        drop_empty: Leave out rows with an empty text instead of refusing them.
        on_disk: Keep the rows on disk; None: if they exceed the limits in `builder`.
    """

    text: str | None = None
    label: str | None = None
    default_text: str | None = None
    default_label: str | None = None
    task: Kind | None = None
    label_separator: str | None = None
    drop_unlabelled: bool = False
    drop_empty: bool = False
    on_disk: bool | None = False
