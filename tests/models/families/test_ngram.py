from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from helpers.rows import english
from tenor import TextClassifier
from tenor.data import split
from tenor.models.base import Examples
from tenor.models.linear import held_out
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.models.ngram.features import Weighting
from tenor.tasks import SingleLabel


def test_a_classifier_with_characters_takes_empty_and_chinese_texts() -> None:
    model = TextClassifier("ngram", {"char_ngrams": [1, 2, 3]}, random_state=1).fit(
        ["很好！", "很差。"] * 10, ["y", "n"] * 10
    )
    assert model.predict(["好！", "差。"]).tolist() == ["y", "n"]
    assert np.isfinite(model.predict_proba(["", "  "])).all()


def test_what_is_not_to_be_calibrated_learns_the_same_and_promises_nothing() -> None:
    settings = {"word_ngrams": [1], "weighting": "tf-idf", "C": 1.0}
    usual, bare = (
        TextClassifier("ngram", settings | {"calibrated": calibrated})
        .fit(*zip(*english(), strict=True))
        .predictor_.bundle
        for calibrated in (True, False)
    )
    assert usual.calibration is not None and usual.conformal is not None
    assert bare.calibration is None and bare.conformal is None
    for name, values in usual.model.arrays().items():
        np.testing.assert_array_equal(values, bare.model.arrays()[name])


def test_a_text_is_scored_out_of_its_fold_without_its_own_label() -> None:
    texts, labels = map(list, zip(*english(120), strict=True))
    task = SingleLabel(("negative", "positive"))
    examples = Examples(texts, task.encode(labels), task, np.ones(120, np.float32))
    config = Config(word_ngrams=(1, 2), char_ngrams=(), weighting="tf-idf-naive-bayes", C=30.0)
    counts = ngram_model.count_ngrams(texts, config)
    folds = split.folds(texts, labels, 4, 0)
    fit_fold = ngram_model.fold_fitter(counts, examples, config)
    logits = held_out.out_of_fold_logits(examples, folds, fit_fold)
    assert ((logits[:, 0] > 0) == examples.targets).mean() > 0.95
    turned, scored = examples.targets.copy(), folds[0][1]
    turned[scored] = 1 - turned[scored]
    fit_fold = ngram_model.fold_fitter(counts, replace(examples, targets=turned), config)
    again = held_out.out_of_fold_logits(examples, folds, fit_fold)
    np.testing.assert_array_equal(again[scored], logits[scored])


@pytest.mark.parametrize("weighting", get_args(Weighting))
def test_a_fold_that_begins_with_the_weights_of_all_texts_ends_where_it_would_anyway(weighting: Weighting) -> None:
    """Else the held-out texts would look easier than new ones."""
    texts, labels = map(list, zip(*english(120), strict=True))
    labels[::7] = ["negative" if label == "positive" else "positive" for label in labels[::7]]  # hard to learn
    task = SingleLabel(("negative", "positive"))
    examples = Examples(texts, task.encode(labels), task, np.ones(120, np.float32))
    config = Config(word_ngrams=(1, 2), char_ngrams=(), weighting=weighting, C=3.0)
    counts = ngram_model.count_ngrams(texts, config)
    model = ngram_model.fit(counts, examples.targets, task, examples.weights, config)
    cold, warm = (
        held_out.score_folds(examples, ngram_model.fold_fitter(counts, examples, config, start), 0)
        for start in (None, model)
    )
    assert cold is not None and warm is not None
    losses = [float(task.losses(each.targets, each.logits).mean()) for each in (cold, warm)]
    seen = float(task.losses(examples.targets, model.logits(texts)).mean())
    assert abs(losses[1] - losses[0]) < 0.03 * (losses[0] - seen)
