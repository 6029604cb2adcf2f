"""`tenor` alone says what to do next."""

import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from helpers.command import Cli
from tenor.cli.main import app


def printed_commands(text: str) -> list[list[str]]:
    """The command lines that are indented in the text."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("  tenor ")]
    return [shlex.split(line.partition("  ")[0])[1:] for line in lines]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_command_the_first_steps_are_printed(cli: Cli) -> None:
    done = cli()
    assert (done.code, done.err) == (0, "")
    assert [line[0] for line in printed_commands(done.out)] == ["train", "check", "train"]
    assert "newest model" not in done.out


def test_the_newest_model_is_named_with_what_can_be_done(cli: Cli, folder: Path) -> None:
    for number, name in enumerate(("old", "my new")):
        (folder / "runs" / name).mkdir(parents=True)
        (folder / "runs" / name / "tenor.json").write_text("{}", encoding="utf-8")
        os.utime(folder / "runs" / name / "tenor.json", (number, number))
    (folder / "runs" / "no-model").mkdir()
    done = cli()
    assert "Your newest model is 'runs/my new':" in done.out
    assert [line[:2] for line in printed_commands(done.out)[3:]] == [
        [command, "runs/my new"] for command in ("predict", "explain", "evaluate", "serve")
    ]


def test_the_commands_that_are_printed_can_be_typed(cli: Cli, folder: Path) -> None:
    (folder / "runs" / "a").mkdir(parents=True)
    (folder / "runs" / "a" / "tenor.json").write_text("{}", encoding="utf-8")
    group: Any = get_command(app)
    lines = printed_commands(cli().out)
    assert len(lines) == 7
    for name, *arguments in lines:
        group.commands[name].make_context(name, arguments)
