"""Some of what `make fuzz` does, and that it sees what it looks for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOLDERS = {path.name for path in (HERE.parent / "golden" / "format-2").iterdir()}


def fuzz(*arguments: str, code: str = "") -> dict[str, object]:
    """Run the fuzzer in a process of its own, after some code."""
    program = f"import sys; sys.argv[1:] = {[*arguments, '--json']!r}; import run, trial\n{code}\nsys.exit(run.main())"
    places = [str(HERE), *filter(None, sys.path)]
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_every_changed_folder_is_refused_or_predicts_as_it_should() -> None:
    result = fuzz("--count", "240", "--seed", "7")
    assert result["faults"] == []
    assert result["changes"] == 240 and set(result["by_folder"]) >= FOLDERS
    assert min(result["refused"], result["equal"]) > 40  # it changes what matters, and what does not


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("def answers(folder): raise KeyError('labels')", "KeyError: 'labels'"),
        ("def answers(folder): run.os.abort()", "SIGABRT"),
        ("def answers(folder): return [float('nan')]", "answers are no JSON"),
        ("def answers(folder): return bytearray(1 << 33)", "MemoryError"),
        ("run.SECONDS = 1\ndef answers(folder):\n    while True: pass", "SIGXCPU"),
        ("def answers(folder): raise trial.BundleError('something is wrong', '')", "vague: something is wrong"),
    ],
)
def test_faults_are_seen(code: str, problem: str) -> None:
    code += "\nrun.answers_of = lambda subject: 0\ntrial.ANSWERS = dict.fromkeys(trial.ANSWERS, answers)"
    result = fuzz("--count", "2", code=code)
    assert [fault["problem"].startswith(problem) for fault in result["faults"]] == [True, True]
