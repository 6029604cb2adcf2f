"""The labelled sets of several fields: messages with keyword and place, titles with texts, pairs of questions."""

from dataclasses import dataclass
from typing import Any

from imdb import part_path


@dataclass(frozen=True)
class FieldSet:
    """One set: its files are NAME_train.parquet and NAME_test.parquet, with the label in `label`.

    Attributes:
        text: The text field that serves alone.
        others: The other text fields.
        target: Test accuracy that `ngram` has to reach with all fields.
        is_pair: Whether the relation of two texts is the label.
    """

    text: str
    others: tuple[str, ...]
    target: float
    is_pair: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `tenor train` that name the columns."""
        named = [option for name in (self.text, *self.others) for option in ("--text", name)]
        return *named, *(("--pair",) if self.is_pair else ())


FIELD_SETS = {
    "disaster_tweets": FieldSet("text", ("keyword", "location"), 0.820),
    "ag_news_fields": FieldSet("description", ("title",), 0.900),
    "qqp_pairs": FieldSet("question1", ("question2",), 0.760, is_pair=True),
}


def read(part: str, name: str) -> tuple[list[list[str]], list[Any]]:
    """The values of the text fields of each row, and the labels. A missing value is empty."""
    import pyarrow.parquet as pq

    expected = FIELD_SETS[name]
    table = pq.read_table(part_path(part, name))
    columns = [[value or "" for value in table[column].to_pylist()] for column in (expected.text, *expected.others)]
    return [list(values) for values in zip(*columns, strict=True)], table["label"].to_pylist()
