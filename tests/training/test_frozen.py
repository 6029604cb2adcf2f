"""A frozen encoder is fitted without Keras, and gives what the network in Keras gives."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenor import TextClassifier, tasks
from tenor._core.callbacks import Callback
from tenor.data.fields import SINGLE_TEXT
from tenor.errors import SettingsError, TenorError
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.families import pretrained
from tenor.models.linear.solver import LinearWeights
from tenor.models.pretrained import frozen, numpy_encoder
from tenor.models.pretrained.frozen import FrozenEncoder
from tenor.training import fitting

GOLDEN = Path(__file__).parents[1] / "models/golden"
KINDS = ("albert", "bert", "distilbert", "electra", "roberta", "xlm-roberta")
WORDS = ["film", "plot", "a film", "really", "film plot", "plot film", "the plot", "the film", "a plot", "film really"]
TEXTS = [f"{label} {words} {label * more}" for more in (0, 1) for words in WORDS for label in ("good", "bad")]
LABELS = ["good", "bad"] * 20


def settings(kind: str = "bert", **values: object) -> dict[str, object]:
    return {"model": str(GOLDEN / kind), "tune": "frozen", "max_length": 8, **values}


@pytest.mark.parametrize("pooling", ["mean", "first"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_numpy_and_keras_agree(kind: str, pooling: str) -> None:
    config = pretrained.Config(**settings(kind, pooling=pooling)).for_texts(40)  # type: ignore[arg-type]
    encoder = FrozenEncoder.load(config, TEXTS, SINGLE_TEXT)
    encoded = encoder.text_encoder.encode(["good film", *TEXTS[:3], ""], 8, "windows")
    features = encoder.features(encoded, Callback())
    rows = [encoder.text_encoder.encode([text], 8, "end") for text in ("good film", "")]
    for row, text in zip(rows, (0, 4), strict=True):
        np.testing.assert_allclose(
            numpy_encoder.features(encoder.config, encoder.weights, [row.ids])[0], features[text], atol=1e-5
        )
    width = features.shape[1]
    head = LinearWeights(np.random.default_rng(0).normal(size=(width, 2)).astype(np.float32), np.ones(2, np.float32))
    task = tasks.from_labels("multilabel", [("a",), ("b",)])
    model = encoder.with_head(head, task)
    np.testing.assert_allclose(model.logits(TEXTS[:3]), features[1:4] @ head.weights + head.intercept, atol=1e-4)
    np.testing.assert_allclose(model.network.logits(TEXTS[:4]), model.logits(TEXTS[:4]), atol=1e-4)


def test_a_graph_that_gives_other_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_encoder, "_ACTIVATIONS", dict.fromkeys(numpy_encoder._ACTIVATIONS, np.tanh))
    with pytest.raises(TenorError, match="away from its values in NumPy"):
        TextClassifier("pretrained", settings()).fit(TEXTS, LABELS)


def test_neither_keras_nor_tensorflow_is_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; from tenor import TextClassifier\n"
        f"model = TextClassifier('pretrained', {settings()!r}).fit({TEXTS!r}, {LABELS!r})\n"
        f"model.save({str(tmp_path / 'model')!r})\n"
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_few_texts_calibrate_a_frozen_encoder_and_all_are_learned_from() -> None:
    predictor = TextClassifier("pretrained", settings(), 3).fit(TEXTS, LABELS).predictor_
    assert predictor.bundle.calibration is not None and predictor.bundle.conformal is not None
    without = TextClassifier("pretrained", settings(calibration=0.0), 3).fit(TEXTS, LABELS).predictor_
    assert without.bundle.calibration is None
    kernel = "logits/kernel"
    np.testing.assert_array_equal(predictor.bundle.model.arrays()[kernel], without.bundle.model.arrays()[kernel])


def test_validation_texts_are_held_out() -> None:
    task = tasks.from_labels("binary", LABELS)
    targets, ones = task.encode(LABELS), np.ones(len(TEXTS), np.float32)
    validation = Examples(["good", "bad"], task.encode(["good", "bad"]), task, ones[:2])
    examples = Examples(TEXTS, targets, task, ones, validation=validation)
    config = pretrained.Config(**settings())  # type: ignore[arg-type]
    fitted = fitting.fit_uncalibrated(pretrained.FAMILY, examples, config, FitContext(seed=0))
    assert fitted.held_out is not None and len(fitted.held_out.targets) == 2
    np.testing.assert_allclose(fitted.held_out.logits, fitted.model.logits(["good", "bad"]), atol=1e-4)
    share = fitting.fit_uncalibrated(
        pretrained.FAMILY, replace(examples, validation=None), replace(config, validation=0.25), FitContext(seed=0)
    )
    assert share.held_out is not None and len(share.held_out.targets) == 10


def test_a_loss_of_another_task_is_refused() -> None:
    with pytest.raises(SettingsError, match="does not serve the task"):
        TextClassifier("pretrained", settings(loss="huber")).fit(TEXTS, LABELS)


def test_keras_fits_the_head_where_onnx_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    few, labels = TEXTS[:20], LABELS[:20]
    here = TextClassifier("pretrained", settings(), 3).fit(few, labels).predictor_
    monkeypatch.setattr(frozen, "is_available", lambda: False)
    in_keras = TextClassifier("pretrained", settings(), 3).fit(few, labels).predictor_
    np.testing.assert_allclose(here.raw_logits(TEXTS[:4]), in_keras.raw_logits(TEXTS[:4]), atol=1e-3)
