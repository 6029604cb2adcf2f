"""Training runs of small networks, which a test may end at any step."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.models import context, registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.tasks import SingleLabel
from tenor.training import neural

TASK = SingleLabel(("bad", "good"))


TEXTS = [f"{'fine nice' if index % 2 else 'poor sad'} words {index % 9} {'x ' * (index % 11)}" for index in range(160)]


TARGETS = np.array([index % 2 for index in range(160)], np.int32)


EXAMPLES = Examples(TEXTS, TARGETS, TASK, np.ones(len(TEXTS), np.float32))


SETTINGS: dict[str, Any] = {
    "vocabulary": 60,
    "embedding": 6,
    "units": 5,
    "max_length": 16,
    "batch_tokens": 256,
    "epochs": 3,
    "dropout": 0.3,
    "learning_rate": 0.02,
}


class Killed(BaseException):
    """Ends a run at once, like a signal, but in the process of the test."""


class Killer(Callback):
    def __init__(self, at: int | None) -> None:
        self.left = at
        self.lines: list[str] = []

    def on_message(self, message: str) -> None:
        self.lines.append(message)

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


def fit(
    folder: Path | None,
    resume: bool = False,
    kill_at: int | None = None,
    seed: int = 1,
    family: str = "bag",
    **changes: Any,
) -> tuple[dict[str, Any], Any, Killer]:
    config = config_of(family, **changes)
    checkpoints = (
        context.Checkpoints(folder, resume, {"seed": seed}, min_interval_s=0.0, max_time_share=math.inf)
        if folder
        else None
    )
    callback = Killer(kill_at)
    fitted = neural.fit(
        registry.FAMILIES[family], EXAMPLES, config, FitContext(seed=seed, callback=callback, checkpoints=checkpoints)
    )
    return dict(fitted.model.arrays()), fitted, callback


def config_of(family: str, **changes: Any) -> Any:
    values = SETTINGS | changes
    if family == "bag":  # which is quicker, where the network does not matter
        values.pop("units")
    return settings.make(registry.FAMILIES[family].config, values, "test")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)
