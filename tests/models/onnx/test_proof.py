"""A model that is loaded elsewhere predicts with graphs that give what they gave where it was made."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import numpy_helper
from safetensors import numpy as safetensors

import tenor
from helpers.command import Cli
from helpers.families import ENGLISH, LABELS, SMALL
from helpers.folders import sign
from tenor import TextClassifier
from tenor.errors import BundleError, NotUsedWarning
from tenor.inference import bundle
from tenor.inference.predictor import Predictor
from tenor.models.auto.blend import Blend, Member
from tenor.models.onnx import export, proof, runtimes, verdicts
from tenor.models.onnx.loading import OnnxGraph
from tenor.models.onnx.onnx_network import FLOAT32, INT8, OnnxNetwork
from tenor.models.onnx.probe import NETWORK, PROBE
from tenor.serving import app


@pytest.fixture(scope="module")
def trained() -> Predictor:
    """A network with graphs in float32 and int8."""
    made = TextClassifier("bag", SMALL["bag"] | {"epochs": 2}, random_state=3).fit(ENGLISH, LABELS).predictor_
    model = made.bundle.model
    assert isinstance(model, OnnxNetwork)
    return Predictor(replace(made.bundle, model=export.quantised(model.network, model)))


@pytest.fixture
def folder(trained: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its folder, on a machine that remembers nothing."""
    monkeypatch.setenv("TENOR_CACHE", str(tmp_path / "cache"))
    trained.save(tmp_path / "reviews")
    return tmp_path / "reviews"


def spoil(folder: Path, name: str, array: str = "logits/bias") -> None:
    """Have a graph give other logits, as on a processor that computes something else."""
    model = onnx.load_from_string((folder / name).read_bytes())
    [bias] = [each for each in model.graph.initializer if each.name == "logits/bias"]
    bias.CopyFrom(numpy_helper.from_array(saved_bias(folder, array) + np.float32(1), "logits/bias"))
    (folder / name).write_bytes(model.SerializeToString())
    sign(folder)


def saved_bias(folder: Path, array: str = "logits/bias") -> npt.NDArray[np.float32]:
    """The bias of the logits, which the graphs share."""
    return safetensors.load_file(folder / "weights.safetensors")[array]


def network(loaded: Predictor) -> OnnxNetwork:
    assert isinstance(loaded.bundle.model, OnnxNetwork)
    return loaded.bundle.model


def test_the_probe_is_in_the_folder_and_holds_no_text(folder: Path, trained: Predictor) -> None:
    entries = json.loads((folder / "manifest.json").read_text())["files"]
    assert PROBE in entries
    arrays = safetensors.load_file(folder / PROBE)
    model = network(trained)
    assert set(arrays) == {"ids", "lengths", NETWORK, FLOAT32, INT8}
    assert 24 <= len(arrays["lengths"]) <= 48 and arrays["lengths"].max() == model.max_row_length
    assert arrays["lengths"].min() == 0 < arrays["ids"].min() and arrays["ids"].max() < model.text_encoder.size
    rows = model.probe.rows if model.probe else None
    assert rows is not None
    np.testing.assert_allclose(arrays[NETWORK], model.network.score(rows), atol=1e-5)
    np.testing.assert_allclose(arrays[FLOAT32], model.score_with(model.in_onnx_runtime(FLOAT32), rows), atol=1e-6)
    np.testing.assert_allclose(arrays[INT8], model.score_with(model.in_onnx_runtime(INT8), rows), atol=1e-6)
    assert not np.allclose(arrays[INT8], arrays[FLOAT32], atol=1e-6)


