"""Which characters of a text speak for and against a label.

What is explained is a label's logit: of two labels that of the label itself, the other's being its negative; of more,
its logit less the mean of all labels' logits, since only differences between them count; of a set of labels the logit
of each; of a number the number itself. It is the sum of a base, which is what the model says where it is told nothing,
and of what each character adds (`models.attribution`). Logits are at the temperature of the
calibrated probabilities, but without the share of the uniform distribution that is mixed into these: that comes from
no word. Characters are shown as words: runs of letters and digits, one Chinese character, one emoji; and the
punctuation between them where that counts.
"""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tenor.config.settings import suggest
from tenor.errors import SettingsError
from tenor.inference.predictor import Predictor, check_texts
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
    """What speaks for and against one label: `logit` is `base`, plus the weights of `spans`, plus `gap`.

    Attributes:
        label: The label; None where the model predicts numbers.
        score: Its calibrated probability, or the number.
        logit: What is explained: the label's logit, or the number.
        base: What the model says where it is told nothing.
        gap: What numerical integration leaves over; 0 where weights are exact.
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
    """What speaks for and against some labels of a text.

    Attributes:
        text: The text.
        labels: One for each label explained: those that the text gets, the most probable first, or those asked for.
        unread: Begin and end of each part that the model did not read, because the text is too long for it.
    """

    text: str
    labels: tuple[Evidence, ...]
    unread: tuple[tuple[int, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        labels = [{**vars(evidence), "spans": [span._asdict() for span in evidence.spans]} for evidence in self.labels]
        return {"text": self.text, "labels": labels, "unread": [list(part) for part in self.unread]}


def explain(predictor: Predictor, texts: Sequence[str], labels: Sequence[str] | None = None) -> list[Explanation]:
    """Explain what a model says of some texts.

    Args:
        predictor: The model.
        texts: The texts.
        labels: The labels to explain; None: those that each text gets, or the most probable one where it gets none.

    Raises:
        DataError: An element is not a string.
        SettingsError: The model does not know the label, or it predicts numbers and has none.
    """
    texts, task = check_texts(texts), predictor.bundle.task
    if not texts:
        return []
    logits = predictor.raw_logits(texts)
    if not task.has_labels:
        if labels is not None:
            raise SettingsError("the model predicts numbers and has no labels.", "Ask for none.")
        scores, chosen = task.scores(logits), np.ones((len(texts), 1), bool)
    else:
        scores = task.probabilities(predictor.calibrate(logits))
        chosen = predictor.assigned_labels(scores) if labels is None else _named(task, labels, len(texts))
        chosen[np.arange(len(scores)), scores.argmax(axis=1)] |= ~chosen.any(axis=1)
    owner, label = np.nonzero(chosen)
    order = np.lexsort((label, -scores[owner, label], owner))
    owner, label = owner[order], label[order]
    ways, centre = directions(predictor)
    found = predictor.bundle.model.attribute([texts[row] for row in owner], ways[label])
    said = (logits[owner] * ways[label]).sum(axis=1, dtype=np.float64) + centre
    evidence: list[list[Evidence]] = [[] for _ in texts]
    for row, index, attribution, logit in zip(owner.tolist(), label.tolist(), found, said.tolist(), strict=True):
        name = task.labels[index] if task.labels else None
        spans = words(texts[row], attribution.characters)
        score, base = float(scores[row, index]), attribution.base_value + centre
        gap = attribution.convergence_delta
        evidence[row].append(Evidence(name, score, logit, base, gap, spans))
    firsts = np.searchsorted(owner, np.arange(len(texts)))
    return [
        Explanation(text, tuple(each), _unread(found[first]))
        for text, each, first in zip(texts, evidence, firsts, strict=True)
    ]


def _named(task: Task, labels: Sequence[str], rows: int) -> npt.NDArray[np.bool_]:
    """(rows, labels): those with these names in each row."""
    for name in labels:
        if name not in task.labels:
            raise SettingsError(f"the model has no label {name!r}.", suggest(name, list(task.labels)))
    return np.tile(np.isin(task.labels, labels), (rows, 1))


def directions(predictor: Predictor) -> tuple[Floats, float]:
    """(labels, outputs) how the logit of each label comes from the raw outputs, and what is added to it."""
    task, calibration = predictor.bundle.task, predictor.bundle.calibration
    weights, constant = task.logit_directions()
    return np.asarray(weights * (1 if calibration is None else calibration.slope), np.float32), constant


def words(text: str, weights: Shares) -> tuple[Span, ...]:
    """What words add, and the characters between them where they add anything; `weights` are (characters,).

    Blanks are where words begin and end: what they add goes to the words beside them.
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
    found = np.array([weights[begin:end].sum() for begin, end in kept])
    for begin, end in sorted(set(runs) - set(kept)):
        after = bisect.bisect(kept, (begin, end))
        for beside in (max(after - 1, 0), min(after, len(kept) - 1)):
            found[beside] += weights[begin:end].sum() / 2
    return tuple(Span(begin, end, weight) for (begin, end), weight in zip(kept, found.tolist(), strict=True))


def _unread(attribution: Attribution) -> tuple[tuple[int, int], ...]:
    edges = np.flatnonzero(np.diff(attribution.was_read, prepend=True, append=True))
    return tuple((int(begin), int(end)) for begin, end in edges.reshape(-1, 2))
