"""Write the glossary into the package: docs/glossary.md and its Chinese twin into src/tenor/help/terms.json.

    python tools/terms.py            write the file
    python tools/terms.py --check    exit with 1 if it is out of date

`tenor help TERM` and the report read it, since a model folder has to explain its words without the documentation.
Standard library only.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src" / "tenor" / "help" / "terms.json"
GLOSSARIES = {"en": ROOT / "docs" / "glossary.md", "zh": ROOT / "docs" / "glossary.zh.md"}
_ROW = re.compile(r"^\| (?!-)([^|]+?) \| ([^|]+?) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
# `: [how](...)` at the end of a meaning leads on within the documentation alone.
_LAST_LINK = re.compile(r"[:：] ?\[(?!`)[^\]]*\]\([^)]*\)$")


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it; returns the exit code."""
    terms = {language: rows(page.read_text(encoding="utf-8")) for language, page in GLOSSARIES.items()}
    text = json.dumps(terms, ensure_ascii=False, indent=1) + "\n"
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        print(f"{TARGET.relative_to(ROOT)} is out of date. Run: python tools/terms.py")
        return 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


def rows(text: str) -> list[dict[str, object]]:
    """The terms of a glossary: their names, the names as one title, and their meaning without marks and links."""
    result = []
    for title, meaning in _ROW.findall(text)[1:]:  # the first row is the head of the table
        meaning = _LINK.sub(r"\1", _LAST_LINK.sub("", meaning)).replace("`", "")
        names = [name.strip() for name in re.split(r"[,，、()（）]", title) if name.strip()]
        result.append({"names": names, "title": title, "meaning": meaning})
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
