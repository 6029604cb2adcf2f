"""Training on a GPU, where there is one."""

from pathlib import Path

import numpy as np
import pytest

from helpers.families import ENGLISH, LABELS, SMALL
from tenor import TextClassifier, load
from tenor.models.neural import backend
from tenor.models.onnx.onnx_network import OnnxNetwork

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not backend.has_accelerator(), reason="there is no GPU")]


@pytest.mark.parametrize("family", ["bag", "transformer"])
def test_the_saved_graph_predicts_on_the_processor_what_the_network_predicts_on_the_gpu(
    family: str, tmp_path: Path
) -> None:
    classifier = TextClassifier(family, SMALL[family], random_state=3).fit(ENGLISH, LABELS)
    trained = classifier.predictor_.bundle.model
    assert isinstance(trained, OnnxNetwork) and trained.on_device
    classifier.save(tmp_path / "model")
    saved = load(tmp_path / "model").bundle.model
    assert isinstance(saved, OnnxNetwork) and not saved.on_device
    many = trained.text_encoder.encode(ENGLISH * 20, 24, "end")
    # A GPU may multiply with 11 bits of precision (TF32).
    np.testing.assert_allclose(saved.score(many), trained.score(many), rtol=0.02, atol=0.02)
