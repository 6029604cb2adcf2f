"""Peer: FLAML over TF-IDF of words and word pairs, at a budget: `python peer_flaml.py NAME SECONDS`.

Counting the words is part of the budget. Chinese: one to three characters, as for scikit-learn in peer_sets.py.
"""

import contextlib
import sys
import tempfile
from time import perf_counter
from typing import Any

import numpy as np
from flaml import AutoML
from sklearn.feature_extraction.text import TfidfVectorizer

import automl
import sets
from imdb import print_measurements

TASKS = {"classes": "classification", "values": "regression"}
FEATURES, SEED = 50_000, 7


def main() -> None:
    """Fit within the time, label the test part, print the measurements."""
    name, limit = sys.argv[1], float(sys.argv[2])
    texts, labels = automl.read("train", name)
    test_texts, test_labels = automl.read("test", name)
    options: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True, "max_features": FEATURES}
    if name in sets.SETS and sets.SETS[name].characters:
        options |= {"ngram_range": (1, 3), "analyzer": "char"}
    known = sorted(set(labels)) if automl.kind(name) == "classes" else []  # some of its models take numbers alone
    start = perf_counter()
    vectorizer = TfidfVectorizer(**options)
    features = vectorizer.fit_transform(texts)
    targets = np.searchsorted(known, labels) if known else np.array(labels)
    left = limit - (perf_counter() - start)
    peer = AutoML()
    task = TASKS[automl.kind(name)]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # some of its models write where they are
        peer.fit(features, targets, task=task, time_budget=max(1.0, left), seed=SEED, verbose=0)
    fit_s = perf_counter() - start
    if peer.model is None:
        print_measurements(failed="no model was ready in time", fit_s=fit_s)
        return
    start = perf_counter()
    result = list(peer.predict(vectorizer.transform(test_texts)))
    result = [known[int(each)] for each in result] if known else result
    predict_s = perf_counter() - start
    print_measurements(
        **automl.measured(name, result, test_labels), fit_s=fit_s, predict_s=predict_s, model=peer.best_estimator
    )


if __name__ == "__main__":
    main()
