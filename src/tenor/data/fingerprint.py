"""A fingerprint of labelled texts, by which a saved model knows those that it was trained on."""

import hashlib
import json

import numpy as np

from tenor.data.dataset import Dataset

_CHUNK = 1 << 16  # texts


def fingerprint(data: Dataset) -> str:
    """SHA-256 of the texts and labels, in their order."""
    digest = hashlib.sha256()
    for values in (data.texts, data.labels):
        digest.update(b"[")
        for at in range(0, len(values), _CHUNK):
            part = values[at : at + _CHUNK]
            values_of_chunk = part.tolist() if isinstance(part, np.ndarray) else part
            digest.update((b", " if at else b"") + json.dumps(values_of_chunk, ensure_ascii=True).encode()[1:-1])
        digest.update(b"]")
    return digest.hexdigest()
