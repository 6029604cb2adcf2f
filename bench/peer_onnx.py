"""Peer: features by ONNX Runtime in float32, of the ids that tenor_features.py wrote: `python peer_onnx.py MODEL IDS`.

Texts are sorted by length and padded to the longest of their batch. The size of a batch is the quickest of SIZES on
some of the texts.
"""

import os
import sys
from time import perf_counter

import numpy as np
import onnxruntime

from imdb import print_measurements

SIZES = (1, 8, 32, 128)
TRIED = 256  # texts


def main() -> None:
    """Choose the size of a batch, compute the features, print the measurements."""
    saved = np.load(sys.argv[2])
    ids, first = saved["ids"].astype(np.int64), saved["first"]
    lengths = np.diff(first)
    options = onnxruntime.SessionOptions()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])

    def compute(rows: np.ndarray, size: int) -> tuple[np.ndarray, float, int]:
        order = rows[np.argsort(lengths[rows], kind="stable")]
        features, padded = np.zeros((len(lengths), saved["features"].shape[1]), np.float32), 0
        start = perf_counter()
        for at in range(0, len(order), size):
            batch = order[at : at + size]
            width = int(lengths[batch].max())
            inside = np.arange(width) < lengths[batch][:, None]
            block = np.zeros(inside.shape, np.int64)
            block[inside] = np.concatenate([ids[first[row] : first[row + 1]] for row in batch])
            features[batch] = session.run(None, {"ids": block, "mask": inside.astype(np.int64)})[0]
            padded += block.size
        return features, perf_counter() - start, padded

    everything = np.arange(len(lengths))
    compute(everything[:32], 32)
    tried = {size: compute(everything[:TRIED], size)[1] for size in SIZES}
    size = min(tried, key=lambda size: tried[size])
    features, seconds, padded = compute(everything, size)
    tokens = int(lengths.sum())
    print_measurements(
        size=size,
        cores=cores,
        seconds=seconds,
        tokens=tokens,
        padded_tokens=padded,
        tokens_per_s=tokens / seconds,
        padded_tokens_per_s=padded / seconds,
        difference=float(np.abs(features - saved["features"]).max()),
    )


if __name__ == "__main__":
    main()
