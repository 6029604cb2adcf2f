"""Tests of explanations of rows with several fields."""

import re
from pathlib import Path

import numpy as np
import pytest

from tenor import TextClassifier
from tenor._core.language import use_language
from tenor.cli import explanation_text
from tenor.explanation import explain, page
from tenor.explanation.report import ExplanationReport, build_report
from tenor.explanation.texts import text_parts, words
from tenor.inference.predictor import Predictor

ROWS = [
    {"title": f"{word} <b>film</b>", "body": f"it was {word} indeed", "stars": str(stars), "country": country}
    for word, stars, country in [("good", 5, "DE"), ("dull", 1, ""), ("great", 4, "FR"), ("poor", 2, "DE")] * 6
]
LABELS = ["positive", "negative"] * 12


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    settings = {"word_ngrams": [1], "weighting": "tf-idf", "C": 10.0, "field_buckets": "own", "feature_scale": 1.0}
    model = TextClassifier("ngram", settings, text=["title", "body"], features=["stars", "country"])
    return model.fit(ROWS, LABELS).predictor_


def report(predictor: Predictor, row: dict[str, str]) -> ExplanationReport:
    return build_report(predictor, Path("model"), predictor.as_rows([row]))


def test_spans_and_positions_are_those_of_fields(predictor: Predictor) -> None:
    [explanation] = explain(predictor, ROWS[:1])
    assert [part.name for part in explanation.parts] == ["title", "body"]
    described = explanation.as_dict()
    [label] = described["labels"]
    shown = [(span["field"], described["text"][span["field"]][span["begin"] : span["end"]]) for span in label["spans"]]
    assert shown[0] == ("title", "good") and shown[-1] == ("body", "indeed")
    assert [(each["name"], each["value"]) for each in label["features"]] == [("stars", "5"), ("country", "DE")]
    total = label["base"] + sum(each["weight"] for each in [*label["spans"], *label["features"]]) + label["gap"]
    assert total == pytest.approx(label["logit"], abs=1e-4)


def test_other_fields_have_no_words(predictor: Predictor) -> None:
    [row] = predictor.as_rows(ROWS[:1])
    spans = words(row, np.ones(len(row)), predictor.fields)
    end = text_parts(row, predictor.fields)[-1].end
    assert all(span.end <= end for span in spans)


def test_the_page_shows_each_field_and_what_features_add(predictor: Predictor) -> None:
    source = page.render(report(predictor, ROWS[0]))
    title, body = source.index(">title</p>"), source.index(">body</p>")
    assert title < body < source.index("stars = 5") < source.index("country = DE")
    assert "&lt;" in source and "<b>" not in source
    assert "\x1f" not in source
    with use_language("zh"):
        assert re.search(r">字段<", page.render(report(predictor, ROWS[0])))


def test_the_terminal_shows_each_field(predictor: Predictor, capsys: pytest.CaptureFixture[str]) -> None:
    explanation_text.show_report(report(predictor, {**ROWS[1], "stars": "1"}))
    lines = capsys.readouterr().out.splitlines()
    assert "title: dull <b>film</b>" in lines and "body: it was dull indeed" in lines
    [features] = [line for line in lines if line.startswith("fields ")]
    assert "stars = 1 " in features and "country = ∅ " in features
