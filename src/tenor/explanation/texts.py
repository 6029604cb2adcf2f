"""Which words of a text speak for and against a label.

The explained quantity is a label's logit. With two labels, the logit of one is the negative of the other's. With more,
it is the label's logit less the mean of all logits, since only differences matter. With several labels per text, each
label has its own logit; for numbers it is the number.

The logit is the sum of a base, the output for an empty text, and of what each character adds (`models.attribution`).
In a row of several fields, words belong to the text fields, and each other field adds something by itself.
Logits have the temperature of the calibrated probabilities, but not the share of the uniform distribution, which comes
from no word. Characters are shown as words: runs of letters and digits, Chinese words, one emoji, and punctuation that
adds something.
"""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.config.settings import suggest
from tenor.data.fields import SEPARATOR, SINGLE_TEXT, Fields
from tenor.errors import SettingsError
from tenor.inference.predictor import Predictor
from tenor.models.attribution import Attribution, Shares
from tenor.tasks import Floats, Task
from tenor.text.chinese_words import chinese_words
from tenor.text.tokenise import tokenise


class Span(NamedTuple):
    """The characters `text[begin:end]` and what they add: above 0 they speak for the label, below 0 against it."""

    begin: int
    end: int
    weight: float


class FeatureWeight(NamedTuple):
    """What a number, a category or a date beside the text adds, or the similarity of a pair of texts.

    Attributes:
        name: Name of the field, or `similarity`.
        value: Its value in the row; empty if it is missing, None for the similarity.
        weight: What it adds to the logit.
    """

    name: str
    value: str | None
    weight: float


class FieldPart(NamedTuple):
    """A text field of a row: its name, and where its characters are."""

    name: str
    begin: int
    end: int


