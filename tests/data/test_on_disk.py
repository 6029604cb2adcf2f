"""Training with the texts on disk, beside training in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.command import Cli
from helpers.rows import chinese, english, relabelled, write_csv
from tenor._core.callbacks import Callback
from tenor.config.run_config import RunConfig
from tenor.data import dataset
from tenor.data.read_options import ReadOptions
from tenor.errors import SettingsError
from tenor.models.linear import held_out
from tenor.models.ngram import features
from tenor.training import pipeline
from tenor.training.finishing import TrainedModel


def train(folder: Path, name: str, on_disk: bool, **options: Any) -> TrainedModel:
    options.setdefault("family", "ngram")
    return pipeline.train(RunConfig(str(folder / "in.csv"), out=str(folder / name), on_disk=on_disk, **options))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
def test_ngram_learns_the_same_from_disk(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path / "in.csv", relabelled(english(200), kind))
    test = write_csv(tmp_path / "test.csv", relabelled(english(60, seed=3), kind))
    options: dict[str, Any] = {"test": str(test), "label_separator": ";" if kind == "multilabel" else None}
    options["settings"] = {"iterations": 200}  # to the end: the way there may differ
    memory = train(tmp_path, "memory", on_disk=False, **options)
    for parts in (300, 1 << 22):
        monkeypatch.setattr(features, "PART_ENTRIES", parts)
        disk = train(tmp_path, f"disk-{parts}", on_disk=True, **options)
        assert disk.predictor.bundle.metadata["data"]["sha256"] == memory.predictor.bundle.metadata["data"]["sha256"]
        assert disk.predictor.bundle.config == memory.predictor.bundle.config
        models = [trained.predictor.bundle.model for trained in (memory, disk)]
        one, other = (model.arrays()["buckets"] for model in models)
        np.testing.assert_array_equal(other, one)
        # Where the last digits of a sum differ, a search ends elsewhere on flat ground: weights differ, answers do not.
        texts = [text for text, _ in english(60, seed=3)]
        said = np.asarray if kind == "regression" else memory.predictor.bundle.task.probabilities
        one, other = (said(model.logits(texts)) for model in models)
        np.testing.assert_allclose(other, one, atol=1e-2)
        figure = {"multilabel": "micro_f1", "regression": "mae"}.get(kind, "log_loss")
        assert disk.metrics["test"][figure] == pytest.approx(memory.metrics["test"][figure], abs=1e-3)
        if kind == "multilabel":
            thresholds = memory.predictor.bundle.task.thresholds
            assert disk.predictor.bundle.task.thresholds == pytest.approx(thresholds, abs=0.01)


def test_a_network_learns_the_same_from_disk(tmp_path: Path) -> None:
    write_csv(tmp_path / "in.csv", chinese(80))
    write_csv(tmp_path / "test.csv", chinese(20, seed=3))
    settings = {"epochs": 1, "validation": 0.0, "calibration": 0.0}
    options: dict[str, Any] = {"test": str(tmp_path / "test.csv"), "family": "bag", "settings": settings}
    memory, disk = (train(tmp_path, name, name == "disk", **options) for name in ("memory", "disk"))
    one, other = (trained.predictor.bundle.model.arrays() for trained in (memory, disk))
    for name in one:
        np.testing.assert_array_equal(other[name], one[name])


def test_no_text_that_is_measured_on_was_learned_from(tmp_path: Path) -> None:
    rows = english(120)
    path = write_csv(tmp_path / "in.csv", [*rows, *((f" {text}", label) for text, label in rows)])
    heard = Listener()
    run = RunConfig(str(path), family="ngram", out=str(tmp_path / "model"), on_disk=True)
    trained = pipeline.train(run, heard)
    data = dataset.read(path, ReadOptions(on_disk=True))
    task = trained.predictor.bundle.task
    from tenor.training import splitting

    kept, held_out = splitting.hold_out(run, data, task, None, Callback())
    assert trained.metrics["test"]["rows"] == len(held_out) and 24 <= len(held_out) <= 72
    assert not {data.texts[row].strip() for row in kept} & {data.texts[row].strip() for row in held_out}
    assert heard.lines[1:3] == [
        "240 texts are kept on disk; near duplicates among them are not searched.",
        "an earlier text is repeated in 120 of 240 rows; both stay on one side.",
    ]
    assert {step for step, *_ in heard.steps} == {"read", "count", "fit"}


class Listener(Callback):
    """Keeps what was said and told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[tuple[str, int, int]] = []

    def on_message(self, message: str) -> None:
        self.lines.append(message)

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        self.steps.append((stage, done, total))


@pytest.mark.parametrize("separator", [None, ";"])
def test_of_many_texts_a_few_are_held_out_to_calibrate_on(
    tmp_path: Path, separator: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "_MAX_ROWS_FOR_FOLDS", 100)
    monkeypatch.setattr(held_out, "_SCORED_TEXTS", 50)
    monkeypatch.setattr(held_out, "_SCORED_TEXTS_MULTILABEL", 50)
    write_csv(tmp_path / "in.csv", relabelled(english(300), "multilabel" if separator else "binary"))
    trained = train(tmp_path, "model", on_disk=True, label_separator=separator)
    assert trained.metrics["calibration"]["texts"] == pytest.approx(50, abs=20)


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    class Interrupting(Callback):
        def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
            if stage == "fit":
                raise KeyboardInterrupt("enough")

    path = write_csv(tmp_path / "in.csv", english(200))
    with pytest.raises(KeyboardInterrupt, match="enough"):
        pipeline.train(RunConfig(str(path), family="ngram", out=str(tmp_path / "model"), on_disk=True), Interrupting())
    assert [result.name for result in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("option", [{"group": "label"}, {"time": "label"}, {"folds": 3}])
def test_what_needs_all_texts_in_memory_is_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    write_csv(tmp_path / "in.csv", english())
    name = next(iter(option))
    message = (
        rf"`{name}=\.\.\.` needs the texts in memory, .* kept on disk\. Leave out `{name}=\.\.\.` .*`on_disk=False`"
    )
    with pytest.raises(SettingsError, match=message):
        train(tmp_path, "model", on_disk=True, **option)


def test_the_command_trains_from_disk(tmp_path: Path, cli: Cli) -> None:
    write_csv(tmp_path / "in.csv", chinese())
    done = cli("train", "--family", "ngram", tmp_path / "in.csv", "--on-disk", "--out", tmp_path / "model")
    assert done.code == 0 and "60 texts are kept on disk" in done.err
    done = cli("train", "--family", "ngram", tmp_path / "in.csv", "--in-memory", "--out", tmp_path / "other")
    assert done.code == 0 and "on disk" not in done.err
