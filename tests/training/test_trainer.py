import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as safetensors

from helpers import runs
from helpers.runs import EXAMPLES, SETTINGS, TARGETS, TASK, TEXTS, Killed, Killer, config_of, fit, same
from tenor.config.run_config import RunConfig
from tenor.errors import TenorError
from tenor.models import context, registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.text import batches
from tenor.training import fitting, neural, pipeline, trainer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("share", "within"), [(math.inf, True), (1e-9, False)])
def test_writing_checkpoints_within_an_epoch_takes_no_more_than_its_share(
    share: float, within: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, save = [], trainer.Trainer._save

    def counted(run: trainer.Trainer, checkpoints: context.Checkpoints) -> None:
        written.append((run.state.epoch, run.state.step))
        save(run, checkpoints)

    monkeypatch.setattr(trainer.Trainer, "_save", counted)
    checkpoints = context.Checkpoints(tmp_path / "run", False, {}, min_interval_s=0.0, max_time_share=share)
    fitted = neural.fit(
        registry.FAMILIES["bag"], EXAMPLES, config_of("bag", epochs=2), FitContext(seed=1, checkpoints=checkpoints)
    )
    ends = [place for place in written if place[1] == 0]
    assert ends == [(1, 0), (2, 0)]
    # The first shows how long one takes.
    assert len(written) - len(ends) == (len(fitted.steps) if within else 1)


@pytest.fixture(scope="module")
def unbroken() -> tuple[dict[str, Any], Any]:
    return fit(None)[:2]


# A bag is quicker, and has all that a checkpoint keeps: weights, optimizer, the random state of dropout. The LSTM is
# resumed in memory and as a process.
@pytest.fixture(scope="module")
def unbroken_lstm() -> tuple[dict[str, Any], Any]:
    return fit(None, family="lstm")[:2]


def test_another_seed_gives_other_weights(unbroken: Any) -> None:
    assert not same(unbroken[0], fit(None, seed=2)[0])


def test_keeping_checkpoints_changes_nothing(unbroken: Any, tmp_path: Path) -> None:
    assert same(unbroken[0], fit(tmp_path)[0])


def test_each_step_has_its_learning_rate_and_the_norm_of_its_gradient(unbroken: Any) -> None:
    config, steps = unbroken[1].config, unbroken[1].steps
    each = len(steps) // config.epochs
    assert [row["step"] for row in steps] == list(range(1, len(steps) + 1))
    assert [row["epoch"] for row in steps] == [1 + step // each for step in range(len(steps))]
    warmup = max(1, round(config.warmup * len(steps)))
    for step, row in enumerate(steps):
        falling = (len(steps) - step) / (len(steps) - warmup)
        expected = config.learning_rate * min((step + 1) / warmup, falling)
        assert row["learning_rate"] == pytest.approx(expected, rel=1e-5)
        assert row["gradient_norm"] > 0


def test_the_norm_is_that_of_the_gradient_before_clipping() -> None:
    # Of a step of gradient descent without clipping the length is the learning rate times the norm.
    plain = {"epochs": 1, "steps": 1, "optimizer": "sgd", "learning_rate": 0.5, "validation": 0.0, "warmup": 0.0}
    norms = []
    for clip in (None, 1e-3):
        _, fitted, _ = fit(None, clip_norm=clip, **plain)
        [row] = fitted.steps
        norms.append(row["gradient_norm"])
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)
    assert norms[0] > 1e-3


@pytest.mark.parametrize(
    ("family", "kills"), [("bag", [0]), ("bag", [11]), ("bag", [2, 4, 1]), ("bag", [20]), ("lstm", [2, 4])]
)
def test_a_run_that_was_broken_and_resumed_ends_the_same(
    request: pytest.FixtureRequest, tmp_path: Path, family: str, kills: list[int]
) -> None:
    expected = request.getfixturevalue("unbroken" if family == "bag" else "unbroken_lstm")
    for number, kill_at in enumerate(kills):
        resume = number > 0 and (tmp_path / context.CHECKPOINT).exists()
        with pytest.raises(Killed):
            fit(tmp_path, resume=resume, kill_at=kill_at, family=family)
    arrays, fitted, callback = fit(tmp_path, resume=(tmp_path / context.CHECKPOINT).exists(), family=family)
    assert same(expected[0], arrays)
    assert len(fitted.history) == SETTINGS["epochs"]
    assert fitted.steps == expected[1].steps
    if kills != [0]:
        assert any("resumed" in line for line in callback.lines)


def test_a_run_with_batches_sorted_by_length_resumes_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_POOL", 3)
    letters = "abcdefghijklmnop"
    texts = [" ".join(f"{letters[index % 16]}{letters[at]}" for at in range(1 + index % 13)) for index in range(160)]
    monkeypatch.setattr(runs, "EXAMPLES", replace(EXAMPLES, texts=texts))
    values = {"batch_tokens": 48, "seed": 4}
    arrays, fitted, _ = fit(None, **values)
    by_epoch = np.bincount([int(row["epoch"]) for row in fitted.steps])[1:]
    assert len(set(by_epoch)) > 1  # so that a position counted by the first epoch alone would be wrong
    assert fitted.steps[-1]["learning_rate"] == pytest.approx(
        fitted.config.learning_rate / (len(fitted.steps) - round(fitted.config.warmup * len(fitted.steps))), rel=1e-4
    )
    for kill_at in (int(by_epoch[0]) + 2, int(by_epoch[1]) + 1):
        with pytest.raises(Killed):
            fit(tmp_path, resume=(tmp_path / context.CHECKPOINT).exists(), kill_at=kill_at, **values)
    resumed, again, _ = fit(tmp_path, resume=True, **values)
    assert same(arrays, resumed)
    assert again.steps == fitted.steps


def test_a_time_limit_with_batches_sorted_by_length_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_POOL", 3)
    config = config_of("bag", batch_tokens=64, epochs=2_000, patience=None)
    fitted = neural.fit(registry.FAMILIES["bag"], EXAMPLES, config, FitContext(seed=1, seconds=0.5))
    assert 1 <= len(fitted.steps) == fitted.config.steps < 2_000


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    # A learning rate this large makes late epochs worse than early ones.
    values = {"epochs": 6, "learning_rate": 0.6, "clip_norm": None, "patience": None, "warmup": 0.5}
    arrays, fitted, _ = fit(tmp_path, family="lstm", **values)
    losses = [row["validation_loss"] for row in fitted.history]
    best = int(np.argmin(losses))
    stopped, _, _ = fit(None, family="lstm", **values)
    checkpoint = safetensors.load((tmp_path / context.CHECKPOINT).read_bytes())
    last = [checkpoint[f"model/{index}"] for index in range(len(arrays))]
    assert same(arrays, stopped)
    assert best == len(losses) - 1 or not all(
        any(np.array_equal(value, kept) for kept in arrays.values()) for value in last
    )


def test_without_a_validation_part_the_last_epoch_is_kept() -> None:
    short, fitted, _ = fit(None, epochs=2, validation=0.0, learning_rate=0.6, clip_norm=None)
    assert [set(row) & {"validation_loss"} for row in fitted.history] == [set(), set()]
    assert not same(short, fit(None, epochs=1, validation=0.0, learning_rate=0.6, clip_norm=None)[0])


def test_little_data_make_small_batches_and_more_epochs() -> None:
    _, fitted, _ = fit(None, epochs=None, batch_tokens=12_800, patience=None)
    assert fitted.config.batch_tokens == 1024
    assert fitted.config.epochs == 10
    assert len(fitted.history) == 10


def test_training_stops_when_patience_runs_out() -> None:
    _, fitted, _ = fit(None, epochs=30, learning_rate=1e-9, patience=2)
    assert len(fitted.history) < 30


def test_without_a_checkpoint_resuming_starts_from_the_beginning(unbroken: Any, tmp_path: Path) -> None:
    arrays, _, callback = fit(tmp_path, resume=True)
    assert same(unbroken[0], arrays)
    assert "there is no checkpoint yet, so the run starts from the beginning." in callback.lines


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a run that was killed has left."""
    folder = tmp_path_factory.mktemp("killed")
    with pytest.raises(Killed):
        fit(folder, kill_at=5)
    return (folder / context.CHECKPOINT).read_bytes()


@pytest.mark.parametrize("keep", [0, 5, 100, -10])
def test_a_damaged_checkpoint_is_an_error(checkpoint: bytes, tmp_path: Path, keep: int) -> None:
    (tmp_path / context.CHECKPOINT).write_bytes(checkpoint[:keep])
    with pytest.raises(TenorError, match="the checkpoint is damaged"):
        fit(tmp_path, resume=True)


@pytest.mark.parametrize("about", [{"state": {}}, {"state": {}, "run": None}, {"run": {}}, []])
def test_a_checkpoint_without_its_entries_is_damaged(tmp_path: Path, about: Any) -> None:
    data = safetensors.save({"x": np.zeros(1, np.float32)}, {"tenor": json.dumps(about)})
    (tmp_path / context.CHECKPOINT).write_bytes(data)
    with pytest.raises(TenorError, match=r"the checkpoint is damaged: .*\. Start again \(`overwrite=True`\)"):
        fit(tmp_path, resume=True)


def test_a_checkpoint_without_one_of_its_arrays_is_damaged(checkpoint: bytes, tmp_path: Path) -> None:
    length = int.from_bytes(checkpoint[:8], "little")
    about = json.loads(checkpoint[8 : 8 + length])["__metadata__"]
    arrays = safetensors.load(checkpoint)
    for changed in (
        {**arrays, "model/0": np.zeros(1, np.float32)},
        {k: v for k, v in arrays.items() if k != "model/0"},
    ):
        (tmp_path / context.CHECKPOINT).write_bytes(safetensors.save(changed, about))
        with pytest.raises(TenorError, match=r"is damaged: model/0 is missing or has another shape\. Start again"):
            fit(tmp_path, resume=True)


PLANTED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a pipe": (os.mkfifo, "is not a plain file"),
    "a link": (lambda place: place.symlink_to("/dev/zero"), "is not a plain file but a link"),
    "a folder": (Path.mkdir, "is not a plain file"),
    "a large file": (lambda place: (place.touch(), os.truncate(place, 1 << 40)), "is 1,099,511,627,776 bytes long"),
}


@pytest.mark.parametrize("planted", list(PLANTED))
def test_what_is_no_file_is_no_checkpoint(tmp_path: Path, planted: str) -> None:
    plant, problem = PLANTED[planted]
    plant(tmp_path / context.CHECKPOINT)
    with pytest.raises(TenorError, match=rf"safetensors: the checkpoint {problem}.*\. Start again \(`overwrite=True"):
        fit(tmp_path, resume=True)


def test_another_run_cannot_be_resumed(checkpoint: bytes, tmp_path: Path) -> None:
    (tmp_path / context.CHECKPOINT).write_bytes(checkpoint)
    with pytest.raises(TenorError, match=r"another run \(seed is 9, was 1\)"):
        fit(tmp_path, resume=True, seed=9)


@pytest.mark.parametrize(
    ("optimizer", "loss"),
    [
        *((optimizer, "cross-entropy") for optimizer in ("adam", "adamw", "sgd", "momentum", "rmsprop")),
        ("adam", "mean-squared-error"),
    ],
)
def test_every_optimizer_and_loss_lowers_the_loss(optimizer: str, loss: str) -> None:
    rate = 0.5 if optimizer in ("sgd", "momentum") else 0.03
    values = {"optimizer": optimizer, "loss": loss, "learning_rate": rate, "label_smoothing": 0.0}
    _, fitted, _ = fit(None, epochs=6, patience=None, **values)
    losses = [row["loss"] for row in fitted.history]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("rate", "remedy"), [(1e-9, "larger"), (30.0, "smaller")])
def test_a_network_that_does_not_learn_is_reported_with_the_remedy(rate: float, remedy: str) -> None:
    callback = Killer(None)
    by_chance = np.random.default_rng(0).permutation(TARGETS)
    examples = Examples(TEXTS, by_chance, TASK, np.ones(len(TEXTS), np.float32))
    config = config_of("bag", epochs=2, learning_rate=rate, clip_norm=None, validation=0.0)
    neural.fit(registry.FAMILIES["bag"], examples, config, FitContext(seed=1, callback=callback))
    [line] = [line for line in callback.lines if "has not learned yet" in line]
    assert f"Try a {remedy} `learning_rate`" in line


def test_a_network_that_learns_is_not_reported() -> None:
    for values in ({}, {"validation": 0.0}, {"validation": 0.0, "loss": "mean-squared-error"}):
        _, _, callback = fit(None, epochs=6, **values)
        assert not any("has not learned" in line for line in callback.lines)


def test_the_process_keeps_its_own_random_state() -> None:
    np.random.seed(5)
    expected = np.random.RandomState(5).random()
    fit(None, epochs=1)
    assert np.random.random() == expected


def test_a_process_killed_at_several_points_and_resumed_ends_with_the_same_weights(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    rows = [{"text": text, "label": TASK.labels[target]} for text, target in zip(TEXTS, TARGETS, strict=True)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    values = SETTINGS | {"epochs": 8, "patience": 8}
    asked = RunConfig(str(data), family="lstm", settings=values, seed=4, report=False)
    pipeline.train(replace(asked, out=str(tmp_path / "whole")))

    broken, checkpoint = tmp_path / "broken", tmp_path / "broken.training" / context.CHECKPOINT
    command = [sys.executable, "-m", "tenor", "train", str(data), "--family", "lstm", "--out", str(broken)]
    command += ["--seed", "4", "--no-report"]
    command += [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    for kill in range(2):
        process = subprocess.Popen(
            [*command, *(["--resume"] if kill else [])],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not broken.exists()
    pipeline.train(replace(asked, out=str(broken), resume=True))
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "broken")]
    assert weights[0] == weights[1]
    assert not checkpoint.parent.exists()
    # A kill after the end leaves nothing to do.
    before = (broken / "manifest.json").stat().st_mtime_ns
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=120)
    assert (again.returncode, f"{broken}: output already exists and is complete" in again.stderr) == (0, True)
    assert (broken / "manifest.json").stat().st_mtime_ns == before


def test_texts_to_calibrate_on_choose_no_epoch_where_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "_CALIBRATION_TEXTS", 20)

    def tried(validation: float) -> tuple[int, bool] | None:
        held_out = fit(None, epochs=1, validation=validation)[1].held_out
        return None if held_out is None else (len(held_out.targets), held_out.chose_epoch)

    assert tried(0.25) == (20, False)
    assert tried(0.2) == (32, True)
    assert tried(0) is None


def test_texts_to_calibrate_on_are_held_out_where_none_choose_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "_FEWEST_CALIBRATION", 20)

    def tried(share: float) -> tuple[int, list[str]]:
        _, fitted, callback = fit(None, epochs=1, validation=0.0, calibration=share)
        return 0 if fitted.held_out is None else len(fitted.held_out.targets), callback.lines

    assert tried(0.25) == (40, [])
    assert tried(0.1) == (0, [])


@pytest.mark.parametrize("family", ["bag", "ngram"])
def test_where_nothing_is_held_out_that_is_told(family: str) -> None:
    config = registry.FAMILIES["ngram"].config(calibrated=False)
    if family == "bag":
        config = config_of(family, epochs=1, validation=0.0, calibration=0.0)
    callback = Killer(None)
    fitted = fitting.fit(registry.FAMILIES[family], EXAMPLES, config, FitContext(seed=1, callback=callback))
    assert fitted.calibration is None
    assert callback.lines == [
        "nothing was held out, so probabilities are not calibrated and no coverage can be promised."
    ]
