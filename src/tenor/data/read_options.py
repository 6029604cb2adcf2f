"""How labelled texts are read: columns, task, and what to leave out."""

from dataclasses import dataclass

from tenor.config import settings
from tenor.config.run_config import check_cells
from tenor.data.field_columns import ColumnNames
from tenor.data.field_columns import names as column_names
from tenor.data.fields import Fields
from tenor.data.io.file_options import FileOptions, Quoting
from tenor.tasks import Kind, UnknownLabels


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How to read labelled texts.

    Attributes:
        text: Column of the texts, or the columns of several text fields; None: detect it.
        features: Columns of numbers, categories and dates to read beside the text, or `all`; None: none.
        pair: Whether the relation of two text fields is the label; None: by their names.
        fields: The fields of a model with several, which are found by name; None: those of a new model.
        taken: Columns with another purpose, which `all` features leave out.
        label: Column of the labels, or several columns of 0 and 1, which are sets of labels; None: detect it.
        default_text: Column of the texts to take, if the table has it, before detecting one: that of the training data.
        default_label: The same for the labels; several columns if the model learned sets of labels from them.
        class_names: The names of the numbers that stand for labels, as the training data have them; None: those in a
            file beside the data, if there is one.
        is_test: Whether the labels are the truth for a model: no other column than `default_label` is taken for it.
        task: The task; None: infer it from the labels.
        label_separator: Separator of the labels in one cell; None: labels are lists, or single labels.
        drop_unlabelled: Leave out rows without a label instead of refusing them.
        missing_labels: Labels that stand for a missing one. Rows with them are left out, and rows without a label.
        unknown_labels: What happens to rows whose label was not in the training data: see `known_labels`.
        drop_empty: Leave out rows with an empty text instead of refusing them.
        decimal: The decimal mark of numbers, `.` or `,`; None: recognised where the labels show it.
        encoding, quoting, header, sheet, query: How the files are written; see `FileOptions`.
        respell: Whether labels such as 1.0 and TRUE get one spelling (`label_names.respell`); False: the rows are
            part of a table, whose labels get it together.
        on_disk: Keep the rows on disk; None: if they exceed the limits in `builder`.

    Raises:
        SettingsError: A value has the wrong type, or cannot work.
    """

    text: ColumnNames = None
    features: ColumnNames = None
    pair: bool | None = None
    fields: Fields | None = None
    taken: tuple[str, ...] = ()
    label: ColumnNames = None
    default_text: str | None = None
    default_label: ColumnNames = None
    class_names: tuple[str, ...] | None = None
    is_test: bool = False
    task: Kind | None = None
    label_separator: str | None = None
    drop_unlabelled: bool = False
    missing_labels: tuple[str, ...] = ()
    unknown_labels: UnknownLabels = "error"
    drop_empty: bool = False
    decimal: str | None = None
    encoding: str | None = None
    quoting: Quoting | None = None
    header: bool | None = None
    sheet: str | None = None
    query: str | None = None
    respell: bool = True
    on_disk: bool | None = False

    def __post_init__(self) -> None:
        settings.check_types(self)
        check_cells(self.decimal, self.label_separator)

    @property
    def files(self) -> FileOptions:
        """How the files are written."""
        fields = () if self.fields is None else self.fields.columns
        named = (self.text, self.features, self.label, self.default_text, self.default_label)
        return FileOptions(
            encoding=self.encoding,
            quoting=self.quoting,
            header=self.header,
            sheet=self.sheet,
            query=self.query,
            names=(*(each.name for each in fields), *(name for each in named for name in column_names(each))),
        )
