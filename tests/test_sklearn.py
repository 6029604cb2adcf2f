from typing import Any

import numpy as np
import pyarrow
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

import tenor
from helpers.families import QUICK
from tenor import TextClassifier, TextRegressor
from tenor.errors import DataError, RenamedSettingWarning, SettingsError

pytestmark = pytest.mark.slow

TEXTS = [f"{word} film {index}" for index in range(10) for word in ("good", "bad", "odd")]
LABELS = ["yes", "no", "maybe"] * 10


def test_parameters_and_clone() -> None:
    model = TextClassifier("ngram", {"word_ngrams": [1]}, random_state=4)
    expected = {
        **{"family": "ngram", "settings": {"word_ngrams": [1]}, "random_state": 4, "class_weight": None, "log": ()},
        **{"text": None, "features": None, "pair": None, "fold_chinese": None},
    }
    assert model.get_params() == expected
    copy = clone(model).set_params(random_state=5)
    assert copy.random_state == 5
    assert not hasattr(copy, "classes_")


def test_former_names_of_settings_are_read_with_a_warning() -> None:
    former = TextClassifier("ngram", {"orders": [1], "weighting": "tf-idf", "strength": 2.0})
    with pytest.warns(RenamedSettingWarning, match=r"'orders' is now 'word_ngrams', 'strength' is now 'C'") as warned:
        former.fit(TEXTS, LABELS)
    assert len(warned) == 1
    config = former.predictor_.bundle.config
    assert (config.word_ngrams, config.C) == ((1,), 2.0)


def test_columns_of_probabilities_follow_classes() -> None:
    model = TextClassifier().fit(TEXTS, LABELS)
    assert model.classes_.tolist() == ["maybe", "no", "yes"]
    probabilities = model.predict_proba(TEXTS)
    assert model.classes_[probabilities.argmax(axis=1)].tolist() == LABELS


@pytest.mark.parametrize("labels", [[10, 2, 3] * 10, [True, False, True] * 10])
def test_labels_keep_their_type(labels: list[Any]) -> None:
    texts = [f"{label} film {index}" for index, label in enumerate(labels)]
    model = TextClassifier().fit(texts, labels)
    assert model.classes_.tolist() == sorted(set(labels))
    assert model.predict(texts).tolist() == labels


def test_cross_validation_and_grid_search() -> None:
    assert cross_val_score(TextClassifier(), TEXTS, LABELS, cv=3).mean() > 0.9
    grid = GridSearchCV(TextClassifier(), {"settings": [{"C": 1.0}, {"C": 10.0}]}, cv=2)
    assert grid.fit(TEXTS, LABELS).best_score_ > 0.9


def test_at_the_end_of_a_pipeline() -> None:
    strip = FunctionTransformer(lambda texts: [text.strip() for text in texts])
    model = Pipeline([("strip", strip), ("classify", TextClassifier())]).fit(TEXTS, LABELS)
    assert model.score(TEXTS, LABELS) == 1.0


