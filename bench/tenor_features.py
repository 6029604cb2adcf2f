"""Tenor: features of IMDB reviews by the frozen encoder: `python tenor_features.py TEXTS PRECISION [FILE]`.

With FILE, an .npz file, the ids go there too, and the features, so that a peer works on the same ids and is seen to
compute the same.
"""

import sys
from time import perf_counter

import numpy as np

from imdb import drawn, print_measurements
from steps import Steps
from tenor.config import settings
from tenor.models import registry
from tenor.models.neural import backend
from tenor.tasks import SingleLabel


def main() -> None:
    """Build the network as training does, compute the features, print the measurements."""
    texts, _ = drawn(int(sys.argv[1]))
    family = registry.find("pretrained")
    backend.load(f"the family {family.name!r}")  # without its chatter, so it goes before what imports Keras
    from tenor.models.neural import precision
    from tenor.models.neural.network import Network

    config = settings.make(family.config, {"tune": "frozen", "pooled_blocks": 1, "precision": sys.argv[2]}, "settings")
    config, encoder = family.encode(config, texts)
    task = SingleLabel(("0", "1"))
    policy = precision.dtype_policy(config)
    with precision.use_dtype_policy(policy):
        network = Network(family, task, config, encoder, family.build(config, task))
    family.initialise(config, network.keras_model)
    encoded = network.encode(texts)

    callback = Steps(network.batches(encoded), encoded.lengths, None)
    start = perf_counter()
    features = network.features(encoded, callback)
    whole_s = perf_counter() - start
    if len(sys.argv) > 3:
        np.savez(sys.argv[3], ids=encoded.ids, first=encoded.row_offsets, features=features.astype(np.float32))
    print_measurements(**callback.measurements(), policy=policy, whole_s=whole_s, all_tokens=int(encoded.lengths.sum()))


if __name__ == "__main__":
    main()
