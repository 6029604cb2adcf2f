"""`tenor train --quantise`."""

import json
from pathlib import Path

import pytest

from helpers.command import Cli
from tenor.models.onnx.onnx_network import FLOAT32, INT8
from tenor.training import export

QUICK = ["--set", "vocabulary=300", "--set", "embedding=8", "--set", "epochs=12", "--set", "learning_rate=0.05"]


def test_int8_that_is_as_good_is_kept_and_predicts(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    folder = tmp_path / "model"
    done = cli("train", english_csv, "--family", "bag", *QUICK, "--quantise", "--out", folder, "--no-report", "--json")
    assert done.code == 0, done.err
    metrics = json.loads(done.out)
    assert any(note.startswith("int8 is kept: accuracy ") for note in metrics["notes"])
    assert metrics["int8"]["int8"] == metrics["test"]["accuracy"] and metrics["int8"]["rows"] == metrics["test"]["rows"]
    assert (folder / INT8).is_file() and (folder / FLOAT32).is_file()
    small = cli("predict", folder, english_csv).out
    assert cli("export", folder).code == 0  # float32 again
    assert cli("predict", folder, english_csv).out != small
    assert "int8" not in json.loads((folder / "metrics.json").read_text())


def test_int8_that_is_worse_is_not_kept_and_that_is_said(
    cli: Cli, tmp_path: Path, english_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_LOSS", -1.0)
    folder = tmp_path / "model"
    done = cli("train", english_csv, "--family", "bag", *QUICK, "--quantise", "--out", folder, "--no-report")
    assert done.code == 0
    assert "so it is not kept. The float32 graph predicts, as before." in done.err
    assert (folder / FLOAT32).is_file() and not (folder / INT8).exists()


def test_what_cannot_be_quantised(cli: Cli, tmp_path: Path, english_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = cli("train", english_csv, "--family", "ngram", "--quantise", "--out", tmp_path / "model")
    assert refused.code == 1 and "int8 is for networks, and the family 'ngram' has none" in refused.err
    assert not (tmp_path / "model").exists()
    options = ["--quantise", "--no-report", "--out", tmp_path / "auto"]
    done = cli("train", english_csv, "--family", "auto", "--set", 'members=["ngram"]', *options)
    assert done.code == 0 and "there is no network in this model of the family 'auto'" in done.err
    options = ["--test-size", "0", "--quantise", "--no-report", "--out", tmp_path / "all"]
    done = cli("train", english_csv, "--family", "bag", *QUICK, *options)
    assert done.code == 0 and "int8 is not made, as nothing was held out" in done.err
    monkeypatch.setenv("TENOR_RUNTIME", "")  # and put back what --runtime sets
    assert cli("predict", tmp_path / "all", "a superb film", "--runtime", "onnxruntime").code == 0


def test_a_runtime_of_that_name_is_asked_for(cli: Cli, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOR_RUNTIME", "")  # and put back what --runtime sets
    refused = cli("predict", model_folder, "a superb film", "--runtime", "tensorrt")
    assert refused.code == 1 and "'tensorrt', which is not a runtime" in refused.err
    refused = cli("predict", "nowhere", "a superb film", "--runtime", "onnxruntime")
    assert refused.code == 1 and "there is no such folder" in refused.err
    for command in (
        ("predict", model_folder, "a superb film"),
        ("evaluate", model_folder, "in.csv"),
        ("serve", model_folder),
    ):
        refused = cli(*command, "--runtime", "onnxruntime")
        assert refused.code == 1 and "--runtime is for networks as ONNX, and there is none in" in refused.err
