"""Texts that an explanation is made with, such as those that a model has learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenor.data import builtin, sources
from tenor.data.io import table
from tenor.errors import DataError
from tenor.inference import predict_table
from tenor.inference.predictor import Predictor


@dataclass(frozen=True)
class ReferenceTexts:
    """Texts, and their labels where the model's column of labels is there.

    Attributes:
        name: Where they come from, for messages.
        texts: The texts, none of them empty.
        rows: The number of each in its file, from 1.
        labels: The label of each as the file has it; empty: there are none.
    """

    name: str
    texts: Sequence[str]
    rows: list[int]
    labels: Sequence[Any]


def read(source: str, predictor: Predictor, text: str | None = None) -> ReferenceTexts:
    """Read texts from a file, a pattern, a folder or a built-in dataset; rows without a text are left out.

    Args:
        source: The path or name.
        predictor: The model, which knows the columns of its training data.
        text: Column of the texts; None finds it.

    Raises:
        DataError: The file cannot be read, it is not clear which column holds the texts, or a text is no string.
    """
    found = sources.locate(source)
    if isinstance(found, str):
        data = builtin.load(found)
        return ReferenceTexts(data.name, data.texts, [data.row_number(row) for row in range(len(data))], data.labels)
    opened = table.open_table(found)
    usual_label = predictor.columns[1]
    column = predict_table.find_text_column(opened, predictor, text)
    with_labels = usual_label in opened.columns and usual_label != column
    texts: list[str] = []
    rows: list[int] = []
    labels: list[Any] = []
    for chunk in opened.chunks:
        for index, value in enumerate(predict_table.texts_of(opened, chunk, column)):
            if value.strip():
                texts.append(value)
                rows.append(chunk.row + index)
                if with_labels:
                    labels.append(chunk.columns[str(usual_label)][index])
    if not texts:
        raise DataError(f"{opened.name}: there is no text.", "Give a file with texts.")
    return ReferenceTexts(opened.name, texts, rows, labels)
