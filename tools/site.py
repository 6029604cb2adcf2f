"""Build the site from the pages, which `make docs` does.

    python tools/site.py [FOLDER]    build into FOLDER, `site` by default
        --version NAME               the name of this version; the version of Tenor by default
        --without-results            do not run the notebooks: they have no results and charts

Each language is one site, with its own search and navigation: `FOLDER/en/VERSION` and `FOLDER/zh/VERSION`. Other
versions in FOLDER stay, and readers can choose between them: check out a tag, and build into the same folder.

The pages are copied first, so that `page.zh.md` becomes the page of the Chinese site. A page without a Chinese twin is
there in English. Pages outside `docs/`, such as the changelog, come along; links to other files lead to the repository.
Chapters of the guide come as notebooks too. The order of the navigation is that of the links on the index page of each
folder.
"""

import argparse
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import notebooks
import site_versions
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
SECTIONS = ("tutorials", "guide", "how-to", "reference", "explanation")
# The first page has no column of contents. Pages about the project come last in the results of a search.
FRONT_MATTER = {
    "index.md": "---\ntemplate: home.html\nhide: [navigation, toc]\n---\n\n",
    "project/": "---\nsearch:\n  boost: 0.3\n---\n\n",
}
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_CHAPTER = re.compile(r"\A# .+\n")


@dataclass(frozen=True)
class Language:
    """What differs between the sites of two languages.

    Attributes:
        code: Of the folder and of the theme.
        name: In the language itself.
        home: Title of the first page in the navigation.
        guide: Title of the guide in the navigation.
        project: Title of the pages about the project.
        api: First lines of the page of the API.
        notebook: Link to the notebook of a chapter.
        outdated: What pages of older versions say; the text after it is a link.
    """

    code: str
    name: str
    home: str
    guide: str
    project: str
    api: str
    notebook: str
    outdated: tuple[str, str]


LANGUAGES = (
    Language(
        "en",
        "English",
        home="Home",
        guide="Guide",
        project="Project",
        api="# API\n\nThe public names of `tenor`, from their docstrings.",
        notebook="Download this chapter as a Jupyter notebook",
        outdated=("This is an older version of the documentation.", "Read the latest version."),
    ),
    Language(
        "zh",
        "中文",
        home="首页",
        guide="从神经元到分类器",
        project="项目",
        api="# API\n\n`tenor` 的全部公开名称，内容取自源代码中的文档字符串（英文）。",
        notebook="下载本章的 Jupyter notebook",
        outdated=("这是旧版本的文档。", "查看最新版本。"),
    ),
)


def main(arguments: list[str]) -> int:
    """Build both languages; returns the exit code."""
    import jieba

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    jieba.setLogLevel(logging.WARNING)  # which its import sets to DEBUG
    options = parse(arguments)
    target = options.folder.resolve()
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
    with tempfile.TemporaryDirectory() as chapters:
        notebooks.write(Path(chapters), is_run=not options.without_results)
        for language in LANGUAGES:
            pages = ROOT / "build" / "site" / language.code
            stage(pages, language, repository, Path(chapters))
            file = pages.with_suffix(".yml")  # JSON is YAML
            values = settings(pages, language, target / language.code / options.version)
            file.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
            try:
                build(load_config(str(file), strict=True))
            except Abort as error:
                print(f"The site in {language.code} has warnings: {error}", file=sys.stderr)
                return 1
            site_versions.write_versions(target / language.code)
    site_versions.write_start(target, [language.code for language in LANGUAGES])
    print(f"{target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target}/index.html")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="Build the site from the pages.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "site", help="where the site goes")
    parser.add_argument("--version", default=tenor.__version__, help="name of this version, such as 0.2.0 or dev")
    parser.add_argument("--without-results", action="store_true", help="do not run the notebooks of the guide")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"\w[\w.+-]*", options.version) or options.version == site_versions.LATEST:
        parser.error(f"--version {options.version}: use letters, digits, '.', '+', '-' and '_'; 'latest' is taken.")
    return options


def settings(pages: Path, language: Language, target: Path) -> dict[str, Any]:
    """What the configuration of one language adds to mkdocs.yml, or replaces in it."""
    [other] = [each for each in LANGUAGES if each is not language]
    sentence, link = language.outdated
    return {
        "INHERIT": str(ROOT / "mkdocs.yml"),
        "docs_dir": str(pages),
        "site_dir": str(target),
        "nav": navigation(pages, language),
        "hooks": [str(ROOT / "tools" / "glossary_links.py")],
        "theme": {"custom_dir": str(ROOT / "tools" / "site_theme"), "language": language.code},
        "extra": {
            "alternate": [{"lang": other.code, "name": other.name, "link": f"../../{other.code}/{target.name}/"}],
            "outdated": {"sentence": sentence, "link": link},
        },
    }


def stage(pages: Path, language: Language, repository: str, chapters: Path) -> None:
    """Write the Markdown pages of one language, and all other files, into a new folder.

    Args:
        pages: the folder.
        language: the language.
        repository: address of the source, for links to files that are not in the site.
        chapters: folder with the notebooks of the guide.
    """
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
        chapter = chapters / page.with_suffix(".ipynb").name
        if name.startswith("guide/") and chapter.exists():
            shutil.copyfile(chapter, (pages / name).with_suffix(".ipynb"))
            text = with_notebook(text, f"{source.stem}.ipynb", language)
        front = next((front for start, front in FRONT_MATTER.items() if name.startswith(start)), "")
        (pages / name).write_text(front + text, encoding="utf-8")
    blocks = "".join(f"\n::: {tenor._MODULES[name]}.{name}\n" for name in sorted(tenor._MODULES))
    (pages / "reference" / "api.md").write_text(language.api + "\n" + blocks, encoding="utf-8")


def with_notebook(text: str, notebook: str, language: Language) -> str:
    """A chapter of the guide, with a link to its notebook below the heading."""
    link = f'[{language.notebook}]({notebook}){{ .notebook download="{notebook}" }}'
    return _CHAPTER.sub(lambda match: f"{match[0]}\n{link}\n", text)


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
    titles = {section: title(pages / section / "index.md") for section in SECTIONS} | {"guide": language.guide}
    sections = [{titles[section]: section_pages(pages / section)} for section in SECTIONS]
    project = [*section_pages(pages / "contributing"), *PROJECT.values()]
    return [{language.home: "index.md"}, *sections, "glossary.md", {language.project: project}]


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
