"""The manual pages of the commands."""

import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from tenor.cli.main import app

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "man.py"))
MACROS = re.compile(r"^\.(TH|SH|TP|PP)( |$)")


@pytest.fixture(scope="module", params=["en", "zh"])
def pages(request: pytest.FixtureRequest) -> dict[str, str]:
    return dict(TOOL["pages"](request.param))


def test_every_command_has_a_page_with_every_option(pages: dict[str, str]) -> None:
    group = get_command(app)
    assert {f"tenor-{name}" for name in group.commands} < set(pages)  # type: ignore[attr-defined]
    assert "tenor-corrections-export" in pages
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        text = pages[f"tenor-{name}"].replace("\\-", "-")
        shown = [each for each in command.params if not getattr(each, "hidden", False)]
        for option in (option for each in shown for option in each.opts if option.startswith("--")):
            assert option in text, (name, option)


def test_no_text_is_read_as_a_request(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        for line in page.splitlines():
            assert MACROS.match(line) or not line.startswith((".", "'")), (name, line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a-b", "a\\-b"), (".x", "\\&.x"), ("'x", "\\&'x"), ("a\n  b", "a b"), ("a\\b", "a\\eb"), ("", "")],
)
def test_texts_are_escaped(text: str, expected: str) -> None:
    assert TOOL["escaped"](text) == expected


def test_groff_has_nothing_to_warn_of(tmp_path: Path) -> None:
    TOOL["main"]([str(tmp_path)])
    assert (tmp_path / "zh" / "man1" / "tenor-train.1").read_text(encoding="utf-8").count("\n.TP\n") > 40
    if groff := shutil.which("groff"):
        page = str(tmp_path / "man1" / "tenor-train.1")
        done = subprocess.run([groff, "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True, check=True)
        assert done.stderr == ""
