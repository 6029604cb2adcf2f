"""Tenor: one network with one optimizer: `python tenor_optimizer.py SET FAMILY OPTIMIZER TEXTS`.

All other settings are defaults. It trains on TEXTS training texts and measures on 2,500 others; the test is not read.
"""

import sys
from time import perf_counter

from imdb import accuracy, drawn, print_measurements
from tenor import TextClassifier
from tenor.models.neural import backend

OTHERS, SEED = 2_500, 1


def main() -> None:
    """Fit, predict, print the measurements."""
    name, family, optimizer, n_texts = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    texts, labels = drawn(n_texts + OTHERS, name)
    backend.load(f"the family '{family}'")
    fit_start = perf_counter()
    model = TextClassifier(family, {"optimizer": optimizer}, random_state=SEED)
    model.fit(texts[OTHERS:], labels[OTHERS:])
    fit_s = perf_counter() - fit_start
    predicted = model.predict(texts[:OTHERS])
    print_measurements(accuracy=accuracy(predicted.tolist(), labels[:OTHERS]), fit_s=fit_s)


if __name__ == "__main__":
    main()
