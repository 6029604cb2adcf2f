"""All results of `tenor explain` in one place: for people on a terminal, for machines and as a page of HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.data.field_columns import ColumnNames
from tenor.errors import SettingsError
from tenor.explanation import reference_texts
from tenor.explanation.faithfulness import Faithfulness, faithfulness
from tenor.explanation.nearest import Neighbour, nearest_texts
from tenor.explanation.texts import Explanation, Span, explain, words
from tenor.explanation.top_features import TopFeature, top_features
from tenor.inference.predictor import Predictor
from tenor.models.attribution import Shares


@dataclass(frozen=True)
class ExplainRequest:
    """A request for an explanation.

    Attributes:
        labels: Labels to explain; None: those that each text gets.
        data: Source of the texts from which the top features of each label are computed; None: no top features.
        nearest_in: Source of the texts to find the nearest ones in; None: no nearest texts.
        text_column: Column of the texts in both, or a column for each text field; None: they are detected.
        with_attention: Whether to show where a network's attention goes.
        limit: Top features per label; half as many nearest texts.
    """

    labels: Sequence[str] | None = None
    data: str | None = None
    nearest_in: str | None = None
    text_column: ColumnNames = None
    with_attention: bool = False
    limit: int = 10


class ExplainedText(NamedTuple):
    """The results for one text.

    Attributes:
        explanation: What speaks for and against its labels.
        faithfulness: How far their scores fall when words are deleted.
        nearest: The most similar reference texts, if requested.
        attention: For each block of the network the share of its attention that each word gets, if requested.
    """

    explanation: Explanation
    faithfulness: Faithfulness
    nearest: tuple[Neighbour, ...] = ()
    attention: tuple[tuple[Span, ...], ...] = ()

    def as_dict(self) -> JsonObject:
        """The results as JSON."""
        return {
            **self.explanation.as_dict(),
            "faithfulness": self.faithfulness.as_dict(),
            "nearest": [neighbour._asdict() for neighbour in self.nearest],
            "attention": [[span._asdict() for span in block] for block in self.attention],
        }


@dataclass(frozen=True)
class ExplanationReport:
    """The results for a model and some texts.

    Attributes:
        model: Name of the model's folder.
        family: Name of its family.
        texts: One result for each text.
        strongest: Label -> its top features over many texts, if requested.
        looked_at: Name of those texts.
    """

    model: str
    family: str
    texts: tuple[ExplainedText, ...]
    strongest: dict[str, list[TopFeature]] = field(default_factory=dict)
    looked_at: str = ""

    @property
    def faithfulness(self) -> Faithfulness:
        """The mean over the texts that have words."""
        results = [text.faithfulness for text in self.texts if any(each.spans for each in text.explanation.labels)]
        return Faithfulness(*np.mean(results, axis=0).tolist()) if results else Faithfulness(0.0, 0.0)

    def as_dict(self) -> JsonObject:
        """The report as JSON."""
        return {
            "model": self.model,
            "family": self.family,
            "texts": [text.as_dict() for text in self.texts],
            "faithfulness": self.faithfulness.as_dict(),
            "strongest": {label: [each._asdict() for each in features] for label, features in self.strongest.items()},
        }


def build_report(
    predictor: Predictor,
    folder: Path,
    texts: Sequence[str],
    request: ExplainRequest | None = None,
    callback: Callback | None = None,
) -> ExplanationReport:
    """Explain texts, and the model.

    Args:
        predictor: The model.
        folder: The folder that it was read from.
        texts: The texts to explain.
        request: What to explain besides the labels that the texts get; None: nothing else.
        callback: Receives progress.

    Raises:
        TenorError: A label or a column is unknown, a file cannot be read, or the family has no attention.
    """
    request = request or ExplainRequest()
    if request.with_attention:
        _attention(predictor, "")  # refuses before the work starts
    sources = {
        source: reference_texts.read(source, predictor, request.text_column)
        for source in {request.data, request.nearest_in}
        if source
    }
    explanations = explain(predictor, texts, request.labels)
    neighbours: list[list[Neighbour]] = [[] for _ in texts]
    if request.nearest_in and texts:
        reference = sources[request.nearest_in]
        neighbours = nearest_texts(predictor, texts, reference, max(request.limit // 2, 1), callback)
    results = [
        ExplainedText(
            explanation,
            faithfulness(predictor, [explanation]),
            tuple(nearest),
            _attention(predictor, explanation.text) if request.with_attention else (),
        )
        for explanation, nearest in zip(explanations, neighbours, strict=True)
    ]
    features, name = {}, ""
    if request.data:
        name = sources[request.data].name
        features = top_features(predictor, sources[request.data].texts, request.limit)
    return ExplanationReport(
        model=folder.name or str(folder),
        family=predictor.bundle.family.name,
        texts=tuple(results),
        strongest=features,
        looked_at=name,
    )


def _attention(predictor: Predictor, text: str) -> tuple[tuple[Span, ...], ...]:
    """The share of attention that each word gets, by block. Raises SettingsError where the family has no attention."""
    attention = getattr(predictor.bundle.model, "attention", None)
    blocks: Sequence[Shares] | None = attention(text) if attention else None
    if blocks is None:
        raise SettingsError(
            tr("the family {name!r} has no attention.", name=predictor.bundle.family.name),
            tr("Leave out `attention=True`; transformer and pretrained have it."),
        )
    return tuple(words(text, block, predictor.fields) for block in blocks)
