from dataclasses import replace

import numpy as np
import pytest

from helpers.rows import chinese, english
from tenor import TextClassifier, TextRegressor
from tenor.errors import DataError, SettingsError
from tenor.evaluation.calibration import Calibration
from tenor.explanation import Explanation, explain
from tenor.inference.predictor import Predictor
from tenor.models.attribution import mark_read_characters, share_by_character
from tenor.tasks import Floats
from tenor.text import ngrams
from tenor.text.encoded import Spans

TEXTS, LABELS = map(list, zip(*english(), strict=True))
SETTINGS = {
    "presence": {"word_ngrams": [1, 2], "weighting": "naive-bayes", "C": 0.3},
    "tf-idf": {"word_ngrams": [1, 2, 3], "weighting": "tf-idf", "C": 10.0},
    "ratio": {"word_ngrams": [1], "weighting": "tf-idf-naive-bayes", "C": 10.0},
    "characters": {"char_ngrams": [1, 2, 3], "weighting": "tf-idf", "C": 10.0},
    "both": {"word_ngrams": [1, 2], "char_ngrams": [3, 4], "weighting": "naive-bayes", "C": 0.3},
}
ODD = [
    "",
    " ",
    "\n\n",
    "<br />",
    "?!",
    "so so so dull",
    "A  DULL\tfilm!<br />Dull, 😀 dull",
    "这部 film 很好。",
    "\ud83d x",
    "cafe\u0301 ﬁlm du\u00adll\u200d",
]


def trained(settings: dict[str, object], labels: object = LABELS) -> Predictor:
    return TextClassifier(settings=settings).fit(TEXTS, labels).predictor_


def explained_logits(predictor: Predictor, texts: list[str]) -> Floats:
    """Those of the calibrated probabilities, without the share of the uniform distribution in these."""
    calibration = predictor.bundle.calibration
    assert calibration is not None
    return calibration.slope * predictor.raw_logits(texts)


def total(explanation: Explanation, label: int = 0) -> float:
    evidence = explanation.labels[label]
    return evidence.base + sum(span.weight for span in evidence.spans)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_weights_of_ngrams_add_up_to_the_logit_exactly(settings: dict[str, object]) -> None:
    predictor = trained(settings)
    logit_of_nothing = float(explained_logits(predictor, [""])[0, 0])
    texts = [*TEXTS[:5], *ODD]
    logits = explained_logits(predictor, texts)[:, 0]
    for text, explanation, logit in zip(texts, explain(predictor, texts, ["positive"]), logits, strict=True):
        [evidence] = explanation.labels
        assert evidence.gap == 0
        assert total(explanation) == pytest.approx(logit, abs=1e-4)
        assert evidence.logit == pytest.approx(logit, abs=1e-6)
        if "char_ngrams" not in settings:  # what stands for the blanks around a text counts as base
            assert evidence.base == pytest.approx(logit_of_nothing, abs=1e-6)
        assert all(0 <= span.begin < span.end <= len(text) for span in evidence.spans)
        assert all(one.end <= other.begin for one, other in zip(evidence.spans, evidence.spans[1:], strict=False))


def test_the_words_that_tell_the_label_are_the_strongest(predictor: Predictor) -> None:
    [explanation] = explain(predictor, ["the film was dull and the music boring"])
    [evidence] = explanation.labels
    assert (evidence.label, explanation.unread) == ("negative", ())
    assert evidence.score == pytest.approx(predictor.predict_proba([explanation.text])[0, 0])
    ranked = sorted(evidence.spans, key=lambda span: -span.weight)
    assert {explanation.text[span.begin : span.end] for span in ranked[:2]} == {"dull", "boring"}


def test_of_two_labels_one_speaks_against_the_other(predictor: Predictor) -> None:
    [explanation] = explain(predictor, ["a dull but moving film"], ["negative", "positive"])
    one, other = explanation.labels
    assert {one.label, other.label} == {"negative", "positive"}
    assert one.score >= other.score
    assert [span.weight for span in one.spans] == pytest.approx([-span.weight for span in other.spans])


def test_the_logit_is_that_of_the_calibrated_score_but_for_the_share_of_the_uniform_distribution() -> None:
    predictor = trained(SETTINGS["presence"])
    predictor.bundle = replace(predictor.bundle, calibration=Calibration(0.5, 0.2))
    [explanation] = explain(predictor, ["a dull but moving film"])
    [evidence] = explanation.labels
    assert evidence.score == pytest.approx(0.8 / (1 + np.exp(-evidence.logit)) + 0.2 / 2, abs=1e-6)
    assert total(explanation) == pytest.approx(evidence.logit, abs=1e-4)


