"""The library names options as Python does; only the command line speaks of flags."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import tenor
from tenor.cli.main import app
from tenor.cli.spelling import OPTION, with_flags

LIBRARY = Path(tenor.__file__).parent
SOURCES = {path: path.read_text() for path in sorted(LIBRARY.rglob("*.py")) if "cli" not in path.parts}
_FLAG = re.compile(r"(?<!var\()(?<![\w-])--[a-z{][a-z-]*(?![\w-]*:)")
_COMMAND = re.compile(r"\b(tenor [a-z]+|pip install|mlflow ui|tensorboard)\b")


@pytest.mark.parametrize(
    ("python", "flags"),
    [
        ("Name it with `text=...`.", "Name it with --text."),
        ("replace it (`overwrite=True`)", "replace it (--overwrite)"),
        ("`fix=OUT` writes it", "--fix OUT writes it"),
        ("use `task='multiclass'`", "use --task multiclass"),
        ("with `merge='card dept=card'`", "with --merge 'card dept=card'"),
        ("`drop_unlabelled=True`, `test_size=...`", "--drop-unlabelled, --test-size"),
        ("`on_disk=False` or `on_disk=True`", "--in-memory or --on-disk"),
        ("`by=...`: there is none", "--slice: there is none"),
        ("text=... and the label `good`", "text=... and the label `good`"),
    ],
)
def test_an_option_becomes_its_flag(python: str, flags: str) -> None:
    assert with_flags(python) == flags


def test_only_the_command_line_speaks_of_flags() -> None:
    """But for whole commands, which can be typed as they stand."""
    lines = [(path.name, line) for path, source in SOURCES.items() for line in source.splitlines()]
    flags = [(name, line, flag) for name, line in lines for flag in _FLAG.finditer(line)]
    assert len(flags) > 5  # commands
    assert [(name, line) for name, line, flag in flags if not _COMMAND.search(line[: flag.start()])] == []


def test_each_option_of_a_message_is_a_flag_of_a_command() -> None:
    known = set(_flags(typer.main.get_command(app)))
    named = {match[0] for source in SOURCES.values() for match in OPTION.finditer(source)}
    assert len(named) > 20
    assert {option for option in named if with_flags(option).split()[0] not in known} == set()


def _flags(command: object) -> Iterator[str]:
    for parameter in getattr(command, "params", []):
        yield from (*parameter.opts, *parameter.secondary_opts)
    for each in getattr(command, "commands", {}).values():
        yield from _flags(each)
