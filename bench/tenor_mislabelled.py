"""Tenor: flip 5% of IMDB's labels, and see how many of those rows the check of labels ranks first: `... SEED`."""

import random
import sys
from time import perf_counter

from imdb import print_measurements, read_part
from tenor.checks import mislabelled
from tenor.checks.context import CheckContext
from tenor.data.dataset import Dataset
from tenor.tasks import SingleLabel

SHARE = 0.05


def main() -> None:
    """Flip, rank, print the share of the flipped rows among as many first ones."""
    texts, numbers = read_part("train")
    labels = ["positive" if number else "negative" for number in numbers]
    flipped = random.Random(int(sys.argv[1])).sample(range(len(labels)), round(SHARE * len(labels)))
    for row in flipped:
        labels[row] = "negative" if labels[row] == "positive" else "positive"
    start = perf_counter()
    data = Dataset("reviews", texts, labels)
    groups = CheckContext(data).near
    margins, _ = mislabelled.suspects(texts, labels, SingleLabel(("negative", "positive")), groups, seed=0)
    seconds = perf_counter() - start
    first = set(margins.argsort(kind="stable")[: len(flipped)].tolist())
    print_measurements(result=len(first & set(flipped)) / len(flipped), check_s=seconds)


if __name__ == "__main__":
    main()
