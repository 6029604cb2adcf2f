"""Searches on the workers of a cluster: what one machine finds, also when workers die."""

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.rows import english, write_csv
from tenor._core.callbacks import Callback
from tenor.config.run_config import RunConfig
from tenor.errors import SettingsError
from tenor.models.auto import budget, plan
from tenor.training import pipeline, study, tuning
from tenor.training.finishing import TrainedModel
from tenor.training.tuning import TuneConfig

pytest.importorskip("ray")
pytest.importorskip("optuna")

from tenor.distributed import cluster, trials

pytestmark = [pytest.mark.slow, pytest.mark.ray]

FIXED = {"word_ngrams": [1], "char_ngrams": []}


@pytest.fixture(scope="module", autouse=True)
def connection(two_nodes: Any) -> Iterator[None]:
    """Kept from test to test, as the workers are then."""
    with cluster.connected("ray"):
        yield


class Listening(Callback):
    def __init__(self) -> None:
        self.names = list[str]()

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        self.names.append(name)


def table(folder: Path) -> list[list[str]]:
    """The trials' losses and settings."""
    lines = (folder / study.TRIALS).read_text(encoding="utf-8").splitlines()
    at = lines[0].split(",").index("validation_loss")
    return [[line.split(",")[at], line.split(",", 12)[-1]] for line in lines[1:]]


def search(data: Path, out: Path, count: int, together: int, ray: Any = None) -> tuning.TuningResult:
    run = RunConfig(str(data), family="ngram", settings=FIXED, out=str(out))
    attempts = None if ray is None else trials.RayTrials(trials.RayExecutor(ray, 2, 1))
    return tuning.tune(TuneConfig(run, count, parallel=together), Callback(), attempts)


def test_a_search_finds_what_one_machine_finds_and_goes_on(tmp_path: Path, english_csv: Path) -> None:
    here = search(english_csv, tmp_path / "here", 9, together=3)
    with cluster.connected("ray") as ray:
        search(english_csv, tmp_path / "there", 4, 3, ray)  # one of the second three
        there = search(english_csv, tmp_path / "there", 9, 3, ray)
    assert (there.settings, there.loss, there.n_trials) == (here.settings, here.loss, 9)
    losses, others = ([line[0] for line in table(result.folder)] for result in (here, there))
    assert losses == others
    alone = search(english_csv, tmp_path / "alone", 5, together=1)
    assert [line[0] for line in table(alone.folder)] == losses[:5]  # drawn at random, whatever came before


def test_what_a_dead_worker_was_making_is_made_again(tmp_path: Path) -> None:
    def dies_once(folder: Path) -> str:
        if (folder / "died").exists():
            return "made"
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
        return "not reached"

    with cluster.connected("ray") as ray:
        executor = trials.RayExecutor(ray, 2, 1)
        assert executor.result(executor.submit(dies_once, tmp_path)) == "made"


def test_auto_makes_the_models_of_one_machine(tmp_path: Path, english_csv: Path) -> None:
    members = ["ngram", 'ngram word_ngrams=[1,2,3] weighting="tf-idf-naive-bayes"', "ngram char_ngrams=[1,2]"]
    run = RunConfig(str(english_csv), settings={"members": members}, report=False)
    here = pipeline.train(replace(run, out=str(tmp_path / "here")))
    with cluster.connected("ray") as ray:
        heard = Listening()
        there = pipeline.train(replace(run, out=str(tmp_path / "there")), heard, executor=trials.RayExecutor(ray, 2, 1))
    assert sorted(heard.names[:3]) == ["ngram", "ngram 1-3", "ngram c1-2"]
    one, other = (each.predictor.bundle.model.arrays() for each in (here, there))
    assert set(one) == set(other)
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array)
    assert there.predictor.bundle.config == here.predictor.bundle.config


def test_a_first_model_is_saved_at_once_and_none_is_taken_after_the_time(
    tmp_path: Path, english_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan.backend, "is_installed", lambda: False)  # n-gram models are planned alone
    monkeypatch.setattr(budget, "frozen_encoder", lambda *_: None)
    monkeypatch.setattr(budget, "_MIN_FIRST_TIMES", 0.0)

    class Looking(Listening):
        def __init__(self, saved: Path) -> None:
            super().__init__()
            self.saved, self.late = saved, 0

        def on_message(self, message: str) -> None:
            self.late += "not ready in time" in message

        def on_candidate_end(
            self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
        ) -> None:
            assert self.saved.exists() or not self.names
            super().on_candidate_end(name, metrics)

    def within(seconds: float) -> tuple[Looking, TrainedModel]:
        out = tmp_path / str(seconds)
        heard = Looking(out / "manifest.json")
        run = RunConfig(str(english_csv), settings={"budget": seconds}, report=False, out=str(out))
        with cluster.connected("ray") as ray:
            return heard, pipeline.train(run, heard, executor=trials.RayExecutor(ray, 2, 1))

    heard, trained = within(3_600.0)
    assert (sorted(heard.names[:3]), heard.late) == (["ngram", "ngram 1-3", "ngram c5"], 0)
    assert len(trained.predictor.bundle.config.members) == 3
    monkeypatch.setattr(plan, "_MANY", -1e9)  # the others are begun, though the time is over
    heard, trained = within(1e-6)
    assert (heard.names, heard.late) == (["ngram"], 2)
    assert trained.predictor.bundle.config.members == ("ngram",)
    assert trained.metrics["test"]["accuracy"] > 0.5


def test_settings_that_do_not_serve_are_told_of(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "in.csv", [(text, str(len(text) / 8)) for text, _ in english(60)])
    run = RunConfig(str(data), family="ngram", settings={"weighting": "naive-bayes"}, out=str(tmp_path / "search"))
    with cluster.connected("ray") as ray, pytest.raises(SettingsError, match="must be tf-idf for a regression"):
        tuning.tune(TuneConfig(run, 2), Callback(), trials.RayTrials(trials.RayExecutor(ray, 2, 1)))
