"""Tenor: learn a few phrases of SST-2, predict its test sentences: `python tenor_few.py PER_CLASS SEED [KEY=VALUE]`."""

import sys
from time import perf_counter

import sst2
from imdb import accuracy, print_measurements
from tenor import TextClassifier
from tenor.config.settings import parse_assignments
from tenor.models.neural import backend


def main() -> None:
    """Fit, predict, print the measurements."""
    seed = int(sys.argv[2])
    texts, labels = sst2.draw(int(sys.argv[1]), seed)
    test_texts, test_labels = sst2.test()
    backend.load("the family 'pretrained'")  # imports count for neither Tenor nor its peers

    fit_start = perf_counter()
    model = TextClassifier("pretrained", parse_assignments(sys.argv[3:]), random_state=seed).fit(texts, labels)
    fit_s = perf_counter() - fit_start
    predict_start = perf_counter()
    predicted = model.predict(test_texts)
    predict_s = perf_counter() - predict_start
    print_measurements(accuracy=accuracy(predicted.tolist(), test_labels), fit_s=fit_s, predict_s=predict_s)


if __name__ == "__main__":
    main()
