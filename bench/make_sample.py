"""Write a small part of each dataset that is there, for `run.py --quick`: `python make_sample.py FOLDER`."""

import os
import random
import sys
from pathlib import Path

import pyarrow.parquet as pq

from imdb import FOLDER_VARIABLE, print_measurements
from sets import SETS

ROWS = {"imdb": 400, **dict.fromkeys(SETS, 1_000), "sst2": 2_000}


def main() -> None:
    """Draw the rows with a fixed seed and write them."""
    for name, rows in ROWS.items():
        for part in ("train", "test"):
            path = Path(os.environ[FOLDER_VARIABLE]) / f"{name}_{part}.parquet"
            if path.is_file():
                table = pq.read_table(path)
                chosen = sorted(random.Random(0).sample(range(len(table)), min(rows, len(table))))
                pq.write_table(table.take(chosen), Path(sys.argv[1]) / path.name)
    print_measurements(**ROWS)


if __name__ == "__main__":
    main()
