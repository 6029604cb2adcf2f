"""Labels and weights in the forms that users of scikit-learn have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import tenor
from helpers.rows import english
from tenor import TextClassifier, TextRegressor
from tenor.errors import DataError, SettingsError

ROWS = english(80)
TEXTS, LABELS = [row[0] for row in ROWS], [row[1] for row in ROWS]
ONE_HOT = pd.get_dummies(pd.Series(LABELS))


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame({"label": LABELS}),
        pd.Series(LABELS, index=range(1000, 1080)),
        pd.Series(LABELS, dtype="category"),
        np.array(LABELS, object),
    ],
)
def test_a_table_with_one_column_is_that_column(y: Any) -> None:
    model = TextClassifier().fit(TEXTS, y)
    assert model.classes_.tolist() == ["negative", "positive"]
    assert model.score(TEXTS, y) == 1.0


@pytest.mark.parametrize(
    ("make", "classes"),
    [
        (lambda: ONE_HOT, ["negative", "positive"]),
        (lambda: ONE_HOT.to_numpy(), [0, 1]),
        (lambda: ONE_HOT.to_numpy().astype(float), [0, 1]),
        (lambda: scipy.sparse.csr_matrix(ONE_HOT.to_numpy().astype(int)), [0, 1]),
    ],
)
def test_exactly_one_label_in_each_row_is_one_class_per_text(make: Callable[[], Any], classes: list[Any]) -> None:
    model = TextClassifier().fit(TEXTS, make())
    assert model.classes_.tolist() == classes
    assert model.predictor_.bundle.task.kind == "binary"
    np.testing.assert_array_equal(model.predict(TEXTS), ONE_HOT.to_numpy().astype(int))
    np.testing.assert_allclose(model.predict_proba(TEXTS[:3]).sum(axis=1), 1, rtol=1e-5)
    assert model.score(TEXTS, make()) == 1.0


def test_a_table_of_several_labels_names_them(tmp_path: Path) -> None:
    y = pd.DataFrame({"good": ONE_HOT.positive, "long": [len(text) > 60 for text in TEXTS]})
    model = TextClassifier().fit(TEXTS, y)
    assert model.predictor_.bundle.task.kind == "multilabel"
    assert model.predict(TEXTS).shape == (80, 2)
    model.save(tmp_path / "model")
    assert tenor.load(tmp_path / "model").classes_.tolist() == ["good", "long"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.DataFrame({"a": ["x", "y"], "b": ["z", "x"]}), "other values than 0 and 1"),
        (pd.DataFrame([[1, 0], [0, 1]], columns=["a", "a"]), "two columns of labels have the same name"),
        (np.array([[1, 0], [1, 0]]), "only 1 of the labels occurs"),
        (pd.Series(["a", pd.NA]), r"the label is missing \(1 such row: 1, counted from 0\)"),
        (pd.Series([pd.Timestamp("2026-01-01"), pd.NaT]), r"the label is missing \(1 such row: 1"),
    ],
)
def test_faults_of_labels(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TextClassifier().fit(["x", "y"], y)


@pytest.mark.parametrize("weight", [{0: 1, 1: 5}, {0.0: 1.0, 1.0: 5.0}, {False: 1, True: 5}])
def test_classes_are_named_by_any_equal_number(weight: Any) -> None:
    y = [float(label == "positive") for label in LABELS]
    assert TextClassifier(class_weight=weight).fit(TEXTS, y).score(TEXTS, y) == 1.0


def test_class_weights_are_for_single_labels() -> None:
    y = np.array([[1, 1], [0, 1]] * 40)
    with pytest.raises(SettingsError, match="is for tasks with one label per text"):
        TextClassifier(class_weight="balanced").fit(TEXTS, y)


def split_texts() -> tuple[list[str], list[str]]:
    """Texts whose two words speak for different labels."""
    return [f"alpha item{row}" for row in range(60)], ["a", "b"] * 30


def test_a_weight_changes_what_is_learned() -> None:
    texts, labels = split_texts()
    heavy = [10.0 if label == "a" else 1.0 for label in labels]
    light = [1.0 if label == "a" else 10.0 for label in labels]
    first, second = (TextClassifier().fit(texts, labels, sample_weight=weights) for weights in (heavy, light))
    assert first.predict(["alpha"]).tolist() == ["a"]
    assert second.predict(["alpha"]).tolist() == ["b"]


def test_a_text_of_weight_zero_is_left_out() -> None:
    texts, labels = [*TEXTS, *TEXTS], [*LABELS, *reversed(LABELS)]
    weights = [1.0] * 80 + [0.0] * 80
    one, other = TextClassifier().fit(texts, labels, sample_weight=weights), TextClassifier().fit(TEXTS, LABELS)
    np.testing.assert_array_equal(one.predict_proba(TEXTS), other.predict_proba(TEXTS))


def test_equal_weights_change_nothing() -> None:
    one = TextClassifier(class_weight="balanced").fit(TEXTS, LABELS, sample_weight=pd.Series([3.0] * 80))
    other = TextClassifier(class_weight="balanced").fit(TEXTS, LABELS)
    np.testing.assert_allclose(one.predict_proba(TEXTS), other.predict_proba(TEXTS), atol=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_only_the_ratios_of_weights_count(size: float) -> None:
    one, other = (TextClassifier().fit(TEXTS, LABELS, sample_weight=[each] * 80) for each in (size, 1.0))
    np.testing.assert_allclose(one.predict_proba(TEXTS), other.predict_proba(TEXTS), atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"80 texts and weights of the shape \(1,\)"),
        ([-1.0] + [1.0] * 79, r"negative, or not a finite number \(1 such row: 0, counted from 0\)"),
        ([1.0] * 79 + [float("nan")], r"not a finite number \(1 such row: 79"),
        ([0.0] * 80, "all weights are 0"),
        (["x"] * 80, "not a finite number"),
    ],
)
def test_faults_of_weights(weights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TextClassifier().fit(TEXTS, LABELS, sample_weight=weights)


def test_weights_count_for_numbers_and_sets_too() -> None:
    texts = ["alpha item"] * 60
    heavy = [9.0, 1.0] * 30
    value = (
        TextRegressor().fit(texts, pd.DataFrame({"y": [0.0, 1.0] * 30}), sample_weight=heavy).predict(["alpha item"])
    )
    assert value[0] == pytest.approx(0.1, abs=0.05)
    sets = [("a",), ("a", "b")] * 30
    model = TextClassifier().fit(texts, sets, sample_weight=heavy)
    assert model.predictor_.predict_proba(["alpha"])[0, 1] < 0.3


def test_metadata_routing_carries_weights() -> None:
    texts, labels = split_texts()
    weights = np.array([10.0 if label == "a" else 1.0 for label in labels])
    with sklearn.config_context(enable_metadata_routing=True):
        model = TextClassifier(settings={"C": 1.0, "weighting": "tf-idf", "word_ngrams": [1], "char_ngrams": []})
        model = model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(list), model)
        assert pipeline.fit(texts, labels, sample_weight=weights).predict(["alpha"]).tolist() == ["a"]
        scores = cross_validate(model, texts, labels, cv=2, params={"sample_weight": weights})["test_score"]
        assert scores.mean() > 0.8  # the weighted share of `a`
        search = GridSearchCV(model, {"class_weight": [None, "balanced"]}, cv=2)
        assert search.fit(texts, labels, sample_weight=weights).best_score_ > 0.8


def test_no_texts_at_all_are_named_as_such() -> None:
    with pytest.raises(DataError, match="there are no texts"):
        TextClassifier().fit([], [])
