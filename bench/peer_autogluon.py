"""Peer: AutoGluon, tabular, with its n-grams of text, at a budget: `python peer_autogluon.py NAME SECONDS`."""

import sys
import tempfile
from time import perf_counter

import pandas as pd
from autogluon.tabular import TabularPredictor

import automl
from imdb import print_measurements

PROBLEMS = {"classes": None, "values": "regression"}


def main() -> None:
    """Fit within the time, label the test part, print the measurements."""
    name, limit = sys.argv[1], float(sys.argv[2])
    texts, labels = automl.read("train", name)
    train = pd.DataFrame({"text": texts, "target": labels})
    test_texts, test_labels = automl.read("test", name)
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        peer = TabularPredictor("target", problem_type=PROBLEMS[automl.kind(name)], path=f"{folder}/model", verbosity=1)
        try:
            peer.fit(train, time_limit=limit)
        except (AssertionError, RuntimeError, ValueError) as error:  # what it raises where no model was ready in time
            print_measurements(failed=str(error).strip().splitlines()[0], fit_s=perf_counter() - start)
            return
        fit_s = perf_counter() - start
        start = perf_counter()
        result = peer.predict(pd.DataFrame({"text": test_texts})).tolist()
        predict_s = perf_counter() - start
        best = peer.model_best
    print_measurements(**automl.measured(name, result, test_labels), fit_s=fit_s, predict_s=predict_s, model=best)


if __name__ == "__main__":
    main()
