"""Tenor as a function for a program in another environment: `python tenor_scores.py MODEL`.

Reads a JSON list of texts per line; writes a line with their probabilities and the seconds that Tenor took for them.
"""

import json
import sys
from time import perf_counter

import tenor


def main() -> None:
    """Answer line by line, until there are no more."""
    model = tenor.load(sys.argv[1])
    for line in sys.stdin:
        texts = json.loads(line)
        start = perf_counter()
        scores = model.predict_proba(texts)
        seconds = perf_counter() - start
        print(json.dumps({"scores": scores.tolist(), "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
