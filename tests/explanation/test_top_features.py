from pathlib import Path
from typing import Any

import pytest

from helpers.rows import chinese, english, write_csv
from tenor import TextClassifier, TextRegressor
from tenor.errors import DataError
from tenor.explanation import nearest_texts, reference_texts, top_features
from tenor.inference.predictor import Predictor

TEXTS, LABELS = map(list, zip(*english(), strict=True))
GOOD = {"wonderful", "charming", "superb", "moving", "brilliant", "delightful", "warm", "clever"}


def test_the_strongest_ngrams_are_spelled_from_the_texts() -> None:
    settings = {"word_ngrams": [1], "weighting": "naive-bayes", "C": 1.0}
    result = top_features(TextClassifier(settings=settings).fit(TEXTS, LABELS).predictor_, TEXTS, 3)
    assert list(result) == ["negative", "positive"]
    assert {each.spelling for each in result["positive"]} <= GOOD
    assert all(each.weight > 0 for each in result["positive"])
    for each in result["positive"]:
        assert each.texts == sum(each.spelling in text.split() for text in TEXTS)
    totals = [each.weight * each.texts for each in result["positive"]]
    assert totals == sorted(totals, reverse=True)


def test_ngrams_of_several_tokens_and_of_characters_have_a_spelling_too() -> None:
    texts = ["It was NOT good, it was not", "Only good. It IS good"] * 4
    settings = {"word_ngrams": [2], "weighting": "naive-bayes", "C": 1.0}
    model = TextClassifier(settings=settings).fit(texts, ["no", "yes"] * 4)
    result = top_features(model.predictor_, texts, 20)
    assert {"was not", "not good"} <= {each.spelling for each in result["no"]}
    assert "only good" in {each.spelling for each in result["yes"]}
    texts, labels = map(list, zip(*chinese(), strict=True))
    settings = {"char_ngrams": [1, 2], "weighting": "tf-idf", "C": 10.0}
    result = top_features(TextClassifier(settings=settings).fit(texts, labels).predictor_, texts, 30)
    assert {"糟糕", "退货"} <= {each.spelling for each in result["差评"]}
    settings = {"char_ngrams": [2], "weighting": "tf-idf", "C": 10.0}
    texts = ["a b", "c d"] * 4
    result = top_features(TextClassifier(settings=settings).fit(texts, ["x", "y"] * 4).predictor_, texts)
    assert "␣a" in {each.spelling for each in result["x"]}


def test_of_numbers_what_raises_and_what_lowers_them_is_told() -> None:
    model = TextRegressor(settings={"word_ngrams": [1]}).fit(
        TEXTS, [9.0 if label == "positive" else 1.0 for label in LABELS]
    )
    result = top_features(model.predictor_, TEXTS, 3)
    assert list(result) == ["higher", "lower"]
    assert {each.spelling for each in result["higher"]} <= GOOD


def test_without_texts_nothing_is_strongest(predictor: Predictor) -> None:
    assert top_features(predictor, []) == {"negative": [], "positive": []}


def test_the_nearest_texts_are_those_with_the_same_features(predictor: Predictor, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "known.csv", [("", "x"), *zip(TEXTS, LABELS, strict=True)])
    texts = reference_texts.read(str(path), predictor)
    assert (texts.texts, texts.rows[0], texts.labels) == (TEXTS, 2, LABELS)
    [result, nothing] = nearest_texts(predictor, [TEXTS[7], "zzz"], texts, 3)
    assert nothing == []
    assert (result[0].row, result[0].text, result[0].label) == (9, TEXTS[7], LABELS[7])
    assert result[0].similarity == pytest.approx(1, abs=1e-6)
    assert [each.similarity for each in result] == sorted((each.similarity for each in result), reverse=True)
    assert {each.label for each in result} == {LABELS[7]}
    assert nearest_texts(predictor, [], texts) == []


def test_the_nearest_are_found_across_blocks(predictor: Predictor) -> None:
    many = reference_texts.ReferenceTexts("many", [*TEXTS * 40, "a superb warm film"], list(range(1, 2402)), [])
    [result] = nearest_texts(predictor, ["a superb warm film"], many, 1)
    assert (result[0].row, result[0].label) == (2401, None)


def test_known_texts_are_read_without_labels_too(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("one\n\ntwo\n", encoding="utf-8")
    result = reference_texts.read(str(path), predictor)
    assert (result.texts, result.rows, result.labels) == (["one", "two"], [1, 3], [])
    path.write_text("\n\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"texts\.txt: this file has no texts"):
        reference_texts.read(str(path), predictor)


def test_traditional_texts_have_the_features_of_simplified_ones() -> None:
    simplified = [f"这部电影{word}看，第{number}次" for number in range(20) for word in ("很好", "难")]
    traditional = [text.replace("这", "這").replace("电", "電").replace("难", "難") for text in simplified]
    model = TextClassifier(fold_chinese=True).fit(simplified, ["好", "差"] * 20).predictor_
    expected = top_features(model, simplified)
    assert any("难" in feature.spelling for feature in expected["差"])
    assert top_features(model, traditional) == expected


def test_one_string_is_refused_and_a_table_is_read() -> None:
    texts = [f"a {word} film {number}" for number in range(10) for word in ("good", "bad")]
    model = TextClassifier().fit(texts, ["yes", "no"] * 10).predictor_
    with pytest.raises(DataError, match="one string was given instead of a list of texts"):
        top_features(model, "a good film")
    rows: Any = [{"text": text} for text in texts]
    assert top_features(model, rows) == top_features(model, texts)
