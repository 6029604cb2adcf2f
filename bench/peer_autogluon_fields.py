"""Peer: AutoGluon on a set of several fields: `python peer_autogluon_fields.py NAME SECONDS`.

The tabular predictor with its defaults, which turns text columns into n-grams and others into categories automatically.
"""

import sys
import tempfile
from time import perf_counter

import pandas as pd
from autogluon.tabular import TabularPredictor

import field_sets
from imdb import accuracy, print_measurements


def frame(rows: list[list[str]], name: str) -> pd.DataFrame:
    """The rows as a table with one column for each field; an empty value is missing."""
    expected = field_sets.FIELD_SETS[name]
    return pd.DataFrame(rows, columns=[expected.text, *expected.others]).replace("", None)


def main() -> None:
    """Fit within the time, label the test part, print the measurements."""
    name, limit = sys.argv[1], float(sys.argv[2])
    rows, labels = field_sets.read("train", name)
    train = frame(rows, name).assign(label_of_row=labels)
    test_rows, test_labels = field_sets.read("test", name)
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        peer = TabularPredictor("label_of_row", path=f"{folder}/model", verbosity=1)
        try:
            peer.fit(train, time_limit=limit)
        except (AssertionError, RuntimeError, ValueError) as error:  # what it raises where no model was ready in time
            print_measurements(failed=str(error).strip().splitlines()[0], fit_s=perf_counter() - start)
            return
        fit_s = perf_counter() - start
        result = peer.predict(frame(test_rows, name)).tolist()
        best = peer.model_best
    print_measurements(accuracy=accuracy(result, test_labels), fit_s=fit_s, model=best)


if __name__ == "__main__":
    main()
