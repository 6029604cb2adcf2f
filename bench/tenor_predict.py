"""Tenor: predict the test texts, already in memory, with a saved model: `python tenor_predict.py MODEL`."""

import sys
from time import perf_counter

import tenor
from imdb import print_measurements, read_part


def main() -> None:
    """Load the model, predict the test texts, print the measurements."""
    load_start = perf_counter()
    model = tenor.load(sys.argv[1])
    load_s = perf_counter() - load_start

    texts, _ = read_part("test")
    predict_start = perf_counter()
    model.predict(texts)
    predict_s = perf_counter() - predict_start
    print_measurements(load_s=load_s, predict_s=predict_s)


if __name__ == "__main__":
    main()
