"""Link the first use of each term of the glossary on a page of the site, with its meaning as a tooltip.

A hook of MkDocs, which tools/site.py names. The Markdown stays plain. Headings, code and other links are left alone.
"""

import html
import re
from typing import Any

from mkdocs.utils import get_relative_url

from tenor._core.language import Language
from tenor.help.terms import Term, glossary, replace

GLOSSARY = "glossary.html"
# Pages about the project, and signatures of Python, are for readers who know these words.
_WITHOUT_LINKS = ("glossary", "reference/api", "project/", "contributing/")
_SKIPPED = frozenset({"a", "abbr", "button", "code", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "summary", "svg", "th"})
_TAG = re.compile(r"(<!--.*?-->|<[^>]+>)", re.DOTALL)
_NAME = re.compile(r"<(/?)([a-z0-9]+)")


def on_page_content(content: str, *, page: Any, config: Any, **_: Any) -> str:
    """The page with links to the glossary, or the glossary with an anchor for each term (MkDocs calls this)."""
    language: Language = "zh" if config.theme["language"] == "zh" else "en"
    if page.url == GLOSSARY:
        return with_anchors(content, language)
    if page.url.startswith(_WITHOUT_LINKS):
        return content
    return with_links(content, language, get_relative_url(GLOSSARY, page.url))


def with_links(content: str, language: Language, url: str) -> str:
    """HTML in which the first use of each term is a link to the glossary.

    Args:
        content: the HTML of a page.
        language: the language of the page.
        url: address of the glossary, as seen from the page.
    """
    seen: set[Term] = set()
    skipped: list[str] = []  # open elements that get no links: the outermost, and those of the same name in it

    def link(words: str, term: Term) -> str:
        if term in seen:
            return words
        seen.add(term)
        return f'<a class="term" href="{url}#{term.anchor}" title="{html.escape(term.meaning)}">{words}</a>'

    parts = _TAG.split(content)
    for index, part in enumerate(parts):
        tag = _NAME.match(part)
        if tag is None:
            if not skipped and not part.startswith("<"):
                parts[index] = replace(part, language, link)
        elif tag[1]:
            if skipped and skipped[-1] == tag[2]:
                skipped.pop()
        elif (tag[2] in _SKIPPED if not skipped else tag[2] == skipped[-1]) and not part.endswith("/>"):
            skipped.append(tag[2])
    return "".join(parts)


def with_anchors(content: str, language: Language) -> str:
    """The page of the glossary, with an anchor for the row of each term."""
    terms = iter(glossary(language))
    head, body = content.split("<tbody>", 1)
    return head + "<tbody>" + re.sub("<tr>", lambda _: f'<tr id="{next(terms).anchor}">', body)
