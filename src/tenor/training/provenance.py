"""The origin of a model: its data, its seed, and the versions of the packages that trained it."""

import hashlib
import json
import platform
from importlib import metadata

import numpy as np

from tenor._core.printable import printable
from tenor._core.records import JsonObject
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


def origin(data: Dataset, fingerprint: str, seed: int) -> JsonObject:
    """The origin of a model, for `tenor.json`; `fingerprint` is that of its training data."""
    return {
        "data": {"name": printable(data.name), "rows": len(data), "sha256": fingerprint},
        "seed": seed,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
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
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
