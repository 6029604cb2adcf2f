"""The search for settings: what it finds, that it goes on where it ended, and what it refuses."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tenor import tasks
from tenor._core.callbacks import Callback
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.config.search_space import Choice
from tenor.errors import BundleError, SettingsError, TenorError
from tenor.models import registry
from tenor.training import pipeline

pytest.importorskip("optuna")

from tenor.training import study, tuning
from tenor.training.tuning import TuneConfig

pytestmark = pytest.mark.slow

FIXED = {"word_ngrams": [1], "char_ngrams": []}


class Stopping(Callback):
    """Presses Ctrl-C once so many models have been compared."""

    def __init__(self, after: int) -> None:
        self.left, self.said = after, list[str]()

    def on_message(self, message: str) -> None:
        self.said.append(message)

    def on_candidate_end(
        self, name: str, metrics: dict[str, float], settings: Mapping[str, object] | None = None
    ) -> None:
        self.left -= 1

    def on_progress(self, stage: str, done: int, total: int, metrics: dict[str, float]) -> None:
        if self.left <= 0:
            raise KeyboardInterrupt


def run(data: Path, out: Path, **values: Any) -> RunConfig:
    return RunConfig(str(data), **({"family": "ngram", "settings": FIXED, "out": str(out)} | values))


def losses(folder: Path) -> list[str]:
    lines = (folder / study.TRIALS).read_text(encoding="utf-8").splitlines()
    at = lines[0].split(",").index("validation_loss")
    return [line.split(",")[at] for line in lines[1:]]


def test_the_best_settings_are_no_worse_than_the_defaults_and_train_as_they_are(
    tmp_path: Path, english_csv: Path
) -> None:
    result = tuning.tune(TuneConfig(run(english_csv, tmp_path / "search"), trials=4))
    assert result.n_trials == 4
    assert result.loss == min(float(loss) for loss in losses(result.folder)) <= result.default_loss
    values = settings.read_toml(result.folder / study.BEST)
    best = settings.make(RunConfig, values, "best.toml")
    assert best.settings == result.settings
    assert {"word_ngrams": [1], "char_ngrams": []}.items() <= result.settings.items()
    trained = pipeline.train(replace(best, out=str(tmp_path / "model")))
    used = settings.as_dict(trained.predictor.bundle.config)
    assert {name: used[name] for name in result.settings} == result.settings


def test_an_interrupted_search_goes_on_as_one_that_was_not(tmp_path: Path, english_csv: Path) -> None:
    whole = tuning.tune(TuneConfig(run(english_csv, tmp_path / "whole"), trials=5))
    stopping = Stopping(after=2)
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(TuneConfig(run(english_csv, tmp_path / "cut"), trials=5), stopping)
    assert stopping.said[-1].startswith("interrupted: 2 trials are kept")
    assert len(losses(tmp_path / "cut")) == 2
    rest = tuning.tune(TuneConfig(run(english_csv, tmp_path / "cut"), trials=5))
    assert losses(rest.folder) == losses(whole.folder)
    assert rest.settings == whole.settings
    assert tuning.tune(TuneConfig(run(english_csv, tmp_path / "cut"), trials=5)) == rest  # nothing is left to do


def test_a_killed_trial_is_made_again(tmp_path: Path, english_csv: Path) -> None:
    whole = tuning.tune(TuneConfig(run(english_csv, tmp_path / "whole"), trials=3))
    tuning.tune(TuneConfig(run(english_csv, tmp_path / "killed"), trials=2))
    with sqlite3.connect(tmp_path / "killed" / study.DATABASE) as database:  # what a kill leaves: a trial that runs
        database.execute("INSERT INTO trials (number, study_id, state) VALUES (2, 1, 'RUNNING')")
    database.close()
    assert tuning.tune(TuneConfig(run(english_csv, tmp_path / "killed"), trials=3)).settings == whole.settings
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_a_network_that_does_badly_is_given_up(tmp_path: Path, chinese_csv: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(study, "_STARTUP", 1)
    fixed = {"vocabulary": 1_000, "epochs": 3, "batch_tokens": 256, "embedding": 8, "patience": "none"}
    fixed |= {"label_smoothing": 0.0, "dropout": 0.0, "hidden": [], "word_ngrams": [1]}
    asked = run(chinese_csv, tmp_path / "search", family="bag", settings=fixed, seed=1)
    heard = Stopping(after=99)
    result = tuning.tune(TuneConfig(asked, trials=5), heard)
    assert result.n_trials == 5
    assert set(result.settings) == {*fixed, "learning_rate"} or result.loss == result.default_loss
    given_up = sum(line.endswith(" s.") and ": pruned after" in line for line in heard.said)
    table = (result.folder / study.TRIALS).read_text(encoding="utf-8")
    assert table.count(",pruned,") == given_up > 0


def test_time_ends_a_search_after_the_defaults(tmp_path: Path, english_csv: Path) -> None:
    result = tuning.tune(TuneConfig(run(english_csv, tmp_path / "search"), trials=50, budget=1e-6))
    assert (result.n_trials, result.loss) == (1, result.default_loss)


def test_every_family_says_what_may_be_changed() -> None:
    for task in (tasks.from_labels("binary", ["a", "b"]), tasks.from_labels("regression", ["1", "2"])):
        for name, family in registry.FAMILIES.items():
            if not family.tunable:
                continue
            space = family.config.space(task)
            ends = {key: way.values if isinstance(way, Choice) else (way.low, way.high) for key, way in space.items()}
            whole = {key for key, way in space.items() if not isinstance(way, Choice) and way.integer}
            for number in range(max(map(len, ends.values()))):
                drawn = {key: values[number % len(values)] for key, values in ends.items()}
                drawn |= {key: int(drawn[key]) for key in whole}
                made = settings.make(family.config, drawn, name)
                assert {key: getattr(made, key) for key in drawn} == drawn
    assert "weighting" not in registry.find("ngram").config.space(tasks.from_labels("regression", ["1", "2"]))


def test_what_cannot_be_searched_is_refused(tmp_path: Path, english_csv: Path, chinese_csv: Path) -> None:
    search = tmp_path / "search"
    tuning.tune(TuneConfig(run(english_csv, search), trials=1))
    with pytest.raises(SettingsError, match="this is a search with other data and task"):
        tuning.tune(TuneConfig(run(chinese_csv, search)))
    with pytest.raises(SettingsError, match="this is a search with other data and seed"):
        tuning.tune(TuneConfig(run(english_csv, search, seed=1, test_size=0.2), trials=1))
    with pytest.raises(SettingsError, match="'auto' has nothing to tune"):
        tuning.tune(TuneConfig(run(english_csv, search, family="auto")))
    with pytest.raises(SettingsError, match="trials"):
        TuneConfig(run(english_csv, search), trials=0)
    everything = {"word_ngrams": [1], "char_ngrams": [], "weighting": "tf-idf", "C": 1.0, "min_df": 2}
    with pytest.raises(SettingsError, match="every setting that could be tuned is given"):
        tuning.tune(TuneConfig(run(english_csv, tmp_path / "other", settings=everything)))
    with pytest.raises(BundleError, match="is not a search"):
        tuning.tune(TuneConfig(run(english_csv, tmp_path)))
    (search / study.DATABASE).write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(TenorError, match="this is not a database of trials"):
        tuning.tune(TuneConfig(run(english_csv, search)))
