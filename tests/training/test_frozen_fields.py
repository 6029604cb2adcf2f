"""A frozen encoder reads rows of several fields, and its head their features."""

from pathlib import Path

import numpy as np

import tenor
from helpers.families import SMALL
from tenor import TextClassifier
from tenor.models.neural.neural_model import FEATURE_KERNEL

ROWS = [
    {"title": f"film {number % 7}", "body": f"text {number % 5}", "price": str((number * 37) % 101)}
    for number in range(60)
]
LABELS = ["dear" if int(row["price"]) > 50 else "cheap" for row in ROWS]


def test_features_decide_where_texts_say_nothing(tmp_path: Path) -> None:
    settings = {
        "model": SMALL["pretrained"]["model"],
        "max_length": 38,
        "tune": "frozen",
        "allow_unknown_letters": True,
    }
    model = TextClassifier("pretrained", settings, text=["title", "body"], features=["price"], random_state=1)
    assert model.fit(ROWS, LABELS).score(ROWS, LABELS) > 0.9
    probabilities = model.predict_proba(ROWS)
    alone = np.concatenate([model.predict_proba([row]) for row in ROWS[:3]])
    np.testing.assert_allclose(alone, probabilities[:3], atol=1e-6)
    model.save(tmp_path / "model")
    loaded = tenor.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.predict_proba(ROWS), probabilities, atol=1e-6)
    encoder = loaded.bundle.model.encoder()
    assert encoder["kind"] == "fields" and encoder["features"]["columns"][0]["kind"] == "number"
    assert len(loaded.bundle.model.arrays()[FEATURE_KERNEL]) == len(encoder["features"]["columns"][0]["edges"]) + 3
