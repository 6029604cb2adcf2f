"""All that `tenor explain` tells, in one place: for people on a terminal, for machines and as a page of HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tenor._core.callbacks import Callback
from tenor.errors import SettingsError
from tenor.explanation import known as known_texts
from tenor.explanation.faithfulness import Faithfulness, faithfulness
from tenor.explanation.nearest import Neighbour, nearest_texts
from tenor.explanation.strongest import TopFeature, top_features
from tenor.explanation.texts import Explanation, Span, explain, words
from tenor.inference.predictor import Predictor
from tenor.models.attribution import Shares


class ExplainedText(NamedTuple):
    """What is told of one text.

    Attributes:
        explanation: What speaks for and against its labels.
        faithfulness: How far their scores fall when words are deleted.
        nearest: The known texts that are most like it, where they were asked for.
        attention: For each block of the network the share of its attention that each word gets, where it was asked for.
    """

    explanation: Explanation
    faithfulness: Faithfulness
    nearest: tuple[Neighbour, ...] = ()
    attention: tuple[tuple[Span, ...], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.explanation.as_dict(),
            "faithfulness": _faithfulness(self.faithfulness),
            "nearest": [neighbour._asdict() for neighbour in self.nearest],
            "attention": [[span._asdict() for span in block] for block in self.attention],
        }


@dataclass(frozen=True)
class ExplanationReport:
    """What is told of a model and some texts.

    Attributes:
        model: Name of the model's folder.
        family: Name of its family.
        texts: One for each text.
        strongest: Label -> what speaks most for it over many texts, where that was asked for.
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
        found = [text.faithfulness for text in self.texts if any(each.spans for each in text.explanation.labels)]
        return Faithfulness(*np.mean(found, axis=0).tolist()) if found else Faithfulness(0.0, 0.0)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "model": self.model,
            "family": self.family,
            "texts": [text.as_dict() for text in self.texts],
            "faithfulness": _faithfulness(self.faithfulness),
            "strongest": {label: [each._asdict() for each in strong] for label, strong in self.strongest.items()},
        }


def build_report(
    predictor: Predictor,
    folder: Path,
    texts: Sequence[str],
    labels: Sequence[str] | None = None,
    data: str | None = None,
    nearest_in: str | None = None,
    text_column: str | None = None,
    with_attention: bool = False,
    limit: int = 10,
    callback: Callback | None = None,
) -> ExplanationReport:
    """Gather what is to be told.

    Args:
        predictor: The model.
        folder: Where it was read from.
        texts: The texts to explain.
        labels: Labels to explain; None: those that the texts get.
        data: Where the texts are from which the strongest words or n-grams of each label are told.
        nearest_in: Where the texts are of which the nearest are told.
        text_column: Column of the texts in both.
        with_attention: Whether to tell where a network's attention goes.
        limit: How many words and n-grams to tell for each label; and half as many nearest texts.
        callback: Hears of progress.

    Raises:
        TenorError: A label or a column is unknown, a file cannot be read, or the family has no attention.
    """
    if with_attention:
        _attention(predictor, "")  # refused before work is done
    sources = {source: known_texts.read(source, predictor, text_column) for source in {data, nearest_in} if source}
    explained = explain(predictor, texts, labels)
    neighbours: list[list[Neighbour]] = [[] for _ in texts]
    if nearest_in and texts:
        neighbours = nearest_texts(predictor, texts, sources[nearest_in], max(limit // 2, 1), callback)
    told = [
        ExplainedText(
            explanation,
            faithfulness(predictor, [explanation]),
            tuple(found),
            _attention(predictor, explanation.text) if with_attention else (),
        )
        for explanation, found in zip(explained, neighbours, strict=True)
    ]
    strong = top_features(predictor, sources[data].texts, limit) if data else {}
    name = sources[data].name if data else ""
    return ExplanationReport(folder.name or str(folder), predictor.bundle.family.name, tuple(told), strong, name)


def _attention(predictor: Predictor, text: str) -> tuple[tuple[Span, ...], ...]:
    find = getattr(predictor.bundle.model, "attention", None)
    blocks: Sequence[Shares] | None = find(text) if find else None
    if blocks is None:
        raise SettingsError(
            f"the family {predictor.bundle.family.name!r} has no attention.",
            "Leave out `attention=True`; transformer and pretrained have it.",
        )
    return tuple(words(text, block) for block in blocks)


def _faithfulness(found: Faithfulness) -> dict[str, float]:
    return {**found._asdict(), "difference": found.difference}
