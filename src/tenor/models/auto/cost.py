"""What a model that was tried is worth, and what it costs."""

import time
from collections.abc import Sequence

import numpy as np

from tenor.models.base import Examples, Fitted
from tenor.tasks import Floats

_TIMED = 15  # texts that a model labels one by one, to tell how long it takes
_RESAMPLED = 100  # times that the texts held out are drawn again, for the interval of a score
_SAMPLE = 500  # texts that stand for all


def metrics_with_intervals(logits: Floats, held_out: Examples) -> dict[str, float]:
    """The loss, and each score with its 95% interval (Efron, 1979, "Bootstrap Methods")."""
    task, targets = held_out.task, held_out.targets
    found = {"validation_loss": float(np.mean(task.losses(targets, logits)))}
    generator = np.random.default_rng(0)
    drawn = [generator.integers(len(targets), size=len(targets)) for _ in range(_RESAMPLED)]
    again = [task.training_metrics(targets[rows], logits[rows]) for rows in drawn]
    for name, value in task.training_metrics(targets, logits).items():
        low, high = np.quantile([each[name] for each in again], [0.025, 0.975])
        found |= {f"validation_{name}": value, f"validation_{name}_low": low, f"validation_{name}_high": high}
    return {name: float(value) for name, value in found.items()}


def inference_cost(fitted: Fitted, texts: Sequence[str]) -> tuple[float, float]:
    """(milliseconds for a single text, MiB of weights and graphs)."""
    spent = []
    for text in texts[: _TIMED + 1]:
        begin = time.perf_counter()
        fitted.model.logits([text])
        spent.append(time.perf_counter() - begin)
    arrays, graphs = fitted.model.arrays().values(), fitted.model.graphs().values()
    size = sum(array.nbytes for array in arrays) + sum(len(graph) for graph in graphs)
    return 1e3 * float(np.median(spent[1:] or spent)), size / (1 << 20)  # the first time warms up


def sample(examples: Examples) -> list[str]:
    step = max(1, len(examples) // _SAMPLE)
    return [examples.texts[row] for row in range(0, len(examples), step)]
