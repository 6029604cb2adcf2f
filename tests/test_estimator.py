from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

import tenor
from tenor import TextClassifier
from tenor.errors import DataError, SettingsError

TEXTS = [f"{word} film {index}" for index in range(10) for word in ("good", "bad", "odd")]
LABELS = ["yes", "no", "maybe"] * 10


def test_parameters_and_clone() -> None:
    model = TextClassifier("ngram", {"orders": [1]}, random_state=4)
    assert model.get_params() == {"family": "ngram", "settings": {"orders": [1]}, "random_state": 4}
    copy = clone(model).set_params(random_state=5)
    assert copy.random_state == 5
    assert not hasattr(copy, "classes_")


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
    grid = GridSearchCV(TextClassifier(), {"settings": [{"strength": 1.0}, {"strength": 10.0}]}, cv=2)
    assert grid.fit(TEXTS, LABELS).best_score_ > 0.9


def test_at_the_end_of_a_pipeline() -> None:
    strip = FunctionTransformer(lambda texts: [text.strip() for text in texts])
    model = Pipeline([("strip", strip), ("classify", TextClassifier())]).fit(TEXTS, LABELS)
    assert model.score(TEXTS, LABELS) == 1.0


class RowsAsTexts(TextClassifier):  # type: ignore[misc]
    """Spells every row of numbers as a text, so that scikit-learn's checks, which know numbers alone, can run."""

    def fit(self, X: Any, y: Any) -> Any:
        X, y = validate_data(self, X, y)
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


# check_array_api_input asks for SCIPY_ARRAY_API, and texts are no arrays of numbers. No check is expected to fail.
SKIPPED = {"check_array_api_input"}


def test_every_check_of_scikit_learn_passes() -> None:
    results = check_estimator(RowsAsTexts(), on_skip=None, on_fail=None)
    assert [result["check_name"] for result in results if result["status"] == "failed"] == []
    assert {result["check_name"] for result in results if result["status"] == "skipped"} <= SKIPPED
    assert sum(result["status"] == "passed" for result in results) > 50


def test_faults_of_the_input() -> None:
    with pytest.raises(DataError, match="text 0 is int 1, not a string"):
        TextClassifier().fit([1, 2], ["a", "b"])
    with pytest.raises(DataError, match="one string was given"):
        TextClassifier().fit("text", ["a"])
    with pytest.raises(DataError, match="2 texts and labels of shape"):
        TextClassifier().fit(["a", "b"], ["a"])
    with pytest.raises(DataError, match="only one class"):
        TextClassifier().fit(["a", "b"], ["x", "x"])
    with pytest.raises(SettingsError, match=r"no setting 'stength'.*Did you mean 'strength'"):
        TextClassifier(settings={"stength": 1.0}).fit(TEXTS, LABELS)
    with pytest.raises(SettingsError, match=r"no model family 'ngrams'.*Did you mean 'ngram'"):
        TextClassifier("ngrams").fit(TEXTS, LABELS)


def test_numpy_and_pandas_are_taken(tmp_path: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": LABELS})
    model = TextClassifier().fit(frame["text"], frame["label"])
    assert np.array_equal(model.predict(np.array(TEXTS)), model.predict(frame["text"]))
    model.save(tmp_path / "model")
    assert tenor.load(tmp_path / "model").predict(TEXTS).tolist() == LABELS
