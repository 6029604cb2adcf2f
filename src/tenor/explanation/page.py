"""An explanation as one file of HTML: no script, nothing fetched; for light and dark screens, narrow ones, and paper.

Words that speak for a label are blue and underlined, words against it orange and underlined with dots, so that they
can be distinguished without colours too.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tenor._core.language import language, tr
from tenor._core.records import JsonObject
from tenor.explanation import templates
from tenor.explanation.faithfulness import Faithfulness
from tenor.explanation.nearest import Neighbour
from tenor.explanation.report import ExplainedText, ExplanationReport
from tenor.explanation.texts import Evidence, Explanation, FeatureWeight, Span, spans_in

_LISTED_WORDS = 8  # of each kind
_LEAST_SHOWN = 0.0005  # a smaller weight is shown as 0.000
_NEIGHBOUR_CHARACTERS = 1000


class Segment(NamedTuple):
    """A part of a text that is shown in one way.

    Attributes:
        text: Its characters.
        kind: `for` or `against` a label, `unread`, or empty: neither.
        strength: The size of its weight beside the largest one of the text, from 0 to 1.
        weight: What it adds to the logit.
    """

    text: str
    kind: str = ""
    strength: float = 0.0
    weight: float = 0.0


def render(report: ExplanationReport) -> str:
    """The page, in English or Chinese."""
    legend = tr(
        "What speaks {} a label is blue, what speaks {} it orange and dotted; the stronger, the deeper. Point at a "
        "word to see its weight in units of the logit."
    )
    template = templates.environment("tenor.explanation").get_template("page.html.jinja")
    return template.render(
        tr=tr,
        language="zh-Hans" if language() == "zh" else language(),
        title=tr("Why {} says what it says").format(report.model),
        legend=legend.split("{}"),
        report=report,
        texts=[_text_values(text) for text in report.texts],
        faithfulness=faithfulness_sentence,
    )


def faithfulness_sentence(result: Faithfulness) -> str:
    """Both numbers in a sentence."""
    return tr(
        "without the strongest words the score falls by {strongest:.3f}, without as many at random by {random:.3f} "
        "(1, 5, 10, 20 and 50% of the words, mean).",
        strongest=result.strongest,
        random=result.random,
    )


def headline(evidence: Evidence) -> str:
    """The label and its score, or the value."""
    return f"{evidence.score:.6g}" if evidence.label is None else f"{evidence.label}  {evidence.score:.4f}"


def segments(text: str, spans: Sequence[Span], unread: Sequence[tuple[int, int]]) -> list[Segment]:
    """A text cut where words that weigh something, and parts that were not read, begin and end.

    Args:
        text: The text.
        spans: Its words with their weights.
        unread: Begin and end of each part that the model did not read.
    """
    largest = max((abs(span.weight) for span in spans), default=0.0) or 1.0
    marks: list[tuple[int, int, float | None]] = [(*span[:2], span.weight) for span in spans if span.weight]
    marks += [(begin, end, None) for begin, end in unread]
    parts, at = [], 0
    for begin, end, weight in sorted(marks, key=lambda mark: mark[:2]):
        begin = max(begin, at)  # a word that was cut in two has a mark for each half
        parts += [Segment(text[at:begin]), _segment(text[begin:end], weight, largest)]
        at = end
    return [*parts, Segment(text[at:])]


def field_segments(
    explanation: Explanation, spans: Sequence[Span], unread: Sequence[tuple[int, int]]
) -> list[tuple[str, list[Segment]]]:
    """The name of each text field with its segments; a single text has no name.

    Args:
        explanation: The explanation of a row.
        spans: Words with their weights; the strongest of all fields has the strength 1.
        unread: Begin and end of each part that the model did not read.
    """
    if explanation.fields.is_single_text:
        return [("", segments(explanation.text, spans, unread))]
    largest = max((abs(span.weight) for span in spans), default=0.0)
    result = []
    for part in explanation.parts:
        moved = [Span(begin - part.begin, end - part.begin, weight) for begin, end, weight in spans_in(spans, part)]
        not_read = [
            (max(begin, part.begin) - part.begin, min(end, part.end) - part.begin)
            for begin, end in unread
            if begin < part.end and end > part.begin
        ]
        of_part = max((abs(span.weight) for span in moved), default=0.0)
        share = of_part / largest if largest else 1.0
        parts = segments(explanation.text[part.begin : part.end], moved, not_read)
        result.append((part.name, [each._replace(strength=each.strength * share) for each in parts]))
    return result


def feature_name(feature: FeatureWeight) -> str:
    """The field with its value, such as `price = 12`."""
    if feature.value is None:
        return feature.name
    return f"{feature.name} = {feature.value or '∅'}"


def _segment(text: str, weight: float | None, largest: float) -> Segment:
    if weight is None:
        return Segment(text, "unread")
    return Segment(text, "for" if weight > 0 else "against", abs(weight) / largest, weight)


def top_words(text: str, evidence: Evidence, limit: int) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The words that add most for the label, and those that add most against it; each word once, with its sum.

    A word whose weight is 0.000 is left out.
    """
    sums: dict[str, float] = {}
    for begin, end, weight in evidence.spans:
        word = text[begin:end].strip() or "␣"
        sums[word] = sums.get(word, 0.0) + weight
    ranked = sorted(sums.items(), key=lambda pair: -pair[1])
    speaks_for = [pair for pair in ranked[:limit] if pair[1] >= _LEAST_SHOWN]
    return speaks_for, [pair for pair in ranked[::-1][:limit] if pair[1] <= -_LEAST_SHOWN]


def _text_values(text: ExplainedText) -> JsonObject:
    """The template's values for a text."""
    explanation = text.explanation
    return {
        "labels": list(_label_values(explanation)),
        "unread": sum(end - begin for begin, end in explanation.unread),
        "length": len(explanation.text),
        "faithfulness": text.faithfulness,
        "attention": [field_segments(explanation, block, explanation.unread) for block in text.attention],
        "nearest": [_shortened(neighbour) for neighbour in text.nearest],
    }


def _label_values(explanation: Explanation) -> Iterator[JsonObject]:
    """The template's values for each label."""
    for evidence in explanation.labels:
        speaks_for, against = top_words(explanation.text, evidence, _LISTED_WORDS)
        yield {
            "headline": headline(evidence),
            "segments": field_segments(explanation, evidence.spans, explanation.unread),
            "features": [(feature_name(feature), feature.weight) for feature in evidence.features],
            "largest_feature": max((abs(feature.weight) for feature in evidence.features), default=0.0) or 1.0,
            "words": {"for": speaks_for, "against": against},
            "largest": max((abs(weight) for _, weight in [*speaks_for, *against]), default=1.0),
        }


def _shortened(neighbour: Neighbour) -> Neighbour:
    """The neighbour for the page: the start of its text, and its label as a string."""
    text = neighbour.text[:_NEIGHBOUR_CHARACTERS] + "…" * (len(neighbour.text) > _NEIGHBOUR_CHARACTERS)
    return neighbour._replace(text=text, label="" if neighbour.label is None else str(neighbour.label))
