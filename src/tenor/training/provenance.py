"""The origin of a model: its data, its seed, and the versions of the packages that trained it."""

import platform
from importlib import metadata

from tenor._core.printable import printable
from tenor._core.records import JsonObject
from tenor.data.dataset import Dataset


def origin(data: Dataset, fingerprint: str, seed: int, before_split: JsonObject | None = None) -> JsonObject:
    """The origin of a model, for `tenor.json`.

    Args:
        data: Its training data.
        fingerprint: Their fingerprint.
        seed: The seed of the run.
        before_split: Number of rows, and fingerprint of the first ones, before the test was held out; None: nothing
            was.
    """
    split = {} if before_split is None else {"before_split": before_split}
    return {
        "data": {"name": printable(data.name), "rows": len(data), "sha256": fingerprint, **split},
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
