"""Write the tables of settings into docs/reference/families.md and its Chinese twin.

The English text is the help of the settings classes; tools/settings.zh.json has it in Chinese.

    python tools/families.py            write the tables
    python tools/families.py --check    exit with 1 if a table is out of date

It needs Tenor, and neither Keras nor TensorFlow.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tenor.config import settings
from tenor.models import registry

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "families.md"
CHINESE_PAGE = PAGE.with_name("families.zh.md")
CHINESE = ROOT / "tools" / "settings.zh.json"
ENGLISH_HEAD = "| setting | default | meaning |"
CHINESE_HEAD = "| 参数 | 默认 | 含义 |"


def main(arguments: list[str]) -> int:
    """Write the tables, or with `--check` compare them; returns the exit code."""
    chinese = json.loads(CHINESE.read_text(encoding="utf-8"))
    code = 0
    for page, head, words in ((PAGE, ENGLISH_HEAD, None), (CHINESE_PAGE, CHINESE_HEAD, chinese)):
        text = updated = page.read_text(encoding="utf-8")
        for name, family in registry.FAMILIES.items():
            updated = insert(page, updated, name, head, rows(family.config, words))
        if updated == text:
            continue
        if "--check" in arguments:
            print(f"The tables in {page.name} are out of date. Run: python tools/families.py")
            code = 1
        else:
            page.write_text(updated, encoding="utf-8")
    return code


def rows(config: type, words: Mapping[str, str] | None = None) -> str:
    """The settings of a class as rows of a table of Markdown.

    Args:
        config: the settings class of a family.
        words: English help -> its text in another language; None keeps the English one.
    """
    lines = []
    for row in settings.describe(config):
        if words is not None and row.help not in words:
            raise SystemExit(f"{CHINESE.name} has no Chinese text for the help of '{row.name}': {row.help}")
        lines.append(f"| `{row.name}` | {row.default} | {row.help if words is None else words[row.help]} |\n")
    return "".join(lines)


def insert(page: Path, text: str, family: str, head: str, lines: str) -> str:
    """The text of a page with these rows in the table of the family's section."""
    table = re.compile(rf"^{re.escape(head)}\n\|---\|---\|---\|\n(?:\|.*\n)*", re.MULTILINE)
    before, heading, after = text.partition(f"\n## {family}\n")
    section, following, rest = after.partition("\n## ")
    if not heading or not table.search(section):
        raise SystemExit(f"{page.name} has no section '## {family}' with a table that begins: {head}")
    section = table.sub(lambda _: f"{head}\n|---|---|---|\n{lines}", section, count=1)
    return before + heading + section + following + rest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
