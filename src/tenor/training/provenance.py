"""The origin of a model: its data, its seed, and the versions of the packages that trained it."""

import platform
from importlib import metadata

from tenor._core.printable import printable
from tenor._core.records import JsonObject
from tenor.data.dataset import Dataset
from tenor.data.text_filter import TextFilter


def origin(data: Dataset, fingerprint: str, seed: int, text_filter: TextFilter | None = None) -> JsonObject:
    """The origin of a model, for `tenor.json`.

    Args:
        data: Its training data.
        fingerprint: Their fingerprint.
        seed: The seed of the run.
        text_filter: The filter of their texts; None: an encoder needs none.
    """
    filtered = {} if text_filter is None else {"filter": text_filter.to_dict()}
    return {
        "data": {"name": printable(data.name), "rows": len(data), "sha256": fingerprint, **filtered},
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