def test_graphs_are_compared_once_on_a_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    compare = proof.compare

    def watched(model: Any, candidate: proof.Candidate, run: Any) -> Any:
        compared.append(candidate.graph)
        return compare(model, candidate, run)

    monkeypatch.setattr(proof, "compare", watched)
    first = tenor.load(folder)
    assert compared == [INT8] and first.bundle.notes == ()
    again = tenor.load(folder)
    assert compared == [INT8]
    np.testing.assert_array_equal(again.predict_proba(ENGLISH), first.predict_proba(ENGLISH))
    restored = pickle.loads(pickle.dumps(network(again)))
    np.testing.assert_array_equal(restored.logits(ENGLISH), network(again).logits(ENGLISH))
    assert compared == [INT8]
    monkeypatch.setattr(verdicts, "processor", lambda: "another kind")
    tenor.load(folder)
    assert compared == [INT8, INT8]
    monkeypatch.setattr(runtimes, "version", lambda name: "0.0.1")
    tenor.load(folder)
    assert compared == [INT8, INT8, INT8]


def test_int8_that_disagrees_gives_way_to_float32(folder: Path, trained: Predictor) -> None:
    spoil(folder, INT8)
    for _ in range(2):  # the second time it is remembered
        with pytest.warns(NotUsedWarning, match=r"^reviews/model\.int8\.onnx is up to 0\.\d+ away from what") as told:
            loaded = tenor.load(folder)
        assert len(told) == 1 and loaded.bundle.notes == (str(told[0].message),)
        model = network(trained)
        expected = trained.calibrate(model.score_with(model.in_onnx_runtime(FLOAT32), model.encode(ENGLISH)))
        np.testing.assert_allclose(loaded.logits(ENGLISH), expected, atol=1e-5)


def test_int8_may_differ_by_as_much_as_rounding_to_it_changed(trained: Predictor) -> None:
    model = network(trained)
    assert model.probe is not None
    [int8, float32] = proof.candidates(model)
    assert (int8.allowed, float32.allowed) == (proof.INT8_TOLERANCE, 1e-4)  # of a network this small
    away = {**model.probe.logits, INT8: model.probe.logits[FLOAT32] + np.float32(0.4)}
    coarse = replace(model, probe=replace(model.probe, logits=away))
    changed = np.abs(model.to_outputs(away[INT8]) - model.to_outputs(away[FLOAT32])).max()
    assert changed > proof.INT8_TOLERANCE and next(proof.candidates(coarse)).allowed == pytest.approx(changed)


def test_float32_that_disagrees_is_refused_and_can_be_made_anew(cli: Cli, folder: Path) -> None:
    (folder / INT8).unlink()
    kept = {name: each for name, each in safetensors.load_file(folder / PROBE).items() if name != INT8}
    safetensors.save_file(kept, folder / PROBE)
    spoil(folder, FLOAT32)
    for _ in range(2):
        with pytest.raises(BundleError, match=r"reviews/model\.onnx: on this machine the graph is up to 0\.\d+ away"):
            tenor.load(folder)
    done = cli("verify", folder)
    assert done.code == 1 and "DISAGREES" in done.out
    assert cli("export", folder).code == 0
    assert cli("verify", folder).code == 0
    assert tenor.load(folder).bundle.notes == ()


def test_a_graph_that_gives_no_numbers_is_not_used(folder: Path) -> None:
    model = onnx.load_from_string((folder / INT8).read_bytes())
    [bias] = [each for each in model.graph.initializer if each.name == "logits/bias"]
    bias.CopyFrom(numpy_helper.from_array(np.full_like(saved_bias(folder), np.nan), "logits/bias"))
    (folder / INT8).write_bytes(model.SerializeToString())
    sign(folder)
    for _ in range(2):
        with pytest.warns(NotUsedWarning, match=r"is up to inf away"):
            tenor.load(folder)


