import numpy as np
import pytest

from helpers.rows import english
from tenor import TextRegressor
from tenor.explanation import Evidence, Explanation, Span, explain, faithfulness
from tenor.explanation.faithfulness import SHARES, comprehensiveness
from tenor.inference.predictor import Predictor

TEXTS, LABELS = map(list, zip(*english(40, seed=5), strict=True))


def test_deleting_the_strongest_words_moves_the_score_more_than_deleting_any(predictor: Predictor) -> None:
    result = faithfulness(predictor, explain(predictor, TEXTS))
    assert result.strongest > 0.2 > 0.1 > result.random
    assert result.difference == result.strongest - result.random


def test_an_explanation_turned_around_is_not_faithful(predictor: Predictor) -> None:
    explained = explain(predictor, TEXTS)
    turned = [Explanation(each.text, tuple(map(_turned, each.labels))) for each in explained]
    assert faithfulness(predictor, turned).difference < 0


def _turned(evidence: Evidence) -> Evidence:
    spans = tuple(Span(begin, end, -weight) for begin, end, weight in evidence.spans)
    return Evidence(evidence.label, evidence.score, evidence.logit, evidence.base, evidence.gap, spans)


def test_the_figure_is_the_mean_fall_over_the_shares(predictor: Predictor) -> None:
    text = "the film was dull and its plot boring"
    words = [Span(0, 3, 0.0), Span(4, 8, 0.0), Span(13, 17, 0.0), Span(31, 37, 0.0)]
    [fall] = comprehensiveness(predictor, text, words, [np.array([3, 2, 0, 1])], "negative")
    without = ["the film was dull and its plot ", "the film was  and its plot "]
    first, both = (predictor.predict_proba([text, *without])[:, 0][0] - predictor.predict_proba(without)[:, 0]).tolist()
    assert SHARES == (0.01, 0.05, 0.1, 0.2, 0.5)  # of four words: one, one, one, one and two
    assert fall == pytest.approx((4 * first + both) / 5, abs=1e-6)


def test_texts_without_words_count_for_nothing(predictor: Predictor) -> None:
    assert faithfulness(predictor, explain(predictor, ["", "!"])) == (0.0, 0.0)
    assert faithfulness(predictor, []) == (0.0, 0.0)
    some = explain(predictor, TEXTS[:1])
    assert faithfulness(predictor, [*some, *explain(predictor, [""])]) == faithfulness(predictor, some)


def test_of_a_number_the_value_falls() -> None:
    model = TextRegressor().fit(TEXTS, [1000.0 if label == "positive" else 200.0 for label in LABELS])
    result = faithfulness(model.predictor_, model.explain(TEXTS[::2]))
    assert LABELS[0] == "positive"
    assert result.strongest > 100 > result.random
