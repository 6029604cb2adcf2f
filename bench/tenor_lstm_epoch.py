"""Tenor: an epoch of the family `lstm` over the training reviews, the second one, in which nothing is compiled."""

from time import perf_counter

import numpy as np

from imdb import print_measurements, read_part
from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.neural import backend
from tenor.tasks import SingleLabel

SEED = 7


class Rates(Callback):
    """Keeps the texts per second of each epoch.

    Attributes:
        rates: Texts per second by epoch; validation is not counted.
    """

    def __init__(self) -> None:
        """Start with no epoch."""
        self.rates: list[float] = []

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        """An epoch is over."""
        self.rates.append(metrics["texts_per_s"])


def main() -> None:
    """Train for two epochs, print the measurements."""
    texts, labels = read_part("train")
    family = registry.find("lstm")
    backend.load(f"the family {family.name!r}")  # without its chatter, so it goes before what imports Keras
    from tenor.training import neural

    config = settings.make(family.config, {"epochs": 2, "patience": None}, "settings")
    callback = Rates()
    start = perf_counter()
    targets = np.array(labels, np.int32)
    examples = Examples(texts, targets, SingleLabel(("0", "1")), np.ones(len(texts), np.float32))
    neural.fit(family, examples, config, FitContext(seed=SEED, callback=callback))
    print_measurements(
        texts_per_s=callback.rates[1],
        first_texts_per_s=callback.rates[0],
        epoch_s=len(texts) / callback.rates[1],
        total_s=perf_counter() - start,
    )


if __name__ == "__main__":
    main()
