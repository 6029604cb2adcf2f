"""Write parts of a training set, drawn at random, that share no row: `python make_parts.py SET ROWS FILE ROWS FILE`."""

import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from imdb import SEED, print_measurements, read_part


def main() -> None:
    """Draw the rows with a fixed seed and write them, at most ROWS into a file."""
    name, *expected = sys.argv[1:]
    pairs = list(zip(*read_part("train", name), strict=True))
    random.Random(SEED).shuffle(pairs)
    for rows, file in zip(expected[::2], expected[1::2], strict=True):
        texts, labels = zip(*pairs[: int(rows)], strict=True)
        del pairs[: int(rows)]
        pq.write_table(pa.table({"text": texts, "label": labels}), file)
    print_measurements(left=len(pairs))


if __name__ == "__main__":
    main()
