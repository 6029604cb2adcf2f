"""Every model type on OpenVINO, on JAX, and in pretraining on masked tokens.

Run as a program, under KERAS_BACKEND=jax, this file is JAX's side: it writes a report for the tests.
"""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenor.config import settings
from tenor.models import registry
from tenor.models.families import pretrained
from tenor.models.onnx import runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.pretrained import huggingface, weight_conversion
from tenor.models.pretrained.weight_files import WeightFiles
from tenor.tasks import SingleLabel
from tenor.text.batches import Batch

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = sorted(path.parent.name for path in GOLDEN.glob("*/config.json") if (path.parent / "tokenizer.json").exists())
TASK = SingleLabel(("a", "b", "c"))


@functools.cache
def network(kind: str) -> tuple[pretrained.Config, Any, Any]:
    """Settings, the encoder of texts, and the Keras model."""
    values = {"model": str(GOLDEN / kind), "max_length": 32, "dropout": 0.0, "gradient_checkpointing": True}
    config, subwords = pretrained.encode(settings.make(pretrained.Config, values, "test"), [])
    model = pretrained.build(config, TASK)
    pretrained.initialise(config, model)
    return config, subwords, model


def golden_texts(kind: str) -> list[dict[str, Any]]:
    texts: list[dict[str, Any]] = json.loads((GOLDEN / kind / "expected.json").read_text(encoding="utf-8"))["texts"]
    return texts


def ids(kind: str) -> Any:
    texts = golden_texts(kind)
    return network(kind)[1].encode([text["text"] for text in texts], 32, "end").pad(np.arange(len(texts)), 32)


def onnx_graph(model: Any) -> OnnxGraph:
    from tenor.models.onnx import convert

    weights = {variable.path: np.asarray(variable) for variable in model.weights}
    return OnnxGraph("test", convert.convert(model, False), weights, TASK.n_outputs)


def on_jax(kind: str) -> dict[str, float]:
    """The largest differences on JAX: hidden states and gradients from the reference, ONNX from the network."""
    import jax
    import keras

    _, _, model = network(kind)
    both = keras.Model(model.input, [model.get_layer("values").output, model.output])
    rows, texts = ids(kind), golden_texts(kind)
    weights = np.zeros((*rows.shape, both.output_shape[0][-1]), np.float32)
    for row, text in enumerate(texts):
        size = len(text["ids"]), weights.shape[-1]
        weights[row, : size[0]] = np.cos(np.arange(size[0] * size[1], dtype=np.float32)).reshape(size)

    @jax.jit
    def run(variables: Any) -> Any:
        def total(variables: Any) -> Any:
            fixed = [variable.value for variable in both.non_trainable_variables]
            (values, logits), _ = both.stateless_call(variables, fixed, rows, training=True)
            return (values * weights).sum(), (values, logits)

        return jax.value_and_grad(total, has_aux=True)(variables) if has_gradients else (total(variables), [])

    has_gradients = (GOLDEN / kind / "gradients.safetensors").exists()
    (_, (values, logits)), gradients = run([variable.value for variable in both.trainable_variables])
    values, logits = np.asarray(values), np.asarray(logits)
    errors = [np.abs(values[row, : len(text["ids"])] - text["values"]).max() for row, text in enumerate(texts)]
    by_onnx = runtimes.onnx_runtime(onnx_graph(model))(rows)
    report = {"values": float(max(errors)), "onnx": float(np.abs(by_onnx - logits).max())}
    if has_gradients:
        paths = [variable.path for variable in both.trainable_variables]
        by_path, reference = dict(zip(paths, gradients, strict=True)), reference_gradients(kind)
        first = {"embeddings/token": 1}  # PyTorch gives padding no gradient
        report["gradients"] = max(
            float(np.abs(by_path[path] - value)[first.get(path, 0) :].max()) for path, value in reference.items()
        )
    return report


def reference_gradients(kind: str) -> dict[str, Any]:
    import tempfile

    folder = huggingface.read_folder(GOLDEN / kind)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "model.safetensors").symlink_to(GOLDEN / kind / "gradients.safetensors")
        files = WeightFiles(Path(scratch), None)
        return dict(weight_conversion.convert(folder.architecture, folder.names, folder.padding, files))


@pytest.fixture(scope="module")
def jax_report(quick_jax: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("jax") / "report.json"
    here = os.pathsep.join([str(Path(__file__).parents[2]), os.getenv("PYTHONPATH", "")])
    environment = {**os.environ, **quick_jax, "KERAS_BACKEND": "jax", "PYTHONPATH": here}
    done = subprocess.run([sys.executable, __file__, str(path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


@pytest.mark.parametrize("kind", KINDS)
def test_jax_has_the_values_and_gradients_of_the_reference_and_the_same_graph(
    kind: str, jax_report: dict[str, Any]
) -> None:
    limits = {"values": 1e-4, "gradients": 1e-3, "onnx": 1e-4}
    assert {name: error for name, error in jax_report[kind].items() if not error < limits[name]} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_openvino_has_the_logits_of_the_network(kind: str) -> None:
    pytest.importorskip("openvino")
    _, _, model = network(kind)
    rows = ids(kind)
    expected = np.asarray(model(rows))
    run = runtimes.openvino(onnx_graph(model), bfloat16=False)
    np.testing.assert_allclose(run(rows), expected, atol=1e-4)
    alone = rows[1:2, : np.count_nonzero(rows[1])]
    np.testing.assert_allclose(run(alone), expected[1:2], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_masked_tokens_train_every_weight_of_the_encoder(kind: str) -> None:
    import tensorflow as tf

    from tenor.models.neural.network import Network
    from tenor.training.masked_objective import MaskedTokenObjective

    config, subwords, model = network(kind)
    family = registry.FAMILIES["pretrained"]
    encoded = subwords.encode([text["text"] for text in golden_texts(kind)], 32, "end")
    objective = MaskedTokenObjective(Network(family, TASK, config, subwords, model), encoded, encoded, 3)
    rows = np.arange(len(encoded.lengths))
    inputs, targets, weights = objective.batch_arrays(Batch(rows, 32, len(rows)), np.random.default_rng(3))
    with tf.GradientTape() as tape:
        loss = objective.loss(targets, objective.keras_model(inputs, training=True), weights)
    variables = objective.keras_model.trainable_variables
    assert {path for path, _ in pretrained.shapes(config, 3)} - {variable.path for variable in variables} == {
        "logits/kernel",
        "logits/bias",
    }
    assert 0 < float(loss) < 20
    for variable, gradient in zip(variables, tape.gradient(loss, [each.value for each in variables]), strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(np.asarray(tf.convert_to_tensor(gradient))).all(), variable.path


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps({kind: on_jax(kind) for kind in KINDS}), encoding="utf-8")
