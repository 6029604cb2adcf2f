"""Peer: texts of mixed length, from strings to logits: `python peer_inference.py FOLDER KIND SET TEXTS TOKENS [ONNX]`.

KIND is `float32` or `bfloat16`, Hugging Face transformers in that precision, or `int8`: ONNX Runtime, with the encoder
that peer_onnx_export.py wrote to ONNX in dynamic int8 with a scale for each channel. Texts are sorted by length and
padded to the longest of their batch, whose size is the quickest of SIZES on some of the texts.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from transformers import AutoTokenizer

from imdb import drawn, print_measurements

ROUNDS = 3
SIZES = (1, 4, 16)
TRIED = 16  # texts
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

Run = Callable[[np.ndarray, np.ndarray], object]
"""Ids and mask (batch, time) -> what the model says."""


def main() -> None:
    """Choose the size of a batch, predict the texts ROUNDS times, print the measurements of the quickest."""
    folder, kind, name, count, tokens = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    texts, _ = drawn(count, name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    run = onnx_int8(sys.argv[6]) if kind == "int8" else transformers(folder, kind)

    def predict(texts: list[str], size: int) -> tuple[float, int]:
        start = perf_counter()
        rows = tokenizer(texts, truncation=True, max_length=tokens, return_attention_mask=False)["input_ids"]
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        for at in range(0, len(order), size):
            batch = [rows[row] for row in order[at : at + size]]
            mask = np.arange(len(batch[-1])) < np.array([len(row) for row in batch])[:, None]
            ids = np.zeros(mask.shape, np.int64)
            ids[mask] = np.concatenate(batch)
            run(ids, mask.astype(np.int64))
        return perf_counter() - start, sum(map(len, rows))

    predict(texts[:16], 16)
    tried = {size: predict(texts[:TRIED], size)[0] for size in SIZES}
    size = min(tried, key=lambda size: tried[size])
    result = [predict(texts, size) for _ in range(ROUNDS)]
    seconds, counted = min(result)
    print_measurements(size=size, seconds=seconds, tokens=counted, tokens_per_s=counted / seconds)


def transformers(folder: str, precision: str) -> Run:
    """The encoder with a new head, in PyTorch."""
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.set_num_threads(CORES)
    dtype = getattr(torch, precision)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2, dtype=dtype).eval()

    def run(ids: np.ndarray, mask: np.ndarray) -> object:
        with torch.inference_mode():
            return model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits

    return run


def onnx_int8(exported: str) -> Run:
    """The exported encoder in int8, in ONNX Runtime."""
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    with tempfile.TemporaryDirectory() as scratch:
        small = Path(scratch) / "int8.onnx"
        quantize_dynamic(exported, small, per_channel=True, weight_type=QuantType.QInt8)
        session = onnxruntime.InferenceSession(small, options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"ids": ids, "mask": mask})


if __name__ == "__main__":
    main()
