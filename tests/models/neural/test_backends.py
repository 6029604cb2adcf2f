"""JAX in place of TensorFlow: the same probabilities, exact resume, few compilations.

Run as a program, under KERAS_BACKEND=jax, this file is JAX's side: it writes what the tests compare into a folder.
"""

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenor
from helpers import runs
from helpers.families import ENGLISH, LABELS, SMALL
from tenor import TextClassifier
from tenor.config.settings import make
from tenor.data.split import hold_out
from tenor.errors import MissingExtraError, TenorError
from tenor.explanation import explain
from tenor.inference.predictor import Predictor
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import CHECKPOINT, FitContext
from tenor.models.family import NetworkFamily
from tenor.models.neural import backend
from tenor.training import compiled_networks, network_training, neural

pytestmark = pytest.mark.slow

FAMILIES = [name for name, family in registry.FAMILIES.items() if isinstance(family, NetworkFamily)]
EXPLAINED = ["lstm", "pretrained"]
LONGEST = 24
MIXED = [f"{text} {'x ' * (index % LONGEST)}" for index, text in enumerate(ENGLISH)]


def train(family: str) -> TextClassifier:
    settings = SMALL[family] | {"max_length": 16, "epochs": 6}
    return TextClassifier(family, settings, random_state=3).fit(ENGLISH, LABELS)


def save(model: TextClassifier, folder: Path) -> None:
    """The model, and what it says, in `folder`."""
    np.save(folder / f"{model.family}.npy", in_keras(model.predictor_).predict_proba(ENGLISH))
    model.save(folder / model.family)


def in_keras(predictor: Predictor) -> Predictor:
    """The same model, but predicting as it was trained."""
    return Predictor(replace(predictor.bundle, model=predictor.bundle.model.network))  # type: ignore[attr-defined]


def probabilities(folder: Path) -> Any:
    return in_keras(tenor.load(folder)).predict_proba(ENGLISH)


def weights_of_words(folder: Path) -> Any:
    explained = explain(tenor.load(folder), ENGLISH[:3])
    return np.array([span.weight for explanation in explained for span in explanation.labels[0].spans])


def on_jax(folder: Path) -> None:
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # as where it is not installed
    for family in FAMILIES:
        np.save(folder / f"{family}.npy", probabilities(folder / "tensorflow" / family))
        if family in EXPLAINED:
            np.save(folder / f"{family}-words.npy", weights_of_words(folder / "tensorflow" / family))
    for family in FAMILIES:
        save(train(family), folder / "jax")
    report = {"resumed": resumed(folder / "checkpoints"), **compilations()}
    (folder / "report.json").write_text(json.dumps(report))


def resumed(folder: Path) -> bool:
    """Whether a run that is killed and resumed ends with the weights of one that is not. Leaves its checkpoint."""
    whole = runs.fit(None)[0]
    with pytest.raises(runs.Killed):
        runs.fit(folder, kill_at=5)
    checkpoint = (folder / CHECKPOINT).read_bytes()
    broken, _, callback = runs.fit(folder, resume=True)
    (folder / CHECKPOINT).write_bytes(checkpoint)
    return runs.same(whole, broken) and any("resumed" in line for line in callback.lines)


