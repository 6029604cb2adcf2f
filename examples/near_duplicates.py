"""Is a test too easy? The accuracy on test texts by their similarity to the most similar training text.

    python examples/near_duplicates.py train.parquet test.parquet --elsewhere other.parquet

Similarity is the share of words that two texts have in common (Jaccard). `--elsewhere` names texts about something
else: how often is the model sure about them, although none of its labels fits? Files have the columns `text` and
`label`.
"""

import argparse
import re
import runpy
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenor import TextClassifier

SEED = 7
BANDS = (0.0, 0.4, 0.6, 0.8, 1.01)
_automation = runpy.run_path(str(Path(__file__).with_name("automation.py")))
read, labelled_file = _automation["read"], _automation["labelled_file"]


def highest_similarity(texts: list[str], known: list[str]) -> npt.NDArray[np.float64]:
    """The similarity of each text to the most similar known one, (texts,), from 0 to 1."""
    known_words = [set(re.findall(r"\w+", text.lower())) for text in known]
    result = []
    for text in texts:
        words = set(re.findall(r"\w+", text.lower()))
        result.append(max(len(words & each) / max(len(words | each), 1) for each in known_words))
    return np.array(result)


def main() -> None:
    """Train, and report the accuracy per band of similarity and the coverage of prediction sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=labelled_file)
    parser.add_argument("test", type=labelled_file)
    parser.add_argument("--family", default="ngram")
    parser.add_argument("--elsewhere", type=labelled_file, help="texts that none of the labels fits")
    args = parser.parse_args()
    texts, labels = read(args.train)
    test_texts, test_labels = read(args.test)
    model = TextClassifier(family=args.family, random_state=SEED).fit(texts, labels)
    right = np.array(model.predict(test_texts)) == np.array(test_labels)
    similarity = highest_similarity(test_texts, texts)
    print(f"accuracy {right.mean():.3f} on {len(right)} test texts")
    for low, high in pairwise(BANDS):
        band = (similarity >= low) & (similarity < high)
        if band.any():
            name = f"similarity from {low:.1f} to {min(high, 1):.1f}"
            print(f"{name}: {band.sum():4} texts, accuracy {right[band].mean():.3f}")
    sets = model.predict_set(test_texts, coverage=0.95)
    covered = np.mean([label in each for label, each in zip(test_labels, sets, strict=True)])
    print(
        f"95% prediction sets contain the true label for {covered:.3f}, mean size {np.mean([len(s) for s in sets]):.2f}"
    )
    if args.elsewhere:
        confidence = np.asarray(model.predict_proba(read(args.elsewhere)[0][:1000])).max(axis=1)
        print(f"texts about something else: confidence above 0.5 for {np.mean(confidence > 0.5):.3f} of them")


if __name__ == "__main__":
    main()