def changed(arrays: dict[str, Any], name: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    return {**arrays, name: change(arrays[name])}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda each: changed(each, NETWORK, lambda a: a[:, :0]), "logits of 'network' are not finite numbers"),
        (lambda each: changed(each, INT8, lambda a: a[1:]), r"logits of 'model\.int8\.onnx' are not finite"),
        (lambda each: changed(each, NETWORK, lambda a: a.astype(np.float64)), "logits of 'network' are not finite"),
        (lambda each: changed(each, FLOAT32, lambda a: a * np.nan), r"logits of 'model\.onnx' are not finite"),
        (lambda each: changed(each, FLOAT32, lambda a: a + 1), r"logits of 'model\.onnx' are not those of the network"),
        (lambda each: changed(each, "ids", lambda a: a + 10_000), "an id is not one of the model's"),
        (lambda each: changed(each, "ids", lambda a: a * 0), "an id is not one of the model's"),
        (lambda each: changed(each, "ids", lambda a: a.astype(np.int64)), "not lists of whole numbers"),
        (lambda each: changed(each, "ids", lambda a: a[:-1]), "the lengths of the rows do not fit"),
        (lambda each: changed(each, "lengths", lambda a: a * 1_000), "the lengths of the rows do not fit"),
        (lambda each: changed(each, "lengths", lambda a: -a), "the lengths of the rows do not fit"),
        (lambda each: {name: each[name] for name in each if name != INT8}, r"'model\.int8\.onnx' is missing"),
        (lambda each: each | {"more": each["ids"]}, "'more' is not expected"),
    ],
)
def test_a_probe_that_does_not_fit_is_refused_even_when_signed(folder: Path, change: Any, told: str) -> None:
    arrays = {name: np.ascontiguousarray(each) for name, each in change(safetensors.load_file(folder / PROBE)).items()}
    safetensors.save_file(arrays, folder / PROBE)
    sign(folder)
    with pytest.raises(BundleError, match=rf"do not fit together: .*{told}"):
        tenor.load(folder)


def test_a_probe_that_is_changed_or_cut_is_refused(folder: Path) -> None:
    data = (folder / PROBE).read_bytes()
    (folder / PROBE).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BundleError, match=r"probe\.safetensors is not the file that was saved"):
        tenor.load(folder)
    (folder / PROBE).write_bytes(data[: len(data) // 2])
    sign(folder)
    with pytest.raises(BundleError, match="do not fit together: Error while deserializing"):
        tenor.load(folder)


def test_a_folder_without_a_probe_is_read_as_before(folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = tenor.load(folder).predict_proba(ENGLISH)
    (folder / PROBE).unlink()
    sign(folder)
    asked: list[bool] = []
    run = runtimes.onnx_runtime

    def watched(graph: OnnxGraph, exact: bool = False) -> runtimes.Run:
        asked.append(exact)
        return run(graph, exact)

    monkeypatch.setattr(runtimes, "onnx_runtime", watched)
    loaded = tenor.load(folder)
    assert asked == [True]  # its weights may have 8 bits
    np.testing.assert_array_equal(loaded.predict_proba(ENGLISH), expected)
    done = cli("verify", folder)
    assert done.code == 1 and "there are no probe rows to compare the graphs with" in done.err


@pytest.mark.parametrize("content", [b"", b'{"difference": 0, "rows": 1}'])
def test_what_is_remembered_and_cannot_be_trusted_is_found_anew(folder: Path, content: bytes) -> None:
    tenor.load(folder)
    [kept] = verdicts.atomic.user_cache_dir("verdicts").iterdir()
    right = kept.read_bytes()
    kept.write_bytes(content)
    assert tenor.load(folder).bundle.notes == ()
    assert kept.read_bytes() == right


def test_where_nothing_can_be_remembered_models_are_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TENOR_CACHE", str(tmp_path / "file"))
    assert tenor.load(folder).bundle.notes == tenor.load(folder).bundle.notes == ()


def test_each_network_of_a_blend_is_compared(trained: Predictor, folder: Path, cli: Cli, model_folder: Path) -> None:
    from tenor.models import registry

    auto, ngram = registry.find("auto"), tenor.load(model_folder).bundle
    saved = trained.bundle
    members = [Member(each.family, each.config, each.model, 0.5) for each in (ngram, saved, saved)]
    both = Predictor(replace(saved, family=auto, config=auto.config(), model=Blend(tuple(members))))
    both.save(folder, overwrite=True)
    assert {f"{number}.{name}" for number in (1, 2) for name in (FLOAT32, INT8, PROBE)} <= set(
        json.loads((folder / "manifest.json").read_text())["files"]
    )
    spoil(folder, f"2.{INT8}", "2/logits/bias")
    with pytest.warns(NotUsedWarning, match=r"^reviews/2\.model\.int8\.onnx is up to") as told:
        loaded = tenor.load(folder)
    assert len(told) == 1 and len(loaded.bundle.notes) == 1
    done = cli("verify", folder, "--json")
    assert done.code == 1
    rows = json.loads(done.out)["graphs"]
    names = [f"{number}.{name}" for number in (1, 2) for name in (INT8, FLOAT32)]
    assert [(row["graph"], row["agrees"]) for row in rows] == [(name, name != f"2.{INT8}") for name in names]


def test_verify_prints_a_table_and_asks_nothing_of_ngram(cli: Cli, folder: Path, model_folder: Path) -> None:
    done = cli("verify", folder)
    assert done.code == 0, done.err
    head, *rows = done.out.splitlines()
    assert head.split() == ["graph", "runtime", "data", "type", "rows", "largest", "difference", "allowed", "verdict"]
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [(INT8, "agrees"), (FLOAT32, "agrees")]
    spoil(folder, INT8)
    told = json.loads(cli("verify", folder, "--json").out)
    assert not told["agrees"] and [row["agrees"] for row in told["graphs"]] == [False, True]
    done = cli("verify", model_folder)
    assert (done.code, done.out) == (0, "there is no graph to compare: this model is computed without one.\n")


def test_verify_takes_no_remembered_word_for_it(cli: Cli, folder: Path) -> None:
    tenor.load(folder)
    [kept] = verdicts.atomic.user_cache_dir("verdicts").iterdir()
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"difference": 1.0}))
    with pytest.warns(NotUsedWarning, match="is up to 1 away"):
        tenor.load(folder)
    assert cli("verify", folder).code == 0
    assert tenor.load(folder).bundle.notes == ()  # it was put right