def test_of_more_labels_each_is_weighed_against_the_mean_of_all() -> None:
    predictor = trained(SETTINGS["tf-idf"], [f"{label}{row % 4 // 2}" for row, label in enumerate(LABELS)])
    names = predictor.bundle.task.labels
    assert len(names) == 4
    [explanation] = explain(predictor, TEXTS[:1], names)
    logits = explained_logits(predictor, TEXTS[:1])[0]
    for number, evidence in enumerate(explanation.labels):
        expected = logits[names.index(str(evidence.label))] - logits.mean()
        assert evidence.logit == pytest.approx(expected, abs=1e-4)
        assert total(explanation, number) == pytest.approx(expected, abs=1e-4)


def test_of_a_set_each_label_that_the_text_gets_is_explained() -> None:
    predictor = trained(SETTINGS["tf-idf"], [(label, "text") for label in LABELS])
    [explanation] = explain(predictor, ["a dull boring film"])
    assert {evidence.label for evidence in explanation.labels} == {"negative", "text"}
    for number, evidence in enumerate(explanation.labels):
        column = predictor.bundle.task.labels.index(str(evidence.label))
        assert total(explanation, number) == pytest.approx(
            float(explained_logits(predictor, [explanation.text])[0, column]), abs=1e-4
        )


def test_of_a_number_its_own_unit_is_explained() -> None:
    model = TextRegressor().fit(TEXTS, [1000.0 if label == "positive" else 200.0 for label in LABELS])
    [explanation] = model.explain(["a dull boring film"])
    [evidence] = explanation.labels
    assert evidence.label is None
    assert evidence.score == pytest.approx(evidence.logit, rel=1e-6)
    assert evidence.score == pytest.approx(float(model.predict([explanation.text])[0]), rel=1e-5)
    assert total(explanation) == pytest.approx(evidence.score, rel=1e-4)
    dull = next(span for span in evidence.spans if explanation.text[span.begin : span.end] == "dull")
    assert dull.weight < -20


def test_chinese_words_are_words_and_blanks_are_none() -> None:
    texts, labels = map(list, zip(*chinese(), strict=True))
    model = TextClassifier(settings=SETTINGS["characters"]).fit(texts, labels)
    [explanation] = model.explain(["服务很差， 房间 糟糕"])
    evidence = explanation.labels[0]
    parts = [explanation.text[span.begin : span.end] for span in evidence.spans]
    assert [part for part in parts if part.isalnum()] == ["服务", "很差", "房间", "糟糕"]
    assert all(part.strip() for part in parts)
    assert total(explanation) == pytest.approx(evidence.logit, abs=1e-4)


def test_explaining_again_or_in_a_batch_gives_the_same(predictor: Predictor) -> None:
    together = explain(predictor, TEXTS[:6])
    assert together == [explain(predictor, [text])[0] for text in TEXTS[:6]]
    assert explain(predictor, []) == []


def test_what_cannot_be_explained_is_refused(predictor: Predictor) -> None:
    with pytest.raises(SettingsError, match=r"no label 'postive'\. Did you mean 'positive'"):
        explain(predictor, ["a"], ["postive"])
    with pytest.raises(DataError, match="one string was given instead of a list"):
        explain(predictor, "a dull film")
    numbers = TextRegressor().fit(TEXTS, np.arange(len(TEXTS))).predictor_
    with pytest.raises(SettingsError, match="predicts numbers and has no labels"):
        explain(numbers, ["a"], ["positive"])


def test_a_share_goes_to_the_parts_that_count_by_themselves() -> None:
    text = "so dull"
    spans = ngrams.spans(text, [2])
    assert share_by_character(spans, np.array([1.0]), len(text)) == pytest.approx([0.25, 0.25, 0, *[0.125] * 4])
    own = np.array([0.1, 0.1, 0, -0.3, -0.3, -0.3, -0.3])
    assert share_by_character(spans, np.array([1.0]), len(text), own) == pytest.approx([0.125, 0.125, 0, *[0.1875] * 4])
    assert share_by_character(spans, np.array([1.0]), len(text), np.zeros(7)).sum() == pytest.approx(1)


def test_characters_between_tokens_are_read_like_the_one_before() -> None:
    def spans(*edges: tuple[int, int]) -> Spans:
        begin, end = np.array(edges, np.int64).reshape(-1, 2).T
        return Spans(np.arange(len(begin)), begin, end)

    whole = spans((1, 3), (4, 6), (7, 9))
    assert mark_read_characters(spans((7, 9)), whole, 10).tolist() == [True, *[False] * 6, True, True, True]
    assert mark_read_characters(whole, whole, 10).all()
    assert mark_read_characters(spans(), spans(), 3).tolist() == [True] * 3
