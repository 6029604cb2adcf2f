import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.families import QUICK
from tenor._core.language import use_language
from tenor.config.run_config import RunConfig
from tenor.training import pipeline

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_demo_shows_results_and_labels(
    english_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = runpy.run_path(str(EXAMPLES / "demo.py"))
    trained = pipeline.train(RunConfig(str(english_csv), family="ngram", out=str(tmp_path / "model"), settings=QUICK))
    demo["show"]({"ngram": trained})
    shown = capsys.readouterr().out
    assert "accuracy" in shown and f"tenor predict {tmp_path / 'model'}" in shown
    assert all(sentence in shown for sentence in demo["SENTENCES"])
    with use_language("zh"):
        demo["show"]({"ngram": trained})
    assert "留出的评论" in capsys.readouterr().out


@pytest.fixture
def two_files(tmp_path: Path) -> list[str]:
    """A training and a test file with clear texts and, in the training file, some that have either label."""
    names = []
    for name, rows in (("train", 120), ("test", 60)):
        path = tmp_path / f"{name}.csv"
        names.append(str(path))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            for number in range(rows):
                word, label = ("good", "yes") if number % 2 else ("dull", "no")
                writer.writerow([f"a {word} film, number {number} of the {name}", label])
    return names


def test_the_threshold_is_the_lowest_with_enough_right_answers() -> None:
    choose = runpy.run_path(str(EXAMPLES / "automation.py"))["choose_threshold"]
    confidence = np.linspace(1.0, 0.0, 1001)
    right = confidence >= 0.4  # all right above 0.4: 601 answers
    threshold = choose(confidence, right, 0.9)
    automatic = confidence >= threshold
    assert 0.9 <= right[automatic].mean() < 0.93
    assert choose(confidence, np.zeros(1001, bool), 0.9) == np.inf
    assert choose(np.full(1001, 0.7), right, 0.9) == np.inf  # equal confidence: all or none


def test_the_share_of_automatic_answers_is_reported(
    two_files: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["automation.py", *two_files, "--right", "0.8"])
    runpy.run_path(str(EXAMPLES / "automation.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "accuracy on all test texts     1.000" in out
    assert "right, of the automatic ones   1.000" in out


def test_near_duplicates_are_reported_by_similarity(
    two_files: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["near_duplicates.py", *two_files, "--elsewhere", two_files[1]])
    examples = runpy.run_path(str(EXAMPLES / "near_duplicates.py"))
    assert examples["highest_similarity"](["a b", ""], ["a b c d", "e"]).tolist() == [0.5, 0.0]
    examples["main"]()
    out = capsys.readouterr().out
    assert "similarity from 0.6 to 0.8:   60 texts, accuracy 1.000" in out
    assert "texts about something else: confidence above 0.5 for 1.000" in out
