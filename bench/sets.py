"""The labelled sets beside IMDB: intents, diseases, topics, opinions, Chinese titles, sets of emotions, a number."""

from dataclasses import dataclass
from typing import Any

from imdb import part_path


@dataclass(frozen=True)
class LabelledSet:
    """One set: its files are NAME_train.parquet and NAME_test.parquet.

    Attributes:
        column: Column of the labels.
        kind: `classes`, `sets` or `values`.
        targets: Measurements that Tenor's `ngram` has to reach.
        characters: Whether scikit-learn takes n-grams of characters, as it has to for Chinese.
        limit_s: Seconds for choosing, encoding and fitting; None: no limit.
    """

    column: str
    kind: str
    targets: dict[str, float]
    characters: bool = False
    limit_s: float | None = None


SETS = {
    "banking77": LabelledSet("label", "classes", {"accuracy": 0.908}),
    "symptom2disease": LabelledSet("label", "classes", {"accuracy": 0.985}),
    "ag_news": LabelledSet("label", "classes", {"accuracy": 0.888}),
    "sst2": LabelledSet("label", "classes", {"accuracy": 0.838}),
    "sst5": LabelledSet("label", "classes", {"accuracy": 0.430}),
    "thucnews": LabelledSet("label", "classes", {"accuracy": 0.904}, characters=True, limit_s=4),
    "goemotions": LabelledSet("labels", "sets", {"micro_f1": 0.569, "macro_f1": 0.490}),
    "emobank_valence": LabelledSet("target", "values", {"r2": 0.29}),
}


def read(part: str, name: str) -> tuple[list[str], list[Any]]:
    """Texts and labels of a part of a set, in the order of the file."""
    import pyarrow.parquet as pq

    column = SETS[name].column
    table = pq.read_table(part_path(part, name), columns=["text", column])
    return table["text"].to_pylist(), table[column].to_pylist()
