import runpy
from pathlib import Path

import pytest

from helpers.families import QUICK
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
