"""Build the site from the pages: `python tools/site.py [FOLDER]`, which `make docs` calls.

Each language is one site, with its own search and navigation: `FOLDER/VERSION/en` and `FOLDER/VERSION/zh`. The pages
are copied first, so that `page.zh.md` becomes the page of the Chinese site. A page without a Chinese twin is there in
English. Pages outside `docs/`, such as the changelog, come along; links to other files lead to the repository.

The order of the navigation is that of the links on the index page of each folder.
"""

import json
import logging
import os
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

import tenor

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# Pages outside `docs/`, and where they stand in the site.
PROJECT = {
    "CHANGELOG.md": "project/changelog.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "bench/RESULTS.md": "project/results.md",
    "bench/NOTES.md": "project/measurements.md",
}
SECTIONS = ("tutorials", "guide", "how-to", "reference", "explanation", "contributing")
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Language:
    """What differs between the sites of two languages."""

    code: str  # of the folder and of the theme
    name: str
    project: str  # heading of the pages about the project
    api: str  # first lines of the page of the API


LANGUAGES = (
    Language("en", "English", "Project", "# API\n\nThe public names of `tenor`, from their docstrings."),
    Language("zh", "中文", "项目", "# API\n\n`tenor` 的全部公开名称，内容取自源代码中的文档字符串（英文）。"),
)


def main(arguments: list[str]) -> int:
    """Build both languages into a folder, `site` by default; returns the exit code."""
    import jieba

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    jieba.setLogLevel(logging.WARNING)  # which its import sets to DEBUG
    target = Path(arguments[0] if arguments else ROOT / "site").resolve()
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
    for language in LANGUAGES:
        pages = ROOT / "build" / "site" / language.code
        stage(pages, language, repository)
        file = pages.with_suffix(".yml")  # JSON is YAML
        file.write_text(json.dumps(settings(pages, language, target), ensure_ascii=False), encoding="utf-8")
        try:
            build(load_config(str(file), strict=True))
        except Abort as error:
            print(f"The site in {language.code} has warnings: {error}", file=sys.stderr)
            return 1
    for folder in (target, target / tenor.__version__):
        start = "en/index.html" if folder != target else f"{tenor.__version__}/en/index.html"
        (folder / "index.html").write_text(f'<meta http-equiv="refresh" content="0; url={start}">\n', encoding="utf-8")
    print(f"{target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target}/index.html")
    return 0


def settings(pages: Path, language: Language, target: Path) -> dict[str, Any]:
    """What the configuration of one language adds to mkdocs.yml, or replaces in it."""
    [other] = [each for each in LANGUAGES if each is not language]
    return {
        "INHERIT": str(ROOT / "mkdocs.yml"),
        "site_name": f"Tenor {tenor.__version__}",
        "docs_dir": str(pages),
        "site_dir": str(target / tenor.__version__ / language.code),
        "nav": navigation(pages, language),
        "theme": {"custom_dir": str(ROOT / "tools" / "site_theme"), "language": language.code},
        "extra": {"alternate": [{"lang": other.code, "name": other.name, "link": ""}]},
    }


def stage(pages: Path, language: Language, repository: str) -> None:
    """Write the Markdown pages of one language, and all other files, into a new folder."""
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("*.md"))
    sources = {path: path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if not is_chinese(path)}
    sources |= {ROOT / name: target for name, target in PROJECT.items()}
    links = {**sources, ROOT / "README.md": "index.md"}
    for source, name in sources.items():
        chinese = source.with_name(f"{source.stem}.zh.md")
        is_english_in_chinese = language.code == "zh" and not chinese.exists()
        page = chinese if language.code == "zh" and chinese.exists() else source
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        text = relink(page.read_text(encoding="utf-8"), source, name, links, repository, is_english_in_chinese)
        (pages / name).write_text(text, encoding="utf-8")
    blocks = "".join(f"\n::: {tenor._MODULES[name]}.{name}\n" for name in sorted(tenor._MODULES))
    (pages / "reference" / "api.md").write_text(language.api + "\n" + blocks, encoding="utf-8")


def is_chinese(path: Path) -> bool:
    """Whether the path names a Chinese page."""
    return path.name.endswith(".zh.md")


def relink(
    text: str, source: Path, name: str, links: dict[Path, str], repository: str, is_english_in_chinese: bool
) -> str:
    """The text of a page with its links changed for the site.

    Args:
        text: a page of Markdown.
        source: its path; of a Chinese page, the path of the English one.
        name: its path in the site.
        links: path -> path in the site, of all pages.
        repository: address of the source, for links to files that are not in the site.
        is_english_in_chinese: an English page of the Chinese site; its anchors become those of the Chinese pages.
    """

    def change(match: re.Match[str]) -> str:
        path, mark, anchor = match[2].partition("#")
        if not path or ":" in path:
            return match[0]
        target = (source.parent / path).resolve()
        if is_chinese(target):
            target = target.with_name(target.name.removesuffix(".zh.md") + ".md")
        if is_english_in_chinese and anchor:
            anchor = chinese_anchor(target, anchor)
        if target in links:
            link = os.path.relpath(links[target], Path(name).parent).replace(os.sep, "/")
        elif target.is_relative_to(DOCS) and target.is_file():
            link = os.path.relpath(target.relative_to(DOCS), Path(name).parent).replace(os.sep, "/")
        else:
            return f"{match[1]}{repository}/tree/main/{target.relative_to(ROOT).as_posix()}{match[3]}"
        return f"{match[1]}{link}{mark}{anchor}{match[3]}"

    return "".join(part if part.lstrip().startswith("```") else _LINK.sub(change, part) for part in _FENCE.split(text))


def chinese_anchor(page: Path, anchor: str) -> str:
    """The anchor of the same heading on the Chinese twin of a page; the English one if there is no twin."""
    twin = page.with_name(f"{page.stem}.zh.md")
    if not twin.exists():
        return anchor
    english, chinese = (heading_anchors(path.read_text(encoding="utf-8")) for path in (page, twin))
    return chinese[english.index(anchor)]


def heading_anchors(text: str) -> list[str]:
    """The anchors of the headings of a page, in their order."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain]


def navigation(pages: Path, language: Language) -> list[Any]:
    """The navigation: the index page, a part for each folder, and the pages about the project."""
    result: list[Any] = ["index.md"]
    for section in SECTIONS:
        folder = pages / section
        if (folder / "index.md").exists():
            result.append({title(folder / "index.md"): section_pages(folder)})
    result.append("glossary.md")
    return [*result, {language.project: list(PROJECT.values())}]


def section_pages(folder: Path) -> list[str]:
    """The index page of a folder, the pages that it links in their order, and then all others."""
    text = (folder / "index.md").read_text(encoding="utf-8")
    linked = [match[2].partition("#")[0] for match in _LINK.finditer(text)]
    names = ["index.md", *linked, *sorted(path.name for path in folder.glob("*.md"))]
    return [f"{folder.name}/{name}" for name in dict.fromkeys(names) if (folder / name).is_file() and "/" not in name]


def title(page: Path) -> str:
    """The first heading of a page."""
    match = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise SystemExit(f"{page.name}: there is no heading")
    return match[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
