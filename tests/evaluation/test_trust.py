"""Calibrated probabilities and sets with a promised coverage, from training to every way of asking for them."""

import csv
import json
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import tenor
from helpers.command import Cli
from helpers.families import QUICK
from helpers.folders import change, sign
from helpers.rows import chinese, english, write_csv
from tenor import TextClassifier, TextRegressor
from tenor.config.run_config import RunConfig
from tenor.data import dataset
from tenor.errors import BundleError, SettingsError
from tenor.evaluation import evaluate, thresholds
from tenor.inference.predictor import Predictor
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.families import ngram
from tenor.tasks import MultiLabel, SingleLabel
from tenor.training import fitting, pipeline

WORDS = ["good", "fine", "nice", "well", "poor", "bad", "sad", "ill"]


def doubtful(rows: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of five words, each one vote, and labels that follow the majority in four of five texts."""
    random = np.random.default_rng(seed)
    votes = random.integers(0, len(WORDS), (rows, 5))
    right = ((votes < 4).sum(axis=1) > 2) == (random.random(rows) < 0.8)
    texts = [
        " ".join([*(WORDS[vote] for vote in row), f"n{seed}x{number}"]) for number, row in enumerate(votes.tolist())
    ]
    return texts, ["yes" if each else "no" for each in right]


def held(sets: Any, truth: list[str]) -> float:
    return float(np.mean([label in row for row, label in zip(sets, truth, strict=True)]))


def test_new_texts_are_held_by_their_sets_as_often_as_promised_and_probabilities_are_right() -> None:
    model = TextClassifier(settings=QUICK).fit(*doubtful(2_000))
    texts, truth = doubtful(4_000, seed=1)
    for coverage in (0.7, 0.9):
        deviation = math.sqrt(coverage * (1 - coverage) * (1 / 2_000 + 1 / 4_000))
        for per_class in (False, True):
            result = held(model.predict_set(texts, coverage, per_class), truth)
            assert abs(result - coverage) < 4 * deviation, (coverage, per_class, result)
    probabilities = model.predict_proba(texts).max(axis=1)
    right = model.predict(texts) == np.array(truth)
    assert abs(probabilities.mean() - right.mean()) < 0.02


def test_calibration_leaves_the_labels_as_they_are() -> None:
    model = TextClassifier(settings=QUICK).fit(*doubtful(500)).predictor_
    assert model.bundle.calibration is not None and model.bundle.calibration.slope != 1
    plain = Predictor(replace(model.bundle, calibration=None))
    texts = doubtful(500, seed=1)[0]
    assert model.predict(texts).tolist() == plain.predict(texts).tolist()
    assert np.abs(model.predict_proba(texts) - plain.predict_proba(texts)).max() > 0.01


def test_sets_have_the_types_of_the_labels_and_the_most_probable_first() -> None:
    texts, labels = doubtful(400)
    model = TextClassifier(settings=QUICK).fit(texts, [int(label == "yes") for label in labels])
    sets, best = model.predict_set(texts, 0.99), model.predict(texts)
    assert {type(label) for row in sets for label in row} == {int}
    assert all(row[0] == label for row, label in zip(sets, best, strict=True) if row)
    assert model.predict_set([], 0.9).shape == (0,)
    several = TextClassifier().fit(texts, [["a", "b"] if label == "yes" else ["b"] for label in labels])
    assert all(set(row) <= {"a", "b"} for row in several.predict_set(texts, 0.9))


def test_an_interval_holds_the_value_as_often_as_promised() -> None:
    random = np.random.default_rng(0)
    rows = random.integers(0, len(WORDS), (3_000, 5))
    values = (rows < 4).sum(axis=1) + random.normal(0, 1, 3_000)
    texts = [" ".join(WORDS[number] for number in row) + f" n{at}" for at, row in enumerate(rows.tolist())]
    model = TextRegressor(settings={"word_ngrams": [1], "C": 1.0}).fit(texts[:2_000], values[:2_000])
    low, high = model.predict_interval(texts[2_000:], 0.9).T
    assert 0.86 < ((low <= values[2_000:]) & (values[2_000:] <= high)).mean() < 0.94
    np.testing.assert_allclose((low + high) / 2, model.predict(texts[2_000:]), atol=1e-5)
    with pytest.raises(SettingsError, match=r"has no sets of labels\. Call predict_interval"):
        model.predictor_.predict_set(texts)


def test_too_few_texts_are_told_of_and_every_label_is_possible(predictor: Predictor) -> None:
    with pytest.warns(UserWarning, match="a coverage of 0.99 needs 99 texts or more, and the model was tried on 48"):
        assert [len(row) for row in predictor.predict_set(["superb", ""], 0.99)] == [2, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert predictor.predict_set(["superb"], 0.9).tolist() == [("positive",)]
    with pytest.raises(SettingsError, match="must be between 0 and 1, such as"):
        predictor.predict_set(["superb"], 95)
    with pytest.raises(SettingsError, match=r"predicts labels and has no intervals\. Call predict_set"):
        predictor.predict_interval(["superb"])


def test_a_saved_model_keeps_its_promises(predictor: Predictor, tmp_path: Path) -> None:
    predictor.save(tmp_path / "model")
    loaded = tenor.load(tmp_path / "model")
    texts = [text for text, _ in english(200, seed=3)]
    assert loaded.bundle.calibration == predictor.bundle.calibration
    np.testing.assert_array_equal(loaded.predict_proba(texts), predictor.predict_proba(texts))
    assert loaded.predict_set(texts, 0.8).tolist() == predictor.predict_set(texts, 0.8).tolist()


def test_a_model_of_an_older_version_has_no_promise() -> None:
    model = tenor.load(Path(__file__).parents[1] / "golden" / "format-1")
    with pytest.raises(SettingsError, match=r"the model has no conformal scores.*Train it again"):
        model.predict_set(["a good story"])


@pytest.mark.parametrize("wrong", [{"slope": 0}, {"floor": 2}, {"slope": "much"}])
def test_a_calibration_that_cannot_be_is_refused(predictor: Predictor, tmp_path: Path, wrong: dict[str, Any]) -> None:
    predictor.save(tmp_path / "model")
    change(tmp_path / "model", "tenor.json", lambda about: about["calibration"].update(wrong))
    sign(tmp_path / "model")
    with pytest.raises(BundleError, match="do not fit together"):
        tenor.load(tmp_path / "model")


def test_metrics_tell_of_calibration_and_coverage(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "in.csv", list(zip(*doubtful(800), strict=True)))
    trained = pipeline.train(RunConfig(str(path), family="ngram", out=str(tmp_path / "model"), settings=QUICK))
    test = trained.metrics["test"]
    assert test["expected_calibration_error"] < test["uncalibrated"]["expected_calibration_error"]
    assert sum(each["count"] for each in test["reliability"]) == test["rows"] == 160
    assert [row["coverage"] for row in test["coverage"]] == [0.9, 0.95, 0.99]
    assert trained.metrics["calibration"] == {
        **(trained.predictor.bundle.calibration or pytest.fail("not calibrated")).describe(),
        "texts": 640,
        "chose_epoch": False,
    }
    assert trained.metrics["timing"]["calibrate_s"] > 0
    again = evaluate.evaluate(tenor.load(tmp_path / "model"), dataset.read(path))
    assert again["coverage"][0]["found"] > 0.8


@pytest.mark.parametrize(("texts", "tried"), [(3, 0), (40, 40), (8_000, 6_000), (30_000, 5_000)])
def test_so_many_texts_are_tried(texts: int, tried: int) -> None:
    rows, labels = doubtful(texts)
    task = SingleLabel(("no", "yes"))
    targets = np.arange(texts, dtype=np.int32) % 2 if texts == 3 else task.encode(labels)
    examples = Examples(rows, targets, task, np.ones(texts, np.float32))
    config = ngram.Config(word_ngrams=(1,), weighting="tf-idf", C=1.0)
    held_out = ngram.fit(examples, config, FitContext(seed=0)).held_out
    assert (0 if held_out is None else len(held_out.targets)) == tried


def test_thresholds_belong_to_calibrated_probabilities() -> None:
    texts, labels = doubtful(600)
    task = MultiLabel(("sure", "yes"), never_none=False)
    targets = np.float32([[1, label == "yes"] for label in labels])
    examples = Examples(texts, targets, task, np.ones(600, np.float32))
    config = ngram.Config(word_ngrams=(1,), weighting="tf-idf", C=100.0)
    fitted = fitting.fit(registry.find("ngram"), examples, config, FitContext(seed=0))
    assert (
        fitted.calibration and fitted.calibration.floor == 0 and fitted.held_out and isinstance(fitted.task, MultiLabel)
    )
    result = fitted.calibration.apply(fitted.held_out.logits, task)
    assert fitted.task.thresholds == thresholds.choose(fitted.held_out.targets > 0, task.probabilities(result))


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "新.csv", [(text, "") for text, _ in chinese(30, seed=4)], header=("评论", "备注"))


@pytest.fixture(scope="module")
def chinese_model(tmp_path_factory: pytest.TempPathFactory, chinese_csv: Path) -> Path:
    folder = tmp_path_factory.mktemp("models") / "评论"
    return pipeline.train(RunConfig(str(chinese_csv), family="ngram", out=str(folder), settings=QUICK)).folder


def test_a_file_gets_sets_by_the_command_line(cli: Cli, chinese_model: Path, reviews: Path, tmp_path: Path) -> None:
    texts = [text for text, _ in chinese(30, seed=4)]
    expected = tenor.load(chinese_model).predict_set(texts, 0.8).tolist()
    asked = ("predict", chinese_model, reviews, "--text", "评论", "--coverage", "0.8")
    ended = cli(*asked)
    rows = list(csv.DictReader(ended.out.splitlines()))
    assert list(rows[0]) == ["评论", "备注", "label", "set", "score"]
    assert [tuple(json.loads(row["set"])) for row in rows] == expected
    for kind in ("parquet", "jsonl"):
        assert cli(*asked, "--abstain", "-o", tmp_path / f"out.{kind}").code == 0
    made = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert made == [json.loads(line) for line in lines]
    assert [row["label"] for row in made] == [row[0] if len(row) == 1 else None for row in expected]


def test_where_every_text_is_abstained_from_the_file_has_its_types(
    cli: Cli, chinese_model: Path, reviews: Path
) -> None:
    out = reviews.with_suffix(".parquet")
    ended = cli("predict", chinese_model, reviews, "--text", "评论", "--coverage", "0.999", "--abstain", "-o", out)
    assert "a coverage of 0.999 needs 999 texts or more, and the model was tried on 48: every set" in ended.err
    made = pyarrow.parquet.read_table(out)
    assert (made["label"].null_count, made["score"].null_count) == (30, 0)
    assert [str(made.schema.field(name).type) for name in ("label", "score")] == ["string", "double"]


def test_one_text_gets_its_set(cli: Cli, model_folder: Path) -> None:
    lines = cli("predict", model_folder, "a superb story", "--coverage", "0.9").out.splitlines()
    assert lines[0].startswith("positive\t") and lines[1] == "0.9\tpositive"
    result = json.loads(cli("predict", model_folder, "a superb story", "--coverage", "0.9", "--json").out)
    assert (result["label"], result["set"]) == ("positive", ["positive"])
    ended = cli("predict", model_folder, "the", "--abstain", "--coverage", "0.99")
    score = json.loads(cli("predict", model_folder, "the", "--coverage", "0.99", "--json").out)["score"]
    assert ended.out.splitlines()[0] == f"no label\t{score:.4f}" and "0.99\t" in ended.out
    abstained = json.loads(cli("predict", model_folder, "the", "--abstain", "--coverage", "0.99", "--json").out)
    assert (abstained["label"], abstained["score"]) == (None, score)


Asked = tuple[tuple[str, ...], str]


@pytest.mark.parametrize(
    "asked",
    [
        (("--coverage", "95"), "setting 'coverage' must be between 0 and 1, such as 0.95"),
        (("--coverage", "0"), "setting 'coverage' must be between 0 and 1"),
    ],
)
def test_coverages_that_are_none_are_refused(cli: Cli, model_folder: Path, asked: Asked) -> None:
    ended = cli("predict", model_folder, "superb", *asked[0])
    assert ended.code == 1 and asked[1] in ended.err


def test_numbers_get_intervals(cli: Cli, tmp_path: Path) -> None:
    rows = [(f"{WORDS[number % 8]} {number}", f"{number % 8 + 0.5}") for number in range(160)]
    data = write_csv(tmp_path / "in.csv", rows)
    assert "coverage  empirical  mean width" in cli("train", "--family", "ngram", data, "--out", tmp_path / "model").out
    result = json.loads(cli("predict", tmp_path / "model", "good", "--coverage", "0.9", "--json").out)
    assert result["lower"] < result["value"] < result["upper"]
    made = cli("predict", tmp_path / "model", data, "--coverage", "0.999").out.splitlines()
    assert made[0] == "text,label,value,lower,upper" and made[1].endswith(",,")
    assert cli("predict", tmp_path / "model", "good", "--coverage", "0.9").out.count("\t") == 2
    refused: Callable[..., str] = lambda *more: cli("predict", tmp_path / "model", "good", *more).err  # noqa: E731
    assert "--abstain: the model predicts numbers" in refused("--abstain")
    assert "'per_class' needs a model that predicts labels" in refused("--per-class")
