"""Write a CSV file of short texts, sentences of the IMDB test part: `python make_rows.py ROWS FILE`.

A script of its own, so that the process that measures memory stays small (see processes.py).
"""

import csv
import random
import re
import sys
from pathlib import Path

from imdb import read_part

SEED = 7
SHORTEST, LONGEST = 60, 140  # characters, about 100 on average


def sentences(texts: list[str]) -> list[str]:
    """The sentences of between SHORTEST and LONGEST characters."""
    result: list[str] = []
    for text in texts:
        for sentence in re.split(r"(?<=[.!?])\s+", text.replace("<br />", " ")):
            stripped = " ".join(sentence.split())
            if SHORTEST <= len(stripped) <= LONGEST:
                result.append(stripped)
    return result


def main() -> None:
    """Draw the rows with a fixed seed and write them."""
    rows, path = int(sys.argv[1]), Path(sys.argv[2])
    pool = sentences(read_part("test")[0])
    drawn = random.Random(SEED).choices(pool, k=rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(drawn, start=1))


if __name__ == "__main__":
    main()