class RowsAsTexts(TextClassifier):  # type: ignore[misc]
    """Spells every row of numbers as a text, so that scikit-learn's checks, which know numbers alone, can run."""

    def fit(self, X: Any, y: Any) -> Any:
        X, y = validate_data(self, X, y, multi_output=True)
        check_classification_targets(y)
        return super().fit(_spell(X), y)

    def predict_proba(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().predict_proba(_spell(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.input_tags.string = False
        return tags


def _spell(X: Any) -> list[str]:
    return [" ".join(f"c{column}v{round(float(value))}" for column, value in enumerate(row)) for row in X]


# check_array_api_input asks for SCIPY_ARRAY_API, and texts are no arrays of numbers; the other for a method that is
# optional. No check is expected to fail.
SKIPPED = {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}


def test_every_check_of_scikit_learn_passes() -> None:
    results = check_estimator(RowsAsTexts(settings=QUICK), on_skip=None, on_fail=None)
    assert [result["check_name"] for result in results if result["status"] == "failed"] == []
    assert {result["check_name"] for result in results if result["status"] == "skipped"} <= SKIPPED
    assert sum(result["status"] == "passed" for result in results) > 50


def test_faults_of_the_input() -> None:
    with pytest.raises(DataError, match="text 0, counted from 0, is int 1, not a string"):
        TextClassifier().fit([1, 2], ["a", "b"])
    with pytest.raises(DataError, match="one string was given"):
        TextClassifier().fit("text", ["a"])
    with pytest.raises(DataError, match="2 texts and 1 label\\."):
        TextClassifier().fit(["a", "b"], ["a"])
    with pytest.raises(DataError, match="only one class"):
        TextClassifier().fit(["a", "b"], ["x", "x"])
    with pytest.raises(SettingsError, match=r"no setting 'min_fd'.*Did you mean 'min_df'"):
        TextClassifier(settings={"min_fd": 1}).fit(TEXTS, LABELS)
    with pytest.raises(SettingsError, match=r"no model family 'ngrams'.*Did you mean 'ngram'"):
        TextClassifier("ngrams").fit(TEXTS, LABELS)


def test_arrow_columns_and_generators_are_taken() -> None:
    table = pyarrow.table({"text": TEXTS, "label": LABELS})
    expected = TextClassifier().fit(TEXTS, LABELS).predict_proba(TEXTS)
    for model in (
        TextClassifier().fit(table["text"], table["label"]),
        TextClassifier().fit((text for text in TEXTS), iter(LABELS)),
    ):
        assert np.array_equal(model.predict_proba(table["text"]), expected)
    with pytest.raises(DataError, match="30 texts and 29 labels"):
        TextClassifier().fit(iter(TEXTS), iter(LABELS[:-1]))


def test_polars_is_taken() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"text": TEXTS, "label": LABELS})
    assert TextClassifier().fit(frame["text"], frame["label"]).predict(frame["text"]).tolist() == LABELS


def test_numpy_and_pandas_are_taken(tmp_path: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": LABELS})
    model = TextClassifier().fit(frame["text"], frame["label"])
    assert np.array_equal(model.predict(np.array(TEXTS)), model.predict(frame["text"]))
    model.save(tmp_path / "model")
    assert tenor.load(tmp_path / "model").predict(TEXTS).tolist() == LABELS


SETS = [("a",) if index % 3 == 0 else ("b", "c") if index % 3 == 1 else () for index in range(60)]
SET_TEXTS = [f"{'alpha' if index % 3 == 0 else 'beta' if index % 3 == 1 else 'other'} {index}" for index in range(60)]


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_sets_of_labels_are_learned(kind: type, tmp_path: Any) -> None:
    model = TextClassifier().fit(SET_TEXTS, [kind(labels) for labels in SETS])
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.predict_proba(SET_TEXTS).shape == (60, 3)
    assert model.predict(SET_TEXTS).tolist() == SETS
    model.save(tmp_path / "model")
    loaded = tenor.load(tmp_path / "model")
    assert loaded.predict(SET_TEXTS).tolist() == SETS
    assert [[label for label, _ in row] for row in loaded.predict_scored(SET_TEXTS[:3])] == [["a"], ["b", "c"], []]


def test_an_array_of_labels_comes_back_as_one() -> None:
    expected = np.array([[name in labels for name in "abc"] for labels in SETS], int)
    model = TextClassifier().fit(SET_TEXTS, expected)
    np.testing.assert_array_equal(model.predict(SET_TEXTS), expected)
    assert cross_val_score(TextClassifier(), SET_TEXTS, expected, cv=3, scoring="f1_micro").mean() > 0.9


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([("a",), "b"], "the labels of some texts are not a list"),
        ([(), ()], "no text has a label"),
        ([("a",), (1,)], "the labels are of several types"),
        (np.array([[0, 2], [1, 1]]), "other values than 0 and 1"),
    ],
)
def test_faults_of_sets_of_labels(labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TextClassifier().fit(["x", "y"], labels)


@pytest.mark.parametrize(
    "labels", [None, 3, "yes" * 10, {"yes", "no"}, dict(enumerate(LABELS))], ids=lambda labels: type(labels).__name__
)
def test_what_is_no_sequence_of_labels_is_refused(labels: Any) -> None:
    for model in (TextClassifier(), TextRegressor()):
        with pytest.raises(DataError, match=r"^y is \w+, and must be a sequence of labels"):
            model.fit(TEXTS, labels)


def test_strings_and_other_labels_are_not_mixed() -> None:
    with pytest.raises(DataError, match="the labels are of several types"):
        TextClassifier().fit(TEXTS, [1, "no", "maybe"] * 10)


def test_a_fit_that_fails_leaves_no_model_with_the_labels_of_another() -> None:
    model = TextClassifier().fit(TEXTS, LABELS)
    with pytest.raises(DataError, match="a weight is negative"):
        model.fit(TEXTS, ["a", "b", "c"] * 10, sample_weight=[-1] * 30)
    with pytest.raises(NotFittedError):
        model.predict(TEXTS)
    assert model.fit(TEXTS, LABELS).predict(["good film"]) == ["yes"]


def test_one_text_with_a_number_gives_a_model() -> None:
    np.testing.assert_allclose(TextRegressor().fit(["a film"], [2.5]).predict(["a film", "x"]), 2.5)


def test_rare_classes_are_found_more_often_with_weights() -> None:
    texts = [f"{'odd' if index % 10 < 3 else 'plain'} thing {index % 7}" for index in range(300)]
    labels = ["rare" if index % 10 == 0 else "usual" for index in range(300)]
    result = {
        name: (TextClassifier(class_weight=weight).fit(texts, labels).predict(texts) == "rare").sum()
        for name, weight in {"none": None, "balanced": "balanced", "given": {"rare": 20.0}}.items()
    }
    assert result["none"] < 30 <= result["balanced"] == result["given"] == 90


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("equal", "must be balanced, or a weight"),
        ({"x": 2.0}, "names 'x', which is not a label of the data. Known: maybe, no, yes"),
        ({"yes": 0}, "'yes' must be a number above 0"),
    ],
)
def test_weights_that_cannot_be_are_refused(weight: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=f"class_weight.*{message}"):
        TextClassifier(class_weight=weight).fit(TEXTS, LABELS)


