"""Peer: a frozen encoder and scikit-learn on a few phrases: `python peer_logistic.py FOLDER PER_CLASS SEED`."""

import sys
from time import perf_counter

from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression

import sst2
from imdb import accuracy, print_measurements


def main() -> None:
    """Fit, predict the test sentences, print the measurements."""
    texts, labels = sst2.draw(int(sys.argv[2]), int(sys.argv[3]))
    test_texts, test_labels = sst2.test()
    fit_start = perf_counter()
    encoder = SentenceTransformer(sys.argv[1], device="cpu")
    model = LogisticRegression(max_iter=1000).fit(encoder.encode(texts, show_progress_bar=False), labels)
    fit_s = perf_counter() - fit_start

    predict_start = perf_counter()
    predicted = model.predict(encoder.encode(test_texts, show_progress_bar=False))
    predict_s = perf_counter() - predict_start
    print_measurements(accuracy=accuracy(predicted.tolist(), test_labels), fit_s=fit_s, predict_s=predict_s)


if __name__ == "__main__":
    main()
