"""Peer: probabilities of scikit-learn on one set: `python peer_calibration.py NAME plain|isotonic`.

TF-IDF and logistic regression as in peer_sets.py, by itself or inside CalibratedClassifierCV (isotonic regression on
the predictions of 4 folds). Sets are those that most people would make: the most probable labels until their
probabilities sum up to the coverage.
"""

import sys
from time import perf_counter
from typing import Any

import numpy as np

import sets
from imdb import print_measurements, read_part

BINS, FOLDS, COVERAGES = 15, 4, (0.9, 0.95, 0.99)


def main() -> None:
    """Fit, measure, print the measurements."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import MultiLabelBinarizer

    name, kind = sys.argv[1:]
    expected = sets.SETS.get(name)
    read = sets.read if expected else read_part
    texts, labels = read("train", name)
    start = perf_counter()
    options: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True}
    if expected and expected.characters:
        options |= {"ngram_range": (1, 3), "analyzer": "char"}
    vectors = TfidfVectorizer(**options)
    solver: Any = LogisticRegression(C=10, max_iter=1000)
    if kind == "isotonic":
        solver = CalibratedClassifierCV(solver, method="isotonic", cv=FOLDS, ensemble=False)
    several = expected is not None and expected.kind == "sets"
    binarizer = MultiLabelBinarizer()
    targets: Any = binarizer.fit_transform(labels) if several else labels
    solver = OneVsRestClassifier(solver) if several else solver
    solver.fit(vectors.fit_transform(texts), targets)
    fit_s = perf_counter() - start
    texts, labels = read("test", name)
    result = solver.predict_proba(vectors.transform(texts))
    if several:
        truth = binarizer.transform(labels)
        measurements = {"expected_calibration_error": calibration_error(result.ravel(), truth.ravel() > 0)}
    else:
        position = {label: number for number, label in enumerate(solver.classes_.tolist())}
        truth = np.array([position[label] for label in labels])
        measurements = {
            "expected_calibration_error": calibration_error(result.max(axis=1), result.argmax(axis=1) == truth),
            "coverage": [coverage(result, truth, share) for share in COVERAGES],
        }
    print_measurements(**measurements, fit_s=fit_s)


def calibration_error(confidence: Any, right: Any) -> float:
    """Mean distance between confidence and accuracy over 15 bins of equal width."""
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    groups = [number == bin_number for bin_number in range(BINS)]
    return float(sum(abs(confidence[rows].sum() - right[rows].sum()) for rows in groups) / len(right))


def coverage(result: Any, truth: Any, share: float) -> dict[str, float]:
    """How often sets that sum up to `share` hold the label, and how large they are."""
    order = np.argsort(-result, axis=1)
    ranked = np.take_along_axis(result, order, axis=1)
    size = (ranked.cumsum(axis=1) < share).sum(axis=1) + 1
    rank = (order == truth[:, None]).argmax(axis=1)
    return {"coverage": share, "found": float((rank < size).mean()), "mean_size": float(size.mean())}


if __name__ == "__main__":
    main()
