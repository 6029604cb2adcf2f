"""Write the tables of settings into docs/reference/families.md, from the help of the settings classes.

    python tools/families.py            write the tables
    python tools/families.py --check    exit with 1 if a table is out of date

It needs Tenor, and neither Keras nor TensorFlow.
"""

import re
import sys
from pathlib import Path

from tenor.config import settings
from tenor.models import registry

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "families.md"
_TABLE = re.compile(r"^\| setting \| default \| meaning \|\n(?:\|.*\n)+", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Write the tables, or with `--check` compare them; returns the exit code."""
    text = PAGE.read_text(encoding="utf-8")
    updated = text
    for name, family in registry.FAMILIES.items():
        updated = insert(updated, name, table(family.config))
    if updated == text:
        return 0
    if "--check" in arguments:
        print(f"The tables in {PAGE.name} are out of date. Run: python tools/families.py")
        return 1
    PAGE.write_text(updated, encoding="utf-8")
    return 0


def table(config: type) -> str:
    """The settings of a class as a table of Markdown."""
    rows = (f"| `{row.name}` | {row.default} | {row.help} |\n" for row in settings.describe(config))
    return "".join(["| setting | default | meaning |\n", "|---|---|---|\n", *rows])


def insert(page: str, family: str, rows: str) -> str:
    """The page with these rows in the table of the family's section."""
    before, heading, after = page.partition(f"\n## {family}\n")
    section, following, rest = after.partition("\n## ")
    if not heading or not _TABLE.search(section):
        raise SystemExit(f"{PAGE.name} has no section '## {family}' with a table that begins: | setting | default |")
    return before + heading + _TABLE.sub(lambda _: rows, section, count=1) + following + rest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
