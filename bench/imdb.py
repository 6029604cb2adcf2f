"""The official IMDB split, read as every benchmark script reads it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "TENOR_BENCH_DATA"


def part_path(part: str) -> Path:
    """The Parquet file of `part`, "train" or "test". Ends the script when it is not there."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        sys.exit(f"{FOLDER_VARIABLE} is not set. Set it to the folder with imdb_{part}.parquet in it.")
    path = Path(folder) / f"imdb_{part}.parquet"
    if not path.is_file():
        sys.exit(f"{path}: there is no such file. {FOLDER_VARIABLE} must name a folder that holds it.")
    return path


def read_part(part: str) -> tuple[list[str], list[int]]:
    """Texts and labels (0 or 1) of `part`, in the order of the file, which is sorted by label."""
    import pyarrow.parquet as pq  # here, so that run.py, which asks only for paths, stays a small process

    table = pq.read_table(part_path(part), columns=["text", "label"])
    return table["text"].to_pylist(), table["label"].to_pylist()


def accuracy(predicted: list[int], labels: list[int]) -> float:
    """The share of predictions that equal their label; the two lists are of equal length, at least 1."""
    return sum(p == y for p, y in zip(predicted, labels, strict=True)) / len(labels)


def print_figures(**figures: Any) -> None:
    """Print the script's figures as its last line: one JSON object. Durations are seconds."""
    print(json.dumps(figures), flush=True)
