"""A model's folder has one copy of the weights, and no runtime opens a file."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import tenor
from helpers.folders import sign
from tenor._core import regular_files, tensor_file
from tenor.errors import BundleError
from tenor.inference.predictor import Predictor
from tenor.models import registry
from tenor.models.auto.blend import Blend, Member
from tenor.models.onnx import graph, reader, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.onnx_network import FLOAT32, INT8, OnnxNetwork
from tenor.models.onnx.weights import GraphTooLargeError

GOLDEN = Path(__file__).parents[2] / "golden"
TEXTS = ["a good story", "a bad story", "", "story of a poor story"]
IDS = np.array([[2, 3, 4], [5, 0, 0]], np.int32)
LOGITS = [[-0.216258], [0.097099]]  # of [[2, 3, 4, 0], [5, 6, 7, 8]]


def loaded(folder: Path) -> OnnxNetwork:
    model = tenor.load(folder).bundle.model
    assert isinstance(model, OnnxNetwork)
    return model


def stored(folder: Path) -> tensor_file.TensorFile:
    return tensor_file.read((folder / tensor_file.FILE).read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved model of format 3."""
    return Path(shutil.copytree(GOLDEN / "format-3" / "transformer", tmp_path / "model"))


@pytest.mark.parametrize(("name", "files"), [("format-2/int8", {FLOAT32, INT8}), ("format-3/transformer", {FLOAT32})])
def test_models_of_older_versions_are_read(name: str, files: set[str]) -> None:
    model = loaded(GOLDEN / name)
    assert set(model.files) == files
    logits = model.in_onnx_runtime()(np.array([[2, 3, 4, 0], [5, 6, 7, 8]], np.int32))
    np.testing.assert_allclose(logits, LOGITS, atol=1e-5)


def test_graphs_of_a_folder_refer_to_its_weights(folder: Path) -> None:
    assert json.loads((folder / "manifest.json").read_text())["format"] == 3
    model, contents = onnx.load(folder / FLOAT32, load_external_data=False), stored(folder)
    shared = {each.name: {entry.key: entry.value for entry in each.external_data} for each in model.graph.initializer}
    assert {name for name, entries in shared.items() if entries} == set(contents.arrays)
    for name, place in contents.places.items():
        assert shared[name] == {
            "location": "weights.safetensors",
            "offset": str(place.offset),
            "length": str(place.length),
        }
    assert sum(len(each.raw_data) for each in model.graph.initializer) < 300


def test_other_programs_load_the_graph_by_its_path(folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    expected = loaded(folder).in_onnx_runtime()(IDS)
    session = onnxruntime.InferenceSession(folder / FLOAT32, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"ids": IDS})[0], expected, atol=1e-6)
    onnx.checker.check_model(str(folder / FLOAT32))
    whole = onnx.load(folder / FLOAT32).SerializeToString()
    np.testing.assert_allclose(runtimes.onnx_runtime(OnnxGraph(FLOAT32, whole, {}, 1))(IDS), expected, atol=1e-6)


@pytest.mark.parametrize("runtime", [runtimes.ONNX_RUNTIME, runtimes.OPENVINO])
def test_no_runtime_opens_a_file(folder: Path, tmp_path: Path, monkeypatch: Any, runtime: str) -> None:
    """A file of that name in the current folder, or none in the model's, changes nothing."""
    expected = tenor.load(folder).predict_proba(TEXTS)
    monkeypatch.setenv(runtimes.VARIABLE, runtime)
    monkeypatch.setattr(runtimes, "has_bfloat16", lambda: False)
    size = (folder / tensor_file.FILE).stat().st_size
    (tmp_path / tensor_file.FILE).write_bytes(b"\x7f" * size)
    monkeypatch.chdir(tmp_path)
    read = regular_files.read

    def read_and_remove(path: Path, *arguments: Any) -> bytes:
        data = read(path, *arguments)
        if path.name == tensor_file.FILE:
            path.unlink()
        return data

    monkeypatch.setattr(regular_files, "read", read_and_remove)
    predictor = tenor.load(folder)
    assert not (folder / tensor_file.FILE).exists()
    np.testing.assert_allclose(predictor.predict_proba(TEXTS), expected, atol=1e-5)


def move(model: Any) -> None:
    """Let two arrays of one shape change places."""
    first, second, *_ = (each for each in model.graph.initializer if each.external_data and each.dims == [8, 8])
    for one, other in zip(first.external_data, second.external_data, strict=True):
        one.value, other.value = other.value, one.value


def shift(model: Any) -> None:
    tensor = next(each for each in model.graph.initializer if each.external_data)
    tensor.external_data[1].value = "0"


def no_place(model: Any) -> None:
    tensor = next(each for each in model.graph.initializer if each.external_data)
    del tensor.external_data[1:]


