"""`--validation`: a share, or a file of its own, chooses and calibrates and is not learned from."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.command import Cli
from helpers.families import QUICK
from helpers.rows import english, write_csv
from tenor.config.run_config import RunConfig
from tenor.errors import DataError, SettingsError
from tenor.training import pipeline

BAG = {"epochs": 3, "vocabulary": 200, "embedding": 8}
AUTO = {"members": ["ngram word_ngrams=[1]", "ngram word_ngrams=[2]"]}
SEVERAL = pytest.mark.parametrize(("family", "settings"), [("ngram", None), ("bag", BAG), ("auto", AUTO)])


@pytest.fixture
def run(tmp_path: Path) -> RunConfig:
    """Of 60 rows, and beside them in `validation.csv` 12 others."""
    write_csv(tmp_path / "validation.csv", english(72)[60:])
    data = write_csv(tmp_path / "data.csv", english(72)[:60])
    return RunConfig(str(data), family="ngram", test_size=0, out=str(tmp_path / "model"), report=False)


def trained(run: RunConfig, **changes: Any) -> dict[str, Any]:
    return pipeline.train(replace(run, **changes)).metrics


@SEVERAL
def test_a_file_is_validated_on_and_all_other_texts_are_learned_from(
    run: RunConfig, tmp_path: Path, family: str, settings: dict[str, Any] | None
) -> None:
    metrics = trained(run, family=family, settings=settings, validation=str(tmp_path / "validation.csv"))
    assert metrics["calibration"]["texts"] == 12


@SEVERAL
def test_a_share_is_held_out(run: RunConfig, family: str, settings: dict[str, Any] | None) -> None:
    assert trained(run, family=family, settings=settings, validation=0.2)["calibration"]["texts"] == 12


def test_the_settings_are_chosen_on_the_file(run: RunConfig, tmp_path: Path) -> None:
    turned = {"positive": "negative", "negative": "positive"}
    path = write_csv(tmp_path / "turned.csv", [(text, turned[label]) for text, label in english(72)[60:]])
    usual, other = (pipeline.train(replace(run, out=None, validation=part)).predictor for part in (None, str(path)))
    # Where what was learned is wrong, the least of it is best.
    assert other.bundle.config.C < usual.bundle.config.C


def test_the_command_line_says_what_is_validated_on(run: RunConfig, tmp_path: Path, cli: Cli) -> None:
    done = cli(
        "train",
        run.data,
        "--family",
        "ngram",
        "--out",
        run.out,
        "--validation",
        tmp_path / "validation.csv",
        "--no-report",
    )
    assert done.code == 0
    assert "48 training texts, 12 validation texts, 12 test texts" in done.out + done.err
    again = cli("train", run.data, "--family", "ngram", "--out", tmp_path / "b", "--validation", "0.2", "--no-report")
    assert again.code == 0


def test_texts_that_are_also_trained_on_are_reported(run: RunConfig, tmp_path: Path, cli: Cli) -> None:
    both = write_csv(tmp_path / "both.csv", english(72)[55:])
    done = cli("train", run.data, "--family", "ngram", "--out", run.out, "--validation", both, "--no-report")
    told = re.findall(r"(\d+) of the 17 texts to validate on are also among those to (\w+) (?:from|on)\.", done.err)
    assert {part for _, part in told} <= {"train", "measure"}
    assert sum(int(number) for number, _ in told) == 5


def test_what_cannot_be_validated_on_is_refused(run: RunConfig, tmp_path: Path) -> None:
    for share in (0.0, 1.0, 3.0):
        with pytest.raises(SettingsError, match=r"'validation' must be between 0 and 1, or a file\."):
            replace(run, validation=share)
    with pytest.raises(SettingsError, match=r"`validation=\.\.\.` and the setting 'validation' contradict each other"):
        replace(run, family="bag", settings={"validation": 0.2}, validation=0.1)
    with pytest.raises(DataError, match="no such file"):
        pipeline.train(replace(run, validation="valdation"))
    strange = write_csv(tmp_path / "strange.csv", [("a good film", "mixed")])
    with pytest.raises(
        DataError, match=r"strange\.csv, column 'label': the label 'mixed' was not in the training data"
    ):
        pipeline.train(replace(run, validation=str(strange)))
    few = {0.01: "fewer than 5 to validate on", 0.999: "fewer than 5 to train on"}
    for share, message in few.items():
        with pytest.raises(SettingsError, match=rf"^`validation=\.\.\.`: {share} of [0-9]+ texts leaves {message}\."):
            pipeline.train(replace(run, settings=QUICK, validation=share))
    equal = write_csv(tmp_path / "equal.csv", [("a good film", "good"), ("a bad film", "bad")] * 20)
    with pytest.raises(DataError, match=r"no 0\.2 of these texts can be held out to validate on"):
        pipeline.train(replace(run, data=str(equal), settings=QUICK, validation=0.2))
