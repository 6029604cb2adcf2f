"""The data of the report and the model card, from a training run or an evaluation."""

import platform
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonObject
from tenor.checks.finding import Finding
from tenor.data.blocks import map_blocks
from tenor.data.dataset import Dataset
from tenor.data.label_source import label_source
from tenor.data.text_source import text_source
from tenor.evaluation import ranking
from tenor.evaluation.evaluate import Evaluation
from tenor.inference.bundle import Metrics
from tenor.inference.predictor import Predictor
from tenor.report.mistakes import Mistake, Suspect, confident_mistakes, suspects
from tenor.tasks import Floats, SingleLabel, Task

_CURVES = 6  # labels, those with the most texts
_POINTS = 200  # of a curve, at most
_LENGTHS = 100_000  # texts whose lengths are measured
_PAIRS = 500  # true and predicted values in the chart


class Curve(NamedTuple):
    """The precision-recall curve of one label.

    Attributes:
        label: The label.
        recall: (points,) ascending.
        precision: (points,).
        average_precision: The area under the curve.
    """

    label: str
    recall: Floats
    precision: Floats
    average_precision: float


@dataclass(frozen=True)
class ReportData:
    """The data of the report and the model card.

    Attributes:
        model: The model.
        metrics: The contents of `metrics.json`.
        size: Bytes of its weights.
        counts: Training texts by label, the most frequent label first; empty for numbers.
        lengths: Characters of the training texts: minimum, quartiles, maximum. Empty if the texts are not available.
        findings: Problems of the data.
        measured_on: Name of the test texts; empty: none.
        curves: Precision-recall curves by label.
        pairs: (texts, 2) true and predicted values.
        mistakes: The most confident mistakes.
        suspects: Test rows whose label may be wrong.
        run: The run file (TOML) that trains this model again.
        memory: Peak resident memory of the process in bytes; None if the system does not report it.
        speed: Predicted test texts per second.
    """

    model: Predictor
    metrics: Metrics
    size: int
    counts: dict[str, int] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    findings: Sequence[Finding] = ()
    measured_on: str = ""
    curves: Sequence[Curve] = ()
    pairs: npt.NDArray[np.float64] | None = None
    mistakes: Sequence[Mistake] = ()
    suspects: Sequence[Suspect] = ()
    run: str = ""
    memory: int | None = None
    speed: float | None = None

    @property
    def task(self) -> Task:
        """The model's task."""
        return self.model.bundle.task

    @property
    def test(self) -> JsonObject:
        """The metrics on the test texts; empty: nothing was measured."""
        return self.metrics.test or {}


def gather(
    model: Predictor,
    data: Dataset | None = None,
    test: Dataset | None = None,
    evaluation: Evaluation | None = None,
    findings: Sequence[Finding] = (),
    run: str = "",
) -> ReportData:
    """Gather the data of a report.

    Args:
        model: The model; its bundle has the metrics and the history.
        data: The training texts.
        test: The test texts.
        evaluation: The evaluation on them.
        findings: Problems of the data.
        run: The run file that trains the model again.
    """
    report = ReportData(
        model=model,
        metrics=model.bundle.metrics,
        size=sum(array.nbytes for array in model.bundle.model.arrays().values()),
        counts=_counts(data, model.bundle.task) if data else {},
        lengths=_lengths(data) if data else (),
        findings=tuple(findings),
        run=run,
        memory=_peak_memory(),
    )
    if test is None or evaluation is None or not len(test):
        return report
    calibrated = model.calibrate(evaluation.logits)
    report = replace(
        report,
        measured_on=test.name,
        mistakes=confident_mistakes(model, test, evaluation, calibrated),
        speed=len(test) / max(evaluation.seconds, 1e-9),
    )
    return _with_charts(report, test, evaluation, calibrated)


def _with_charts(report: ReportData, test: Dataset, evaluation: Evaluation, calibrated: Floats) -> ReportData:
    """The report with curves and suspects, or with pairs of true and predicted values."""
    task, targets = evaluation.task, evaluation.targets
    if not task.has_labels:
        sample = np.linspace(0, len(test) - 1, min(len(test), _PAIRS)).astype(int)
        pairs = np.stack([targets, task.scores(evaluation.logits)[:, 0]], axis=1).astype(np.float64)
        return replace(report, pairs=pairs[sample])
    report = replace(report, curves=_curves(evaluation, calibrated))
    if isinstance(task, SingleLabel):
        report = replace(report, suspects=suspects(test, targets, calibrated, task))
    return report


def _counts(data: Dataset, task: Task) -> dict[str, int]:
    """Texts by label, the most frequent label first; empty for numbers."""
    if not task.has_labels:
        return {}
    counts: Counter[str] = Counter()
    for labels, rows in label_source(data.labels).counts().items():
        for name in task.label_names(labels):
            counts[name] += rows
    return dict(counts.most_common())


def _lengths(data: Dataset) -> tuple[int, ...]:
    """Characters of the texts: minimum, quartiles, maximum."""
    lengths = text_source(data.texts).lengths(_LENGTHS)
    return tuple(np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1]).round().astype(int).tolist())


def _peak_memory() -> int | None:
    """Peak resident memory of this process in bytes; None if the system does not report it."""
    if platform.system() == "Windows":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)  # Linux counts in KiB


def _curves(evaluation: Evaluation, calibrated: Floats) -> list[Curve]:
    """Precision-recall curves of the most frequent labels; of two labels, the second one's."""
    task = evaluation.task
    row, label = task.label_positions(evaluation.targets)
    counts = np.bincount(label, minlength=len(task.labels))
    shown = [1] if task.kind == "binary" else np.argsort(-counts, kind="stable")[:_CURVES].tolist()
    probabilities = map_blocks(lambda block: task.probabilities(block)[:, shown], calibrated)
    curves = []
    for index, scores in zip(shown, probabilities.T, strict=True):
        if not counts[index]:
            continue
        truth = np.zeros(len(scores), bool)
        truth[row[label == index]] = True
        precision, recall = (
            np.append(start, each)
            for start, each in zip((1.0, 0.0), ranking.precision_by_recall(truth, scores), strict=True)
        )
        points = np.unique(np.linspace(0, len(recall) - 1, min(len(recall), _POINTS)).astype(int))
        area = float(np.diff(recall) @ precision[1:])
        curves.append(Curve(task.labels[index], recall[points], precision[points], area))
    return curves
