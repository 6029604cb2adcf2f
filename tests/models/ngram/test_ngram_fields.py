"""Tests of `ngram` on rows of several fields."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tenor.data.fields import Field, Fields
from tenor.errors import SettingsError
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.family import SavedModel
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram.config import Config
from tenor.tasks import SingleLabel

TASK = SingleLabel(("no", "yes"))
MIXED = Fields((Field("title"), Field("body"), Field("price", "number"), Field("country", "category")))
PAIR = Fields((Field("one"), Field("other")), is_pair=True)
QUICK = Config(word_ngrams=(1,), char_ngrams=(), weighting="tf-idf", C=30.0, calibrated=False)


def examples(rows: list[str], labels: list[int], fields: Fields) -> Examples:
    return Examples(rows, np.array(labels, np.int32), TASK, np.ones(len(rows), np.float32), fields=fields)


def mixed(n: int = 200) -> Examples:
    """Rows whose label is whether the price is high; the texts say nothing."""
    random = np.random.default_rng(0)
    prices = random.normal(size=n)
    words = random.integers(0, 50, (n, 4)).tolist()
    rows = [
        MIXED.join([f"w{a} w{b}", f"w{c} w{d}", f"{price:.3f}", "DE" if a % 2 else ""])
        for (a, b, c, d), price in zip(words, prices, strict=True)
    ]
    return examples(rows, (prices > 0).astype(int).tolist(), MIXED)


def pairs(n: int = 300) -> Examples:
    """Pairs of texts whose label is whether they are about the same word."""
    random = np.random.default_rng(1)
    words = random.integers(0, 80, (n, 2)).tolist()
    labels = (random.random(n) < 0.5).astype(int).tolist()
    rows = [
        PAIR.join([f"how to buy thing{a} here", f"where is thing{a if same else b} sold"])
        for (a, b), same in zip(words, labels, strict=True)
    ]
    return examples(rows, labels, PAIR)


def accuracy(model: ngram_model.NgramModel, part: Examples) -> float:
    return float(((model.logits(part.texts)[:, 0] > 0) == part.targets).mean())


def fit(part: Examples, config: Config) -> ngram_model.NgramModel:
    fitted = registry.find("ngram").fit(part, config, FitContext(seed=0)).model
    assert isinstance(fitted, ngram_model.NgramModel)
    return fitted


def test_numbers_decide_where_texts_say_nothing() -> None:
    every = mixed()
    train, test = every.take(np.arange(150)), every.take(np.arange(150, 200))
    assert accuracy(fit(train, QUICK), test) > 0.9


def test_the_relation_of_a_pair_is_seen() -> None:
    every = pairs()
    train, test = every.take(np.arange(200)), every.take(np.arange(200, 300))
    assert accuracy(fit(train, QUICK), test) > 0.9
    apart = replace(train, fields=replace(PAIR, is_pair=False))
    assert accuracy(fit(apart, replace(QUICK, field_buckets="own")), replace(test, fields=apart.fields)) < 0.75


@pytest.mark.parametrize("weighting", ["naive-bayes", "tf-idf", "tf-idf-naive-bayes"])
@pytest.mark.parametrize("every", [mixed(), pairs()], ids=["mixed", "pair"])
def test_attributions_add_up_and_a_saved_model_is_the_same(every: Examples, weighting: ngram_model.Weighting) -> None:
    model = fit(every, replace(QUICK, weighting=weighting, char_ngrams=(3,), C=0.3))
    rows = [*every.texts[:20], "", "\x1f\x1f\x1f", "only a title"]
    logits = model.logits(rows)
    for row, logit, attribution in zip(rows, logits, model.attribute(rows, np.ones_like(logits)), strict=True):
        assert len(attribution.characters) == len(row)
        features = sum(weight for _, weight in attribution.features)
        assert attribution.base_value + attribution.characters.sum() + features == pytest.approx(logit[0], abs=1e-4)
        for position in (at for at, character in enumerate(row) if character == "\x1f"):
            assert attribution.characters[position] == 0
    np.testing.assert_array_equal(np.concatenate([model.logits([row]) for row in rows]), logits)
    encoder = json.loads(json.dumps(model.encoder()))
    again = ngram_model.restore(SavedModel(QUICK, encoder, model.arrays(), TASK, {}, registry.find))
    np.testing.assert_array_equal(again.logits(rows), logits)
    represented = model.represent(rows)
    np.testing.assert_allclose(np.sqrt(represented.multiply(represented).sum(axis=1))[:20], 1, rtol=1e-5)


def test_settings_of_fields_are_chosen_by_validation() -> None:
    fitted = registry.find("ngram").fit(pairs(), replace(QUICK, C=None), FitContext(seed=0))
    assert fitted.config.field_buckets in ("shared", "both", "overlap")
    assert fitted.config.feature_scale in (0.1, 0.3, 1.0)
    assert {row["field_buckets"] for row in fitted.history} == {"shared", "both", "overlap"}
    assert {row["feature_scale"] for row in fitted.history} == {0.1, 0.3, 1.0}


@pytest.mark.parametrize(
    ("fields", "config", "message"),
    [
        (Fields(), replace(QUICK, field_buckets="own"), "field_buckets"),
        (Fields(), replace(QUICK, feature_scale=1.0), "feature_scale"),
        (Fields((Field("a"), Field("b"))), replace(QUICK, field_buckets="overlap"), "only for a pair"),
    ],
)
def test_settings_that_do_not_fit_the_fields_are_refused(fields: Fields, config: Config, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        fit(examples(["a\x1fb", "c\x1fd"], [0, 1], fields), config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"field_buckets": "mine"}, "field_buckets': .* is not known"),
        ({"field_buckets": "overlap"}, "field_buckets': only a pair"),
        ({"feature_scale": 0}, "feature_scale': it is 0"),
        ({"features": {"columns": []}}, "features.columns': they are not those of the fields"),
        ({"fields": {"columns": [], "is_pair": False}}, "fields"),
    ],
)
def test_a_damaged_folder_is_refused(change: dict[str, object], message: str) -> None:
    model = fit(mixed(), QUICK)
    with pytest.raises(ValueError, match=message):
        ngram_model.restore(SavedModel(QUICK, {**model.encoder(), **change}, model.arrays(), TASK, {}, registry.find))
