"""Write a Parquet file of generated labelled texts: `python make_labelled.py ROWS FILE`.

A text has about 20 words of a made-up language of 50,000, drawn by Zipf's law; one word in ten is drawn from the 40
that its class likes, or, in a fifth of the texts, from those of any class.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 7
CLASSES = 2
WORDS, LIKED = 50_000, 40
SHORTEST, LONGEST = 14, 26  # words
BLOCK = 20_000  # rows that are drawn together

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "ai", "ou")]


def words() -> list[str]:
    """Distinct words of two to four syllables."""
    random = np.random.default_rng(SEED)
    result: dict[str, None] = {}
    while len(result) < WORDS:
        result["".join(random.choice(_SYLLABLES, random.integers(2, 5)))] = None
    return list(result)


def main() -> None:
    """Draw the rows with a fixed seed and write them."""
    rows, path = int(sys.argv[1]), Path(sys.argv[2])
    random = np.random.default_rng(SEED)
    known = np.array(words(), object)
    share = (1 / np.arange(1, WORDS + 1)).cumsum()
    liked = random.integers(200, WORDS, (CLASSES, LIKED))
    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, rows, BLOCK):
            size = min(BLOCK, rows - begin)
            label = random.integers(0, CLASSES, size)
            told = np.where(random.random(size) < 0.8, label, random.integers(0, CLASSES, size))
            drawn = np.searchsorted(share, random.random((size, LONGEST)) * share[-1])
            special = random.random((size, LONGEST)) < 0.1
            drawn = np.where(special, liked[told[:, None], random.integers(0, LIKED, (size, LONGEST))], drawn)
            length = random.integers(SHORTEST, LONGEST + 1, size)
            texts = [" ".join(row[:count]) for row, count in zip(known[drawn].tolist(), length.tolist(), strict=True)]
            names = [f"class {number}" for number in label.tolist()]
            writer.write_table(pa.table({"text": texts, "label": names}, schema))


if __name__ == "__main__":
    main()
