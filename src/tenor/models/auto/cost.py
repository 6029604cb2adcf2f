"""The validation metrics of a candidate, and what its predictions cost."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tenor.evaluation.metrics import wilson_interval
from tenor.models.base import Examples, Fitted
from tenor.tasks import Floats, Targets, Task

_TIMED_TEXTS = 15  # scored one by one, for the median latency
_BOOTSTRAP_SAMPLES = 100  # for the interval of a metric
_SAMPLE_TEXTS = 500  # that represent all


class InferenceCost(NamedTuple):
    """What predictions cost.

    Attributes:
        latency_ms: Median milliseconds to score one text.
        size_mib: MiB of weights and graphs.
    """

    latency_ms: float
    size_mib: float


def metrics_with_intervals(logits: Floats, targets: Targets, task: Task) -> dict[str, float]:
    """The validation loss, and each metric with its 95% interval.

    The interval of accuracy is Wilson's; others are by the bootstrap (Efron, 1979, "Bootstrap Methods").

    Args:
        logits: (texts, outputs).
        targets: The labels of the texts, encoded by `task.encode`.
        task: What is predicted.
    """
    metrics = {"validation_loss": float(np.mean(task.losses(targets, logits)))}
    generator = np.random.default_rng(0)
    samples = [generator.integers(len(targets), size=len(targets)) for _ in range(_BOOTSTRAP_SAMPLES)]
    resampled = [task.training_metrics(targets[rows], logits[rows]) for rows in samples]
    for name, value in task.training_metrics(targets, logits).items():
        if name == "accuracy" and task.is_single_label:
            low, high = wilson_interval(round(value * len(targets)), len(targets))
        else:
            low, high = np.quantile([each[name] for each in resampled], [0.025, 0.975])
        metrics |= {f"validation_{name}": value, f"validation_{name}_low": low, f"validation_{name}_high": high}
    return {name: float(value) for name, value in metrics.items()}


def inference_cost(fitted: Fitted, texts: Sequence[str]) -> InferenceCost:
    """Time predictions of single texts, and measure the size of the model."""
    seconds = []
    for text in texts[: _TIMED_TEXTS + 1]:
        started_at = time.perf_counter()
        fitted.model.logits([text])
        seconds.append(time.perf_counter() - started_at)
    arrays, graphs = fitted.model.arrays().values(), fitted.model.graphs().values()
    size = sum(array.nbytes for array in arrays) + sum(len(graph) for graph in graphs)
    # The first prediction warms up.
    return InferenceCost(latency_ms=1e3 * float(np.median(seconds[1:] or seconds)), size_mib=size / (1 << 20))


def sample(examples: Examples) -> list[str]:
    """At most about 1,000 texts at regular distances, that represent all."""
    step = max(1, len(examples) // _SAMPLE_TEXTS)
    return [examples.texts[row] for row in range(0, len(examples), step)]
