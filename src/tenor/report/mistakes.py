"""Test texts for the report: the most confident mistakes, and labels that may be wrong."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.checks import mislabelled
from tenor.data.blocks import map_blocks
from tenor.data.dataset import Dataset
from tenor.evaluation.evaluate import Evaluation
from tenor.explanation.texts import Explanation, explain
from tenor.inference.predictor import Predictor
from tenor.tasks import Floats, SingleLabel, Targets

_MISTAKES = 10  # texts
_SUSPECTS = 20  # texts
_CHARACTERS = 200  # of the text of a suspect


class Mistake(NamedTuple):
    """A text that the model gets wrong.

    Attributes:
        row: Its row number in the file.
        true: Its label, its labels with commas, or its value.
        predicted: The prediction, likewise.
        score: Probability of the predicted label; with several labels, of the one that is most surely wrong; for
            numbers the error.
        explanation: What speaks for the prediction.
    """

    row: int
    true: str
    predicted: str
    score: float
    explanation: Explanation


class Suspect(NamedTuple):
    """A test row whose label may be wrong: the label that it has, and the one that the model suggests."""

    row: int
    label: str
    suggested: str
    text: str


def confident_mistakes(model: Predictor, test: Dataset, evaluation: Evaluation, calibrated: Floats) -> list[Mistake]:
    """The wrong predictions with the highest confidence; for numbers, those with the largest error.

    Args:
        model: The model.
        test: The test texts.
        evaluation: The evaluation on them.
        calibrated: (texts, outputs) calibrated logits.
    """
    task = evaluation.task
    confidence = map_blocks(task.confidence_in_error, evaluation.targets, calibrated)
    rows = _distinct(test, np.argsort(-confidence, kind="stable")[: int((confidence > 0).sum())], _MISTAKES)
    predictions = model.predict_from_logits(calibrated[rows]).tolist()
    explanations = explain(model, [test.texts[row] for row in rows])
    return [
        Mistake(
            row=test.row_number(row),
            true=task.describe_label(test.labels[row]),
            predicted=task.describe_label(predicted),
            score=float(confidence[row]),
            explanation=explanation,
        )
        for row, predicted, explanation in zip(rows, predictions, explanations, strict=True)
    ]


def suspects(test: Dataset, targets: Targets, logits: Floats, task: SingleLabel) -> list[Suspect]:
    """Test rows whose label may be wrong, the most doubtful first.

    Args:
        test: The test texts.
        targets: (texts,) their labels, as `task.encode` gives them.
        logits: (texts, outputs), of calibrated probabilities.
        task: The task.
    """
    margins, suggested, _ = mislabelled.doubts(targets, logits, task)
    doubtful = np.flatnonzero(suggested >= 0)
    rows = _distinct(test, doubtful[np.argsort(margins[doubtful], kind="stable")], _SUSPECTS)
    texts = [test.display(row).strip() for row in rows]
    return [
        Suspect(
            row=test.row_number(row),
            label=test.labels[row],
            suggested=task.labels[suggested[row]],
            text=text[:_CHARACTERS] + "…" * (len(text) > _CHARACTERS),
        )
        for row, text in zip(rows, texts, strict=True)
    ]


def _distinct(test: Dataset, rows: npt.NDArray[np.int64], limit: int) -> list[int]:
    """The first rows with distinct texts, at most `limit`."""
    first: dict[str, int] = {}
    for row in rows.tolist():
        first.setdefault(test.texts[row].strip(), row)
        if len(first) == limit:
            break
    return list(first.values())
