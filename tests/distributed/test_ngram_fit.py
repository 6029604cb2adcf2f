"""`ngram` from files on the workers of a cluster: the model of one machine, also when workers die."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.command import Cli
from helpers.rows import english, relabelled, write_csv
from tenor._core.callbacks import Callback
from tenor._core.language import use_language
from tenor.config.run_config import RunConfig
from tenor.errors import DataError, SettingsError, TenorError
from tenor.models.linear import held_out
from tenor.training import pipeline
from tenor.training.finishing import TrainedModel

pytest.importorskip("ray")

from tenor.distributed import cluster, ngram, worker_pool

pytestmark = [pytest.mark.slow, pytest.mark.ray]

FILES, ROWS = 4, 75


def written(folder: Path, kind: str = "binary") -> str:
    rows = relabelled(english(FILES * ROWS), kind)
    (folder / "in").mkdir()
    for number in range(FILES):
        write_csv(folder / "in" / f"part-{number}.csv", rows[number * ROWS : (number + 1) * ROWS])
    return str(folder / "in" / "*.csv")


def there(run: RunConfig, callback: Callback | None = None, workers: int = 2) -> TrainedModel:
    with cluster.connected("ray") as connected:
        return ngram.train(connected, run, callback or Callback(), workers, 1)


def same(one: TrainedModel, other: TrainedModel, tolerance: float = 2e-3) -> None:
    assert one.predictor.bundle.config == other.predictor.bundle.config
    arrays, others = (trained.predictor.bundle.model.arrays() for trained in (one, other))
    np.testing.assert_array_equal(arrays["buckets"], others["buckets"])
    np.testing.assert_allclose(arrays["weights"], others["weights"], rtol=tolerance, atol=tolerance)


@pytest.mark.usefixtures("two_nodes")
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
def test_the_model_is_that_of_one_machine(tmp_path: Path, kind: str) -> None:
    source = written(tmp_path, kind)
    options: dict[str, Any] = {"data": source, "family": "ngram", "seed": 3, "report": kind == "binary"}
    if kind != "binary":
        options["settings"] = {"word_ngrams": [1, 2], "weighting": "tf-idf", "C": 30.0, "iterations": 20}
    options["label_separator"] = ";" if kind == "multilabel" else None
    options["class_weight"] = "balanced" if kind == "multiclass" else None
    here = pipeline.train(RunConfig(**options, out=str(tmp_path / "here"), on_disk=True))
    far = there(RunConfig(**options, out=str(tmp_path / "there")))
    same(here, far)
    assert {path.name for path in here.folder.iterdir()} == {path.name for path in far.folder.iterdir()}
    if kind == "binary":  # --resume on what is complete leaves it as it is
        before = (far.folder / "manifest.json").stat().st_mtime_ns
        again = there(RunConfig(**options, out=str(tmp_path / "there"), resume=True))
        assert again.metrics == json.loads(json.dumps(far.metrics))
        assert (far.folder / "manifest.json").stat().st_mtime_ns == before
    assert far.metrics["test"]["rows"] == here.metrics["test"]["rows"]
    figure = {"multilabel": "micro_f1", "regression": "mae"}.get(kind, "log_loss")
    assert far.metrics["test"][figure] == pytest.approx(here.metrics["test"][figure], abs=1e-3)
    one, other = here.predictor.bundle, far.predictor.bundle
    assert one.task.kind == other.task.kind
    assert (one.calibration is None) == (other.calibration is None) == (kind == "regression")
    assert one.metadata["data"]["rows"] == other.metadata["data"]["rows"]


class Killer(Callback):
    """Kills what it is told to after some steps of the fit."""

    def __init__(self, kills: dict[int, Callable[[], None]]) -> None:
        self.left = kills

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        if stage == "fit" and done in self.left:
            self.left.pop(done)()


class Known(worker_pool.WorkerPool):
    """A pool whose workers can be killed from outside."""

    last: "Known"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.pids = self._ray.get([worker.ready.remote() for worker in self._living])
        Known.last = self

    @staticmethod
    def kill_one() -> None:
        assert len(Known.last.pids) == 3
        os.kill(Known.last.pids[1], signal.SIGKILL)


def test_weights_are_the_same_when_a_worker_and_a_node_die(
    tmp_path: Path, two_nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "_MAX_ROWS_FOR_FOLDS", 100)  # as with many texts, the model leaves some out
    monkeypatch.setattr(held_out, "_SCORED_TEXTS", 40)
    monkeypatch.setattr(worker_pool, "_ROOM_S", 3.0)
    monkeypatch.setattr(ngram, "WorkerPool", Known)
    settings = {"word_ngrams": [1, 2], "weighting": "naive-bayes", "C": 0.3}
    options: dict[str, Any] = {"data": written(tmp_path), "family": "ngram", "settings": settings, "report": False}
    here = pipeline.train(RunConfig(**options, out=str(tmp_path / "here"), on_disk=True))
    third = two_nodes.add_node(num_cpus=1, object_store_memory=100_000_000)
    two_nodes.wait_for_nodes()
    whole = there(RunConfig(**options, out=str(tmp_path / "whole")), workers=3)
    same(here, whole)
    killer = Killer({3: Known.kill_one, 6: lambda: two_nodes.remove_node(third, allow_graceful=False)})
    again = there(RunConfig(**options, out=str(tmp_path / "again")), killer, workers=3)
    assert not killer.left
    same(whole, again, tolerance=0)
    undisturbed, calibrated = (trained.metrics["calibration"] for trained in (whole, again))
    assert undisturbed == calibrated
    assert again.metrics["test"]["log_loss"] == whole.metrics["test"]["log_loss"]


@pytest.mark.usefixtures("two_nodes")
def test_files_may_be_urls_or_stand_in_this_folder(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(tmp_path)
    monkeypatch.chdir(tmp_path)
    settings = ["--set", "word_ngrams=[1]", "--set", "weighting=tf-idf", "--set", "C=30", "--no-report"]
    found = []
    for name, data in (("one", "in/*.csv"), ("other", f"file://{source}")):
        command = ["train", data, "--family", "ngram", *settings, "--out", name, "--on", "ray", "--workers", "1"]
        result = cli(*command, "--json")
        assert result.code == 0, result.err
        assert result.out.startswith("{"), result.out[:500]
        found.append(json.loads(result.out)["test"]["log_loss"])
    assert found[0] == found[1]


@pytest.mark.usefixtures("two_nodes")
def test_faults_are_told_of(tmp_path: Path) -> None:
    source = written(tmp_path)
    (tmp_path / "in" / "part-2.csv").write_text("text,label\nfine,good\nbad,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"label is empty .* over all files, is part-2\.csv, row 2\."):
        there(RunConfig(source, family="ngram", out=str(tmp_path / "model")))
    with use_language("zh"), pytest.raises(DataError, match="标签为空"):
        there(RunConfig(source, family="ngram", out=str(tmp_path / "model")))
    with pytest.raises(SettingsError, match=r"`folds=\.\.\.` needs all texts in one place"):
        there(RunConfig(source, family="ngram", folds=3, out=str(tmp_path / "model")))
    assert not (tmp_path / "model").exists()


@pytest.mark.usefixtures("two_nodes")
def test_rows_with_which_workers_die_again_and_again_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "_DEATHS", 2)

    class Deadly:
        """A block that ends its worker when it is asked to."""

        def die(self) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    with cluster.connected("ray") as connected:
        workers = worker_pool.WorkerPool(connected, Deadly, 1, 1)
        with pytest.raises(TenorError, match="workers that hold the same rows die, 2 by now"):
            list(workers.call("die"))
        workers.close()
