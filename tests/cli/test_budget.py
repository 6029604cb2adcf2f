"""`tenor train --budget`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.command import Cli

pytestmark = pytest.mark.slow


def test_little_time_saves_a_model_that_predicts(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    trained = cli("train", english_csv, "--budget", "2s", "--out", tmp_path / "model")
    assert trained.code == 0
    about = json.loads((tmp_path / "model" / "tenor.json").read_text(encoding="utf-8"))
    members = about["settings"].pop("members")  # how many n-gram models were tried depends on the machine
    assert members[0] == "ngram"
    assert {member.split()[0] for member in members} == {"ngram"}
    free = {"maximum_size": None, "maximum_latency": None, "distil": None, "download": False}
    assert (about["family"], about["settings"]) == ("auto", {"budget": 2.0, **free})
    assert cli("predict", tmp_path / "model", "a superb film").out.startswith("positive")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--budget", "soon"], "'soon' is not a valid duration"),
        (["--budget", "0m"], "'0m' is not a valid duration"),
        (["--budget", "5m", "--family", "lstm"], "--family is 'lstm'"),
        (["--max-size", "5", "--family", "lstm"], "--max-size chooses the best model"),
        (["--budget", "2s", "--max-size", "0.0001"], "the smallest has"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(
    cli: Cli, tmp_path: Path, english_csv: Path, arguments: list[str], problem: str
) -> None:
    refused = cli("train", english_csv, *arguments, "--out", tmp_path / "model")
    assert refused.code == 1
    assert problem in refused.err
    assert not (tmp_path / "model").exists()


def test_a_run_file_takes_a_time_in_words(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    (tmp_path / "run.toml").write_text('[settings]\nbudget = "2s"\n', encoding="utf-8")
    trained = cli("train", english_csv, "--config", tmp_path / "run.toml", "--out", tmp_path / "model", "--no-report")
    assert trained.code == 0, trained.err
    about = json.loads((tmp_path / "model" / "tenor.json").read_text(encoding="utf-8"))
    assert about["settings"]["budget"] == 2.0
    refused = cli("train", english_csv, "--set", "budget=soon", "--out", tmp_path / "other")
    assert (refused.code, "budget: 'soon' is not a valid duration" in refused.err) == (1, True)


def test_what_kills_the_search_leaves_a_model(tmp_path: Path, english_csv: Path, cli: Cli) -> None:
    members = 'members=["ngram", "bag epochs=100000 patience=none"]'
    command = [sys.executable, "-m", "tenor", "train", str(english_csv), "--family", "auto", "--set", members]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "model")], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("a first model is saved in"):
                process.kill()
                break
        process.stderr.read()
    assert cli("predict", tmp_path / "model", "a superb film").out.startswith("positive")


def test_sigterm_saves_what_is_ready(tmp_path: Path, english_csv: Path) -> None:
    members = 'members=["ngram", "bag epochs=100000 patience=none"]'
    often = "from tenor.cli import console, main; console._LINE_EVERY_S = 0.1; main()"
    command = [sys.executable, "-c", often, "train", str(english_csv), "--family", "auto", "--set", members]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "model"), "--no-report"], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        heard = []
        for line in process.stderr:
            heard.append(line)
            if line.startswith("bag, epoch"):
                process.send_signal(signal.SIGTERM)
                break
        told = process.stderr.read()
        assert process.wait(60) == 0
    assert "those that are ready are saved" in told
    assert "absl" not in "".join(heard)  # what the backend says of itself is kept from people
    assert (tmp_path / "model" / "manifest.json").is_file()


def test_texts_without_labels_and_a_small_model_in_place_of_the_blend(
    cli: Cli, tmp_path: Path, english_csv: Path
) -> None:
    others = tmp_path / "others.txt"
    others.write_text("".join(f"a film of 19{row:02}, quite superb\n" for row in range(80)), encoding="utf-8")
    members = 'members=["ngram", "ngram unlabelled=60"]'
    command = ["train", english_csv, "--unlabelled", others, "--distil", "ngram word_ngrams=[1]", "--set", members]
    trained = cli(*command, "--out", tmp_path / "model", "--no-report")
    assert trained.code == 0, trained.err
    assert "80 texts without labels" in trained.err
    about = json.loads((tmp_path / "model" / "tenor.json").read_text(encoding="utf-8"))
    assert about["unlabelled"]["rows"] == 80
    assert about["settings"]["distil"] == "ngram word_ngrams=[1] unlabelled=80"
    assert cli("predict", tmp_path / "model", "a superb film").out.startswith("positive")
    refused = cli("train", english_csv, "--unlabelled", others, "--family", "ngram", "--out", tmp_path / "other")
    assert refused.code == 1
    assert "'ngram' trains on labelled texts alone" in refused.err


def test_a_search_comes_before_training(cli: Cli, tmp_path: Path, english_csv: Path) -> None:
    pytest.importorskip("optuna")
    out = tmp_path / "model"
    trained = cli("train", english_csv, "--family", "ngram", "--tune", "3", "--out", out, "--no-report")
    assert trained.code == 0, trained.err
    assert "3 trials: loss" in trained.err
    assert (tmp_path / "model-tuning" / "best.toml").is_file()
    about = json.loads((out / "tenor.json").read_text(encoding="utf-8"))
    assert about["family"] == "ngram"
    refused = cli("train", english_csv, "--tune", "3", "--out", tmp_path / "other")
    assert refused.code == 1
    assert "'auto' has nothing to tune" in refused.err