@dataclass(frozen=True)
class Evidence:
    """The evidence for and against one label.

    `logit` is `base`, plus the weights of `spans` and of `features`, plus `gap`.

    Attributes:
        label: The label; None for numbers.
        score: Its calibrated probability, or the number.
        logit: The explained quantity: the label's logit, or the number.
        base: The logit of an empty text.
        gap: The error of numerical integration; 0 if weights are exact.
        spans: All words of the text, and other characters that add something, in their order.
        features: What the fields beside the texts add.
    """

    label: str | None
    score: float
    logit: float
    base: float
    gap: float
    spans: tuple[Span, ...]
    features: tuple[FeatureWeight, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """The evidence for and against some labels of a text.

    Attributes:
        text: The text; a row of several fields is joined.
        labels: Evidence for each label: those that the text gets, the most probable first, or those requested.
        unread: Begin and end of each part that the model did not read because the text is too long.
        fields: The columns that the text is joined from.
    """

    text: str
    labels: tuple[Evidence, ...]
    unread: tuple[tuple[int, int], ...] = ()
    fields: Fields = SINGLE_TEXT

    @property
    def parts(self) -> tuple[FieldPart, ...]:
        """The text fields, in their order."""
        return text_parts(self.text, self.fields)

    def as_dict(self) -> JsonObject:
        """The explanation as JSON. With several fields, `text` has their values, and positions are those in a field."""
        if self.fields.is_single_text:
            labels = [_without_features(evidence) for evidence in self.labels]
            return {"text": self.text, "labels": labels, "unread": [list(part) for part in self.unread]}
        labels = [
            {
                **vars(evidence),
                "spans": [
                    {"field": part.name, "begin": begin - part.begin, "end": end - part.begin, "weight": weight}
                    for part in self.parts
                    for begin, end, weight in spans_in(evidence.spans, part)
                ],
                "features": [feature._asdict() for feature in evidence.features],
            }
            for evidence in self.labels
        ]
        unread = [
            {"field": part.name, "begin": max(begin, part.begin) - part.begin, "end": min(end, part.end) - part.begin}
            for part in self.parts
            for begin, end in self.unread
            if begin < part.end and end > part.begin
        ]
        return {"text": self.fields.to_value(self.text), "labels": labels, "unread": unread}


def _without_features(evidence: Evidence) -> JsonObject:
    values = {key: value for key, value in vars(evidence).items() if key != "features"}
    return {**values, "spans": [span._asdict() for span in evidence.spans]}


def text_parts(row: str, fields: Fields) -> tuple[FieldPart, ...]:
    """Where the text fields of a row are."""
    parts, begin = [], 0
    for field, value in zip(fields.texts, fields.split(row), strict=False):
        parts.append(FieldPart(field.name, begin, begin + len(value)))
        begin += len(value) + len(SEPARATOR)
    return tuple(parts)


def spans_in(spans: Sequence[Span], part: FieldPart) -> tuple[Span, ...]:
    """The spans in a text field; their positions are those in the row."""
    return tuple(span for span in spans if part.begin <= span.begin < part.end)


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
    texts, task, fields = predictor.as_rows(texts), predictor.bundle.task, predictor.fields
    if not texts:
        return []
    logits = predictor.raw_logits(texts)
    if not task.has_labels:
        if labels is not None:
            raise SettingsError(tr("the model predicts numbers and has no labels."), tr("Leave out the labels."))
        scores, chosen = task.scores(logits), np.ones((len(texts), 1), bool)
    else:
        scores = task.probabilities(predictor.calibrate(logits))
        chosen = predictor.assigned_labels(scores) if labels is None else _named(task, labels, len(texts))
        chosen[np.arange(len(scores)), scores.argmax(axis=1)] |= ~chosen.any(axis=1)
    rows, columns = np.nonzero(chosen)
    order = np.lexsort((columns, -scores[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    weights, constant = directions(predictor)
    folded = predictor.bundle.fold([texts[row] for row in rows])
    attributions = predictor.bundle.model.attribute(folded, weights[columns])
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
                spans=words(texts[row], attribution.characters, fields),
                features=_feature_weights(texts[row], fields, attribution),
            )
        )
    firsts = np.searchsorted(rows, np.arange(len(texts)))
    return [
        Explanation(text, tuple(each), _unread(attributions[first]), fields)
        for text, each, first in zip(texts, evidence, firsts, strict=True)
    ]


def _named(task: Task, labels: Sequence[str], rows: int) -> npt.NDArray[np.bool_]:
    """Labels by their names, the same in each row, (rows, labels). Raises SettingsError for an unknown name."""
    for name in labels:
        if name not in task.labels:
            raise SettingsError(tr("the model has no label {name!r}.", name=name), suggest(name, list(task.labels)))
    return np.tile(np.isin(task.labels, labels), (rows, 1))


def directions(predictor: Predictor) -> tuple[Floats, float]:
    """Weights of the outputs in the logit of each label, (labels, outputs), and a number that is added to it."""
    task, calibration = predictor.bundle.task, predictor.bundle.calibration
    weights, constant = task.logit_directions()
    return np.asarray(weights * (1 if calibration is None else calibration.slope), np.float32), constant


def _feature_weights(row: str, fields: Fields, attribution: Attribution) -> tuple[FeatureWeight, ...]:
    names = [field.name for field in fields.columns]
    values = dict(zip(names, fields.split(row), strict=True))
    of_fields = [field.name for field in fields.features]
    shares = list(attribution.features)
    named = [FeatureWeight(name, values[name], share) for name, (_, share) in zip(of_fields, shares, strict=False)]
    return *named, *(FeatureWeight(name, None, share) for name, share in shares[len(named) :])


def words(text: str, weights: Shares, fields: Fields = SINGLE_TEXT) -> tuple[Span, ...]:
    """The weights of words, and of the characters between them that have a weight.

    The weight of blanks goes to the words beside them.

    Args:
        text: The text.
        weights: What each character adds, (characters,).
        fields: The columns that the text is joined from; only text fields have words.
    """
    if fields.is_single_text:
        return _words(text, weights)
    return tuple(
        Span(begin + part.begin, end + part.begin, weight)
        for part in text_parts(text, fields)
        for begin, end, weight in _words(text[part.begin : part.end], weights[part.begin : part.end])
    )


def _words(text: str, weights: Shares) -> tuple[Span, ...]:
    tokens = tokenise([text])
    number = np.full(len(text), -1)
    for index, (begin, end) in enumerate(zip(tokens.begin.tolist(), tokens.end.tolist(), strict=True)):
        number[begin:end] = index
    for begin, end in chinese_words(text):
        number[begin:end] = number[begin]
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
