"""`tenor evaluate` says when it measures a model on texts that it was trained on."""

import re
from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.rows import english, write_csv

ALL = ": the model was trained on these texts, so the metrics are better than on new ones."
SOME = re.compile(r": the model was trained on about (\d+)% of these texts")


@pytest.mark.parametrize(("options", "share"), [([], 80), (["--test-size", "0"], 100), (["--folds", "2"], 100)])
def test_the_training_data_are_recognised(cli: Cli, tmp_path: Path, options: list[str], share: int) -> None:
    rows = english(200)
    data, new = write_csv(tmp_path / "data.csv", rows), write_csv(tmp_path / "new.csv", english(60, seed=9))
    model = tmp_path / "model"
    train = cli("train", data, "--family", "ngram", "--no-report", "--out", model, "--set", "C=1", *options)
    assert train.code == 0, train.err
    for name, part in (("copy.csv", rows), ("part.csv", rows[100:]), ("mixed.csv", [*rows[:100], *english(100, 9)])):
        ended = cli("evaluate", model, write_csv(tmp_path / name, part))
        assert ended.code == 0
        expected = share // 2 if name == "mixed.csv" else share
        if expected == 100:
            assert f"{name}{ALL}" in ended.err
        else:
            [found] = SOME.findall(ended.err)
            assert abs(int(found) - expected) <= 15
    unseen = cli("evaluate", model, new).err
    assert ALL not in unseen and not SOME.search(unseen)


def test_the_test_of_the_training_is_new(cli: Cli, tmp_path: Path) -> None:
    data, test = write_csv(tmp_path / "data.csv", english(60)), write_csv(tmp_path / "test.csv", english(20, seed=9))
    model = tmp_path / "model"
    arguments = ("--family", "ngram", "--no-report", "--set", "C=1", "--out", model)
    assert cli("train", data, "--test", test, *arguments).code == 0
    unseen = cli("evaluate", model, test).err
    assert ALL not in unseen and not SOME.search(unseen)
    assert ALL in cli("evaluate", model, data).err
