"""`tenor compare`, and `tenor evaluate --slice`."""

import json
from pathlib import Path

import pytest

from helpers.command import Cli
from helpers.rows import write_csv
from tenor.config.run_config import RunConfig
from tenor.training import pipeline


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews of two sources, in one of which `cheap` is praise."""
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    words = {("web", "good"): "great value", ("web", "bad"): "cheap rubbish", ("应用", "good"): "cheap 很好"}
    words["应用", "bad"] = "很差 thing"
    lines = ["text,label,source"]
    for row in range(160):
        source, label = ("web", "应用")[row % 2], ("good", "bad")[row // 2 % 2]
        lines.append(f"{words[source, label]} item{row},{label},{source}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def models(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model of all reviews, and one of those of one source. Tests read them and change nothing in them."""
    folder = tmp_path_factory.mktemp("models")
    kept = [line for line in reviews.read_text(encoding="utf-8").splitlines() if not line.endswith("应用")]
    (folder / "web.csv").write_text("\n".join(kept), encoding="utf-8")
    for name, data in (("all", reviews), ("web", folder / "web.csv")):
        pipeline.train(RunConfig(str(data), family="ngram", test_size=0.0, out=str(folder / name), report=False))
    return folder / "all", folder / "web"


def test_compare_tells_the_better_model_and_where(cli: Cli, models: tuple[Path, Path], reviews: Path) -> None:
    ended = cli("compare", *models, "--data", reviews, "--slice", "source")
    assert ended.code == 0, ended.err
    assert "A is better." in ended.out
    assert "McNemar's test: p = " in ended.out
    assert "source 应用" in ended.out
    assert "the models differ on " in ended.out


def test_compare_json_has_every_text_that_the_models_differ_on(
    cli: Cli, models: tuple[Path, Path], reviews: Path
) -> None:
    result = json.loads(cli("compare", *models, "--data", reviews, "--slice", "source", "--json").out)
    assert result["better"] == "first"
    assert len(result["texts"]) == result["changed"] > 0
    assert all(row["first"] != row["second"] for row in result["texts"])
    assert result["slices"][0]["by"] in ("source", "script", "class", "length")
    rows = {(part["by"], part["value"]): part for part in result["slices"]}
    assert rows["source", "web"]["rows"] == 80
    assert rows["source", "应用"]["second"] < rows["source", "应用"]["first"] == 1


def test_a_model_is_no_better_than_itself(cli: Cli, models: tuple[Path, Path], reviews: Path) -> None:
    ended = cli("compare", models[0], models[0], "--data", reviews)
    assert "the difference is within noise" in ended.out
    assert "the models agree on every text." in ended.out


def test_models_of_other_tasks_are_not_compared(
    cli: Cli, models: tuple[Path, Path], reviews: Path, tmp_path: Path
) -> None:
    values = write_csv(tmp_path / "values.csv", [(f"thing {row}", f"{row + 0.5}") for row in range(60)])
    options = ("--test-size", "0", "--no-report")
    assert cli("train", "--family", "ngram", values, *options, "--out", tmp_path / "numbers").code == 0
    ended = cli("compare", models[0], tmp_path / "numbers", "--data", reviews)
    assert ended.code == 1
    assert "the models have different tasks: binary and regression." in ended.err


def test_models_may_know_different_labels(cli: Cli, models: tuple[Path, Path], reviews: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    lines = [f"soso thing{row},mixed,web" for row in range(40)]
    more.write_text("\n".join([reviews.read_text(encoding="utf-8"), *lines]), encoding="utf-8")
    options = ("--test-size", "0", "--no-report")
    assert cli("train", "--family", "ngram", more, *options, "--out", tmp_path / "more").code == 0
    result = json.loads(cli("compare", models[0], tmp_path / "more", "--data", more, "--json").out)
    assert result["better"] == "second"
    assert result["mcnemar"]["only_second_right"] >= 40


def test_evaluate_tells_the_worst_parts(cli: Cli, models: tuple[Path, Path], reviews: Path) -> None:
    ended = cli("evaluate", models[1], reviews, "--slice", "source")
    assert "worse than on all texts by more than chance" in ended.out
    assert "\n应用 " in ended.out and "\nweb " in ended.out
    result = json.loads(cli("evaluate", models[1], reviews, "--slice", "source", "--json").out)["slices"]
    figures = [part["figure"] for part in result]
    assert figures == sorted(figures)


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_a_slice_that_is_no_column_is_told(cli: Cli, models: tuple[Path, Path], reviews: Path, command: str) -> None:
    data = [models[0], reviews] if command == "evaluate" else [*models, "--data", reviews]
    ended = cli(command, *data, "--slice", "sorce")
    assert ended.code == 1
    assert "there is no column 'sorce'" in ended.err and "--slice" in ended.err
