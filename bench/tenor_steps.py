"""Tenor: training steps of an encoder on IMDB reviews: `python tenor_steps.py FOLDER LENGTH PRECISION STEPS [BATCH]`.

FOLDER is the encoder's, or `minilm`. It runs `training.fit`, with batches of BATCH texts (32) and otherwise the
family's defaults, and stops after the timed steps. It gets enough reviews that it does not make its batches smaller.
"""

import contextlib
import sys

import numpy as np

from imdb import drawn, print_measurements
from steps import EnoughError, Steps
from tenor.config import settings
from tenor.data.split import hold_out
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.neural import backend
from tenor.tasks import SingleLabel
from tenor.text import batches

BATCH = 32
BATCHES = 125
SEED = 7


def main() -> None:
    """Plan the batches as `fit` will, run it, print the measurements."""
    folder, length, precision, steps = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    batch = int(sys.argv[5]) if len(sys.argv) > 5 else BATCH
    texts, labels = drawn(batch * BATCHES)
    family = registry.find("pretrained")
    backend.load(f"the family {family.name!r}")  # without its chatter, so it goes before what imports Keras
    from tenor.models.neural import compiled
    from tenor.training import neural

    values = {
        "model": folder,
        "max_length": length,
        "batch_tokens": batch * length,
        "precision": precision,
        "epochs": 1,
    }
    values |= {"validation": 0.0, "calibration": 0.0}  # all texts train
    config = settings.make(family.config, values, "settings")
    targets = np.array(labels, np.int32)
    examples = Examples(texts, targets, SingleLabel(("0", "1")), np.ones(len(texts), np.float32))
    rows, _ = hold_out(texts, targets, config.validation, SEED)
    encoder = family.encode(config, [])[1]
    lengths = encoder.encode([texts[row] for row in rows], length, config.truncation).lengths
    if compiled.any_shape():
        plan = batches.length_sorted_batches(lengths, config.batch_tokens, SEED, 0)
    else:
        widths = batches.choose_widths(lengths, encoder.max_row_length(length), compiled.shape_compile_cost())
        plan = batches.shuffled_batches(lengths, config.batch_tokens, widths, SEED, 0)
    # Features of a few texts, for the head, come first.
    callback = Steps(plan, lengths, steps, passed_over="features", compiles_once=compiled.any_shape())
    with contextlib.suppress(EnoughError):
        neural.fit(family, examples, config, FitContext(seed=SEED, callback=callback))
    print_measurements(**callback.measurements())


if __name__ == "__main__":
    main()
