"""Tenor: labelled text in, a classifier that you can trust and deploy out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tenor.version import VERSION as __version__

if TYPE_CHECKING:
    from tenor.estimator import TextClassifier as TextClassifier
    from tenor.estimator import TextRegressor as TextRegressor
    from tenor.predictor import Predictor as Predictor
    from tenor.predictor import load as load

_HOMES = {
    "Predictor": "tenor.predictor",
    "TextClassifier": "tenor.estimator",
    "TextRegressor": "tenor.estimator",
    "load": "tenor.predictor",
}

__all__ = ["Predictor", "TextClassifier", "TextRegressor", "__version__", "load"]


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that `import tenor` and the command line start at once.
    if name not in _HOMES:
        raise AttributeError(f"module 'tenor' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
