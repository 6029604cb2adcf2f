"""Why a model says what it says: of a text, of its labels over many texts, and which known texts are like one."""

from tenor.explanation.faithfulness import Faithfulness, faithfulness
from tenor.explanation.known import Known
from tenor.explanation.nearest import Neighbour, nearest
from tenor.explanation.strongest import Strong, strongest
from tenor.explanation.texts import Evidence, Explanation, Span, explain

__all__ = [
    "Evidence",
    "Explanation",
    "Faithfulness",
    "Known",
    "Neighbour",
    "Span",
    "Strong",
    "explain",
    "faithfulness",
    "nearest",
    "strongest",
]
