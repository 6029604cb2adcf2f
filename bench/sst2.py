"""A few labelled phrases of SST-2, and its test sentences."""

import random

from imdb import read_part

FEWEST_WORDS = 8  # shorter phrases often carry no opinion


def draw(per_class: int, seed: int) -> tuple[list[str], list[str]]:
    """`per_class` random training phrases of each class, and their labels."""
    by_label: dict[str, list[str]] = {}
    for text, label in zip(*read_part("train", "sst2"), strict=True):
        if len(text.split()) >= FEWEST_WORDS:
            by_label.setdefault(label, []).append(text)
    chooser = random.Random(seed)
    pairs = [(text, label) for label in sorted(by_label) for text in chooser.sample(by_label[label], per_class)]
    chooser.shuffle(pairs)
    return [text for text, _ in pairs], [label for _, label in pairs]


def test() -> tuple[list[str], list[str]]:
    """The test sentences and their labels."""
    return read_part("test", "sst2")
