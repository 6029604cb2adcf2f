"""Tenor trains text classifiers that you can trust and ship."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tenor._core.version import VERSION as __version__

if TYPE_CHECKING:
    from tenor.inference.predictor import Predictor as Predictor
    from tenor.inference.predictor import load as load
    from tenor.sklearn import TextClassifier as TextClassifier
    from tenor.sklearn import TextRegressor as TextRegressor

_HOMES = {
    "Predictor": "tenor.inference.predictor",
    "TextClassifier": "tenor.sklearn",
    "TextRegressor": "tenor.sklearn",
    "load": "tenor.inference.predictor",
}

__all__ = ["Predictor", "TextClassifier", "TextRegressor", "__version__", "load"]


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that `import tenor` and the command line start at once.
    if name not in _HOMES:
        raise AttributeError(f"module 'tenor' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
