from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.families import ENGLISH, LABELS, SMALL
from tenor import TextClassifier, load
from tenor.data.dataset import Dataset
from tenor.errors import SettingsError, TenorError
from tenor.inference.predictor import Predictor
from tenor.models import registry
from tenor.models.auto.blend import Blend, Member
from tenor.models.onnx import onnx_network
from tenor.models.onnx.onnx_network import FLOAT32, INT8, OnnxNetwork
from tenor.models.onnx.probe import PROBE
from tenor.training import export


def dataset(labels: list[object]) -> Dataset:
    return Dataset("texts", ENGLISH, labels)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return TextClassifier("bag", SMALL["bag"], random_state=3).fit(ENGLISH, LABELS).predictor_


def test_int8_that_is_as_good_is_kept_beside_float32(predictor: Predictor) -> None:
    small, compared, measured = export.export_int8(export.export_float32(predictor), dataset(LABELS))
    assert measured.metrics["accuracy"] == 1.0 and small.bundle.metrics.int8 == compared.as_dict()
    assert compared == export.Int8Comparison("accuracy", 1.0, 1.0, len(LABELS))
    assert set(small.bundle.model.graphs()) == {FLOAT32, INT8, PROBE}
    expected = predictor.predict_proba(ENGLISH)
    np.testing.assert_allclose(small.predict_proba(ENGLISH), expected, atol=0.05)
    assert not np.array_equal(small.predict_proba(ENGLISH), expected)


def test_int8_that_is_worse_is_refused(predictor: Predictor) -> None:
    model = predictor.bundle.model
    assert isinstance(model, OnnxNetwork)
    network = onnx_network.restore(*model.__reduce__()[1]).network
    # A large weight of a feature that is always 0: in 8 bits the others are rounded to 0 beside it.
    vectors, kernel = (network.keras_model.get_layer(name).weights[0] for name in ("embedding", "logits"))
    vectors.assign(np.asarray(vectors) * (np.arange(8) > 0))
    kernel.assign(np.where(np.arange(8)[:, None] == 0, 1e6, np.asarray(kernel)))
    changed = export.export_float32(Predictor(replace(predictor.bundle, model=network)), ENGLISH)
    with pytest.raises(
        TenorError,
        match=r"int8 is worse on 42 texts: accuracy 0\.5000 instead of 1\.0000, and 0\.003 less is allowed",
    ):
        export.export_int8(changed, dataset(LABELS))


def test_a_model_without_a_network_is_not_exported() -> None:
    with pytest.raises(SettingsError, match="there is no network in this model of the family 'ngram'"):
        export.export_float32(TextClassifier().fit(ENGLISH, LABELS).predictor_)


def test_the_networks_of_a_blend_go_into_int8_and_back(predictor: Predictor, tmp_path: Path) -> None:
    network, grams = predictor.bundle, TextClassifier("ngram").fit(ENGLISH, LABELS).predictor_.bundle
    members = tuple(Member(each.family, each.config, each.model, 0.5) for each in (grams, network))
    auto = registry.find("auto")
    whole = Predictor(replace(network, family=auto, config=auto.config(members=("ngram", "bag")), model=Blend(members)))
    small, compared, _ = export.export_int8(whole, dataset(LABELS))
    assert compared.int8 == compared.float32 == 1.0
    small.save(tmp_path / "small")
    loaded = load(tmp_path / "small")
    assert set(loaded.bundle.model.graphs()) == {f"1.{FLOAT32}", f"1.{INT8}", f"1.{PROBE}"}
    np.testing.assert_array_equal(loaded.predict_proba(ENGLISH), small.predict_proba(ENGLISH))
    assert not np.array_equal(loaded.predict_proba(ENGLISH), whole.predict_proba(ENGLISH))
    again = export.export_float32(loaded, ENGLISH)
    assert set(again.bundle.model.graphs()) == {f"1.{FLOAT32}", f"1.{PROBE}"} and again.bundle.metrics.int8 is None
    np.testing.assert_array_equal(again.predict_proba(ENGLISH), whole.predict_proba(ENGLISH))