def compilations() -> dict[str, Any]:
    """How often a step was compiled in training, in predicting any number of texts, and in predicting them again."""
    import jax

    compiled: Counter[str] = Counter()

    def listen(event: str, _: float, fun_name: str = "", **more: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled[next((step for step in ("train_step", "predict_step") if step in fun_name), "other")] += 1

    jax.monitoring.register_event_duration_secs_listener(listen)
    network_training._FEW_TEXTS = 0  # the head stays what training has made of it
    settings = SMALL["cnn"] | {"max_length": LONGEST, "epochs": 3}
    predictor = in_keras(TextClassifier("cnn", settings, random_state=3).fit(MIXED, LABELS).predictor_)
    report: dict[str, Any] = {"train": compiled["train_step"]}
    task = predictor.bundle.task
    targets = task.encode(LABELS)
    examples = Examples(MIXED, targets, task, np.ones(len(MIXED), np.float32))
    config = make(registry.find("cnn").config, settings, "test")
    compiled_networks.clear()
    short = neural.fit(registry.find("cnn"), examples, config, FitContext(seed=3, seconds=0.1))
    report["steps in no time"] = short.config.steps
    report["train in no time"] = compiled["train_step"] - report["train"]
    before = compiled["train_step"]
    neural.fit(registry.find("cnn"), examples, config, FitContext(seed=4))
    report["train again"] = compiled["train_step"] - before
    for step in ("predict", "predict again"):
        before = compiled["predict_step"]
        for count in range(1, len(ENGLISH)):
            predictor.predict_proba([f"{text} {count}" for text in ENGLISH[:count]])
        report[step] = compiled["predict_step"] - before

    _, held = hold_out(MIXED, LABELS, settings["validation"], 3)
    targets = np.array([LABELS[row] == "positive" for row in held], int)
    bundle = predictor.bundle
    logits = predictor.raw_logits([MIXED[row] for row in held])  # those that training sees, not calibrated ones
    right = bundle.task.probabilities(logits)[np.arange(len(held)), targets]
    report["loss"] = float(-np.log(right).mean())
    report["loss in training"] = min(row["validation_loss"] for row in bundle.history)
    return report


@pytest.fixture(scope="module")
def folder(
    quick_jax: dict[str, str], trained: Callable[[str], TextClassifier], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("backends")
    for name in ("tensorflow", "jax"):
        (folder / name).mkdir()
    for family in FAMILIES:
        save(trained(family), folder / "tensorflow")
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.getenv("PYTHONPATH", "")])  # for `helpers`
    environment = {**os.environ, **quick_jax, "KERAS_BACKEND": "jax", "PYTHONPATH": path}
    program = [sys.executable, "-W", "error", __file__, str(folder)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


@pytest.fixture
def report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_trained_on_tensorflow_predicts_the_same_on_jax(folder: Path, family: str) -> None:
    expected = np.load(folder / "tensorflow" / f"{family}.npy")
    np.testing.assert_allclose(np.load(folder / f"{family}.npy"), expected, atol=1e-4)


@pytest.mark.parametrize("family", EXPLAINED)
def test_words_add_the_same_on_jax(folder: Path, family: str) -> None:
    expected = weights_of_words(folder / "tensorflow" / family)
    np.testing.assert_allclose(np.load(folder / f"{family}-words.npy"), expected, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_trained_on_jax_predicts_the_same_on_tensorflow(folder: Path, family: str) -> None:
    expected = np.load(folder / "jax" / f"{family}.npy")
    np.testing.assert_allclose(probabilities(folder / "jax" / family), expected, atol=1e-4)
    assert np.ptp(expected[:, 0]) > 0.05  # it has learned something


def test_a_run_that_was_broken_and_resumed_on_jax_ends_the_same(report: dict[str, Any]) -> None:
    assert report["resumed"]


def test_validation_on_jax_is_of_the_weights_at_that_moment(report: dict[str, Any]) -> None:
    assert report["loss"] == pytest.approx(report["loss in training"], abs=1e-5)


def test_jax_compiles_once_for_each_shape(report: dict[str, Any]) -> None:
    assert report["train"] == 1  # so few texts are not worth a second width
    assert report["steps in no time"] == 1
    assert report["train in no time"] == 1  # another number of steps is not compiled for
    assert report["train again"] == 0  # an equal network takes over the compiled step
    assert report["predict"] <= 4  # of 1, 4, 16 and 64 rows
    assert report["predict again"] == 0


@pytest.mark.skipif(backend.has_accelerator(), reason="there is one")
def test_a_gpu_is_not_looked_for_with_keras_where_the_system_has_none() -> None:
    program = (
        "import sys\n"
        "from tenor.models.neural import backend\n"
        "found = backend.has_accelerator()\n"
        "print(found, 'keras' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_a_command_loads_nothing_that_it_has_no_use_for_and_collects_none_of_it(
    quick_jax: dict[str, str], tmp_path: Path
) -> None:
    program = (
        "import gc, sys\n"
        "import tenor.cli.main\n"
        "unfrozen = gc.get_freeze_count()\n"
        "from tenor.models.neural import backend\n"
        "backend.load('the test')\n"
        "print(*sorted({'jax', 'matplotlib', 'pandas', 'sklearn', 'tensorflow'} & set(sys.modules)))\n"
        "import matplotlib, sklearn\n"
        "print(unfrozen, gc.get_freeze_count() > 100_000)\n"
    )
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')  # as good as KERAS_BACKEND
    environment = {**os.environ, **quick_jax, "KERAS_HOME": str(tmp_path)}
    environment.pop("KERAS_BACKEND", None)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "jax\n0 True\n"


def test_the_garbage_collector_runs_again_after_an_import() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module_False"), backend._collector_paused():
        importlib.import_module(f"no_such_module_{gc.isenabled()}")
    assert gc.isenabled()
    gc.disable()
    try:
        with backend._collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_where_others_may_need_them_packages_are_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_UNUSED", ("imaplib", "json"))
    for loaded in (True, False):
        monkeypatch.setattr(backend, "_COMMAND", "json" if loaded else "no.such.module")
        monkeypatch.delitem(sys.modules, "imaplib", raising=False)
        with backend._unused_left_out():
            assert importlib.import_module("json") is json
            with pytest.raises(ImportError, match="imaplib") if loaded else contextlib.nullcontext():
                importlib.import_module("imaplib")
        assert importlib.import_module("imaplib").IMAP4


def test_a_gpu_is_of_no_use_without_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_DEVICES", ("null",))  # which every system has
    monkeypatch.setattr(backend, "is_installed", lambda: False)
    monkeypatch.setattr(sys, "modules", {name: module for name, module in sys.modules.items() if name != "keras"})
    assert not backend.has_accelerator()


def test_a_run_on_jax_cannot_be_resumed_on_tensorflow(folder: Path) -> None:
    with pytest.raises(
        TenorError, match=r"another run \(backend is tensorflow, was jax\).* settings, seed and backend"
    ):
        runs.fit(folder / "checkpoints", resume=True)


class _NoKeras:
    """In `sys.meta_path`: importing Keras fails."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "keras":
            raise ModuleNotFoundError(name=name)


@pytest.mark.parametrize(
    ("expected", "installed", "remedy"),
    [
        (None, [], r"pip install '\.\[deep\]'"),
        ("tensorflow", ["jax"], r"pip install '\.\[deep\]'"),
        ("jax", ["keras"], r"pip install '\.\[jax\]'"),
        (None, ["keras", "jax"], "TensorFlow, which is not installed. JAX is: .* KERAS_BACKEND=jax"),
    ],
)
def test_without_a_backend_the_error_names_what_to_do(
    monkeypatch: pytest.MonkeyPatch, expected: str | None, installed: list[str], remedy: str
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if expected:
        monkeypatch.setenv("KERAS_BACKEND", expected)
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr(sys, "meta_path", [_NoKeras(), *sys.meta_path])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    with pytest.raises(MissingExtraError, match=f"the family 'lstm' needs .*{remedy}"):
        backend.load("the family 'lstm'")
    with pytest.raises(MissingExtraError, match=f"the family 'lstm' needs .*{remedy}"):
        backend.require_installed("the family 'lstm'")


if __name__ == "__main__":
    on_jax(Path(sys.argv[1]))
