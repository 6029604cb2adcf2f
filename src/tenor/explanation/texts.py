"""Which words of a text speak for and against a label.

The explained quantity is a label's logit. With two labels, the logit of one is the negative of the other's. With more,
it is the label's logit less the mean of all logits, since only differences matter. With several labels per text, each
label has its own logit; for numbers it is the number.

The logit is the sum of a base, the output for an empty text, and of what each character adds (`models.attribution`).
Logits have the temperature of the calibrated probabilities, but not the share of the uniform distribution, which comes
from no word. Characters are shown as words: runs of letters and digits, one Chinese character, one emoji, and
punctuation that adds something.
"""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.records import JsonObject
from tenor.config.settings import suggest
from tenor.errors import SettingsError
from tenor.inference.predictor import Predictor
from tenor.models.attribution import Attribution, Shares
from tenor.tasks import Floats, Task
from tenor.text.tokenise import tokenise


class Span(NamedTuple):
    """The characters `text[begin:end]` and what they add: above 0 they speak for the label, below 0 against it."""

    begin: int
    end: int
    weight: float


@dataclass(frozen=True)
class Evidence:
    """The evidence for and against one label: `logit` is `base`, plus the weights of `spans`, plus `gap`.

    Attributes:
        label: The label; None for numbers.
        score: Its calibrated probability, or the number.
        logit: The explained quantity: the label's logit, or the number.
        base: The logit of an empty text.
        gap: The error of numerical integration; 0 if weights are exact.
        spans: All words of the text, and other characters that add something, in their order.
    """

    label: str | None
    score: float
    logit: float
    base: float
    gap: float
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Explanation:
    """The evidence for and against some labels of a text.

    Attributes:
        text: The text.
        labels: Evidence for each label: those that the text gets, the most probable first, or those requested.
        unread: Begin and end of each part that the model did not read because the text is too long.
    """

    text: str
    labels: tuple[Evidence, ...]
    unread: tuple[tuple[int, int], ...] = ()

    def as_dict(self) -> JsonObject:
        """The explanation as JSON."""
        labels = [{**vars(evidence), "spans": [span._asdict() for span in evidence.spans]} for evidence in self.labels]
        return {"text": self.text, "labels": labels, "unread": [list(part) for part in self.unread]}


def explain(predictor: Predictor, texts: Sequence[str], labels: Sequence[str] | None = None) -> list[Explanation]:
    """Explain the predictions for some texts.

    Args:
        predictor: The model.
        texts: The texts.
        labels: The labels to explain; None: those that each text gets, or the most probable one if it gets none.

    Raises:
        DataError: An element is not a string.
        SettingsError: The model does not know a label, or predicts numbers.
    """
    texts, task = predictor.as_rows(texts), predictor.bundle.task
    if not texts:
        return []
    logits = predictor.raw_logits(texts)
    if not task.has_labels:
        if labels is not None:
            raise SettingsError("the model predicts numbers and has no labels.", "Leave out the labels.")
        scores, chosen = task.scores(logits), np.ones((len(texts), 1), bool)
    else:
        scores = task.probabilities(predictor.calibrate(logits))
        chosen = predictor.assigned_labels(scores) if labels is None else _named(task, labels, len(texts))
        chosen[np.arange(len(scores)), scores.argmax(axis=1)] |= ~chosen.any(axis=1)
    rows, columns = np.nonzero(chosen)
    order = np.lexsort((columns, -scores[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    weights, constant = directions(predictor)
    attributions = predictor.bundle.model.attribute([texts[row] for row in rows], weights[columns])
    explained = (logits[rows] * weights[columns]).sum(axis=1, dtype=np.float64) + constant
    evidence: list[list[Evidence]] = [[] for _ in texts]
    parts = zip(rows.tolist(), columns.tolist(), attributions, explained.tolist(), strict=True)
    for row, column, attribution, logit in parts:
        evidence[row].append(
            Evidence(
                label=task.labels[column] if task.labels else None,
                score=float(scores[row, column]),
                logit=logit,
                base=attribution.base_value + constant,
                gap=attribution.convergence_delta,
                spans=words(texts[row], attribution.characters),
            )
        )
    firsts = np.searchsorted(rows, np.arange(len(texts)))
    return [
        Explanation(text, tuple(each), _unread(attributions[first]))
        for text, each, first in zip(texts, evidence, firsts, strict=True)
    ]


def _named(task: Task, labels: Sequence[str], rows: int) -> npt.NDArray[np.bool_]:
    """Labels by their names, the same in each row, (rows, labels). Raises SettingsError for an unknown name."""
    for name in labels:
        if name not in task.labels:
            raise SettingsError(f"the model has no label {name!r}.", suggest(name, list(task.labels)))
    return np.tile(np.isin(task.labels, labels), (rows, 1))


def directions(predictor: Predictor) -> tuple[Floats, float]:
    """Weights of the outputs in the logit of each label, (labels, outputs), and a number that is added to it."""
    task, calibration = predictor.bundle.task, predictor.bundle.calibration
    weights, constant = task.logit_directions()
    return np.asarray(weights * (1 if calibration is None else calibration.slope), np.float32), constant


def words(text: str, weights: Shares) -> tuple[Span, ...]:
    """The weights of words, and of the characters between them that have a weight.

    The weight of blanks goes to the words beside them.

    Args:
        text: The text.
        weights: What each character adds, (characters,).
    """
    tokens = tokenise([text])
    number = np.full(len(text), -1)
    for index, (begin, end) in enumerate(zip(tokens.begin.tolist(), tokens.end.tolist(), strict=True)):
        number[begin:end] = index
    number[(number < 0) & (weights != 0)] = -2
    edges = np.flatnonzero(np.diff(number, prepend=-3, append=-3))
    runs = [(begin, end) for begin, end in itertools.pairwise(edges.tolist()) if number[begin] != -1]
    kept = [run for run in runs if number[run[0]] >= 0 or text[run[0] : run[1]].strip()]
    if not kept:
        return tuple(Span(begin, end, float(weights[begin:end].sum())) for begin, end in runs)
    sums = np.array([weights[begin:end].sum() for begin, end in kept])
    for begin, end in sorted(set(runs) - set(kept)):
        after = bisect.bisect(kept, (begin, end))
        for beside in (max(after - 1, 0), min(after, len(kept) - 1)):
            sums[beside] += weights[begin:end].sum() / 2
    return tuple(Span(begin, end, weight) for (begin, end), weight in zip(kept, sums.tolist(), strict=True))


def _unread(attribution: Attribution) -> tuple[tuple[int, int], ...]:
    """Begin and end of each part that the model did not read."""
    edges = np.flatnonzero(np.diff(attribution.was_read, prepend=True, append=True))
    return tuple((int(begin), int(end)) for begin, end in edges.reshape(-1, 2))
