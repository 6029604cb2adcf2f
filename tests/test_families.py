"""The contract that every family keeps."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenor
from tenor import TextClassifier, TextRegressor, models, settings

SMALL: dict[str, dict[str, Any]] = {
    "ngram": {},
    "bag": {
        "vocabulary": 200,
        "embedding": 8,
        "maximum_tokens": 24,
        "batch_tokens": 96,
        "epochs": 25,
        "learning_rate": 0.03,
        "patience": None,
        "validation": 0.2,
    },
    "cnn": {
        "vocabulary": 200,
        "embedding": 8,
        "filters": 8,
        "widths": [2, 3],
        "maximum_tokens": 24,
        "batch_tokens": 64,
        "epochs": 25,
        "learning_rate": 0.02,
        "dropout": 0.1,
        "patience": None,
        "validation": 0.2,
    },
    "lstm": {
        "vocabulary": 200,
        "embedding": 8,
        "units": 8,
        "maximum_tokens": 24,
        "batch_tokens": 64,
        "epochs": 25,
        "learning_rate": 0.05,
        "patience": None,
        "validation": 0.2,
    },
    "transformer": {
        "vocabulary": 200,
        "width": 16,
        "heads": 2,
        "feed_forward": 16,
        "maximum_tokens": 24,
        "batch_tokens": 64,
        "epochs": 25,
        "learning_rate": 0.005,
        "dropout": 0.0,
        "patience": None,
        "validation": 0.2,
    },
    "pretrained": {
        "tune": "all",
        "model": str(Path(__file__).parent / "models" / "golden" / "roberta"),
        "maximum_tokens": 38,
        "batch_tokens": 96,
        "epochs": 14,
        "learning_rate": 0.01,
        "patience": None,
        "validation": 0.2,
    },
}

ENGLISH = [
    *(f"a {word} film, {word} indeed, number {index}" for index, word in enumerate(["good", "great", "fine"] * 7)),
    *(f"a {word} film, {word} indeed, number {index}" for index, word in enumerate(["bad", "dull", "poor"] * 7)),
]
CHINESE = [
    *(f"房间很干净，服务很好{index}" for index in range(21)),
    *(f"房间很脏，态度很差{index}" for index in range(21)),
]
LABELS = ["positive"] * 21 + ["negative"] * 21
THREE = ["a"] * 14 + ["b"] * 14 + ["c"] * 14
THREE_TEXTS = [f"{letter * 3} common words {index}" for letter in "xyz" for index in range(14)]

pytestmark = pytest.mark.parametrize("family", list(models.FAMILIES))


def classifier(family: str, seed: int = 3) -> TextClassifier:
    return TextClassifier(family, SMALL[family], random_state=seed)


@pytest.fixture(scope="module")
def fitted() -> dict[str, TextClassifier]:
    return {name: classifier(name).fit(ENGLISH, LABELS) for name in models.FAMILIES}


def test_probabilities_have_a_column_a_class_and_sum_to_one(family: str, fitted: dict[str, TextClassifier]) -> None:
    probabilities = fitted[family].predict_proba(ENGLISH[:5])
    assert probabilities.shape == (5, 2)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_learns_a_few_rows(family: str, fitted: dict[str, TextClassifier]) -> None:
    assert fitted[family].score(ENGLISH, LABELS) == 1.0
    assert fitted[family].predict(["what a great film", "so dull a film"]).tolist() == ["positive", "negative"]


def test_learns_chinese(family: str) -> None:
    model = classifier(family).fit(CHINESE, LABELS)
    assert model.predict(["很干净，很好", "很脏，很差"]).tolist() == ["positive", "negative"]


def test_learns_three_classes(family: str) -> None:
    model = classifier(family).fit(THREE_TEXTS, THREE)
    assert model.predict_proba(["xxx", "zzz"]).shape == (2, 3)
    assert model.predict(["xxx common", "yyy common", "zzz common"]).tolist() == ["a", "b", "c"]


def test_learns_sets_of_labels(family: str) -> None:
    sets = [("even", "first") if label == "positive" else ("odd",) for label in LABELS]
    model = classifier(family).fit(ENGLISH, sets)
    assert model.predict(["what a great film", "so dull a film"]).tolist() == [("even", "first"), ("odd",)]


def test_learns_values(family: str) -> None:
    values = np.array([50.0 if label == "positive" else 10.0 for label in LABELS])
    model = TextRegressor(family, SMALL[family], 3).fit(ENGLISH, values)
    high, low = model.predict(["what a great film", "so dull a film"])
    assert low < 25 and high > 32


def test_a_text_scores_the_same_alone_in_a_batch_and_beside_longer_ones(
    family: str, fitted: dict[str, TextClassifier]
) -> None:
    texts = ["good", "a dull film " * 10, "", "very poor indeed", "good"]
    together = fitted[family].predict_proba(texts)
    alone = np.concatenate([fitted[family].predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_empty_texts_and_no_texts(family: str, fitted: dict[str, TextClassifier]) -> None:
    assert np.isfinite(fitted[family].predict_proba(["", " ", "\n"])).all()
    assert fitted[family].predict_proba([]).shape == (0, 2)
    assert fitted[family].predict([]).tolist() == []


def test_same_seed_same_weights(family: str, fitted: dict[str, TextClassifier]) -> None:
    again = classifier(family).fit(ENGLISH, LABELS)
    one, other = fitted[family].predictor_.bundle.model.arrays(), again.predictor_.bundle.model.arrays()
    assert list(one) == list(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_saved_model_predicts_the_same(family: str, fitted: dict[str, TextClassifier], tmp_path: Path) -> None:
    fitted[family].save(tmp_path / "model")
    loaded = tenor.load(tmp_path / "model")
    assert loaded.predict(ENGLISH).tolist() == fitted[family].predict(ENGLISH).tolist()
    np.testing.assert_allclose(loaded.predict_proba(ENGLISH), fitted[family].predict_proba(ENGLISH), atol=1e-6)


def test_a_pickled_model_predicts_the_same(family: str, fitted: dict[str, TextClassifier]) -> None:
    again = pickle.loads(pickle.dumps(fitted[family]))
    np.testing.assert_allclose(again.predict_proba(ENGLISH), fitted[family].predict_proba(ENGLISH), atol=1e-6)


def test_settings_survive_json(family: str) -> None:
    config = settings.make(models.FAMILIES[family].config, SMALL[family], "test")
    values = json.loads(json.dumps(settings.as_dict(config)))
    again = settings.make(models.FAMILIES[family].config, values, "test")
    assert again == config


def test_text_without_a_known_word_is_no_error(family: str, fitted: dict[str, TextClassifier]) -> None:
    assert fitted[family].predict_proba(["zzzz qqqq", "😀😀", "مرحبا"]).shape == (3, 2)
