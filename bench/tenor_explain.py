"""Tenor: explain test reviews with a saved model, or judge words that another tool has ranked.

`python tenor_explain.py MODEL TEXTS [RANKED]`: RANKED has a JSON list of [begin, end, weight] of words a line, one line
a review. Prints by how much the score of the predicted label falls when the first words are deleted.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

import tenor
from explained import drawn_tests
from imdb import print_measurements
from tenor import explanation
from tenor.explanation import Span
from tenor.explanation.faithfulness import comprehensiveness


def main() -> None:
    """Explain or read, then measure, print the measurements."""
    model, texts = tenor.load(sys.argv[1]), drawn_tests(int(sys.argv[2]))
    if len(sys.argv) > 3:
        judge(model, texts, Path(sys.argv[3]))
        return
    explanation.explain(model, texts[:1])  # what is loaded or compiled at the first text
    start = perf_counter()
    explained = explanation.explain(model, texts)
    explain_s = perf_counter() - start
    result = explanation.faithfulness(model, explained)
    print_measurements(texts=len(texts), explain_s=explain_s, comprehensiveness=result.strongest, random=result.random)


def judge(model: tenor.Predictor, texts: list[str], ranked: Path) -> None:
    """The mean fall with words in the order of their weights, and with those shared by the word's occurrences."""
    labels = model.classes_[model.predict_proba(texts).argmax(axis=1)].tolist()
    falls = []
    for text, label, line in zip(texts, labels, ranked.read_text(encoding="utf-8").splitlines(), strict=True):
        spans = [Span(*span) for span in json.loads(line)]
        words = [text[span.begin : span.end] for span in spans]
        whole = np.argsort([-span.weight for span in spans], kind="stable")
        shared = [-span.weight / words.count(word) for span, word in zip(spans, words, strict=True)]
        orders = [whole, np.argsort(shared, kind="stable")]
        falls.append(comprehensiveness(model, text, spans, orders, label))
    whole, shared = np.mean(falls, axis=0).tolist()
    print_measurements(comprehensiveness=whole, comprehensiveness_shared=shared)


if __name__ == "__main__":
    main()
