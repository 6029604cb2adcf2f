"""`tenor evaluate` says when it measures a model on the texts that it was trained on."""

from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.rows import english, write_csv

NOTICE = ": the model was trained on these texts, so the metrics are better than on new ones."


@pytest.mark.parametrize("options", [[], ["--test-size", "0"], ["--folds", "2"]])
def test_the_training_data_are_recognised(cli: Cli, tmp_path: Path, options: list[str]) -> None:
    data, new = write_csv(tmp_path / "data.csv", english(60)), write_csv(tmp_path / "new.csv", english(60, seed=9))
    model = tmp_path / "model"
    train = cli("train", data, "--family", "ngram", "--no-report", "--out", model, "--set", "C=1", *options)
    assert train.code == 0, train.err
    copy = data.rename(tmp_path / "copy.csv")
    ended = cli("evaluate", model, copy)
    assert ended.code == 0 and f"copy.csv{NOTICE}" in ended.err
    assert NOTICE not in cli("evaluate", model, new).err
    assert NOTICE not in cli("evaluate", model, write_csv(tmp_path / "part.csv", english(30))).err


def test_the_test_of_the_training_is_new(cli: Cli, tmp_path: Path) -> None:
    data, test = write_csv(tmp_path / "data.csv", english(60)), write_csv(tmp_path / "test.csv", english(20, seed=9))
    model = tmp_path / "model"
    arguments = ("--family", "ngram", "--no-report", "--set", "C=1", "--out", model)
    assert cli("train", data, "--test", test, *arguments).code == 0
    assert NOTICE not in cli("evaluate", model, test).err
    assert NOTICE in cli("evaluate", model, data).err
