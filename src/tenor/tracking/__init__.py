"""Live metrics in TensorBoard and MLflow.

Nothing leaves the machine unless MLflow's own variables name a server (`MLFLOW_TRACKING_URI`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.config.settings import suggest
from tenor.errors import SettingsError
from tenor.tracking.base import Tracker
from tenor.tracking.callback import TrackingCallback

NAMES = ("tensorboard", "mlflow")


@contextmanager
def track(names: Sequence[str], folder: Path, callback: Callback, resume: bool = False) -> Iterator[TrackingCallback]:
    """A callback that also records in these trackers.

    Args:
        names: Some of NAMES.
        folder: Folder of the model, whose name is that of the run.
        callback: Receives everything but what only trackers record.
        resume: Continue the run of an interrupted training.

    Raises:
        SettingsError: There is no such tracker.
        MissingExtraError: Its packages are not installed.
    """
    with ExitStack() as stack:
        trackers = [_starter(name)(folder, callback, resume) for name in dict.fromkeys(names)]
        yield stack.enter_context(TrackingCallback(callback, trackers))


def require_trackers(names: Sequence[str]) -> None:
    """Raise SettingsError for an unknown tracker, and MissingExtraError if its packages are not installed."""
    for name in names:
        _starter(name)


def _starter(name: str) -> Callable[[Path, Callback, bool], Tracker]:
    if name not in NAMES:
        raise SettingsError(tr("nothing can be logged to {name!r}.", name=name), suggest(name, list(NAMES)))
    if name == "tensorboard":
        from tenor.tracking import tensorboard

        return tensorboard.start
    from tenor.tracking import mlflow

    return mlflow.start
