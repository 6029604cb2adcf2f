"""The interface of a tracker, which logs the settings and metrics of one run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

Status = Literal["finished", "failed", "interrupted"]


class Tracker(Protocol):
    """Records one run."""

    def log_settings(self, values: Mapping[str, object]) -> None:
        """Record settings of the run. Those that are recorded already keep their values."""

    def log_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Record metrics by name, such as `epoch/validation_loss`, at a step or an epoch."""

    def start_child(self, name: str) -> "Tracker":
        """Start a run below this one, for one of several models that it tries."""

    def log_artifact(self, path: Path) -> None:
        """Record a file for people, such as the report."""

    def finish(self, status: Status) -> None:
        """End the run."""
