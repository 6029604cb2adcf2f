"""Small settings of every family, texts that all of them learn, and checks of what they learned."""

from pathlib import Path
from typing import Any

import numpy as np

from tenor import TextClassifier, TextRegressor
from tenor.explanation import faithfulness

QUICK = {"word_ngrams": [1], "weighting": "tf-idf", "C": 10.0}
"""Settings of `ngram` that leave nothing to choose."""

SMALL: dict[str, dict[str, Any]] = {
    "ngram": {},
    "bag": {
        "vocabulary": 200,
        "embedding": 8,
        "max_length": 24,
        "batch_tokens": 96,
        "epochs": 10,
        "learning_rate": 0.08,
        "patience": None,
        "validation": 0.2,
    },
    "cnn": {
        "vocabulary": 200,
        "embedding": 8,
        "filters": 8,
        "widths": [2, 3],
        "max_length": 24,
        "batch_tokens": 64,
        "epochs": 10,
        "learning_rate": 0.04,
        "dropout": 0.0,
        "patience": None,
        "validation": 0.2,
    },
    "lstm": {
        "vocabulary": 200,
        "embedding": 8,
        "units": 8,
        "max_length": 24,
        "batch_tokens": 64,
        "epochs": 12,
        "learning_rate": 0.07,
        "patience": None,
        "validation": 0.2,
    },
    "transformer": {
        "vocabulary": 200,
        "width": 16,
        "heads": 2,
        "feed_forward": 16,
        "max_length": 24,
        "batch_tokens": 64,
        "epochs": 10,
        "learning_rate": 0.012,
        "dropout": 0.0,
        "patience": None,
        "validation": 0.2,
    },
    "auto": {"members": ["ngram", "bag epochs=8 batch_tokens=96 learning_rate=0.05"]},
    "pretrained": {
        "tune": "all",
        "model": str(Path(__file__).parents[1] / "models" / "golden" / "roberta"),
        "max_length": 38,
        "allow_unknown_letters": True,  # the tiny encoder knows few words
        "batch_tokens": 96,
        "epochs": 24,
        "learning_rate": 0.02,
        "layer_decay": 1.0,
        "dropout": 0.0,
        "patience": None,
        "validation": 0.2,
    },
}


ENGLISH = [
    *(f"a {word} film, {word} indeed, number {index}" for index, word in enumerate(["good", "great", "fine"] * 7)),
    *(f"a {word} film, {word} indeed, number {index}" for index, word in enumerate(["bad", "dull", "poor"] * 7)),
]


CHINESE = [
    *(f"房间很干净，服务很好{index}" for index in range(14)),
    *(f"位置一般，早餐普通{index}" for index in range(14)),
    *(f"房间很脏，态度很差{index}" for index in range(14)),
]


LABELS = ["positive"] * 21 + ["negative"] * 21


THREE = ["a"] * 14 + ["b"] * 14 + ["c"] * 14


def check_words(family: str, model: TextClassifier) -> None:
    """The words that tell the label weigh the most, and leaving them out costs more than leaving out others."""
    for explanation, word in zip(
        model.explain(["a dull film, number 7", "a great film, number 7"]), ["dull", "great"], strict=True
    ):
        begin, end, _ = max(explanation.labels[0].spans, key=lambda span: span.weight)
        assert explanation.text[begin:end] == word
    result = faithfulness(model.predictor_, model.explain(ENGLISH))
    # Seen with `pretrained`, four seeds in float32 and three in bfloat16: 2.5 to 4.3 times; the logarithm is 1.20 on
    # average and deviates by 0.22. How large the difference itself is depends on the seed: the encoder is random.
    assert result.strongest > 1.6 * result.random
    assert family == "pretrained" or result.strongest > result.random + 0.05  # seen with `transformer`: 0.119 and 0.118


def check_values(family: str, values: dict[str, Any]) -> None:
    """Numbers are learned: high for good films, low for bad ones."""
    numbers = np.array([50.0 if label == "positive" else 10.0 for label in LABELS])
    model = TextRegressor(family, values, 3).fit(ENGLISH, numbers)
    high, low = model.predict(["a great film, great indeed, number 90", "a dull film, dull indeed, number 91"])
    # Seen with `pretrained`, four seeds in float32 and three in bfloat16: 40.4 on average, deviating by 0.5, and 20.1,
    # deviating by 2.3. A regularised head on few texts stays between the mean, 30, and the ends.
    assert low < 28 and high > 35
