"""The topics of `tenor help`: one short page each, in English and Chinese, and where to read more.

A topic is `topics/NAME.md` with its Chinese twin `topics/NAME.zh.md`. Its first line is `# NAME: what it is about`. The
pages are Markdown that reads well as plain text: paragraphs, and blocks of commands that are indented.
"""

import difflib
import os
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from tenor._core.language import Language

DOCS_VARIABLE = "TENOR_DOCS"
"""Environment variable: the address of the documentation, of one version, as `make docs` builds it."""

PAGES = {
    "data": "reference/data.md",
    "labels": "reference/data.md",
    "fields": "reference/data.md",
    "families": "reference/families.md",
    "settings": "reference/families.md",
    "budget": "reference/families.md",
    "evaluation": "how-to/evaluate-and-compare.md",
    "coverage": "explanation/trust.md",
    "explain": "how-to/explain.md",
    "serve": "reference/serving.md",
    "encoders": "guide/09-transfer.md",
    "cluster": "how-to/scale.md",
    "languages": "tutorials/chinese.md",
    "install": "index.md",
    "errors": "reference/commands.md",
}
"""Topic -> the page of `docs/` that says more. The order is that in which topics are listed."""

# Other words for a topic.
_ALIASES = {
    "chinese": "languages",
    "columns": "fields",
    "completion": "install",
    "features": "fields",
    "formats": "data",
    "models": "families",
    "predict": "serve",
    "pretrained": "encoders",
    "numbers": "labels",
    "ray": "cluster",
    "regression": "labels",
    "report": "evaluation",
    "server": "serve",
    "test": "evaluation",
    "中文": "languages",
    "数据": "data",
    "标签": "labels",
    "错误": "errors",
}
_CHECKOUT = Path(__file__).parents[3] / "docs"  # where Tenor runs from its source


class Topic(NamedTuple):
    """A topic.

    Attributes:
        name: Its name, one English word.
        summary: What it is about, in a few words.
        text: Its page, plain text without the first line.
    """

    name: str
    summary: str
    text: str


def find(word: str) -> str | None:
    """The name of the topic that a word names; None if there is none."""
    word = word.casefold()
    name = _ALIASES.get(word, word)
    return name if name in PAGES else None


def similar(word: str, terms: list[str]) -> list[str]:
    """Up to three topics or terms that are spelled like the word."""
    return difflib.get_close_matches(word.casefold()[:100], [*PAGES, *_ALIASES, *terms], n=3, cutoff=0.6)


def read(name: str, language: Language) -> Topic:
    """A topic in a language."""
    ending = ".zh.md" if language == "zh" else ".md"
    file = resources.files("tenor.help").joinpath("topics", name + ending)
    head, _, text = file.read_text(encoding="utf-8").partition("\n")
    _, _, summary = head.replace("：", ": ").partition(": ")
    return Topic(name, summary.strip(), text.partition("\n<!--")[0].replace("`", "").strip("\n"))


def address(page: str, language: Language) -> str:
    """Where a page of the documentation is: on the site, in the checkout, or its name in the source."""
    site = os.environ.get(DOCS_VARIABLE, "").rstrip("/")
    if site:
        return f"{site}/{language}/{page.removesuffix('.md')}.html"
    name = page.removesuffix(".md") + (".zh.md" if language == "zh" else ".md")
    return str(_CHECKOUT / name) if (_CHECKOUT / name).is_file() else f"docs/{name}"
