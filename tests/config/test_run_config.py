"""The configuration of a run, from options that may contradict each other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenor.config.run_config import RunConfig
from tenor.errors import BundleError, RenamedSettingWarning, SettingsError
from tenor.training import run_options


def test_settings_of_auto_choose_that_family() -> None:
    run = RunConfig.from_options({"data": "a.csv", "settings": {"distil": "bag"}}, {"budget": 60.0})
    assert (run.family, run.settings) == ("auto", {"distil": "bag", "budget": 60.0})


def test_options_stay_as_they_are_given() -> None:
    options = {"data": "a.csv", "family": "ngram", "seed": 3}
    assert RunConfig.from_options(options) == RunConfig("a.csv", family="ngram", seed=3)
    assert options == {"data": "a.csv", "family": "ngram", "seed": 3}


@pytest.mark.parametrize(
    ("options", "auto", "message"),
    [
        (
            {"family": "lstm"},
            {"budget": 60.0},
            r"`budget=\.\.\.` chooses the best model, and .* is 'lstm'",
        ),
        ({"test_size": 0.1, "test": "b.csv"}, {}, r"`test_size=\.\.\.` holds out .*`test=\.\.\.` evaluates in another"),
        ({"test_size": 0.1, "folds": 3}, {}, r"`test_size=\.\.\.` holds out .*`folds=\.\.\.` evaluates in another"),
        ({"sead": 1}, {}, r"^run\.toml: there is no setting 'sead'\. Did you mean 'seed'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: dict[str, object], auto: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        RunConfig.from_options({"data": "a.csv"} | options, auto, "run.toml")


def test_assignments_override_the_run_file_by_either_name() -> None:
    options = {"data": "a.csv", "family": "ngram", "settings": {"C": 2.0, "word_ngrams": 2}}
    with pytest.warns(RenamedSettingWarning, match="'strength' is now 'C'"):
        run = run_options.configure_run(options, assignments=["strength=3"])
    assert run.settings == {"C": 3, "word_ngrams": 2}


def test_an_encoder_chooses_its_family(tmp_path: Path) -> None:
    options = {"data": "a.csv", "init": str(tmp_path)}
    with pytest.raises(BundleError):
        run_options.configure_run(options)
    assert run_options.configure_run(options | {"family": "cnn"}).family == "cnn"


def test_values_of_python_are_read_as_in_a_run_file() -> None:
    run = RunConfig(
        Path("a.csv"),  # type: ignore[arg-type]
        out=Path("runs", "a"),  # type: ignore[arg-type]
        also="b.csv",  # type: ignore[arg-type]
        missing_labels="none",  # type: ignore[arg-type]
        log="mlflow",  # type: ignore[arg-type]
        label="none",
        seed=np.int64(3),  # type: ignore[arg-type]
        test_size=np.float32(0.25),  # type: ignore[arg-type]
        validation=Path("c.csv"),  # type: ignore[arg-type]
    )
    assert (run.data, run.out, run.also, run.validation) == ("a.csv", str(Path("runs", "a")), ("b.csv",), "c.csv")
    assert (run.missing_labels, run.log, run.label) == (("none",), ("mlflow",), "none")
    assert (type(run.seed), type(run.test_size)) == (int, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": None}, r"setting 'data' is None\. Give a string"),
        ({"data": ["a.csv", "b.csv"]}, r"setting 'data' is \['a\.csv', 'b\.csv'\]\. Give a string"),
        ({"seed": "1"}, r"setting 'seed' is '1'\. Give a whole number"),
        ({"seed": True}, r"setting 'seed' is True\. Give a whole number"),
        ({"folds": 2.0}, r"setting 'folds' is 2\.0\. Give a whole number"),
        ({"validation": 1}, r"setting 'validation' must be between 0 and 1, or a file"),
        ({"settings": "C=1"}, r"setting 'settings' is 'C=1'\. Give a table"),
        ({"lang": "de"}, r"setting 'lang' is 'de'\. .*Known: en, zh"),
        ({"log": ["tensorflow"]}, r"setting 'log' is 'tensorflow'\. Did you mean 'tensorboard'"),
        ({"missing_labels": [-1]}, r"setting 'missing_labels' is -1\. Give a string"),
    ],
)
def test_values_of_another_type_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        RunConfig(**{"data": "a.csv"} | values)
