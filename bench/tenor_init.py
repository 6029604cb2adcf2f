"""Tenor: train on some IMDB reviews, with or without a pretrained encoder, and test:

`python tenor_init.py FAMILY LABELLED SEED TESTS [ENCODER] [KEY=VALUE ...]`, which are settings of the family.
"""

import random
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imdb import print_measurements, read_part
from tenor.config.run_config import RunConfig
from tenor.config.settings import parse_assignments
from tenor.training import pipeline

TEST_SEED = 0


def main() -> None:
    """Draw the reviews, train, print the measurements."""
    family, seed = sys.argv[1], int(sys.argv[3])
    values = parse_assignments([each for each in sys.argv[5:] if "=" in each])
    with tempfile.TemporaryDirectory() as work:
        train = draw("train", int(sys.argv[2]), seed, Path(work))
        test = draw("test", int(sys.argv[4]), TEST_SEED, Path(work))
        encoder = next((each for each in sys.argv[5:] if "=" not in each), None)
        out = str(Path(work) / "model")
        run = RunConfig(
            train,
            test=test,
            text="text",
            label="label",
            family=family,
            settings=values,
            seed=seed,
            out=out,
            init=encoder,
            report=False,
        )
        metrics = pipeline.train(run).metrics
    timing = metrics["timing"]
    print_measurements(accuracy=metrics["test"]["accuracy"], fit_s=timing["fit_s"], total_s=timing["total_s"])


def draw(part: str, size: int, seed: int, folder: Path) -> str:
    """Write `size` random reviews of a part, or all; returns the file."""
    pairs = list(zip(*read_part(part), strict=True))
    chosen = random.Random(seed).sample(pairs, min(size, len(pairs)))
    path = folder / f"{part}.parquet"
    pq.write_table(pa.table({"text": [text for text, _ in chosen], "label": [label for _, label in chosen]}), path)
    return str(path)


if __name__ == "__main__":
    main()
