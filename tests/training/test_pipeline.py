from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.families import QUICK
from helpers.rows import english, write_csv
from tenor._core.callbacks import Callback
from tenor.checks.context import CheckContext
from tenor.config.run_config import RunConfig
from tenor.data import dataset, sources
from tenor.data.dataset import Dataset
from tenor.errors import BundleError, DataError, SettingsError
from tenor.training import pipeline


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """The folder of checkpoints that a killed run of `model` left behind."""
    folder = tmp_path / "model.training"
    folder.mkdir()
    for name in ("checkpoint.safetensors", ".checkpoint.safetensors.0a1b2c3d.part"):
        (folder / name).write_bytes(b"x")
    return folder


def test_the_checkpoints_are_removed_when_the_model_is_saved(unfinished: Path, english_csv: Path) -> None:
    pipeline.train(
        RunConfig(
            str(english_csv), family="ngram", out=str(unfinished.with_name("model")), overwrite=True, settings=QUICK
        )
    )
    assert [path.name for path in unfinished.parent.iterdir()] == ["model"]


def test_an_unfinished_run_is_refused_with_what_to_do_in_both_worlds(unfinished: Path, english_csv: Path) -> None:
    message = r"unfinished run of this model\. Continue it \(`resume=True`\), or start again \(`overwrite=True"
    with pytest.raises(BundleError, match=message):
        pipeline.train(
            RunConfig(str(english_csv), family="ngram", out=str(unfinished.with_name("model")), settings=QUICK)
        )


def test_what_else_is_in_the_folder_of_checkpoints_stays(unfinished: Path, english_csv: Path) -> None:
    (unfinished / "thesis.txt").write_text("years of work")
    (unfinished / "notes").mkdir()
    pipeline.train(
        RunConfig(
            str(english_csv), family="ngram", out=str(unfinished.with_name("model")), overwrite=True, settings=QUICK
        )
    )
    assert sorted(path.name for path in unfinished.iterdir()) == ["notes", "thesis.txt"]


def test_a_file_with_the_name_of_the_folder_of_checkpoints_stays(tmp_path: Path, english_csv: Path) -> None:
    (tmp_path / "model.training").write_text("mine")
    trained = pipeline.train(
        RunConfig(str(english_csv), family="ngram", out=str(tmp_path / "model"), overwrite=True, settings=QUICK)
    )
    assert (trained.folder / "manifest.json").is_file()
    assert (tmp_path / "model.training").read_text() == "mine"


def with_columns(path: Path, rows: list[tuple[str, str]]) -> Path:
    """A table in which ten rows each have one author, and every row a later day than those before it."""
    lines = [
        f"{text},{label},author {row // 10},2024-{row // 28 + 1:02}-{row % 28 + 1:02}"
        for row, (text, label) in enumerate(rows)
    ]
    path.write_text("\n".join(["text,label,author,day", *lines]), encoding="utf-8")
    return path


class Listener(Callback):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, message: str) -> None:
        self.lines.append(message)


def test_the_latest_rows_are_measured_on(tmp_path: Path) -> None:
    rows = english(200)
    late = [(text, {"positive": "negative", "negative": "positive"}[label]) for text, label in rows[150:]]
    path = with_columns(tmp_path / "in.csv", rows[:150] + late)
    trained = pipeline.train(
        RunConfig(str(path), family="ngram", out=str(tmp_path / "model"), time="day", test_size=0.25, settings=QUICK)
    )
    assert trained.metrics["test"]["rows"] == 50
    assert trained.metrics["test"]["accuracy"] < 0.1


def test_rows_of_a_group_stay_together(tmp_path: Path) -> None:
    path = with_columns(tmp_path / "in.csv", english(100))
    run = RunConfig(str(path), family="ngram", out=str(tmp_path / "model"), group="author", settings=QUICK)
    assert pipeline.train(run).metrics["test"]["rows"] == 20
    with pytest.raises(DataError, match=r"there is no column 'autor'\. Did you mean 'author'"):
        pipeline.train(RunConfig(str(path), family="ngram", group="autor"))
    with pytest.raises(
        SettingsError, match=r"`group=\.\.\.`: the built-in dataset 'zh-reviews' has no column 'author'"
    ):
        sources.read_source_column("zh-reviews", "author", "group", Dataset("zh-reviews", [], []))


def test_folds_measure_every_row_and_the_model_learns_from_all(tmp_path: Path) -> None:
    path = with_columns(tmp_path / "in.csv", english(100))
    run = RunConfig(str(path), family="ngram", out=str(tmp_path / "model"), folds=4, group="author", settings=QUICK)
    trained = pipeline.train(run)
    measured = trained.metrics["cross_validation"]
    assert measured["folds"] == len(measured["each"]) == 4
    assert sum(fold["rows"] for fold in measured["each"]) == 100
    accuracies = [fold["accuracy"] for fold in measured["each"]]
    assert measured["mean"]["accuracy"] == pytest.approx(sum(accuracies) / 4)
    assert measured["std"]["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    assert trained.predictor.bundle.metadata["data"]["rows"] == 100
    assert "test" not in trained.metrics
    with pytest.raises(DataError, match=r"11 folds need as many groups of rows, and there are 10\. Give more rows"):
        pipeline.train(replace(run, folds=11, out=None))


def test_partings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"setting 'folds' does not go with time\. Give one of the two"):
        RunConfig("in.csv", family="ngram", time="day", folds=3)
    with pytest.raises(SettingsError, match=r"setting 'time' does not go with a test"):
        RunConfig("in.csv", family="ngram", test="test.csv", time="day")


def test_training_says_what_may_be_wrong_with_the_data(tmp_path: Path) -> None:
    rows = [*english(), (english()[0][0] + " ", "negative"), ("odd one", "Positive")]
    data, test = write_csv(tmp_path / "in.csv", rows), write_csv(tmp_path / "test.csv", english()[5:9])
    heard = Listener()
    pipeline.train(
        RunConfig(str(data), test=str(test), family="ngram", out=str(tmp_path / "model"), settings=QUICK), heard
    )
    assert heard.lines[1:-1] == [
        "4 of the 4 test texts are also in the training data.",
        "2 rows have the same text as another and a different label.",
        "labels differ only in case, blanks or punctuation: 'Positive', 'positive'; each is taken for a class.",
        "1 class has fewer than 10 rows (Positive 1); their metrics say little.",
        f"to see the rows: tenor check {data} --test {test}",
    ]


def test_near_duplicates_stay_on_one_side(tmp_path: Path) -> None:
    rows = [(text + mark, label) for text, label in english(60) for mark in ("", "!", " ...")]
    path = write_csv(tmp_path / "in.csv", rows)
    assert (
        pipeline.train(RunConfig(str(path), family="ngram", out=str(tmp_path / "model"), settings=QUICK)).metrics[
            "test"
        ]["rows"]
        == 36
    )
    data = dataset.read(path)
    groups = CheckContext(data).near
    assert [len(set(groups[row : row + 3])) for row in range(0, 180, 3)] == [1] * 60
