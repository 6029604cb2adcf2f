"""Write the tables of settings into docs/reference/families.md and its Chinese twin.

The English text is the help of the settings classes; the catalogue of messages has it in Chinese.

    python tools/families.py            write the tables
    python tools/families.py --check    exit with 1 if a table is out of date

It needs Tenor, and neither Keras nor TensorFlow.
"""

import re
import sys
from pathlib import Path

from tenor._core.language import Language, tr, use_language
from tenor.config import settings
from tenor.models import registry

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "families.md"
CHINESE_PAGE = PAGE.with_name("families.zh.md")
ENGLISH_HEAD = "| setting | default | meaning |"
CHINESE_HEAD = "| 参数 | 默认 | 含义 |"


def main(arguments: list[str]) -> int:
    """Write the tables, or with `--check` compare them; returns the exit code."""
    code = 0
    pages: tuple[tuple[Path, str, Language], ...] = ((PAGE, ENGLISH_HEAD, "en"), (CHINESE_PAGE, CHINESE_HEAD, "zh"))
    for page, head, language in pages:
        text = updated = page.read_text(encoding="utf-8")
        for name, family in registry.FAMILIES.items():
            with use_language(language):
                updated = insert(page, updated, name, head, rows(family.config))
        if updated == text:
            continue
        if "--check" in arguments:
            print(f"The tables in {page.name} are out of date. Run: python tools/families.py")
            code = 1
        else:
            page.write_text(updated, encoding="utf-8")
    return code


def rows(config: type) -> str:
    """The settings of a class as rows of a table of Markdown, in the language of the moment."""
    return "".join(f"| `{row.name}` | {row.default} | {tr(row.help)} |\n" for row in settings.describe(config))


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
