"""`ngram` where there are many classes: what is tried, which n-grams are kept, how many texts are scored."""

import numpy as np
import pytest

from helpers.rows import COMMON_WORDS, of_many_classes
from tenor import TextClassifier
from tenor.models.base import Examples
from tenor.models.linear import held_out
from tenor.models.linear.loss import OutputTargets
from tenor.models.ngram import features
from tenor.models.ngram import trial as trials
from tenor.models.ngram.config import Config
from tenor.tasks import SingleLabel
from tenor.text import ngrams

CLASSES = 200


def examples(texts: list[str], labels: list[str]) -> Examples:
    task = SingleLabel(tuple(sorted(set(labels))))
    return Examples(texts, task.encode(labels), task, np.ones(len(texts), np.float32))


def test_hundreds_of_classes_are_learned_with_few_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "MAX_WEIGHTS", 600 * CLASSES)
    monkeypatch.setattr(held_out, "_SCORED_CELLS", 100 * CLASSES)
    monkeypatch.setattr(held_out, "_MIN_SCORED_TEXTS", 100)
    model = TextClassifier(settings={"word_ngrams": [1], "weighting": "tf-idf", "C": 100.0}).fit(
        *of_many_classes(CLASSES, 6, 0)
    )
    fitted = model.predictor_.bundle.model
    assert len(fitted.buckets) == 600
    texts, labels = of_many_classes(CLASSES, 2, 1)
    assert model.score(texts, labels) > 0.9


def test_a_trial_sees_some_classes_with_enough_texts_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "_MAX_ENTRIES", 20_000)
    every = examples(*of_many_classes(CLASSES, 6, 0))
    some = trials.Trial(every, Config(word_ngrams=(1,), char_ngrams=()), 0)
    tried = len(some.task.labels)
    assert trials._MIN_CLASSES <= tried < CLASSES / 4
    learned = dict(zip(every.texts, every.targets, strict=True))
    for fold in some.folds:
        assert len(fold.fitted) + len(fold.measured) == 6 * tried
        for text, target in zip(fold.fitted.texts, fold.fitted.targets, strict=True):
            assert some.task.labels[target] == every.task.labels[learned[text]]


def test_the_most_telling_n_grams_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "MAX_WEIGHTS", 550 * CLASSES)
    every = examples(*of_many_classes(CLASSES, 6, 0))
    counts = ngrams.count(every.texts, (1,))
    kept = features.fit_features(counts, OutputTargets(every.task, every.targets), "tf-idf", 1)
    common = ngrams.count(COMMON_WORDS, (1,)).buckets
    assert len(kept.buckets) == 550
    assert not set(common) & set(kept.buckets)
