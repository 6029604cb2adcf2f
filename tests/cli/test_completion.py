"""The Tab key: what `tenor --install-completion` completes, in one process and in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from helpers.command import Cli
from tenor.cli import completion
from tenor.cli.main import app
from tenor.config import settings
from tenor.help.topics import PAGES
from tenor.models import registry


def completed(*words: str) -> list[str]:
    """What the last word of a command line is completed to."""
    from typer._completion_classes import BashComplete

    group: Any = get_command(app)
    shell = BashComplete(group, {}, "tenor", "_TENOR_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table, one of whose names could do harm, and a model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,处理组,x\\$(touch y),two words\nfine,good,1,2\n", encoding="utf-8")
    (tmp_path / "runs" / "reviews").mkdir(parents=True)
    (tmp_path / "runs" / "reviews" / "tenor.json").write_text("{}", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tra"], ["train"]),
        (["train", "--fam"], ["--family"]),
        (["train", "--family", "l"], ["lstm"]),
        (["train", "--family", ""], sorted(registry.FAMILIES)),
        (["train", "--family", "lstm", "--set", "unit"], ["units="]),
        (["tune", "a.csv", "--set", ""], [f"{key}=" for key in settings.as_dict(registry.FAMILIES["ngram"].config())]),
        (["train", "a.csv", "--label", ""], ["text", "处理组"]),
        (["train", "a.csv", "--text", "te"], ["text"]),
        (["predict", "runs/reviews", "a.csv", "--text", "te"], ["text"]),
        (["train", "absent.csv", "--label", ""], []),
        (["train", "--label", ""], []),
        (["train", ""], []),
        (["train", "im"], ["imdb"]),
        (["train", "--task", "r"], ["regression"]),
        (["predict", ""], ["runs/reviews"]),
        (["predict", "r"], ["runs/reviews"]),
        (["help", "la"], ["labels", "languages"]),
        (["help", ""], list(PAGES)),
    ],
)
def test_the_last_word_is_completed(words: list[str], expected: list[str]) -> None:
    assert completed(*words) == expected


def test_a_file_that_cannot_be_read_completes_nothing(folder: Path) -> None:
    (folder / "b.csv").write_bytes(b"\x00\xff\x00")
    context: Any = type("Context", (), {"params": {"data": "b.csv"}, "args": []})()
    assert completion.columns(context, "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script(shell: str) -> None:
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="tenor", complete_var="_TENOR_COMPLETE", shell=shell)
    assert "_TENOR_COMPLETE=complete_" + shell in script


def test_the_help_names_both_options(cli: Cli) -> None:
    shown = cli("--help").out
    assert "--install-completion" in shown and "--show-completion" in shown


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_with_the_script_without_loading_a_network_library(folder: Path) -> None:
    from typer._completion_shared import get_completion_script

    program = folder / "tenor"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom tenor.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    open('loaded', 'w').write(str([x for x in ('keras', 'tensorflow', 'jax') if x in sys.modules]))\n"
    )
    program.chmod(0o755)
    script = get_completion_script(prog_name="tenor", complete_var="_TENOR_COMPLETE", shell="bash")
    lines = f"{script}\nCOMP_WORDS=(tenor train a.csv --family ls)\nCOMP_CWORD=4\n_tenor_completion {program}\n"
    done = subprocess.run(
        ["bash", "--norc", "-c", lines + 'echo "${COMPREPLY[@]}"'],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.stderr) == ("lstm\n", "")
    assert (folder / "loaded").read_text() == "[]"


def test_families_are_those_of_the_registry() -> None:
    assert completion.families("") == sorted(registry.FAMILIES)
