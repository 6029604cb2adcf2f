"""Explanations: words for and against a label, faithfulness, similar texts."""

from tenor.explanation.faithfulness import Faithfulness, faithfulness
from tenor.explanation.known import ReferenceTexts
from tenor.explanation.nearest import Neighbour, nearest_texts
from tenor.explanation.strongest import TopFeature, top_features
from tenor.explanation.texts import Evidence, Explanation, Span, explain

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
