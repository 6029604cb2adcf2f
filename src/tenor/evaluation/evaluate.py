"""Saved or trained models and labelled texts -> how good they are, where they are worse, and which one is better."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenor.data.dataset import Dataset
from tenor.errors import DataError, SettingsError, counted, listed
from tenor.inference.predictor import Predictor
from tenor.tasks import Floats, Targets, Task

Columns = Mapping[str, Sequence[Any]]
"""Other columns of the rows, by which they are parted."""


@dataclass(frozen=True)
class Evaluation:
    """What a model says of labelled texts, and how good that is.

    Attributes:
        metrics: The metrics, with `slices`, the worst first.
        targets: What `task.encode` makes of the labels.
        logits: (texts, outputs), before calibration.
        seconds: How long the model took to predict them.
    """

    metrics: dict[str, Any]
    targets: Targets
    logits: Floats
    seconds: float


def evaluate(predictor: Predictor, data: Dataset, columns: Columns | None = None) -> dict[str, Any]:
    """The metrics that `measure` tells."""
    return run_evaluation(predictor, data, columns).metrics


def run_evaluation(predictor: Predictor, data: Dataset, columns: Columns | None = None) -> Evaluation:
    """Measure a model on labelled texts.

    Raises:
        DataError: A label is not one that the model knows.
    """
    from tenor.evaluation import metrics, slices

    task = predictor.bundle.task
    check_labels(data, task)
    begin = time.perf_counter()
    targets, raw = task.encode(data.labels), predictor.raw_logits(data.texts)
    seconds = time.perf_counter() - begin
    predicted = predictor.predict_from_logits(predictor.calibrate(raw)).tolist()
    counted = task.metric_terms(targets, task.encode(predicted))
    parted = slices.partition(task, data.texts, data.labels, columns or {})
    found = slices.slice_metrics(task, counted, parted)
    saved = predictor.bundle
    measured = metrics.compute_metrics(targets, raw, task, saved.calibration, saved.conformal)
    return Evaluation(measured | {"slices": [part._asdict() for part in found]}, targets, raw, seconds)


def check_labels(data: Dataset, task: Task) -> None:
    """Refuse labels that the model does not know."""
    known = set(task.labels)
    new = [[name for name in task.label_names(label) if name not in known] for label in data.labels]
    unknown = [names[0] for names in new if names]
    if unknown:
        raise DataError(
            f"{data.name}, column {data.label_column!r}: the label {unknown[0]!r} was not in the training data "
            f"({counted(len(unknown), 'row has such a label', 'rows have such labels')}).",
            f"Known labels: {listed(task.labels)}.",
        )


@dataclass(frozen=True)
class Comparison:
    """Two models on the same texts.

    Attributes:
        metrics: What `evaluation.comparison.compare` tells, and `slices`: the figure of each part of the data by the
            first and by the second model, the greatest loss first.
        changed_rows: Positions of the texts that they label differently.
        first_predictions: What the first model predicts, for each text.
        second_predictions: What the second does.
    """

    metrics: dict[str, Any]
    changed_rows: list[int]
    first_predictions: list[Any]
    second_predictions: list[Any]


def compare(first: Predictor, second: Predictor, data: Dataset, columns: Columns | None = None) -> Comparison:
    """Compare two models on labelled texts. They may know different labels: an unknown one is never right.

    Raises:
        SettingsError: They predict different things.
        DataError: A label is one that neither model knows.
    """
    from tenor.evaluation import comparison, slices

    task = _common(first, second)
    check_labels(data, task)
    targets = task.encode(data.labels)
    said = [predictor.predict(data.texts).tolist() for predictor in (first, second)]
    one, other = (task.encode(labels) for labels in said)
    figures = comparison.compare(task, targets, one, other)
    parted = slices.partition(task, data.texts, data.labels, columns or {})
    of_first, of_second = (
        {(part.by, part.value): part for part in slices.slice_metrics(task, task.metric_terms(targets, of), parted)}
        for of in (one, other)
    )
    pairs: list[dict[str, Any]] = [
        {"by": by, "value": value, "rows": part.rows, "first": part.figure, "second": of_second[by, value].figure}
        for (by, value), part in of_first.items()
    ]
    sign = 1 if task.greater_is_better else -1
    pairs.sort(key=lambda pair: sign * (pair["second"] - pair["first"]))
    changed = [row for row, (one, other) in enumerate(zip(*said, strict=True)) if one != other]
    return Comparison(figures | {"slices": pairs}, changed, *said)


def _common(first: Predictor, second: Predictor) -> Task:
    """The task of both models, with the labels of either."""
    one, other = first.bundle.task, second.bundle.task
    if type(one) is not type(other):
        raise SettingsError(
            f"the models predict different things: {one.kind} and {other.kind}.", "Compare models of one task."
        )
    return one.union(other)
