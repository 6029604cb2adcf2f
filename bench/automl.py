"""What the programs that look for a model by themselves (AutoGluon, FLAML) share: the data and its measurements.

Neither takes texts with any number of labels.
"""

from typing import Any

import imdb
import sets


def kind(name: str) -> str:
    """`classes`, `sets` or `values`."""
    return sets.SETS[name].kind if name in sets.SETS else "classes"


def read(part: str, name: str) -> tuple[list[str], list[Any]]:
    """Texts and labels of a part of a set, or of IMDB."""
    return sets.read(part, name) if name in sets.SETS else imdb.read_part(part, name)


def measured(name: str, result: list[Any], labels: list[Any]) -> dict[str, float]:
    """Accuracy; of numbers R2."""
    if kind(name) == "values":
        from sklearn.metrics import r2_score

        return {"r2": float(r2_score(labels, result))}
    return {"accuracy": imdb.accuracy(result, labels)}
