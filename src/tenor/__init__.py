"""Tenor trains text classifiers that you can trust and ship.

The names in `__all__` are the public API; everything else is private. Each is loaded when it is first used, so that
`import tenor` loads neither Keras nor TensorFlow, and the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tenor._core.language import tr
from tenor._core.version import VERSION as __version__

if TYPE_CHECKING:
    from tenor._core.callbacks import Callback as Callback
    from tenor.api import check as check
    from tenor.api import compare as compare
    from tenor.api import evaluate as evaluate
    from tenor.api import explain as explain
    from tenor.api import faithfulness as faithfulness
    from tenor.api import load as load
    from tenor.api import predict as predict
    from tenor.api import top_features as top_features
    from tenor.api import train as train
    from tenor.api import tune as tune
    from tenor.checks.finding import CheckReport as CheckReport
    from tenor.checks.finding import Finding as Finding
    from tenor.config.run_config import RunConfig as RunConfig
    from tenor.errors import BundleError as BundleError
    from tenor.errors import DataError as DataError
    from tenor.errors import FieldWarning as FieldWarning
    from tenor.errors import Location as Location
    from tenor.errors import MissingExtraError as MissingExtraError
    from tenor.errors import NotUsedWarning as NotUsedWarning
    from tenor.errors import RenamedSettingWarning as RenamedSettingWarning
    from tenor.errors import SettingsError as SettingsError
    from tenor.errors import TenorError as TenorError
    from tenor.errors import WriteError as WriteError
    from tenor.evaluation.evaluate import Comparison as Comparison
    from tenor.explanation.texts import Explanation as Explanation
    from tenor.inference.predictor import Predictor as Predictor
    from tenor.sklearn import TextClassifier as TextClassifier
    from tenor.sklearn import TextRegressor as TextRegressor
    from tenor.training.finishing import TrainedModel as TrainedModel
    from tenor.training.tuning import TuningResult as TuningResult

_EXPORTS = {
    "tenor.api": (
        "check",
        "compare",
        "evaluate",
        "explain",
        "faithfulness",
        "load",
        "predict",
        "top_features",
        "train",
        "tune",
    ),
    "tenor._core.callbacks": ("Callback",),
    "tenor.checks.finding": ("CheckReport", "Finding"),
    "tenor.config.run_config": ("RunConfig",),
    "tenor.errors": (
        "BundleError",
        "DataError",
        "FieldWarning",
        "Location",
        "MissingExtraError",
        "NotUsedWarning",
        "RenamedSettingWarning",
        "SettingsError",
        "TenorError",
        "WriteError",
    ),
    "tenor.evaluation.evaluate": ("Comparison",),
    "tenor.explanation.texts": ("Explanation",),
    "tenor.inference.predictor": ("Predictor",),
    "tenor.sklearn": ("TextClassifier", "TextRegressor"),
    "tenor.training.finishing": ("TrainedModel",),
    "tenor.training.tuning": ("TuningResult",),
}
_MODULES = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = [
    "BundleError",
    "Callback",
    "CheckReport",
    "Comparison",
    "DataError",
    "Explanation",
    "FieldWarning",
    "Finding",
    "Location",
    "MissingExtraError",
    "NotUsedWarning",
    "Predictor",
    "RenamedSettingWarning",
    "RunConfig",
    "SettingsError",
    "TenorError",
    "TextClassifier",
    "TextRegressor",
    "TrainedModel",
    "TuningResult",
    "WriteError",
    "__version__",
    "check",
    "compare",
    "evaluate",
    "explain",
    "faithfulness",
    "load",
    "predict",
    "top_features",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(tr("module 'tenor' has no attribute {name!r}", name=name))
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
