"""OpenVINO says what ONNX Runtime says, or is not used."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenor
from helpers.families import ENGLISH, LABELS, SMALL
from tenor import TextClassifier
from tenor.errors import MissingExtraError, NotUsedWarning, SettingsError
from tenor.models.onnx import onnx_network, runtimes
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.onnx_network import BFLOAT16_TOLERANCE, FLOAT32, TOLERANCE, OnnxNetwork


@pytest.fixture(autouse=True)
def new_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of another test."""
    monkeypatch.setenv("TENOR_CACHE", str(tmp_path / "cache"))


FAMILIES = ("bag", "cnn", "lstm", "transformer")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name in FAMILIES:
        made[name] = tmp_path_factory.mktemp(name) / "model"
        TextClassifier(name, SMALL[name] | {"epochs": 2}, random_state=3).fit(ENGLISH, LABELS).save(made[name])
    return made


def test_prediction_reports_its_use_to_nobody(folders: dict[str, Path], tmp_path: Path) -> None:
    """ONNX Runtime would make itself a lasting name of this machine in the cache."""
    program = f"import tenor; tenor.load({str(folders['bag'])!r}).predict(['fine'])"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
    assert not (tmp_path / "cache" / "Microsoft").exists()


@pytest.mark.parametrize("family", FAMILIES)
def test_openvino_says_what_onnx_runtime_says(
    folders: dict[str, Path], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tenor.load(folders[family]).predict_proba(ENGLISH)
    monkeypatch.setenv(runtimes.VARIABLE, runtimes.OPENVINO)
    asked: list[bool] = []
    openvino = runtimes.openvino

    def watched(graph: OnnxGraph, bfloat16: bool) -> runtimes.Run:
        asked.append(bfloat16)
        return openvino(graph, bfloat16)

    monkeypatch.setattr(runtimes, "openvino", watched)
    loaded = tenor.load(folders[family])
    assert asked == [runtimes.has_bfloat16()]
    result = loaded.predict_proba(ENGLISH)
    np.testing.assert_allclose(result, expected, atol=BFLOAT16_TOLERANCE)
    alone = np.concatenate([loaded.predict_proba([text]) for text in ENGLISH])
    np.testing.assert_allclose(alone, result, atol=BFLOAT16_TOLERANCE)
    assert len(loaded.predict_proba([""])) == 1


def test_in_float32_it_is_as_close_as_the_graph_itself(folders: dict[str, Path]) -> None:
    model = tenor.load(folders["transformer"]).bundle.model
    assert isinstance(model, OnnxNetwork)
    rows = model.encode(ENGLISH)
    by_openvino = model.score_with(runtimes.openvino(model.onnx_graph(FLOAT32), bfloat16=False), rows)
    np.testing.assert_allclose(model.to_outputs(by_openvino), model.to_outputs(model.score(rows)), atol=TOLERANCE)


def shifted(by: float, only_bfloat16: bool = False) -> Any:
    """OpenVINO as it would be if it were wrong by so much."""

    def made(graph: OnnxGraph, bfloat16: bool) -> runtimes.Run:
        run = runtimes.onnx_runtime(graph)
        return lambda ids: run(ids) + np.float32(by if bfloat16 or not only_bfloat16 else 0)

    return made


def test_bfloat16_that_is_too_far_away_gives_way_to_float32(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(runtimes.VARIABLE, runtimes.OPENVINO)
    monkeypatch.setattr(runtimes, "has_bfloat16", lambda: True)
    monkeypatch.setattr(runtimes, "openvino", shifted(1.0, only_bfloat16=True))
    with pytest.warns(
        NotUsedWarning, match=r"away from float32, and 0\.02 is allowed, so OpenVINO computes in float32"
    ):
        loaded = tenor.load(folders["bag"])
    result = loaded.predict_proba(ENGLISH)
    monkeypatch.delenv(runtimes.VARIABLE)
    np.testing.assert_array_equal(tenor.load(folders["bag"]).predict_proba(ENGLISH), result)


def test_a_runtime_that_says_something_else_is_not_used(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tenor.load(folders["bag"]).predict_proba(ENGLISH)
    monkeypatch.setenv(runtimes.VARIABLE, runtimes.OPENVINO)
    monkeypatch.setattr(runtimes, "has_bfloat16", lambda: False)
    monkeypatch.setattr(runtimes, "openvino", shifted(0.1))
    with pytest.warns(NotUsedWarning, match=r"OpenVINO is up to 0\.02.* away from the network .*ONNX Runtime predicts"):
        loaded = tenor.load(folders["bag"])
    np.testing.assert_array_equal(loaded.predict_proba(ENGLISH), expected)


def test_a_runtime_that_is_not_there(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runtimes.VARIABLE, "openvin")
    with pytest.raises(SettingsError, match=r"'openvin', which is not a runtime\. Did you mean 'openvino'"):
        tenor.load(folders["bag"])
    monkeypatch.setenv(runtimes.VARIABLE, runtimes.OPENVINO)
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"OpenVINO needs packages .*pip install '\.\[openvino\]'"):
        tenor.load(folders["bag"])


def test_a_model_that_was_not_loaded_tells_it_when_it_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = TextClassifier("bag", SMALL["bag"] | {"epochs": 1}).fit(ENGLISH, LABELS)
    again = replace(model.predictor_.bundle.model)  # nothing has been chosen for it
    monkeypatch.setenv(runtimes.VARIABLE, runtimes.OPENVINO)
    monkeypatch.setattr(runtimes, "has_bfloat16", lambda: False)
    monkeypatch.setattr(runtimes, "openvino", shifted(0.1))
    with pytest.warns(
        NotUsedWarning, match=r"^OpenVINO is up to 0\.02\d* away from ONNX Runtime, .*ONNX Runtime predicts"
    ):
        result = again.logits(ENGLISH)
    np.testing.assert_allclose(result, model.predictor_.bundle.model.logits(ENGLISH), atol=1e-6)


def test_training_proves_the_graph_in_onnx_runtime_whatever_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runtimes.VARIABLE, runtimes.OPENVINO)
    model = TextClassifier("bag", SMALL["bag"] | {"epochs": 1}).fit(ENGLISH, LABELS).predictor_.bundle.model
    assert isinstance(model, onnx_network.OnnxNetwork)
