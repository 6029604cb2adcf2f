"""Where a model comes from: its data, its seed, and the versions of what made it."""

import hashlib
import json
import platform
from importlib import metadata
from typing import Any

import numpy as np

from tenor._core.printable import printable
from tenor.data.dataset import Dataset

_RUN = 1 << 16  # texts that are looked at together, where there are more


def fingerprint(data: Dataset) -> str:
    """SHA-256 of the texts and labels."""
    digest = hashlib.sha256()
    for values in (data.texts, data.labels):
        digest.update(b"[")
        for at in range(0, len(values), _RUN):
            part = values[at : at + _RUN]
            listed = part.tolist() if isinstance(part, np.ndarray) else part
            digest.update((b", " if at else b"") + json.dumps(listed, ensure_ascii=True).encode()[1:-1])
        digest.update(b"]")
    return digest.hexdigest()


def origin(data: Dataset, fingerprint: str, seed: int) -> dict[str, Any]:
    """What a saved folder tells of where its model comes from."""
    return {
        "data": {"name": printable(data.name), "rows": len(data), "sha256": fingerprint},
        "seed": seed,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in (
        "numpy",
        "scipy",
        "scikit-learn",
        "keras",
        "tensorflow",
        "jax",
        "tokenizers",
        "onnx",
        "onnxruntime",
    ):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
