"""Live metrics in TensorBoard and MLflow.

Nothing leaves the machine unless MLflow's own variables name a server (`MLFLOW_TRACKING_URI`).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from tenor._core.callbacks import Callback, ForwardingCallback
from tenor._core.printable import printable
from tenor.config.settings import nearest
from tenor.errors import SettingsError

NAMES = ("tensorboard", "mlflow")

Status = Literal["finished", "failed", "interrupted"]


class Tracker(Protocol):
    """Where the figures of one run go."""

    def settings(self, values: Mapping[str, Any]) -> None:
        """Settings of the run; those that were told before are passed over."""

    def figures(self, number: int, values: Mapping[str, float]) -> None:
        """Figures by their names, such as `epoch/validation_loss`, as they are at the `number`-th step or epoch."""

    def part(self, name: str) -> "Tracker":
        """One of several models that are tried in the run: a run below it."""

    def document(self, path: Path) -> None:
        """A file that people read of the run."""

    def end(self, status: Status) -> None:
        """The run is over."""


class Tracked(ForwardingCallback):
    """Tells a callback and trackers of a run. Use it as a context: a run that raises is marked as failed, one that is
    interrupted as that.
    """

    def __init__(self, callback: Callback, trackers: Sequence[Tracker]) -> None:
        super().__init__(callback)
        self.trackers = trackers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        status: Status = "finished"
        if kind is not None:
            status = "interrupted" if issubclass(kind, KeyboardInterrupt) else "failed"
        for tracker in self.trackers:
            tracker.end(status)

    def log_metrics(self, kind: str, step: int, metrics: dict[str, float]) -> None:
        super().log_metrics(kind, step, metrics)
        self.figures(kind, step, metrics)

    def on_candidate_end(self, name: str, metrics: dict[str, float], settings: Mapping[str, Any] | None = None) -> None:
        """Log a candidate as a run below this one."""
        super().on_candidate_end(name, metrics, settings)
        for tracker in self.trackers:
            part = tracker.part(name)
            part.settings(settings or {})
            part.figures(0, _numbers(metrics))
            part.end("finished")

    def settings(self, values: Mapping[str, Any]) -> None:
        """Settings of the run, those that are none left out."""
        told = {
            name: printable(value) if isinstance(value, str) else value
            for name, value in values.items()
            if value is not None
        }
        for tracker in self.trackers:
            tracker.settings(told)

    def figures(self, what: str, number: int, figures: Mapping[str, Any]) -> None:
        """What is a number among the figures, by names that begin with `what`."""
        for tracker in self.trackers:
            tracker.figures(number, {f"{what}/{name}": value for name, value in _numbers(figures).items()})

    def fitted(
        self, settings: Mapping[str, Any], history: Sequence[Mapping[str, Any]], timing: Mapping[str, float]
    ) -> None:
        """What is known once a model is there; rows of the history are told where they are candidates that were tried:
        epochs are told as they go by.
        """
        self.settings(settings)
        for number, row in enumerate(history, 1):
            if "epoch" not in row:
                self.figures("candidate", number, row)
        self.figures("timing", 0, timing)

    def document(self, path: Path) -> None:
        """A file that people read of the run."""
        for tracker in self.trackers:
            tracker.document(path)


@contextmanager
def tracked(names: Sequence[str], folder: Path, callback: Callback, resume: bool = False) -> Iterator[Tracked]:
    """A callback that tells these trackers too.

    Args:
        names: Some of NAMES.
        folder: Folder of the model, from whose name the run gets its own.
        callback: Hears of all but what only trackers keep.
        resume: The run goes on with one that was interrupted.

    Raises:
        SettingsError: There is no such tracker.
        MissingExtraError: Its packages are not installed.
    """
    with ExitStack() as stack:
        trackers = [_starter(name)(folder, callback, resume) for name in dict.fromkeys(names)]
        yield stack.enter_context(Tracked(callback, trackers))


def need(names: Sequence[str]) -> None:
    """Refuse trackers that there are not (SettingsError) or whose packages are not installed (MissingExtraError)."""
    for name in names:
        _starter(name)


def _starter(name: str) -> Callable[[Path, Callback, bool], Tracker]:
    if name not in NAMES:
        raise SettingsError(f"nothing can be logged to {name!r}.", nearest(name, list(NAMES)))
    if name == "tensorboard":
        from tenor.tracking import tensorboard

        return tensorboard.start
    from tenor.tracking import mlflow

    return mlflow.start


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are numbers; of labels their F1 alone, and what sets with a coverage hold."""
    found = {}
    for name, value in figures.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = float(value)
    for label, row in (figures.get("per_class") or {}).items():
        found[f"f1/{printable(label)}"] = float(row["f1"])
    for row in figures.get("coverage") or []:
        found[f"coverage/{row['coverage']:g}"] = float(row["found"])
    return found
