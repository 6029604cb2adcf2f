"""The reviews that are explained."""

import random

from imdb import SEED, read_part

TEXTS = 200
QUICK_TEXTS = 5


def drawn_tests(texts: int) -> list[str]:
    """`texts` random test reviews."""
    return random.Random(SEED).sample(read_part("test")[0], texts)
