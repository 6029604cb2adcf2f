"""Models and labelled texts: how good a model is, where it is worse, and which of two is better."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.data.blocks import map_blocks
from tenor.data.dataset import Dataset
from tenor.data.io.chunks import Cell
from tenor.data.label_source import label_source
from tenor.errors import SettingsError
from tenor.inference.predictor import Predictor
from tenor.tasks import Floats, Label, Targets, Task, with_unknown_labels

Columns = Mapping[str, Sequence[Cell]]
"""Values of further columns by name, (rows,) each. The data are sliced by them."""


@dataclass(frozen=True)
class Evaluation:
    """Predictions of a model for labelled texts, and their metrics.

    Attributes:
        metrics: The metrics, with `slices`, the worst first.
        task: The model's task, with the labels that only the texts have.
        targets: The labels, as `task.encode` gives them.
        logits: (texts, outputs), before calibration.
        seconds: How long the prediction took.
    """

    metrics: JsonObject
    task: Task
    targets: Targets
    logits: Floats
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """Two models on the same texts.

    Attributes:
        metrics: What `evaluation.comparison.compare` gives, with `slices`: the metric of each slice by both models, the
            greatest loss first.
        changed_rows: Positions of the texts that the models predict differently.
        first_predictions: What the first model predicts for each text.
        second_predictions: What the second model predicts for each text.
    """

    metrics: JsonObject
    changed_rows: list[int]
    first_predictions: list[Label]
    second_predictions: list[Label]


def evaluate(predictor: Predictor, data: Dataset, columns: Columns | None = None) -> JsonObject:
    """The metrics of a model on labelled texts, as `run_evaluation` computes them."""
    return run_evaluation(predictor, data, columns).metrics


def run_evaluation(predictor: Predictor, data: Dataset, columns: Columns | None = None) -> Evaluation:
    """Measure a model on labelled texts. A label that the model does not know is a mistake.

    Args:
        predictor: The model.
        data: The texts.
        columns: Further columns to slice the data by.
    """
    from tenor.evaluation import metrics, slices

    bundle = predictor.bundle
    task = with_unknown_labels(bundle.task, label_source(data.labels).distinct())
    start = time.perf_counter()
    targets, logits = task.encode(data.labels), predictor.raw_logits(data.texts)
    seconds = time.perf_counter() - start
    calibrated = predictor.calibrate(logits)
    terms = task.metric_terms(targets, map_blocks(task.predict, calibrated))
    parts = slices.partition(task, data.texts, data.labels, columns or {})
    by_slice = [part.as_dict() for part in slices.slice_metrics(task, terms, parts)]
    result = metrics.compute_metrics(targets, logits, task, calibrated, bundle.conformal)
    return Evaluation(result | {"slices": by_slice}, task, targets, logits, seconds)


def compare(first: Predictor, second: Predictor, data: Dataset, columns: Columns | None = None) -> Comparison:
    """Compare two models on labelled texts. A label that a model does not know is a mistake of that model.

    Args:
        first: One model.
        second: The other model.
        data: The texts.
        columns: Further columns to slice the data by.

    Raises:
        SettingsError: The models have different tasks.
    """
    from tenor.evaluation import comparison, slices

    task = with_unknown_labels(common_task(first, second), label_source(data.labels).distinct())
    targets = task.encode(data.labels)
    predictions = [predictor.predict(_texts_for(predictor, data)).tolist() for predictor in (first, second)]
    encoded = [task.encode(labels) for labels in predictions]
    metrics = comparison.compare(task, targets, encoded[0], encoded[1])
    parts = slices.partition(task, data.texts, data.labels, columns or {})
    by_first, by_second = (slices.slice_metrics(task, task.metric_terms(targets, each), parts) for each in encoded)
    second_metrics = {(row.by, row.value): row.metric for row in by_second}
    pairs: list[JsonObject] = [
        {
            "by": row.by,
            "value": row.value,
            "rows": row.rows,
            "first": row.metric,
            "second": second_metrics[row.by, row.value],
        }
        for row in by_first
    ]
    sign = 1 if task.greater_is_better else -1
    pairs.sort(key=lambda pair: sign * (pair["second"] - pair["first"]))
    changed = [row for row, (one, other) in enumerate(zip(*predictions, strict=True)) if one != other]
    return Comparison(metrics | {"slices": pairs}, changed, *predictions)


def _texts_for(predictor: Predictor, data: Dataset) -> Sequence[str]:
    """The texts, or the rows with the fields of this model."""
    if predictor.fields.columns == data.fields.columns or data.fields.is_single_text:
        return data.texts
    return [data.fields.select(row, predictor.fields) for row in data.texts]


def changed_texts(comparison: Comparison, data: Dataset) -> list[JsonObject]:
    """The texts that two models predict differently: `row` as in the file, `text`, `label`, `first` and `second`.

    A text of several fields is an object.
    """
    return [
        {
            "row": data.row_number(row),
            "text": data.fields.to_value(data.texts[row]),
            "label": data.labels[row],
            "first": comparison.first_predictions[row],
            "second": comparison.second_predictions[row],
        }
        for row in comparison.changed_rows
    ]


def common_task(first: Predictor, second: Predictor) -> Task:
    """The task of both models, with the labels of either. Raises SettingsError if their tasks differ."""
    first_task, second_task = first.bundle.task, second.bundle.task
    if type(first_task) is not type(second_task):
        raise SettingsError(
            tr(
                "the models have different tasks: {kind} and {other_kind}.",
                kind=first_task.kind,
                other_kind=second_task.kind,
            ),
            tr("Compare models of one task."),
        )
    return first_task.union(second_task)
