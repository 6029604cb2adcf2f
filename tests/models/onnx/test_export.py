"""ONNX graphs say what Keras says, whatever the network is made of."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import tenor
from helpers.families import ENGLISH, LABELS, SMALL
from helpers.folders import sign
from tenor import TextClassifier
from tenor.config import settings
from tenor.errors import BundleError, TenorError
from tenor.models import registry
from tenor.models.family import NetworkFamily
from tenor.models.neural import neural_model, precision
from tenor.models.neural.network import Network
from tenor.models.onnx import export, graph, reader, runtimes
from tenor.models.onnx.onnx_network import FLOAT32, INT8, OnnxNetwork
from tenor.models.onnx.probe import PROBE
from tenor.tasks import SingleLabel
from tenor.text import vocabulary
from tenor.training.network_training import seeded

pytestmark = pytest.mark.slow

TASK = SingleLabel(("a", "b", "c"))
TINY = {"vocabulary": 50, "max_length": 20, "embedding": 6}
WIDE = {"vocabulary": 50, "max_length": 20, "width": 12, "heads": 3, "feed_forward": 10}
SHAPE = {
    "tokens": 50,
    "positions": 30,
    "width": 8,
    "inner": 8,
    "blocks": 3,
    "shared": False,
    "heads": 2,
    "hidden": 12,
    "activation": "gelu_tanh",
    "epsilon": 1e-7,
}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "bag": ("bag", TINY),
    "bag with hidden layers": ("bag", TINY | {"hidden": [4, 3], "activation": "gelu"}),
    "cnn": ("cnn", TINY | {"filters": 5, "widths": [1, 2, 3, 4]}),
    "cnn of one width": ("cnn", TINY | {"filters": 5, "widths": [2], "activation": "sigmoid"}),
    "lstm": ("lstm", TINY | {"units": 5}),
    "lstm both ways, mean": ("lstm", TINY | {"units": 5, "bidirectional": True, "pooling": "mean"}),
    "lstm both ways, last": ("lstm", TINY | {"units": 5, "bidirectional": True, "activation": "relu"}),
    "lstm, maximum": ("lstm", TINY | {"units": 5, "pooling": "max", "activation": "sigmoid"}),
    "transformer": ("transformer", WIDE),
    "transformer with relu": ("transformer", WIDE | {"activation": "relu", "blocks": 1, "heads": 1}),
    "pretrained": ("pretrained", {"architecture": SHAPE, "max_length": 20, "pooled_blocks": 2}),
    "pretrained, first": ("pretrained", {"architecture": SHAPE, "max_length": 20, "pooling": "first"}),
    "pretrained with lora": ("pretrained", {"architecture": SHAPE, "max_length": 20, "tune": "lora", "rank": 2}),
    "pretrained, shared": (
        "pretrained",
        {"architecture": SHAPE | {"shared": True, "inner": 4}, "max_length": 20, "pooled_blocks": 2},
    ),
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Network:
    """A network with weights drawn at random, biases too: the same in every run, since int8 is further off for some."""
    name, values = NETWORKS[request.param]
    family = registry.find(name)
    config = settings.make(family.config, values, "test")
    assert isinstance(family, NetworkFamily)
    with seeded(1):
        keras_model = family.build(config, TASK)
    random = np.random.default_rng(5)
    for variable in keras_model.weights:
        variable.assign(np.asarray(variable) + random.normal(0, 0.3, variable.shape))
    encoder = vocabulary.build([f"w{index}" for index in range(48) for _ in range(2)], 50)
    return Network(family, TASK, config, encoder, keras_model)


def test_the_graph_says_what_keras_says(network: Network) -> None:
    rows = neural_model.random_rows(network)
    assert rows.lengths.min() == 0 and rows.lengths.max() == network.max_row_length
    made = export.export(network, rows)
    read = reader.read(made.files[FLOAT32], FLOAT32)
    assert {node.kind for node in read.nodes} <= set(reader.OPERATORS)
    # Weights that the network learned stand in weights.safetensors, all of them.
    assert {tensor.name for tensor in read.shared} == set(made.weights)
    assert sum(tensor.array.nbytes for tensor in read.tensors.values() if tensor.array is not None) < 500
    np.testing.assert_allclose(made.score(rows), network.score(rows), rtol=1e-4, atol=1e-5)
    again = made.network  # from the weights alone
    np.testing.assert_allclose(again.score(rows), network.score(rows), atol=1e-6)


def test_on_a_gpu_the_network_scores_many_rows_until_the_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = TextClassifier("bag", SMALL["bag"] | {"epochs": 1}).fit(ENGLISH, LABELS).predictor_.bundle.model
    assert isinstance(trained, OnnxNetwork) and not trained.on_device
    many = trained.text_encoder.encode(ENGLISH * 20, 16, "end")
    expected = trained.score(many)
    monkeypatch.setattr(precision, "has_accelerator", lambda: True)
    made = export.export(trained.network, neural_model.random_rows(trained))
    runs: list[int] = []
    graph = made.run
    vars(made)["run"] = lambda ids: runs.append(len(ids)) or graph(ids)
    np.testing.assert_allclose(made.score(many), expected, atol=1e-5)
    assert not runs
    made.logits(ENGLISH[:2])
    assert sum(runs) == 2
    assert not pickle.loads(pickle.dumps(made)).on_device
    assert not export.quantised(trained.network, made).on_device


def test_int8_is_smaller_and_close(network: Network) -> None:
    rows = neural_model.random_rows(network)
    plain = export.export(network, rows)
    small = export.quantised(network, plain)
    read = reader.read(small.files[INT8], INT8)
    assert {node.kind for node in read.nodes} <= set(reader.OPERATORS)
    kept = {name for name, array in small.weights.items() if name.endswith(("bias", "scale", "shift", "position"))}
    assert kept - {tensor.name for tensor in read.shared} <= {name for name in kept if "query_key_value" in name}
    assert set(small.graphs()) == {FLOAT32, INT8, PROBE} and set(plain.graphs()) == {FLOAT32, PROBE}
    result, expected = small.score(rows), network.score(rows)
    assert not np.array_equal(result, expected)
    assert np.abs(result - expected).max() < 0.1 * np.abs(expected).max() + 0.05


def test_a_graph_whose_answers_are_no_proof_is_not_kept() -> None:
    model = TextClassifier("bag", SMALL["bag"] | {"epochs": 1}).fit(ENGLISH, LABELS).predictor_.bundle.model
    assert isinstance(model, OnnxNetwork)
    model.network.keras_model.get_layer("logits").bias.assign([np.nan])
    with pytest.raises(TenorError, match="the ONNX graph is up to nan away from the network, so it is not kept"):
        export.export(model.network, neural_model.random_rows(model.network))


def test_a_graph_of_more_than_2_gb_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    model = TextClassifier("bag", SMALL["bag"] | {"epochs": 1}).fit(ENGLISH, LABELS).predictor_.bundle.model
    assert isinstance(model, OnnxNetwork)
    monkeypatch.setattr(graph, "LARGEST", 100)
    assert export.export(model.network, neural_model.random_rows(model)).files == model.files
    with pytest.raises(
        TenorError, match=r"more than an ONNX file holds, so no graph is written\. Predictions go through Keras"
    ):
        export.quantised(model.network, model)


@pytest.fixture(scope="module")
def folder(trained: Callable[[str], TextClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    for name in ("bag", "transformer"):
        trained(name).save(folder / name)
    return folder


@pytest.mark.parametrize("family", ["bag", "transformer"])
def test_a_saved_model_predicts_without_keras(folder: Path, family: str) -> None:
    program = (
        "import sys, json, numpy, tenor\n"
        f"model = tenor.load({str(folder / family)!r})\n"
        f"found = model.predict_proba(json.loads(sys.stdin.read())).tolist()\n"
        "unused = ('keras', 'tensorflow', 'jax', 'onnx', 'scipy.sparse')\n"
        "loaded = [name for name in unused if name in sys.modules]\n"
        "print(json.dumps([found, loaded]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], input=json.dumps(ENGLISH), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    result, loaded = json.loads(done.stdout)
    assert loaded == []
    model = tenor.load(folder / family).bundle.model
    assert isinstance(model, OnnxNetwork)
    calibrated = tenor.load(folder / family).calibrate(model.network.logits(ENGLISH))
    np.testing.assert_allclose(result, model.task.probabilities(calibrated), atol=1e-4)


def test_a_folder_without_a_graph_is_read_as_before(folder: Path, tmp_path: Path) -> None:
    expected = tenor.load(folder / "bag").predict_proba(ENGLISH)
    for path in (folder / "bag").iterdir():
        if path.name != FLOAT32:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    sign(tmp_path)
    loaded = tenor.load(tmp_path)
    assert isinstance(loaded.bundle.model, Network)
    np.testing.assert_allclose(loaded.predict_proba(ENGLISH), expected, atol=1e-6)


def test_without_onnx_runtime_keras_predicts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "is_installed", lambda: False)
    assert isinstance(tenor.load(folder / "bag").bundle.model, Network)
    model = TextClassifier("bag", SMALL["bag"] | {"epochs": 2}).fit(ENGLISH, LABELS)
    assert isinstance(model.predictor_.bundle.model, Network)


def external() -> bytes:
    """A graph whose weights are in another file of the computer."""
    tensor = TensorProto(name="w", data_type=1, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../../../etc/hostname")
    ids = helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    node = helper.make_node("Identity", ["w"], ["logits"])
    graph = helper.make_graph([node], "g", [ids], [logits], [tensor])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()
    )


def other_outputs(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    model.graph.output[0].name = "cross"
    model.graph.node[-1].output[0] = "cross"
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda graph: b"", "cannot be read"),
        (lambda graph: b"\x08 no graph", "cannot be read"),
        (lambda graph: graph[: len(graph) // 2], "cannot be read"),
        (lambda graph: external(), "cannot be read"),
        (other_outputs, r"cannot be read: model\.graph\.output: .*'cross'.* is not logits"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused_even_when_signed(
    folder: Path, tmp_path: Path, change: Any, told: str
) -> None:
    for path in (folder / "bag").iterdir():
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(change(data) if path.name == FLOAT32 else data)
    sign(tmp_path)
    with pytest.raises(BundleError, match=rf"model\.onnx: the ONNX graph {told}"):
        tenor.load(tmp_path)


def test_a_loaded_model_keeps_its_graph_when_it_is_saved_again(folder: Path, tmp_path: Path) -> None:
    tenor.load(folder / "bag").save(tmp_path / "again")
    assert (tmp_path / "again" / FLOAT32).read_bytes() == (folder / "bag" / FLOAT32).read_bytes()


def test_in_int8_a_text_gets_the_same_answer_alone_and_beside_others() -> None:
    settings = {"vocabulary": 60, "embedding": 8, "filters": 8, "epochs": 2, "max_length": 16}
    texts = ["good film " * number + "dull" for number in range(1, 30)]
    model = TextClassifier("cnn", settings).fit(texts, [number % 2 for number in range(29)]).predictor_.bundle.model
    assert isinstance(model, OnnxNetwork)
    small = export.quantised(model.network, model)
    together = small.logits(texts)
    alone = np.concatenate([small.logits([text]) for text in texts])
    np.testing.assert_allclose(alone, together, atol=1e-5)
