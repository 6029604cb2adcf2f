"""Spellings of labels and Chinese characters on a cluster: the same model as in memory and from disk."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.rows import chinese, write_csv
from tenor._core.callbacks import Callback
from tenor.config.run_config import RunConfig
from tenor.training import pipeline
from tenor.training.finishing import TrainedModel

pytest.importorskip("ray")

from tenor.distributed import on_cluster

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TO_TRADITIONAL = str.maketrans("欢满烦书质电内间觉们", "歡滿煩書質電內間覺們")
SPELLINGS = [{"好评": "1", "差评": "0"}, {"好评": "1.0", "差评": "0.0"}, {"好评": "+1", "差评": "0"}]
SETTINGS = {"word_ngrams": [1, 2], "char_ngrams": [], "weighting": "tf-idf", "C": 3.0}


class Messages(Callback):
    """The messages of a run."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def on_message(self, message: str) -> None:
        self.all.append(message)


@pytest.fixture
def run(tmp_path: Path) -> RunConfig:
    """Simplified texts whose labels each file spells in its own way, and a test file of traditional ones."""
    (tmp_path / "in").mkdir()
    rows = chinese(240)
    for number, spelling in enumerate(SPELLINGS):
        part = rows[80 * number : 80 * number + 80]
        write_csv(tmp_path / "in" / f"part-{number}.csv", [(text, spelling[label]) for text, label in part])
    test = [(text.translate(TO_TRADITIONAL), str(label == "好评").upper()) for text, label in chinese(60, seed=1)]
    write_csv(tmp_path / "test.csv", test)
    source, test_file = str(tmp_path / "in" / "*.csv"), str(tmp_path / "test.csv")
    return RunConfig(source, test=test_file, family="ngram", settings=SETTINGS, report=False)


def trained(run: RunConfig, folder: Path) -> tuple[dict[str, TrainedModel], list[str]]:
    """The run in memory, from disk and on a cluster, and the messages of the last."""
    messages = Messages()
    models = {
        "memory": pipeline.train(replace(run, out=str(folder / "memory"), on_disk=False)),
        "disk": pipeline.train(replace(run, out=str(folder / "disk"), on_disk=True)),
        "ray": on_cluster.train("ray", replace(run, out=str(folder / "ray")), messages, 2, 1),
    }
    return models, messages.all


def same(models: dict[str, TrainedModel]) -> None:
    one, *others = models.values()
    for other in others:
        bundle, expected = other.predictor.bundle, one.predictor.bundle
        assert bundle.task == expected.task
        assert bundle.character_map == expected.character_map
        assert bundle.metadata.get("class_names") == expected.metadata.get("class_names")
        arrays, expected_arrays = bundle.model.arrays(), expected.model.arrays()
        np.testing.assert_array_equal(arrays["buckets"], expected_arrays["buckets"])
        np.testing.assert_allclose(arrays["weights"], expected_arrays["weights"], rtol=2e-3, atol=2e-3)
        for name in ("rows", "accuracy", "macro_f1"):
            assert other.metrics["test"][name] == one.metrics["test"][name]


@pytest.mark.usefixtures("two_nodes")
def test_labels_are_matched_and_both_scripts_read(run: RunConfig, tmp_path: Path) -> None:
    models, messages = trained(run, tmp_path)
    same(models)
    far = models["ray"]
    assert far.predictor.bundle.task.labels == ("0", "1")
    assert far.predictor.bundle.character_map is not None
    assert far.metrics["test"]["accuracy"] == 1.0
    said = " ".join(messages)
    assert "labels are read in another spelling: '+1' as '1', '0.0' as '0', '1.0' as '1'." in said
    assert "test.csv: labels are read in another spelling: 'false' as '0', 'true' as '1'." in said
    assert "traditional Chinese characters are read as simplified ones" in said
    kept = on_cluster.train("ray", replace(run, fold_chinese=False, out=str(tmp_path / "kept")), Callback(), 1, 1)
    assert kept.predictor.bundle.character_map is None
    assert kept.metrics["test"]["log_loss"] > far.metrics["test"]["log_loss"]


@pytest.mark.usefixtures("two_nodes")
def test_numbers_get_the_names_beside_the_files(run: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "in" / "class.txt").write_text("差评\n好评\n", encoding="utf-8")
    test: Any = [(text, label) for text, label in chinese(60, seed=1)]
    write_csv(tmp_path / "test.csv", test)
    models, messages = trained(run, tmp_path)
    same(models)
    assert models["ray"].predictor.bundle.task.labels == ("好评", "差评")
    assert any("the numbers of classes are read as their names in class.txt: 差评, 好评." in each for each in messages)
