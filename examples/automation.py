"""What share of texts may be answered automatically if 97% of those answers must be right?

    python examples/automation.py train.parquet test.parquet --right 0.97

A model is trained on 80% of the training file. The other 20% choose the threshold: the lowest confidence from which on
the answers are right often enough, with a margin for chance. The test file shows whether that holds on new texts. Both
files have the columns `text` and `label`.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from tenor import TextClassifier

SEED = 7
MARGIN = 1.645  # standard errors: one-sided, 95%


def labelled_file(name: str) -> Path:
    """The path of a file that exists; for argparse."""
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {name!r}")
    return path


def read(path: Path) -> tuple[list[str], list[str]]:
    """The texts and labels of a CSV or Parquet file. Ends the program if a column is missing."""
    try:
        return _read(path)
    except (KeyError, ValueError):
        raise SystemExit(f"{path}: the columns 'text' and 'label' are needed.") from None


def _read(path: Path) -> tuple[list[str], list[str]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path, columns=["text", "label"])
        return table["text"].to_pylist(), [str(label) for label in table["label"].to_pylist()]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def choose_threshold(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], target: float) -> float:
    """The lowest threshold at which the share of right answers is at least `target`, less a margin for chance.

    Args:
        confidence: (texts,) the highest probability of each text.
        right: (texts,) whether the label with that probability is true.
        target: The share of automatic answers that must be right.

    Returns:
        The threshold; infinity if there is none.
    """
    order = np.argsort(-confidence)
    n = np.arange(1, len(order) + 1)
    share = np.cumsum(right[order]) / n
    enough = share - MARGIN * np.sqrt(target * (1 - target) / n) >= target
    # Texts with equal confidence are answered together or not at all.
    last_of_equal = np.append(np.diff(confidence[order]) != 0, True)
    passing = np.flatnonzero(enough & last_of_equal)
    return float(confidence[order][passing[-1]]) if len(passing) else float("inf")


def main() -> None:
    """Train, choose the threshold, and report the shares on the test file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=labelled_file)
    parser.add_argument("test", type=labelled_file)
    parser.add_argument("--family", default="ngram")
    parser.add_argument("--right", type=float, default=0.97, help="share of automatic answers that must be right")
    args = parser.parse_args()
    texts, labels = read(args.train)
    split = train_test_split(texts, labels, test_size=0.2, random_state=SEED, stratify=labels)
    model = TextClassifier(family=args.family, random_state=SEED).fit(split[0], split[2])
    classes = np.array(model.classes_)

    def predictions(texts: list[str], labels: list[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        probabilities = np.asarray(model.predict_proba(texts), np.float64)
        return probabilities.max(axis=1), classes[probabilities.argmax(axis=1)] == np.array(labels)

    threshold = choose_threshold(*predictions(split[1], split[3]), args.right)
    confidence, right = predictions(*read(args.test))
    automatic = confidence >= threshold
    print(f"accuracy on all test texts     {right.mean():.3f}")
    print(f"threshold                      {threshold:.3f}")
    print(f"answered automatically         {automatic.mean():.3f}")
    if automatic.any():
        print(f"right, of the automatic ones   {right[automatic].mean():.3f}")
    if not automatic.all():
        print(f"right, of the others           {right[~automatic].mean():.3f}")


if __name__ == "__main__":
    main()
