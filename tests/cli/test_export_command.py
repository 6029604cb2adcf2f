import json
import shutil
from pathlib import Path

import pytest

from helpers.command import Cli
from tenor.config.run_config import RunConfig
from tenor.inference.bundle import WEIGHTS
from tenor.models.onnx.onnx_network import FLOAT32, INT8
from tenor.training import pipeline

SETTINGS = {"vocabulary": 300, "embedding": 8, "epochs": 12, "learning_rate": 0.05}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, chinese_csv: Path) -> Path:
    out = tmp_path_factory.mktemp("trained") / "模型"
    run = RunConfig(str(chinese_csv), family="bag", settings=SETTINGS, out=str(out), seed=1, report=False)
    return pipeline.train(run).folder


@pytest.fixture
def folder(tmp_path: Path, trained: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "模型"))


def test_training_leaves_a_graph_and_export_makes_it_anew(cli: Cli, folder: Path) -> None:
    before = (folder / FLOAT32).read_bytes()
    done = cli("export", folder)
    assert (done.code, done.err) == (0, "")
    assert f"{folder / FLOAT32}  0." in done.out
    assert (folder / FLOAT32).read_bytes() == before


def test_int8_predicts_once_it_is_there_and_float32_comes_back(cli: Cli, folder: Path, chinese_csv: Path) -> None:
    before = cli("predict", folder, chinese_csv).out
    done = cli("export", folder, "--int8", "--data", chinese_csv, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert set(told["files"]) == {FLOAT32, INT8, WEIGHTS} and told["int8"]["figure"] == "accuracy"
    assert json.loads((folder / "metrics.json").read_text())["int8"] == told["int8"]
    small = cli("predict", folder, chinese_csv).out
    assert small != before
    labels = [[line.split(",")[-2] for line in text.splitlines()] for text in (before, small)]
    assert labels[0] == labels[1]
    assert cli("export", folder).code == 0
    assert not (folder / INT8).exists()
    assert cli("predict", folder, chinese_csv).out == before


def test_a_folder_without_a_graph_gets_one(cli: Cli, folder: Path, chinese_csv: Path) -> None:
    before = cli("predict", folder, chinese_csv).out
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"][FLOAT32]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / FLOAT32).unlink()
    assert cli("export", folder, "--data", chinese_csv).code == 0
    assert cli("predict", folder, chinese_csv).out == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--to", "tflite"], "--to: there is no format 'tflite'"),
        (["--int8"], "--int8 has to be measured before it is kept"),
        (["--label", "x"], "are about --data"),
        (["--data", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_wrong_options(cli: Cli, folder: Path, options: list[str], told: str) -> None:
    before = (folder / "manifest.json").read_bytes()
    done = cli("export", folder, *options)
    assert done.code == 1 and told in done.err
    assert (folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("options", [[], ["--int8"]])
def test_ngram_has_nothing_to_export(cli: Cli, model_folder: Path, options: list[str]) -> None:
    done = cli("export", model_folder, *options)
    assert done.code == 1 and "no network in this model of the family 'ngram'" in done.err
