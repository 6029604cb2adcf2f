"""The callback that passes what it receives to trackers too."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tenor._core.callbacks import Callback, ForwardingCallback
from tenor._core.printable import printable
from tenor._core.records import JsonMapping
from tenor.tracking.base import Status, Tracker


class TrackingCallback(ForwardingCallback):
    """Forwards to a callback and records in trackers.

    Use it as a context: a run that raises is marked as failed, and one that the user interrupts as interrupted.
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
            tracker.finish(status)

    def log_metrics(self, kind: str, step: int, metrics: dict[str, float]) -> None:
        """Forward and record metrics."""
        super().log_metrics(kind, step, metrics)
        self.track_metrics(kind, step, metrics)

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        """Forward a candidate, and record it as a run below this one."""
        super().on_candidate_end(name, metrics, settings)
        for tracker in self.trackers:
            child = tracker.start_child(name)
            child.log_settings(settings or {})
            child.log_metrics(0, numeric_metrics(metrics))
            child.finish("finished")

    def log_settings(self, values: Mapping[str, object]) -> None:
        """Record settings of the run, without those that are None."""
        given = {
            name: printable(value) if isinstance(value, str) else value
            for name, value in values.items()
            if value is not None
        }
        for tracker in self.trackers:
            tracker.log_settings(given)

    def track_metrics(self, kind: str, step: int, metrics: Mapping[str, object]) -> None:
        """Record the numbers among the metrics, by names that begin with `kind`; nothing is forwarded."""
        for tracker in self.trackers:
            tracker.log_metrics(step, {f"{kind}/{name}": value for name, value in numeric_metrics(metrics).items()})

    def log_training(
        self, settings: Mapping[str, object], history: Sequence[Mapping[str, object]], timing: Mapping[str, float]
    ) -> None:
        """Record what is known once a model is trained.

        Args:
            settings: The settings, with those that training chose.
            history: Rows of the history. Candidates are recorded; epochs were recorded when they ended.
            timing: Seconds by stage.
        """
        self.log_settings(settings)
        for number, row in enumerate(history, 1):
            if "epoch" not in row:
                self.track_metrics("candidate", number, row)
        self.track_metrics("timing", 0, timing)

    def log_artifact(self, path: Path) -> None:
        """Record a file for people."""
        for tracker in self.trackers:
            tracker.log_artifact(path)


def numeric_metrics(metrics: JsonMapping) -> dict[str, float]:
    """The metrics that are finite numbers; of labels their F1, and of prediction sets the empirical coverage."""
    result = {}
    for name, value in metrics.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            result[name] = float(value)
    for label, row in (metrics.get("per_class") or {}).items():
        if row["f1"] is not None:  # a class without texts was not measured
            result[f"f1/{printable(label)}"] = float(row["f1"])
    for row in metrics.get("coverage") or []:
        result[f"coverage/{row['coverage']:g}"] = float(row["found"])
    return result
