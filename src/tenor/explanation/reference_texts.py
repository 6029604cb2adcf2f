"""Texts to explain with, such as the training texts: a saved model holds none."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenor._core.language import tr
from tenor.data import builtin, row_reader, sources
from tenor.data.field_columns import ColumnNames
from tenor.data.io import table
from tenor.errors import DataError
from tenor.inference import predict_table
from tenor.inference.predictor import Predictor
from tenor.tasks import Label


@dataclass(frozen=True)
class ReferenceTexts:
    """Texts, with their labels if the model's label column is in the file.

    Attributes:
        name: Their source, for messages.
        texts: The texts; none is empty.
        rows: The row number of each in its file, from 1.
        labels: The label of each as the file has it; empty: no labels.
    """

    name: str
    texts: Sequence[str]
    rows: list[int]
    labels: Sequence[Label]


def read(source: str, predictor: Predictor, text: ColumnNames = None) -> ReferenceTexts:
    """Read texts from a file, a pattern, a folder or a built-in dataset. Rows without a text are left out.

    Args:
        source: The path or name.
        predictor: The model, which knows the columns of its training data.
        text: Column of the texts, or a column for each text field; None: they are detected.

    Raises:
        DataError: The file cannot be read, it is not clear which column holds the texts, or a text is not a string.
    """
    location = sources.locate(source)
    if isinstance(location, str):
        data = builtin.load(location)
        predictor.as_rows(data.texts)  # refuses plain texts for a model of several fields
        rows = [data.row_number(row) for row in range(len(data))]
        return ReferenceTexts(data.name, data.texts, rows, data.labels)
    return _read_table(table.open_table(location), predictor, text)


def _read_table(source: table.Table, predictor: Predictor, text: ColumnNames) -> ReferenceTexts:
    label_column = predictor.columns[1]
    reader = row_reader.for_table(source, predictor.fields, text)
    has_labels = label_column in source.columns and label_column not in reader.columns
    texts: list[str] = []
    rows: list[int] = []
    labels: list[Label] = []
    for chunk in source.chunks:
        for index, value in enumerate(predict_table.texts_of(source, chunk, reader)):
            if value.strip():
                texts.append(value)
                rows.append(chunk.row + index)
                if has_labels:
                    labels.append(chunk.columns[str(label_column)][index])
    if not texts:
        raise DataError(tr("{name}: this file has no texts.", name=source.name), tr("Give a file with texts."))
    return ReferenceTexts(source.name, texts, rows, labels)
