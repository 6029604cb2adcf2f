"""Peer: scikit-learn or fastText on one of the sets of sets.py: `python peer_sets.py sklearn|fasttext NAME`.

scikit-learn: TF-IDF over words and word pairs (Chinese: one to three characters), sub-linear counts, and logistic
regression with C = 10; one against the rest for sets of labels; ridge regression for numbers. fastText: word pairs and
a learning rate of 1, its text in lower case with punctuation apart (Chinese: characters apart).
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import sets
from imdb import print_measurements

THREADS, SEED = 2, 7


def sklearn(name: str) -> dict[str, float]:
    """Fit and measure scikit-learn."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import accuracy_score, f1_score, r2_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MultiLabelBinarizer

    expected = sets.SETS[name]
    texts, labels = sets.read("train", name)
    start = perf_counter()
    options: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True}
    if expected.characters:
        options |= {"ngram_range": (1, 3), "analyzer": "char"}
    solver: Any = LogisticRegression(C=10, max_iter=1000)
    if expected.kind == "sets":
        binarizer = MultiLabelBinarizer()
        labels, solver = binarizer.fit_transform(labels), OneVsRestClassifier(solver)
    elif expected.kind == "values":
        solver = Ridge()
    model = make_pipeline(TfidfVectorizer(**options), solver).fit(texts, labels)
    fit_s = perf_counter() - start
    texts, labels = sets.read("test", name)
    start = perf_counter()
    result = model.predict(texts)
    predict_s = perf_counter() - start
    if expected.kind == "values":
        measurements = {"r2": float(r2_score(labels, result))}
    elif expected.kind == "sets":
        truth = binarizer.transform(labels)
        measurements = {
            f"{mean}_f1": float(f1_score(truth, result, average=mean, zero_division=0)) for mean in ("micro", "macro")
        }
    else:
        measurements = {"accuracy": float(accuracy_score(labels, result))}
    return measurements | {"fit_s": fit_s, "predict_s": predict_s}


def fasttext(name: str) -> dict[str, float]:
    """Fit and measure fastText on a set with one label per text."""
    import random

    import fasttext as peer

    from peer_fasttext import LABEL_PREFIX, prepare

    apart = " ".join if sets.SETS[name].characters else prepare
    texts, labels = sets.read("train", name)
    names = {label: f"{LABEL_PREFIX}{number}" for number, label in enumerate(sorted(set(labels)))}
    lines = [f"{names[label]} {apart(text)}\n" for text, label in zip(texts, labels, strict=True)]
    random.Random(SEED).shuffle(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text("".join(lines), encoding="utf-8")
        start = perf_counter()
        model = peer.train_supervised(input=str(path), lr=1.0, wordNgrams=2, thread=THREADS, seed=SEED, verbose=0)
        fit_s = perf_counter() - start
    texts, labels = sets.read("test", name)
    prepared = [apart(text).replace("\n", " ") for text in texts]
    start = perf_counter()
    result, _ = model.predict(prepared)
    predict_s = perf_counter() - start
    right = sum(first == names.get(label) for (first, *_), label in zip(result, labels, strict=True))
    return {"accuracy": right / len(labels), "fit_s": fit_s, "predict_s": predict_s}


def main() -> None:
    """Run the tool that was asked for, print its measurements."""
    print_measurements(**{"sklearn": sklearn, "fasttext": fasttext}[sys.argv[1]](sys.argv[2]))


if __name__ == "__main__":
    main()
