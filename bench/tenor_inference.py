"""Tenor: texts of mixed length, from strings to probabilities: `python tenor_inference.py MODEL RUNTIME SET TEXTS`."""

import os
import sys
from time import perf_counter

from imdb import drawn, print_measurements

ROUNDS = 3


def main() -> None:
    """Load the model, predict the texts ROUNDS times, print the measurements of the quickest."""
    folder, runtime, name, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.environ["TENOR_RUNTIME"] = runtime
    import tenor

    texts, _ = drawn(count, name)
    start = perf_counter()
    model = tenor.load(folder)
    load_s = perf_counter() - start
    tokens = int(model.bundle.model.encode(texts).lengths.sum())
    model.predict_proba(texts[:16])
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        model.predict_proba(texts)
        seconds.append(perf_counter() - start)
    print_measurements(load_s=load_s, seconds=min(seconds), tokens=tokens, tokens_per_s=tokens / min(seconds))


if __name__ == "__main__":
    main()