def to_key(model: Any) -> None:
    tensor = next(each for each in model.graph.initializer if each.external_data)
    tensor.external_data[0].value = ".ssh/id_rsa"


HOSTILE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "places exchanged": (move, r"external_data: offset and length are not those of the array in weights\.safetensors"),
    "header of the file": (shift, r"external_data: offset and length are not those of the array"),
    "no place": (no_place, r"external_data: offset and length are not those of the array"),
    "private key": (to_key, r"external_data\.location: '\.ssh/id_rsa' is not weights\.safetensors"),
    "more logits": (
        lambda model: setattr(model.graph.output[0].type.tensor_type.shape.dim[1], "dim_value", 7),
        r"the ONNX graph is that of another network: it gives 7 logits, not 1",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_folder_that_refers_elsewhere_is_refused_even_when_signed(
    folder: Path, tmp_path: Path, monkeypatch: Any, case: str
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_rsa").write_bytes(b"secret" * 1_000)
    monkeypatch.chdir(tmp_path)
    edit, match = HOSTILE[case]
    model = onnx.load(folder / FLOAT32, load_external_data=False)
    edit(model)
    (folder / FLOAT32).write_bytes(model.SerializeToString())
    sign(folder)
    with pytest.raises(BundleError, match=rf"model: model\.onnx: .*{match}.* copy or train it again\.$"):
        tenor.load(folder)


def test_a_model_saved_again_has_the_same_bytes(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved_by = json.loads((folder / "tenor.json").read_text(encoding="utf-8"))["tenor"]
    monkeypatch.setattr("tenor.inference.bundle.writing.VERSION", saved_by)  # it is in tenor.json
    first, second = tmp_path / "first", tmp_path / "second"
    tenor.load(folder).save(first)  # under the names that settings have today
    tenor.load(first).save(second)
    for name in (FLOAT32, tensor_file.FILE, "encoder.json", "metrics.json"):
        assert (first / name).read_bytes() == (folder / name).read_bytes()
    assert (second / "manifest.json").read_bytes() == (first / "manifest.json").read_bytes()


def test_a_blend_has_one_copy_too(folder: Path, tmp_path: Path) -> None:
    saved, older = tenor.load(folder).bundle, tenor.load(GOLDEN / "format-2" / "int8").bundle
    members = tuple(Member(each.family, each.config, each.model, 0.5) for each in (saved, older, saved))
    auto = registry.find("auto")
    config = auto.config(members=("bag", "cnn", "lstm"))
    whole = Predictor(replace(saved, family=auto, config=config, model=Blend(members)))
    whole.save(tmp_path / "blend")
    graphs = {
        name: reader.read((tmp_path / "blend" / name).read_bytes(), name).shared
        for name in ("0.model.onnx", "1.model.onnx", "2.model.onnx")
    }
    assert [len(shared) for shared in graphs.values()] == [len(saved.model.arrays()), 0, len(saved.model.arrays())]
    places = stored(tmp_path / "blend").places
    for tensor in graphs["2.model.onnx"]:
        assert tensor.place == places[f"2/{tensor.name}"]
    np.testing.assert_array_equal(tenor.load(tmp_path / "blend").predict_proba(TEXTS), whole.predict_proba(TEXTS))


def large(rows: int) -> tuple[graph.Graph, str]:
    """A graph with a table of so many rows, of 1 KiB each, and what it gives."""
    weights = {
        "table": np.zeros((rows, 256), np.float32),  # takes no memory until it is used
        "kernel": np.ones((256, 3), np.float32),
        "bias": np.arange(3, dtype=np.float32),
    }
    made = graph.Graph(weights=weights)
    total = made.op("ReduceSum", made.rows(weights["table"], "table"), [1], keepdims=0)
    return made, made.dense(total, weights["kernel"], weights["bias"], "logits")


def test_a_network_of_more_than_2_gb_has_a_graph() -> None:
    made, logits = large(2_200_000)
    data = made.finish(logits, 3)
    assert len(data) < 2_000 and made.weights["table"].nbytes > 1 << 31
    result = reader.read(data, "model.onnx")
    assert {tensor.name: tensor.shape for tensor in result.shared}["table"] == (2_200_000, 256)
    with pytest.raises(GraphTooLargeError, match="larger than 2 GB, which is more than OpenVINO takes in one piece"):
        OnnxGraph("model.onnx", data, made.weights, 3).inlined()


def test_a_graph_that_would_hold_more_than_2_gb_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "LARGEST", 100)
    made, logits = large(10)
    made.finish(logits, 3)
    made.constant(np.zeros(26, np.float32), "more")
    with pytest.raises(GraphTooLargeError, match="larger than 2 GB, which is more than an ONNX file holds"):
        made.finish(logits, 3)
