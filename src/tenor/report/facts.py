"""Everything that the page and the model card tell, gathered from one training run or measurement."""

import platform
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.checks import mislabelled
from tenor.checks.finding import Finding
from tenor.data.dataset import Dataset
from tenor.data.label_source import label_source
from tenor.data.text_source import text_source
from tenor.evaluation.evaluate import Evaluation
from tenor.explanation.texts import Explanation, explain
from tenor.inference.bundle import Metrics
from tenor.inference.predictor import Predictor
from tenor.tasks import Floats, SingleLabel, Targets, Task

_ERRORS = 10  # texts that are shown
_SUSPECTS = 20
_SHOWN = 200  # characters of their texts
_CURVES = 6  # labels, those with the most texts
_POINTS = 200  # of a curve, at most
_LENGTHS = 100_000  # texts that are enough to tell how long texts are
_PAIRS = 500  # true and predicted numbers in the figure


class Curve(NamedTuple):
    """How precision falls as recall rises, for one label.

    Attributes:
        label: The label.
        recall: (points,) rising.
        precision: (points,).
        average_precision: The area under it.
    """

    label: str
    recall: Floats
    precision: Floats
    average_precision: float


class Mistake(NamedTuple):
    """A text that the model gets wrong.

    Attributes:
        row: Its number in the file.
        true: Its label, its labels with commas, or its number.
        predicted: What the model says, likewise.
        score: Probability of the predicted label; of several that of the one that is most surely wrong; of a number the
            error.
        explanation: Why it says so.
    """

    row: int
    true: str
    predicted: str
    score: float
    explanation: Explanation


class Suspect(NamedTuple):
    """A row of the texts measured on whose label may be wrong: the label it has and the one that the model suggests."""

    row: int
    label: str
    suggested: str
    text: str


@dataclass(frozen=True)
class ReportData:
    """What is told.

    Attributes:
        model: The model.
        metrics: What `metrics.json` holds.
        size: Bytes of its weights.
        counts: Rows by label of the texts learned from, the most frequent first; none where numbers are predicted.
        lengths: Characters of the texts learned from: least, quartiles, most. Empty where they are not at hand.
        findings: What may be wrong with the data.
        measured_on: Name of the texts measured on; empty where there are none.
        curves: Precision and recall by label.
        pairs: (texts, 2) true and predicted numbers.
        mistakes: The most confident ones.
        suspects: Labels of the texts measured on that may be wrong.
        run: The run file (TOML) that trains this model again.
        memory: Peak resident memory of the process, bytes; None where the system does not tell.
        speed: Texts a second when it predicted those measured on.
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
        return self.model.bundle.task

    @property
    def test(self) -> dict[str, Any]:
        """The metrics on the texts measured on; empty where there are none."""
        return self.metrics.test or {}


def gather(
    model: Predictor,
    data: Dataset | None = None,
    test: Dataset | None = None,
    measured: Evaluation | None = None,
    findings: Sequence[Finding] = (),
    run: str = "",
) -> ReportData:
    """Gather what is told of a model.

    Args:
        model: The model; its bundle has the metrics and the history.
        data: The texts that it learned from.
        test: The texts that it was measured on.
        measured: What came of that.
        findings: What may be wrong with the data.
        run: The run file that trains the model again.
    """
    metrics, task = model.bundle.metrics, model.bundle.task
    found = ReportData(
        model,
        metrics,
        sum(array.nbytes for array in model.bundle.model.arrays().values()),
        _counts(data, task) if data else {},
        _lengths(data) if data else (),
        tuple(findings),
        run=run,
        memory=_memory(),
    )
    if test is None or measured is None or not len(test):
        return found
    told: dict[str, Any] = {
        "measured_on": test.name,
        "mistakes": _mistakes(model, test, measured),
        "speed": len(test) / max(measured.seconds, 1e-9),
    }
    targets, logits = measured.targets, model.calibrate(measured.logits)
    if not task.has_labels:
        some = np.linspace(0, len(test) - 1, min(len(test), _PAIRS)).astype(int)
        told["pairs"] = np.stack([targets, task.scores(measured.logits)[:, 0]], axis=1).astype(np.float64)[some]
    else:
        probabilities = task.probabilities(logits)
        told["curves"] = _curves(targets, probabilities, task)
        if isinstance(task, SingleLabel):
            told["suspects"] = _suspects(test, targets, probabilities, task)
    return replace(found, **told)


def _counts(data: Dataset, task: Task) -> dict[str, int]:
    if not task.has_labels:
        return {}
    found: Counter[str] = Counter()
    for labels, rows in label_source(data.labels).counts().items():
        for name in task.label_names(labels):
            found[name] += rows
    return dict(found.most_common())


def _lengths(data: Dataset) -> tuple[int, ...]:
    lengths = text_source(data.texts).lengths(_LENGTHS)
    return tuple(np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1]).round().astype(int).tolist())


def _memory() -> int | None:
    if platform.system() == "Windows":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)  # Linux counts in KiB


def _curves(targets: Targets, probabilities: Floats, task: Task) -> list[Curve]:
    from sklearn import metrics

    truth = task.label_matrix(targets)
    rows = truth.sum(axis=0)
    shown = [1] if task.kind == "binary" else np.argsort(-rows, kind="stable").tolist()
    curves = []
    for index in shown[:_CURVES]:
        if not rows[index]:
            continue
        precision, recall, _ = metrics.precision_recall_curve(truth[:, index], probabilities[:, index])
        some = np.unique(np.linspace(0, len(recall) - 1, min(len(recall), _POINTS)).astype(int))[::-1]
        area = float(metrics.average_precision_score(truth[:, index], probabilities[:, index]))
        curves.append(Curve(task.labels[index], recall[some], precision[some], area))
    return curves


def _mistakes(model: Predictor, test: Dataset, measured: Evaluation) -> list[Mistake]:
    """The texts that the model gets wrong although it is most sure of them, and for numbers those furthest off."""
    task = model.bundle.task
    said = model.predict_from_logits(model.calibrate(measured.logits)).tolist()
    doubt = task.confidence_in_error(measured.targets, model.calibrate(measured.logits))
    rows = _distinct(test, np.argsort(-doubt, kind="stable")[: int((doubt > 0).sum())], _ERRORS)
    explained = explain(model, [test.texts[row] for row in rows])
    return [
        Mistake(
            test.row_number(row),
            task.describe_label(test.labels[row]),
            task.describe_label(said[row]),
            float(doubt[row]),
            explanation,
        )
        for row, explanation in zip(rows, explained, strict=True)
    ]


def _suspects(test: Dataset, targets: Targets, probabilities: Floats, task: SingleLabel) -> list[Suspect]:
    margins, suggested = mislabelled.doubts(targets, probabilities)
    suspected = np.flatnonzero(suggested >= 0)
    rows = _distinct(test, suspected[np.argsort(margins[suspected], kind="stable")], _SUSPECTS)
    texts = [test.texts[row].strip() for row in rows]
    return [
        Suspect(
            test.row_number(row),
            test.labels[row],
            task.labels[suggested[row]],
            text[:_SHOWN] + "…" * (len(text) > _SHOWN),
        )
        for row, text in zip(rows, texts, strict=True)
    ]


def _distinct(test: Dataset, rows: npt.NDArray[np.int64], most: int) -> list[int]:
    """The first rows, at most so many, whose texts are not those of others: once shows all that there is to see."""
    found: dict[str, int] = {}
    for row in rows.tolist():
        found.setdefault(test.texts[row].strip(), row)
        if len(found) == most:
            break
    return list(found.values())