VALUES = [float(index % 5) for index in range(100)]


def test_values_are_learned(tmp_path: Any) -> None:
    texts = [f"grade{value:.0f} film number {index}" for index, value in enumerate(VALUES)]
    model = TextRegressor(settings={"word_ngrams": [1], "C": 100.0}).fit(texts, [100 + 10 * value for value in VALUES])
    np.testing.assert_allclose(model.predict(["grade0 film", "grade4 film"]), [100, 140], atol=5)
    assert model.score(texts, [100 + 10 * value for value in VALUES]) > 0.95
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(tenor.load(tmp_path / "model").predict(texts), model.predict(texts))
    with pytest.raises(SettingsError, match="predicts numbers and has no probabilities"):
        model.predictor_.predict_proba(texts)
    with pytest.raises(SettingsError, match=r"weighting.* must be tf-idf for a regression"):
        TextRegressor(settings={"weighting": "naive-bayes"}).fit(texts, VALUES)


def test_faults_of_values() -> None:
    with pytest.raises(DataError, match="a value is not a number"):
        TextRegressor().fit(["a", "b"], ["x", "y"])
    with pytest.raises(DataError, match="not finite"):
        TextRegressor().fit(["a", "b"], [1.0, float("nan")])
    for far in (1e31, 10**400):
        with pytest.raises(DataError, match=r"a value is not (finite or above 1e\+30|a number)"):
            TextRegressor().fit(["a", "b"], [1.0, far])
    with pytest.raises(DataError, match="2 texts and values of shape"):
        TextRegressor().fit(["a", "b"], [1.0])
    with pytest.raises(DataError, match="use TextRegressor for numbers"):
        TextClassifier().fit(["a", "b"], [1.5, 2.5])


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_labels_are_refused_with_their_places(missing: Any) -> None:
    with pytest.raises(DataError, match=r"the label is missing \(2 such rows: 1, 3, counted from 0\)"):
        TextClassifier().fit(["a", "b", "c", "d"], ["x", missing, "y", missing])


def test_sets_of_labels_are_scored_by_exact_match() -> None:
    model = TextClassifier().fit(SET_TEXTS, SETS)
    assert model.score(SET_TEXTS, SETS) == 1.0
    assert model.score(SET_TEXTS[:2], [("a", "b"), ("c", "b")]) == 0.5
