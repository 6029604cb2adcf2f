"""Write a small part of each dataset, for `run.py --quick`: `python make_sample.py FOLDER`."""

import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imdb import print_figures, read_part

ROWS = {"imdb": 400, "sst2": 2_000}


def main() -> None:
    """Draw the rows with a fixed seed and write them."""
    for name, rows in ROWS.items():
        for part in ("train", "test"):
            texts, labels = read_part(part, name)
            chosen = sorted(random.Random(0).sample(range(len(texts)), min(rows, len(texts))))
            table = pa.table({"text": [texts[row] for row in chosen], "label": [labels[row] for row in chosen]})
            pq.write_table(table, Path(sys.argv[1]) / f"{name}_{part}.parquet")
    print_figures(**ROWS)


if __name__ == "__main__":
    main()
