"""Explanations: words for and against a label, faithfulness, similar texts."""

from tenor.explanation.faithfulness import Faithfulness, faithfulness
from tenor.explanation.nearest import Neighbour, nearest_texts
from tenor.explanation.reference_texts import ReferenceTexts
from tenor.explanation.texts import Evidence, Explanation, Span, explain
from tenor.explanation.top_features import TopFeature, top_features

__all__ = [
    "Evidence",
    "Explanation",
    "Faithfulness",
    "Neighbour",
    "ReferenceTexts",
    "Span",
    "TopFeature",
    "explain",
    "faithfulness",
    "nearest_texts",
    "top_features",
]
