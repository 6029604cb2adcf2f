from dataclasses import replace

import numpy as np
import pytest

from tenor import TextClassifier, exporting
from tenor.data.dataset import Dataset
from tenor.errors import DataError, SettingsError, TenorError
from tenor.models import exported
from tenor.models.exported import FLOAT32, INT8, Exported
from tenor.predictor import Predictor
from test_families import ENGLISH, LABELS, SMALL


def dataset(labels: list[object]) -> Dataset:
    return Dataset("texts", ENGLISH, labels, "text", "label")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return TextClassifier("bag", SMALL["bag"], random_state=3).fit(ENGLISH, LABELS).predictor_


def test_int8_that_is_as_good_is_kept_beside_float32(predictor: Predictor) -> None:
    small, compared = exporting.in_int8(exporting.in_float32(predictor), dataset(LABELS))
    assert compared == exporting.Compared("accuracy", 1.0, 1.0, len(LABELS))
    assert set(small.bundle.model.graphs()) == {FLOAT32, INT8}
    expected = predictor.predict_proba(ENGLISH)
    np.testing.assert_allclose(small.predict_proba(ENGLISH), expected, atol=0.05)
    assert not np.array_equal(small.predict_proba(ENGLISH), expected)


def test_int8_that_is_worse_is_refused(predictor: Predictor) -> None:
    model = predictor.bundle.model
    assert isinstance(model, Exported)
    network = exported.restore(*model.__reduce__()[1]).network
    # A large weight of a feature that is always 0: in 8 bits the others are rounded to 0 beside it.
    vectors, kernel = (network.keras_model.get_layer(name).weights[0] for name in ("embedding", "logits"))
    vectors.assign(np.asarray(vectors) * (np.arange(8) > 0))
    kernel.assign(np.where(np.arange(8)[:, None] == 0, 1e6, np.asarray(kernel)))
    changed = exporting.in_float32(Predictor(replace(predictor.bundle, model=network)), ENGLISH)
    with pytest.raises(
        TenorError,
        match=r"int8 is worse on 42 texts: accuracy 0\.5000 in place of 1\.0000, and 0\.003 less is allowed",
    ):
        exporting.in_int8(changed, dataset(LABELS))


def test_what_cannot_be_exported_or_measured(predictor: Predictor) -> None:
    with pytest.raises(SettingsError, match="'ngram' is no network"):
        exporting.in_float32(TextClassifier().fit(ENGLISH, LABELS).predictor_)
    with pytest.raises(DataError, match="the label 'new' was not in the training data"):
        exporting.in_int8(exporting.in_float32(predictor), dataset(["new"] * len(LABELS)))
