"""The official IMDB split, read as every benchmark script reads it."""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "TENOR_BENCH_DATA"
SEED = 7


def part_path(part: str, name: str = "imdb") -> Path:
    """The Parquet file of `part`, "train" or "test". Ends the script when it is not there."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        sys.exit(f"{FOLDER_VARIABLE} is not set. Set it to the folder with {name}_{part}.parquet in it.")
    path = Path(folder) / f"{name}_{part}.parquet"
    if not path.is_file():
        sys.exit(f"{path}: there is no such file. {FOLDER_VARIABLE} must name a folder that holds it.")
    return path


def read_part(part: str, name: str = "imdb") -> tuple[list[str], list[Any]]:
    """Texts and labels of `part`, in the order of the file; IMDB's labels are 0 or 1, its file sorted by them."""
    import pyarrow.parquet as pq  # here, so that run.py, which asks only for paths, stays a small process

    table = pq.read_table(part_path(part, name), columns=["text", "label"])
    return table["text"].to_pylist(), table["label"].to_pylist()


def drawn(texts: int, name: str = "imdb") -> tuple[list[str], list[Any]]:
    """`texts` training texts in random order, and their labels; they repeat if there are fewer."""
    pairs = list(zip(*read_part("train", name), strict=True))
    random.Random(SEED).shuffle(pairs)
    while len(pairs) < texts:
        pairs += pairs
    return [text for text, _ in pairs[:texts]], [label for _, label in pairs[:texts]]


def accuracy(predicted: list[Any], labels: list[Any]) -> float:
    """The share of predictions that equal their label; the two lists are of equal length, at least 1."""
    return sum(p == y for p, y in zip(predicted, labels, strict=True)) / len(labels)


def print_measurements(**measurements: Any) -> None:
    """Print the script's measurements as its last line: one JSON object. Durations are seconds."""
    print(json.dumps(measurements), flush=True)