def test_ngram_has_no_probe_and_nothing_to_prove(model_folder: Path) -> None:
    assert not list(model_folder.glob("*probe*"))
    assert bundle.verify(model_folder) == []


def test_predict_tells_it_in_one_line(folder: Path, english_csv: Path) -> None:
    spoil(folder, INT8)
    command = [
        sys.executable,
        "-m",
        "tenor",
        "predict",
        str(folder),
        str(english_csv),
        "-o",
        str(folder.parent / "out.csv"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    warning, columns, note = done.stderr.splitlines()
    assert columns == "texts from column 'text'."
    assert warning.startswith("warning: reviews/model.int8.onnx is up to ") and "float32 predicts" in warning
    assert note.startswith("60 rows: ")


def test_the_server_tells_what_is_not_used(folder: Path) -> None:
    logged: list[dict[str, Any]] = []

    def asked() -> tuple[Any, str]:
        with TestClient(app.create_app([folder], app.ServerOptions(reload_interval_s=0), logged.append)) as server:
            return server.get("/health/ready").json(), server.get("/metrics").text

    ready, metrics = asked()
    assert ready == {"status": "ready"} and 'tenor_model_notes{model="reviews"} 0.0' in metrics
    assert not [event for event in logged if event["event"] == "not used"]
    spoil(folder, INT8)
    ready, metrics = asked()
    [note] = ready["notes"]["reviews"]
    assert note.startswith("reviews/model.int8.onnx is up to ") and str(folder.parent) not in note
    assert 'tenor_model_notes{model="reviews"} 1.0' in metrics
    assert [event for event in logged if event["event"] == "not used"] == [
        {"event": "not used", "model": "reviews", "problem": note}
    ]
