"""Write two parts of a training set, drawn at random, that share no row: `python make_two.py SET ROWS FILE FILE`."""

import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from imdb import SEED, print_figures, read_part


def main() -> None:
    """Draw the rows with a fixed seed and write them, at most ROWS into each file."""
    name, rows, *files = sys.argv[1:]
    pairs = list(zip(*read_part("train", name), strict=True))
    random.Random(SEED).shuffle(pairs)
    size = min(int(rows), len(pairs) // 2)
    for at, file in enumerate(files):
        texts, labels = zip(*pairs[at * size : (at + 1) * size], strict=True)
        pq.write_table(pa.table({"text": texts, "label": labels}), file)
    print_figures(rows=size)


if __name__ == "__main__":
    main()
