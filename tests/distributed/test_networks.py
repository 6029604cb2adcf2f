"""A network that two workers train together: the weights of one process of JAX, also when a worker dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

import tenor
from helpers import runs
from helpers.processes import started
from helpers.rows import english, write_csv
from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.errors import SettingsError
from tenor.models import registry
from tenor.models.context import FitContext
from tenor.models.onnx import onnx_network
from tenor.training import neural, pipeline

pytest.importorskip("ray")
pytest.importorskip("jax")

from tenor.distributed import cluster, training

pytestmark = [pytest.mark.slow, pytest.mark.ray]

EPOCHS = 6  # so many that there is time to kill a worker in the middle
SETTINGS: dict[str, Any] = {
    "vocabulary": 60,
    "embedding": 6,
    "units": 5,
    "max_length": 16,
    "batch_tokens": 240,  # 15 rows: not the same number for each of two workers
    "epochs": EPOCHS,
    "patience": EPOCHS,
    "dropout": 0.3,
    "learning_rate": 0.02,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("data") / "reviews.csv", english(160))


class _Killer(Callback):
    """Kills a worker at the end of an epoch."""

    def __init__(self, epoch: str = "") -> None:
        self.epoch, self.lines, self.ended = epoch, list[str](), list[str]()

    def on_message(self, message: str) -> None:
        self.lines.append(message)

    def on_epoch_end(self, epoch: str, metrics: dict[str, float]) -> None:
        self.ended.append(epoch)
        if epoch == self.epoch and self.ended.count(epoch) == 1:
            os.kill(started("ray::Trainer")[-1], signal.SIGKILL)


def there(data: Path, out: Path, callback: Callback) -> dict[str, Any]:
    run = RunConfig(str(data), family="lstm", settings=SETTINGS, out=str(out), report=False)
    with cluster.connected("ray") as connected:
        pipeline.train(run, callback, train_network=training.learner(connected, 2, 1))
    return weights(out)


def weights(folder: Path) -> dict[str, Any]:
    return safetensors.load((folder / "weights.safetensors").read_bytes())


@pytest.fixture(scope="module")
def alone(quick_jax: dict[str, str], data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that one process of JAX trains."""
    out = tmp_path_factory.mktemp("alone") / "model"
    assignments = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "tenor", "train", str(data), "--family", "lstm", "--out", str(out), *assignments]
    environment = {**os.environ, **quick_jax, "KERAS_BACKEND": "jax"}
    done = subprocess.run([*command, "--no-report"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.usefixtures("two_nodes")
def test_two_workers_train_the_network_of_one_process_also_when_one_dies(
    data: Path, alone: Path, tmp_path: Path
) -> None:
    callback = _Killer()
    whole = there(data, tmp_path / "whole", callback)
    assert "2 workers train together, 1 core each." in callback.lines
    assert callback.ended == [f"epoch {number}/{EPOCHS}" for number in range(1, EPOCHS + 1)]
    one = weights(alone)
    assert whole.keys() == one.keys()
    for name in one:
        np.testing.assert_allclose(whole[name], one[name], rtol=0, atol=1e-5)

    killer = _Killer(f"epoch 2/{EPOCHS}")
    broken = there(data, tmp_path / "broken", killer)
    assert "a worker died; all start again from the last checkpoint." in killer.lines
    assert any(line.startswith("resumed at epoch") for line in killer.lines)
    assert all(np.array_equal(broken[name], whole[name]) for name in whole)
    assert not (tmp_path / "broken.training").exists()

    assert {path.name for path in (tmp_path / "whole").iterdir()} == {path.name for path in alone.iterdir()}
    model = tenor.load(tmp_path / "broken")
    assert isinstance(model.bundle.model, onnx_network.OnnxNetwork)
    assert model.bundle.calibration is not None and model.bundle.conformal is not None
    ours, theirs = (loaded.predict_proba(["a dull evening"]) for loaded in (model, tenor.load(alone)))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.usefixtures("two_nodes")
def test_workers_make_as_many_steps_as_the_first_has_time_for() -> None:
    family = registry.FAMILIES["bag"]
    values = {"vocabulary": 60, "embedding": 4, "max_length": 16, "batch_tokens": 240, "epochs": 100_000}
    config = settings.make(family.config, values, "test")
    with cluster.connected("ray") as connected:
        train_network = training.learner(connected, 2, 1)
        fitted = neural.fit(family, runs.EXAMPLES, config, FitContext(seed=1, seconds=4), train_network)
        assert 1 <= fitted.config.steps < 100_000
        train_network = training.learner(connected, 2, 9)
        with pytest.raises(SettingsError, match="no node of the cluster has 9 cores"):
            neural.fit(family, runs.EXAMPLES, config, FitContext(seed=1), train_network)
