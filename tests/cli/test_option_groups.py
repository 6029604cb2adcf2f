"""The help of a command with many options has headings."""

import pytest
from typer.main import get_command

from helpers.command import Cli
from tenor.cli import option_groups
from tenor.cli.main import app

COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_long_help_has_a_heading(name: str) -> None:
    options = [each for each in COMMANDS[name].params if each.param_type_name == "option"]
    sections = dict(option_groups.sections(options))
    assert sum(map(len, sections.values())) == len(options)
    if len(sections) > 1:
        assert {each.name for each in sections[option_groups.OTHER]} <= {"seed", "lang"}


def test_no_option_has_two_headings() -> None:
    names = [name for group in option_groups.GROUPS.values() for name in group]
    assert len(names) == len(set(names))


def test_every_group_is_used() -> None:
    known = {each.name for command in COMMANDS.values() for each in command.params}
    assert {name for group in option_groups.GROUPS.values() for name in group} <= known


def test_the_headings_of_the_help(cli: Cli) -> None:
    lines = cli("train", "--help").out.split("\n")
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings[:4] == ["Arguments:", "Data:", "Model and training:", "Held-out data:"]
    assert headings[-2:] == ["Cluster:", "Options:"]
    few = cli("verify", "--help").out
    assert "\nOptions:\n" in few and "\nData:\n" not in few


def test_the_help_in_chinese_has_chinese_headings_and_colons(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENOR_LANG", "zh")
    out = cli("train", "--help").out
    assert out.startswith("用法：tenor train [选项] [DATA]")
    assert "\n参数：\n" in out and "\n模型与训练：\n" in out and "\n选项：\n" in out
