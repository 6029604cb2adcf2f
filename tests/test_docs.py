"""The documentation says what the program does. TENOR_UPDATE_DOCS=1 writes the generated pages anew."""

import os
import re
from pathlib import Path

import pytest
from typer.main import get_command

from tenor.cli.main import app
from tenor.config import settings
from tenor.data.builtin import BUILTINS
from tenor.models import registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def commands_page() -> str:
    group = get_command(app)
    parts = [
        "# Commands\n\nThis page is what `tenor COMMAND --help` prints. Results go to standard output, everything\n"
        "else to standard error. The exit code is 0 when all went well, 1 for an error in the input or in a value\n"
        "(two lines say what and what to do), 2 for an option that there is not or is missing, 130 when interrupted,\n"
        "or 0 where `auto` was and had a model by then: it is saved.\n"
    ]
    commands = dict(group.commands)  # type: ignore[attr-defined]
    for name, inner in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(inner, "commands"):
            del commands[name]
            commands |= {f"{name} {each}": command for each, command in inner.commands.items()}
    for name, command in commands.items():
        width = {"terminal_width": 100, "max_content_width": 100}
        context = command.make_context(name, [], resilient_parsing=True, help_option_names=["-h", "--help"], **width)
        context.info_name = f"tenor {name}"
        parts.append(f"\n## tenor {name}\n\n```text\n{command.get_help(context).strip()}\n```\n")
    return "".join(parts)


def test_the_page_of_commands_is_what_help_prints() -> None:
    page = DOCS / "commands.md"
    if os.environ.get("TENOR_UPDATE_DOCS"):
        page.write_text(commands_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == commands_page()


@pytest.mark.parametrize("family", list(registry.FAMILIES))
def test_every_family_has_its_heading_and_every_setting_a_row_with_its_default(family: str) -> None:
    page = (DOCS / "families.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {family}\n")[1].split("\n## ")[0]
    for key, value in settings.as_dict(registry.FAMILIES[family].config()).items():
        row = re.search(rf"^\| `{key}` \| ([^|]*) \|", section, re.MULTILINE)
        assert row, f"docs/families.md has no row for {family}'s setting {key!r}"
        assert row[1].strip() == ("none" if value is None else str(value)), key


@pytest.mark.parametrize("name", list(BUILTINS))
def test_every_builtin_dataset_is_described(name: str) -> None:
    row = BUILTINS[name]
    page = (DOCS / "data.md").read_text(encoding="utf-8")
    assert f"| `{name}` | {row.rows:,} | {row.language} |" in page


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_every_folder_of_the_source(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for path in (ROOT / "src" / "tenor").iterdir():
        if path.is_dir() and path.name != "__pycache__":
            assert f"{path.name}/" in text, path.name


@pytest.mark.parametrize("page", sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*.md")))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / page).parent.joinpath(target).exists(), target
