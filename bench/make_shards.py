"""Write labelled reviews into Parquet files: `python make_shards.py FILES ROWS FOLDER`.

Each of a file's ROWS is the first half of one review of the IMDB training part and the second half of another with the
same label, so that texts are as long and as different as reviews are, however many there are.
"""

import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imdb import read_part

SEED = 7


def main() -> None:
    """Draw the rows with a fixed seed and write them."""
    files, rows, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True)
    by_label: dict[int, list[str]] = {}
    for text, label in zip(*read_part("train"), strict=True):
        by_label.setdefault(label, []).append(text)
    draw = random.Random(SEED)
    for number in range(files):
        labels = draw.choices(sorted(by_label), k=rows)
        texts = []
        for label in labels:
            one, other = draw.choices(by_label[label], k=2)
            texts.append(f"{one[: len(one) // 2]} {other[len(other) // 2 :]}")
        table = pa.table({"text": texts, "label": [f"class {label}" for label in labels]})
        pq.write_table(table, folder / f"part-{number:03}.parquet")


if __name__ == "__main__":
    main()
